/* SPDX-License-Identifier: Apache-2.0 */
/* What a round of annals-partition did and decided on one shard: for the log, for --dry-run, as events,
 * and in annals.job_runs. */
#ifndef AN_JOBS_PARTITION_REPORT_H
#define AN_JOBS_PARTITION_REPORT_H

#include "an.h"
#include "ingest/recorder.h"
#include "shard/shard.h"
#include "upkeep/upkeep.h"

struct an_report {
    struct an_recorder *recorder;
    const char *shard;
    char where[AN_SHARD_NAME_MAX + 16]; /* "on shard big: "; empty on `default` */
    bool dry_run;                       /* standard output instead of log and events */
    int64_t started_us;
    size_t counts[AN_ACT__COUNT];
    int64_t rows, bytes; /* of what was dropped; rows by the statistics */
};

/* recorder and shard must outlive it. */
void an_report_init(struct an_report *r, struct an_recorder *recorder, const char *shard, bool dry_run);
/* Records and counts what the round tells; the report must outlive it. */
struct an_upkeep_watch an_report_watch(struct an_report *r) AN_MUST_CHECK;

/* The end of the round, whose outcome is `rc` with `err`; returns it, or what went wrong here. */
int an_report_end(struct an_report *r, struct an_db *db, bool clock_believed, int rc, struct an_err *err);

#endif
