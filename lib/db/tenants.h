/* SPDX-License-Identifier: Apache-2.0 */
/* A small set of tenant ids that were found in the database, so that one is asked for once a while. */
#ifndef AN_DB_TENANTS_H
#define AN_DB_TENANTS_H

#include "an.h"
#include "base/text.h"

#define AN_TENANTS_KNOWN 4096 /* a power of two; three quarters of it are used before it starts afresh  \
                               */

struct an_tenants {
    char **slots; /* open addressing; NULL until the first is added */
    size_t count;
    int64_t fresh_until_us; /* everything is forgotten then, so that a suspension is noticed */
};

void an_tenants_release(struct an_tenants *t); /* accepts a zeroed one, and leaves one */
bool an_tenants_has(struct an_tenants *t, struct an_str id) AN_MUST_CHECK;
void an_tenants_add(struct an_tenants *t, struct an_str id);

#endif
