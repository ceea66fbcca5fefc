/* SPDX-License-Identifier: Apache-2.0 */
/* What jobs and annalsctl do is in the log: events of our own, in the tenant `annals`. */
#ifndef AN_INGEST_RECORDER_H
#define AN_INGEST_RECORDER_H

#include "an.h"
#include "base/err.h"
#include "conf/conf.h"

struct an_recorder_event {
    const char *action; /* "annals.partition.drop" */
    const char *entity_type, *entity_id;
    const char *tenant;      /* whom it concerns; NULL: nobody alone */
    const char *description; /* in words */
};

struct an_recorder; /* a connection of the writer, opened when it is needed */
/* actor: who all the events are of: {"job", "annals-partition"}. It must outlive it. */
struct an_recorder *an_recorder_new(const struct an_conf *c, const char *actor_type,
                                    const char *actor_id) AN_MUST_CHECK;
void an_recorder_free(struct an_recorder *recorder); /* accepts NULL */

/* Commits the event. Not AN_OK: nothing is known to be recorded, and what was to follow must not be done. */
int an_recorder_put(struct an_recorder *recorder, const struct an_recorder_event *event,
                    struct an_err *err) AN_MUST_CHECK;

#endif
