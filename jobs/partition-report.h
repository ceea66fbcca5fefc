/* SPDX-License-Identifier: Apache-2.0 */
/* What a round of annals-partition did and decided on one shard: for the log, for --dry-run, as events, and in
 * annals.job_runs. */
#ifndef AN_JOBS_PARTITION_REPORT_H
#define AN_JOBS_PARTITION_REPORT_H

#include "an.h"
#include "ingest/recorder.h"
#include "shard/shard.h"
#include "upkeep/partition_plan.h"

enum an_act { AN_ACT_CREATE, AN_ACT_DETACH, AN_ACT_DROP, AN_ACT_ATTACH, AN_ACT_KEEP, AN_ACT__COUNT };

struct an_report {
    struct an_recorder *own;
    const char *shard;
    char where[AN_SHARD_NAME_MAX + 16]; /* "on shard big: "; empty on `default` */
    bool dry_run;                       /* standard output instead of log and events */
    int64_t started_us;
    size_t counts[AN_ACT__COUNT];
    int64_t rows, bytes; /* of what was dropped; rows by the statistics */
};

/* own and shard must outlive it. */
void an_report_init(struct an_report *r, struct an_recorder *own, const char *shard, bool dry_run);
/* Records the act before it is done (a creation: after it). Not AN_OK: it must not be done. */
int an_report_act(struct an_report *r, enum an_act act, const struct an_partition *p, const char *why,
                  struct an_err *err) AN_MUST_CHECK;
/* Counts what was done. */
void an_report_done(struct an_report *r, enum an_act act, const struct an_partition *p);

/* The end of the round, whose outcome is `rc` with `err`; returns it, or what went wrong here. */
int an_report_end(struct an_report *r, struct an_db *db, bool clock_believed, int rc, struct an_err *err);

#endif
