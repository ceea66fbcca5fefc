/* SPDX-License-Identifier: Apache-2.0 */
/* Finding events. PostgreSQL is the only engine; the handlers know this header alone. */
#ifndef AN_SEARCH_SEARCH_H
#define AN_SEARCH_SEARCH_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "event/event.h"
#include "search/filter.h"
#include "shard/router.h"
#include "shard/shard.h"

/* Which tiers answered, up to when each is complete; the `coverage` member. */
struct an_coverage {
    int64_t through_us; /* what was committed before this instant is in; AN_TIME_MIN_US: unknown */
    /* what the tenant can see of the hot tier begins here; AN_TIME_MIN_US: no partition yet */
    int64_t oldest_us;
    int64_t lag_ms;     /* how far through_us is behind now; 0 on the primary */
    bool complete;
    /* who answered, borrowed from the shard; replica NULL: it has no name of its own */
    const char *shard, *replica;
    bool by_replica;
    /* Across tenants there is one for each shard, in the arena of the search. The whole is the worst of
     * those that answered (oldest_us: the latest), and names no server. */
    const struct an_coverage *shards;
    size_t shard_count;
    bool answered; /* of one of these: false: nothing of it is in, and only `shard` says anything */
};

/* Of one tenant, on its shard; or across all tenants, on these shards: then the tenant is "*". Across
 * tenants all shards are asked at once as annals_platform; one that does not answer in time is left
 * out, and coverage says so. */
struct an_search {
    struct an_router *router; /* says where the tenant lives; NULL: `shard` is where */
    struct an_shard *shard;
    struct an_shard *const *shards;
    size_t shard_count;  /* 0: of one tenant */
    struct an_need need; /* what the answer must show */
    struct an_arena *arena;
    struct an_str tenant;
    int64_t timeout_ms;
    const struct an_secret *key; /* signs cursors */
    /* Private, zeroed: */
    struct an_server *server; /* that is being asked */
    struct an_db *db;         /* on it */
    bool reading;             /* its transaction is open */
    bool any;                /* its plans are for any values */
    /* the directory has just been asked: a tenant that is being moved is read here */
    bool settled;
    struct an_coverage seen; /* what it covers; oldest_us: what the tenant keeps begins here */
    unsigned char partitions[AN_SHA256_LEN]; /* as in struct an_hot, when it began */
};

/* Makes it a search across tenants, on all shards there are. AN_EAGAIN: they are not known at the moment. */
int an_search_all_shards(struct an_search *s, struct an_err *err) AN_MUST_CHECK;

/* One page: appends "events":[...],"next_cursor":...,"coverage":{...} (without outer braces) to out;
 * documents are copied from the result without parsing. The cursor is appended to *next too (empty: the
 * end). AN_EINVAL: the cursor is not for this search. AN_ETIMEOUT: too slow. AN_EAGAIN: no server that
 * shows what is needed, or require=complete and a tier or shard is not. */
#define AN_CURSOR_MAX 512
int an_search_page(struct an_search *s, const struct an_filter *f, struct an_buf *out, struct an_buf *next,
                   struct an_err *err) AN_MUST_CHECK;
/* An event as it was found; strings are borrowed from the result. */
struct an_found {
    struct an_event_head head;
    struct an_str stored; /* its document without the head: an_event_add_document() puts it together */
    int64_t received_us;
};
/* The same page for the console: one call of `each` an event. */
typedef int an_search_row(void *arg, const struct an_found *event);
int an_search_each(struct an_search *s, const struct an_filter *f, an_search_row *each, void *arg,
                   struct an_buf *next, struct an_coverage *coverage, struct an_err *err) AN_MUST_CHECK;
/* One event of one tenant, through the partition that its id names. *found borrows from *holder, which
 * the caller frees. AN_ENOENT: not there, or another tenant's: the same. */
int an_search_event(struct an_search *s, const struct an_uuid *id, struct an_found *found,
                    unsigned char digest[32], struct an_result **holder, struct an_err *err) AN_MUST_CHECK;
/* "buckets":[...],"coverage":{...}. AN_ETOOBIG: more than AN_BUCKETS_MAX buckets. */
#define AN_BUCKETS_MAX 10000
int an_search_counts(struct an_search *s, const struct an_filter *f, struct an_buf *out,
                     struct an_err *err) AN_MUST_CHECK;
/* The same for the console: one call of `bucket` a bucket, in order of (start, key). start_us is
 * AN_TIME_MIN_US without an interval, key is absent without `by`. */
typedef int an_search_bucket(void *arg, int64_t start_us, struct an_str key, int64_t count);
int an_search_counts_each(struct an_search *s, const struct an_filter *f, an_search_bucket *bucket,
                          void *arg, struct an_coverage *coverage, struct an_err *err) AN_MUST_CHECK;

#endif
