/* SPDX-License-Identifier: Apache-2.0 */
/* Where tenants live, as far as a worker has asked: a table by tenant id, in bounded memory. */
#ifndef AN_SHARD_TENANTS_H
#define AN_SHARD_TENANTS_H

#include "an.h"
#include "base/text.h"
#include "shard/shard.h"

#define AN_TENANTS_MAX 49152 /* then all are forgotten; a worker that serves more asks again now and then */

struct an_tenant {
    char *id; /* NULL: nobody */
    struct an_shard *shard;
    int64_t version; /* of the directory, when it said so; 0: in doubt */
    bool known, suspended;
};

struct an_tenants {
    struct an_tenant *slots; /* open addressing; NULL until the first is added */
    size_t count, size;      /* size: a power of two */
};

void an_tenants_release(struct an_tenants *t); /* accepts a zeroed one, and leaves one */
/* NULL: not there. Valid until the next call of an_tenants_put(). */
struct an_tenant *an_tenants_find(const struct an_tenants *t, struct an_str id) AN_MUST_CHECK;
/* The same, added where it was not there. */
struct an_tenant *an_tenants_put(struct an_tenants *t, struct an_str id) AN_MUST_CHECK;

/* None of them is believed before the directory has been asked. */
void an_tenants_doubt(struct an_tenants *t);

#endif
