/* SPDX-License-Identifier: Apache-2.0 */
/* Reading across tenants: for principals of the platform, who ask it of the tenant "*". Each such
 * request is recorded before anything is read. */
#ifndef AN_API_PLATFORM_H
#define AN_API_PLATFORM_H

#include "an.h"
#include "api/api.h"

/* Is the request for all tenants? */
bool an_platform_asked(const struct an_call *call) AN_MUST_CHECK;
/* Is it switched on (database.platform)? */
bool an_platform_is_on(const struct an_call *call) AN_MUST_CHECK;
/* An event of our own "annals.api.<what>" about the call. Not AN_OK: nothing may be shown. */
int an_platform_record(struct an_call *call, const char *what, struct an_err *err) AN_MUST_CHECK;

#endif
