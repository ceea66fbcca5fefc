/* SPDX-License-Identifier: Apache-2.0 */
/* annals-partition: partitions of the coming periods, made ahead. */
#include "an.h"

#include "base/clock.h"
#include "db/partition.h"
#include "log/log.h"
#include "log/metrics.h"
#include "proc/job.h"

#define SECOND_US 1000000

static int ensure(struct an_db *db, const struct an_conf *c, bool dry_run, struct an_err *err)
{
    size_t created;
    int64_t horizon_us = 0;
    int rc = an_partition_ensure(db, c, dry_run, &created, err);
    if (rc != AN_OK)
        return rc;
    if (dry_run) {
        (void)printf("%zu partitions are missing\n", created);
        return AN_OK;
    }
    an_metric_add(AN_M_PARTITIONS_CREATED, created);
    rc = an_partition_horizon(db, &horizon_us, err);
    if (rc != AN_OK)
        return rc;
    an_metric_set(AN_M_PARTITION_HORIZON, (uint64_t)(horizon_us / SECOND_US));
    char until[AN_TIME_LEN + 1];
    an_time_format(horizon_us, until);
    an_log_info("partition", "%zu partitions created; all tables are ready until %s", created, until);
    return AN_OK;
}

static int partition_round(const struct an_conf *c, bool dry_run, struct an_err *err)
{
    struct an_db *db = an_db_new(c, AN_DB_JOB);
    int rc = ensure(db, c, dry_run, err);
    an_db_free(db);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct an_job job = {
        .name = "partition",
        .summary = "Makes the partitions of the coming periods, never blocking writers.",
        .round = partition_round};
    return an_job_main(&job, argc, argv);
}
