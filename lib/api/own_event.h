/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks at the log is in the log: events of our own about a request, in the tenant `annals`. */
#ifndef AN_API_OWN_EVENT_H
#define AN_API_OWN_EVENT_H

#include "an.h"
#include "api/api.h"

struct an_own_event {
    const char *action;                 /* "annals.api.search" */
    const char *actor_type;
    struct an_str actor_id;
    struct an_str tenant;               /* what was looked at; "*": all of them */
    struct an_str event_id;             /* the one event that was; absent */
    const struct an_param *query;       /* what was asked for: metadata.query */
    const char *issuer;                 /* of the token: metadata.issuer; NULL */
};

/* Commits it. Not AN_OK: nothing is known to be recorded; the codes are those of an_ingest_own(). */
int an_own_record(struct an_call *call, const struct an_own_event *e, struct an_err *err) AN_MUST_CHECK;

#endif
