/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each partition, and why: docs/design/partitions.md. Nothing is changed here. */
#ifndef AN_UPKEEP_PARTITION_PLAN_H
#define AN_UPKEEP_PARTITION_PLAN_H

#include "an.h"
#include "base/arena.h"
#include "upkeep/partition.h"

enum an_partition_state {
    AN_PARTITION_ATTACHED,
    AN_PARTITION_PENDING, /* its detaching was interrupted */
    AN_PARTITION_DETACHED
};

/* In the order in which they are looked at: the first that holds is the one that is told. */
enum an_verdict {
    AN_KEEP_WINDOW,    /* it takes events still */
    AN_KEEP_RETENTION, /* a class keeps it; of the outbox: not old enough */
    AN_KEEP_HOLD,
    AN_KEEP_UNREAD, /* a consumer of the outbox has not passed it */
    AN_KEEP_UNARCHIVED,
    AN_KEEP_SERVER, /* PostgreSQL 13 cannot detach without stopping writers */
    AN_KEEP_CLOCK,
    AN_DROP
};

struct an_decision {
    struct an_partition part;
    enum an_partition_state state;
    enum an_verdict verdict;
    const char *why; /* in words, in memory of the arena */
};

/* May the clock be believed? */
struct an_partition_clock {
    int64_t now_us; /* of the database */
    bool believed;
    bool can_detach; /* PostgreSQL 14 or newer */
    char why[320];   /* where it is not believed */
};

/* Compares the database's clock with ours, with that of the directory (NULL: it is the directory), and
 * with the last round there whose clock was believed; where there was none, with the newest commit of
 * events. One farther away than partition.clock_jump is not believed. */
int an_partition_clock_read(struct an_db *db, struct an_db *directory, const struct an_conf *c,
                            struct an_partition_clock *out, struct an_err *err) AN_MUST_CHECK;

/* All partitions, oldest first, events before their entities. Entities go the way of their events. */
int an_partition_plan(struct an_db *db, const struct an_conf *c, const struct an_partition_clock *clock,
                      struct an_arena *arena, struct an_decision **out, size_t *count,
                      struct an_err *err) AN_MUST_CHECK;

#endif
