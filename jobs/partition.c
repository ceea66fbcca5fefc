/* SPDX-License-Identifier: Apache-2.0 */
/* annals-partition: a round of upkeep (upkeep/upkeep.h) on each shard in turn, and what is told of it. */
#include "an.h"

#include "base/clock.h"
#include "log/log.h"
#include "partition-report.h"
#include "proc/job.h"
#include "proc/signals.h"
#include "shard/directory.h"
#include "upkeep/upkeep.h"

/* A round over all shards. */
struct rounds {
    const struct an_conf *conf;
    bool dry_run;
    struct an_recorder *recorder;
    struct an_db *directory;
};

/* ---- on one shard ---- */

static void show_horizon(const struct an_report *report, int64_t horizon_us)
{
    char until[AN_TIME_LEN + 1];
    an_time_format(horizon_us, until);
    an_log_info("partition", "%sall tables are ready until %s", report->where, until);
}

static int run(const struct rounds *all, const struct an_directory_shard *shard, struct an_report *report,
               struct an_err *err)
{
    struct an_upkeep u = {.conf = all->conf,
                          .db = an_db_new_at(all->conf, AN_DB_JOB, shard->primary),
                          .keeper = an_db_new_at(all->conf, AN_DB_KEEPER, shard->primary),
                          .arena = an_arena_new(0),
                          .directory = shard->primary[0] == '\0' ? NULL : all->directory,
                          .dry_run = all->dry_run,
                          .stopping = &an_stopping,
                          .watch = an_report_watch(report)};
    int rc = an_upkeep_run(&u, err);
    if (!u.clock.believed && u.clock.why[0] != '\0')
        an_log_warn("partition", "%snothing is dropped: %s", report->where, u.clock.why);
    if (u.horizon_us != 0)
        show_horizon(report, u.horizon_us);
    rc = an_report_end(report, u.db, u.clock.believed, rc, err);
    an_arena_free(u.arena);
    an_db_free(u.keeper);
    an_db_free(u.db);
    return rc;
}

static int on_shard(const struct an_directory_shard *shard, size_t of, void *arg, struct an_err *err)
{
    const struct rounds *all = arg;
    if (an_stopping)
        return AN_OK;
    if (all->dry_run && of > 1)
        (void)printf("shard %s\n", shard->name);
    struct an_report report;
    an_report_init(&report, all->recorder, shard->name, all->dry_run);
    return run(all, shard, &report, err);
}

/* ---- on all ---- */

static int partition_round(const struct an_conf *c, bool dry_run, struct an_err *err)
{
    struct rounds all = {.conf = c, .dry_run = dry_run};
    all.recorder = an_recorder_new(c, "job", "annals-partition");
    all.directory = an_db_new(c, AN_DB_JOB);
    int rc = an_directory_each(c, AN_DB_JOB, on_shard, &all, err);
    an_db_free(all.directory);
    an_recorder_free(all.recorder);
    return rc;
}

static int partition_check(const struct an_conf *c, struct an_err *err)
{
    int rc = an_db_check(c, AN_DB_JOB, err);
    return rc == AN_OK ? an_db_check(c, AN_DB_KEEPER, err) : rc;
}

int main(int argc, char **argv)
{
    static const struct an_job job = {
        .name = "partition",
        .summary = "Makes the partitions of the coming periods, and drops those that nobody keeps.",
        .check = partition_check,
        .round = partition_round};
    return an_job_main(&job, argc, argv);
}
