/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/shard: what one worker knows of one replica. It is NEAR enough to be read from, too FAR
 * behind, AWAY, or has not been asked. What is known holds for a second; one that is not known to be
 * NEAR is asked before anything is read from it, and one that is AWAY only after a pause. */
#ifndef AN_SHARD_REPLICA_H
#define AN_SHARD_REPLICA_H

#include "an.h"
#include "log/metrics.h"
#include "shard/shard.h"

/* How long a server that could not be reached is left alone: 250 ms, doubled from failure to failure up
 * to 16 s. */
struct an_pause {
    int64_t from_us, length_us; /* length 0: none */
};
void an_pause_longer(struct an_pause *p);
bool an_pause_over(const struct an_pause *p) AN_MUST_CHECK;

enum an_replica_state { AN_REPLICA_NOT_ASKED, AN_REPLICA_NEAR, AN_REPLICA_FAR, AN_REPLICA_AWAY };

struct an_replica {
    struct an_server server; /* first, so that it leads to the whole: an_replica_of() */
    char *name;
    enum an_replica_state state;
    int64_t asked_us; /* when that was learnt, on the monotonic clock */
    struct an_pause pause; /* AWAY: it is not asked before its end */
    int64_t wait_ms;       /* so long for what it says of itself */
    uint64_t lsn;
    int64_t through_us, lag_ms; /* as it said last; through_us AN_TIME_MIN_US: unknown */
    char why[256];              /* it is FAR or AWAY */
    struct an_metric_row *metrics;
};

/* shard: its name, which must outlive it. */
void an_replica_init(struct an_replica *r, const struct an_conf *c, const char *shard,
                     const struct an_shard_place *where);
void an_replica_release(struct an_replica *r);

/* The whole of a server that is a replica. */
struct an_replica *an_replica_of(struct an_server *server);

/* May it be read from, or asked, now? */
bool an_replica_is_due(const struct an_replica *r) AN_MUST_CHECK;
/* Is what is known of it younger than a second? */
bool an_replica_is_fresh(const struct an_replica *r) AN_MUST_CHECK;

/* It has said how fresh it is; through is put right by what is known from before. One that follows no
 * primary is FAR: it may be the new one, or one that was left behind, and does not say which. */
void an_replica_saw(struct an_replica *r, struct an_freshness *seen);
/* It could not be reached, or broke off. */
void an_replica_failed(struct an_replica *r, const struct an_err *why);
/* Asks it for no more than that, and notes the answer. AN_OK: state is NEAR or FAR. */
int an_replica_ask(struct an_replica *r, struct an_err *err) AN_MUST_CHECK;

#endif
