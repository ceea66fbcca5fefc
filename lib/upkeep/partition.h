/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions of events, event_entities (by month or quarter) and outbox (by day). */
#ifndef AN_UPKEEP_PARTITION_H
#define AN_UPKEEP_PARTITION_H

#include "an.h"
#include "db/db.h"

/* What is partitioned only so far ahead is worth a warning: annals-partition, which runs daily, does not. */
#define AN_PARTITION_END_NEAR_US (INT64_C(3) * 86400 * 1000000)

struct an_partition {
    char table[64];         /* "events" */
    char name[64];          /* "events_2026_11" */
    int64_t from_us, to_us; /* [from, to) */
    int64_t rows_estimate;
    int64_t bytes; /* with indexes and TOAST */
};

/* Called for each partition that was made. */
typedef void an_partition_made(void *arg, const struct an_partition *p);

/* Creates what is missing from the ingest window's start to `partition.ahead` periods from now, one
 * partition a transaction, with lock_timeout and retries; never queues writers behind itself. With
 * dry_run, nothing is made, and `made` is called for what would be. AN_EAGAIN: a lock could not be had in
 * all the retries. */
int an_partition_ensure(struct an_db *db, const struct an_conf *c, bool dry_run, an_partition_made *made,
                        void *arg, struct an_err *err) AN_MUST_CHECK;
/* Makes that one, where it is not there yet (*made false); its table and bounds are asked for, not its
 * name. what: for the log, while a lock is waited for. */
int an_partition_create(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                        const char *what, bool *made, struct an_err *err) AN_MUST_CHECK;
/* Where the ingest window begins: what ended before it takes no event but imports. */
int64_t an_partition_window_us(const struct an_conf *c);
/* All partitions of one table, oldest first, in memory of the arena. */
int an_partition_list(struct an_db *db, const char *table, struct an_arena *arena,
                      struct an_partition **out, size_t *count, struct an_err *err) AN_MUST_CHECK;
/* End of the last partition of all three tables that is ready (the nearest of them). */
int an_partition_horizon(struct an_db *db, int64_t *to_us, struct an_err *err) AN_MUST_CHECK;

#endif
