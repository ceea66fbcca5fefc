/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker remembers between two looks at its shards for /readyz, which is asked every second. A
 * look waits for no server longer than half a second where there are several shards, and leaves one that
 * let it wait alone for a while. See docs/guide/operating.md for what an operator is told. */
#ifndef AN_API_READINESS_H
#define AN_API_READINESS_H

#include "api/api.h"

struct an_readiness; /* one a worker */

struct an_readiness *an_readiness_new(void) AN_MUST_CHECK;
void an_readiness_free(struct an_readiness *r); /* accepts NULL */

/* GET /readyz */
int an_readiness_get(struct an_call *call, struct an_err *err);

#endif
