/* SPDX-License-Identifier: Apache-2.0 */
/* annals-partition: partitions of the coming periods are made ahead, and those that nobody keeps are
 * dropped, on each shard in turn. */
#include "an.h"

#include "base/clock.h"
#include "log/log.h"
#include "log/metrics.h"
#include "partition-report.h"
#include "proc/job.h"
#include "proc/signals.h"
#include "shard/directory.h"
#include "upkeep/partition_remove.h"
#include "upkeep/retention.h"

#define SECOND_US 1000000

/* A round over all shards. */
struct rounds {
    const struct an_conf *conf;
    bool dry_run;
    struct an_recorder *own;
    size_t held_back;
    int64_t horizon_us; /* the nearest; INT64_MAX: none was seen */
};

/* On one of them. */
struct round {
    struct rounds *all;
    const struct an_conf *conf;
    bool home; /* on `default` */
    struct an_db *db, *keeper;
    struct an_arena *arena;
    struct an_report report;
    struct an_partition_clock clock;
};

/* ---- made ahead ---- */

struct made {
    struct an_arena *arena;
    struct made_partition {
        struct an_partition partition;
        struct made_partition *next;
    } *first, **end;
};

static void note_made(void *arg, const struct an_partition *p)
{
    struct made *made = arg;
    struct made_partition *m = an_arena_zalloc(made->arena, sizeof *m);
    m->partition = *p;
    *made->end = m;
    made->end = &m->next;
}

/* Told when all are made: the first of all have no place for an event yet. */
static int report_made(struct round *r, const struct made *made, struct an_err *err)
{
    int rc = AN_OK;
    for (const struct made_partition *m = made->first; m != NULL; m = m->next) {
        an_report_done(&r->report, AN_ACT_CREATE, &m->partition);
        if (rc == AN_OK)
            rc = an_report_act(&r->report, AN_ACT_CREATE, &m->partition, "made ahead", err);
    }
    return rc;
}

static int make_ahead(struct round *r, struct an_err *err)
{
    struct made made = {.arena = r->arena};
    struct an_err later = {AN_OK, ""};
    made.end = &made.first;
    int rc = an_partition_ensure(r->db, r->conf, r->report.dry_run, note_made, &made, err);
    int reported = report_made(r, &made, rc == AN_OK ? err : &later);
    return rc == AN_OK ? reported : rc;
}

static int show_horizon(struct round *r, struct an_err *err)
{
    int64_t horizon_us = 0;
    int rc = an_partition_horizon(r->db, &horizon_us, err);
    if (rc != AN_OK)
        return rc;
    if (horizon_us < r->all->horizon_us)
        r->all->horizon_us = horizon_us;
    char until[AN_TIME_LEN + 1];
    an_time_format(horizon_us, until);
    an_log_info("partition", "%sall tables are ready until %s", r->report.where, until);
    return AN_OK;
}

/* ---- dropped ---- */

/* What is decided about it at this moment; *out is NULL where it is gone. */
static int decide_again(struct round *r, const char *name, const struct an_decision **out,
                        struct an_err *err)
{
    struct an_decision *list;
    size_t count;
    int rc = an_partition_plan(r->db, r->conf, &r->clock, r->arena, &list, &count, err);
    *out = NULL;
    for (size_t i = 0; i < count && rc == AN_OK; i++)
        if (strcmp(list[i].part.name, name) == 0)
            *out = &list[i];
    return rc;
}

static int attach(struct round *r, const struct an_decision *d, const char *why, struct an_err *err)
{
    int rc = an_report_act(&r->report, AN_ACT_ATTACH, &d->part, why, err);
    if (rc == AN_OK)
        rc = an_partition_attach(r->db, r->conf, &d->part, err);
    if (rc == AN_OK)
        an_report_done(&r->report, AN_ACT_ATTACH, &d->part);
    return rc;
}

/* Now that nothing can come into it any more: does it still go? */
static int finish(struct round *r, const struct an_decision *d, struct an_err *err)
{
    bool dropped = false;
    if (d->verdict != AN_DROP)
        return attach(r, d, d->why, err);
    int rc = an_report_act(&r->report, AN_ACT_DROP, &d->part, d->why, err);
    if (rc == AN_OK)
        rc = an_partition_drop(r->db, r->conf, &d->part, &dropped, err);
    if (rc != AN_OK)
        return rc;
    if (!dropped)
        return attach(r, d, "a legal hold was placed on it", err);
    an_report_done(&r->report, AN_ACT_DROP, &d->part);
    return AN_OK;
}

/* Detaches it where it is to go, or brings to its end what was begun; both begin with a fresh look,
 * because the last one may be minutes old. */
static int take_away(struct round *r, const char *name, struct an_err *err)
{
    const struct an_decision *d;
    int rc = decide_again(r, name, &d, err);
    if (rc != AN_OK || d == NULL || (d->state == AN_PARTITION_ATTACHED && d->verdict != AN_DROP))
        return rc;
    if (d->state == AN_PARTITION_ATTACHED)
        rc = an_report_act(&r->report, AN_ACT_DETACH, &d->part, d->why, err);
    if (rc == AN_OK && d->state != AN_PARTITION_DETACHED)
        rc = an_partition_detach(r->db, r->keeper, r->conf, &d->part, err);
    if (rc == AN_OK)
        rc = decide_again(r, name, &d, err);
    return rc != AN_OK || d == NULL ? rc : finish(r, d, err);
}

/* Kept although no class asks for it: somebody may want to know why. */
static bool held_back(const struct an_decision *d)
{
    return d->verdict != AN_KEEP_WINDOW && d->verdict != AN_KEEP_RETENTION && d->verdict != AN_DROP;
}

static int explain(struct round *r, const struct an_decision *d, struct an_err *err)
{
    static const char *const begun[] = {[AN_PARTITION_ATTACHED] = "",
                                        [AN_PARTITION_PENDING] = "its detaching was interrupted; ",
                                        [AN_PARTITION_DETACHED] = "it is detached; "};
    const char *why = an_arena_printf(r->arena, "%s%s", begun[d->state], d->why);
    enum an_act act = d->verdict == AN_DROP               ? AN_ACT_DROP
                      : d->state == AN_PARTITION_ATTACHED ? AN_ACT_KEEP
                                                          : AN_ACT_ATTACH;
    if (act != AN_ACT_KEEP || held_back(d))
        an_report_done(&r->report, act, &d->part);
    return an_report_act(&r->report, act, &d->part, why, err);
}

struct decisions {
    struct an_decision *list;
    size_t count;
};

static int explain_all(struct round *r, const struct decisions *all, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < all->count && rc == AN_OK; i++)
        rc = explain(r, &all->list[i], err);
    return rc;
}

static int tell_held_back(struct round *r, const struct decisions *all, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < all->count && rc == AN_OK; i++) {
        const struct an_decision *d = &all->list[i];
        if (!held_back(d) || d->state != AN_PARTITION_ATTACHED)
            continue;
        an_report_done(&r->report, AN_ACT_KEEP, &d->part);
        rc = an_report_act(&r->report, AN_ACT_KEEP, &d->part, d->why, err);
    }
    return rc;
}

/* Those that are attached and are to go, or those that an earlier round has begun with. */
static int take_all_away(struct round *r, const struct decisions *all, bool begun, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < all->count && rc == AN_OK && !an_stopping; i++) {
        const struct an_decision *d = &all->list[i];
        bool attached = d->state == AN_PARTITION_ATTACHED;
        if (begun ? attached : !attached || d->verdict != AN_DROP)
            continue;
        rc = an_partition_claim(r->keeper, r->conf, err);
        if (rc == AN_OK)
            rc = take_away(r, d->part.name, err);
    }
    return rc;
}

/* What was begun comes first: until it is finished, PostgreSQL detaches nothing else. */
static int remove_old(struct round *r, struct an_err *err)
{
    struct decisions all;
    int rc = an_partition_plan(r->db, r->conf, &r->clock, r->arena, &all.list, &all.count, err);
    if (rc != AN_OK || r->report.dry_run)
        return rc != AN_OK ? rc : explain_all(r, &all, err);
    rc = take_all_away(r, &all, true, err);
    if (rc == AN_OK)
        rc = take_all_away(r, &all, false, err);
    return rc == AN_OK ? tell_held_back(r, &all, err) : rc;
}

/* ---- a round ---- */

/* What was not made ahead will be missed first: it comes first, and what fails there stops no drop. */
static int work(struct round *r, struct an_err *err)
{
    struct an_err later = {AN_OK, ""};
    int made = make_ahead(r, err);
    struct an_err *e = made == AN_OK ? err : &later;
    int rc = r->report.dry_run ? AN_OK : an_retention_bring(r->conf, r->db, r->home, e);
    if (rc == AN_OK)
        rc = an_partition_clock_read(r->db, r->conf, &r->clock, e);
    if (rc == AN_OK && !r->clock.believed)
        an_log_warn("partition", "%snothing is dropped: %s", r->report.where, r->clock.why);
    if (rc == AN_OK)
        rc = remove_old(r, e);
    if (rc == AN_OK && !r->report.dry_run)
        rc = show_horizon(r, e);
    return made == AN_OK ? rc : made;
}

static int on_shard(const struct an_directory_shard *shard, size_t of, void *arg, struct an_err *err)
{
    struct rounds *all = arg;
    if (an_stopping)
        return AN_OK;
    if (all->dry_run && of > 1)
        (void)printf("shard %s\n", shard->name);
    struct round r = {.all = all,
                      .conf = all->conf,
                      .home = shard->primary[0] == '\0',
                      .db = an_db_new_at(all->conf, AN_DB_JOB, shard->primary),
                      .keeper = an_db_new_at(all->conf, AN_DB_KEEPER, shard->primary),
                      .arena = an_arena_new(0)};
    an_report_init(&r.report, all->own, shard->name, all->dry_run);
    int rc = work(&r, err);
    rc = an_report_end(&r.report, r.db, r.clock.believed, rc, err);
    all->held_back += r.report.counts[AN_ACT_KEEP];
    an_arena_free(r.arena);
    an_db_free(r.keeper);
    an_db_free(r.db);
    return rc;
}

static void set_metrics(const struct rounds *all)
{
    if (all->dry_run)
        return;
    an_metric_set(AN_M_PARTITIONS_HELD_BACK, all->held_back);
    if (all->horizon_us != INT64_MAX)
        an_metric_set(AN_M_PARTITION_HORIZON, (uint64_t)(all->horizon_us / SECOND_US));
}

static int partition_round(const struct an_conf *c, bool dry_run, struct an_err *err)
{
    struct rounds all = {.conf = c, .dry_run = dry_run, .horizon_us = INT64_MAX};
    all.own = an_recorder_new(c, "job", "annals-partition");
    int rc = an_directory_each(c, AN_DB_JOB, on_shard, &all, err);
    an_recorder_free(all.own);
    set_metrics(&all);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct an_job job = {
        .name = "partition",
        .summary = "Makes the partitions of the coming periods, and drops those that nobody keeps.",
        .round = partition_round};
    return an_job_main(&job, argc, argv);
}
