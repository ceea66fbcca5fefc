/* SPDX-License-Identifier: Apache-2.0 */
/* From a tenant to its shard, as one worker knows it. The directory (the database of the shard `default`) is
 * asked once a tenant, and each second, while there is work, whether anything has changed; then what is
 * remembered is asked for again as it is needed. Where the directory cannot be asked, what is remembered goes
 * on; what this worker does not remember, others may (known.h).
 *
 * So an answer may be two seconds old. That is no harm: the shard itself says whether the tenant lives there,
 * in every transaction (AN_EMOVED). See docs/design/shards.md. */
#ifndef AN_SHARD_ROUTER_H
#define AN_SHARD_ROUTER_H

#include "an.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "conf/conf.h"
#include "shard/known.h"
#include "shard/shard.h"

struct an_router; /* one a worker; owns its shards, which live as long as it does */

/* writes: the directory is asked on the writer's connection, and by a reader where that fails; else by
 * readers alone. known: what all workers of the program know, or NULL. Opens nothing yet. The
 * configuration must outlive it. */
struct an_router *an_router_new(const struct an_conf *c, struct an_known *known, bool writes) AN_MUST_CHECK;
/* Before its first use: which servers answer is shared with the other workers who have that memory
 * (db/health.h), which must outlive it. */
void an_router_share(struct an_router *r, struct an_health *health);
void an_router_free(struct an_router *r); /* accepts NULL */

/* The shard `default`, whose database is the directory. */
struct an_shard *an_router_default(const struct an_router *r);

/* Where to read the tenant's events. One that is not known has none, which `default` will say. AN_EAGAIN: the
 * directory cannot be asked, and nothing is remembered. */
int an_router_find(struct an_router *r, struct an_str tenant, struct an_shard **out,
                   struct an_err *err) AN_MUST_CHECK;
/* Where to write them. create: one that is not known is made so, on `default`. AN_EDENIED: not known and not
 * to be created, or suspended; AN_EAGAIN as above. */
int an_router_admit(struct an_router *r, struct an_str tenant, bool create, struct an_shard **out,
                    struct an_err *err) AN_MUST_CHECK;
/* The shard said that the tenant does not live there: the next call asks the directory, its primary
 * first, if it can be asked. */
void an_router_doubt(struct an_router *r, struct an_str tenant);

/* All shards, `default` first. The list is the router's, until its next call. With a directory that cannot be
 * asked it is that of the last time; AN_EAGAIN: there was none. */
int an_router_shards(struct an_router *r, struct an_shard *const **list, size_t *count,
                     struct an_err *err) AN_MUST_CHECK;

/* The same for who looks how things are: `default` alone, where there is no list. */
void an_router_shards_or_default(struct an_router *r, struct an_shard *const **list, size_t *count);

/* The key that signs cursors and write tokens, one for all instances: asked for once, as all of the
 * directory. *out is the router's, as long as it lives. AN_EAGAIN: the directory cannot be asked, and no
 * worker has the key. */
int an_router_key(struct an_router *r, const struct an_secret **out, struct an_err *err) AN_MUST_CHECK;

/* What the directory says of itself. */
struct an_directory_mark {
    int64_t version;    /* grows with every change */
    int64_t changed_us; /* the last one, by the clock of the directory */
};
/* As it is now, and not as it is remembered: its primary says so, where that answers. The list of shards
 * is as new then. Where it is the same before and after something else, nobody has moved meanwhile.
 * AN_EAGAIN: it cannot be asked. */
int an_router_look(struct an_router *r, struct an_directory_mark *out, struct an_err *err) AN_MUST_CHECK;

#endif
