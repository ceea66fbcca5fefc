/* SPDX-License-Identifier: Apache-2.0 */
/* May this caller use this route, and on whose data? Decided before any handler runs, from the token
 * (and, for the platform's own people, Annals-Tenant) alone. */
#ifndef AN_API_ACCESS_H
#define AN_API_ACCESS_H

#include "an.h"
#include "api/api.h"

/* True: call->who and call->tenant are set as the route's access says. False: the reply is the refusal,
 * and why holds the reason for the log (a client learns less). */
bool an_access_allow(struct an_call *call, const struct an_route *route, struct an_err *why) AN_MUST_CHECK;

#endif
