/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "base/digest.h"
#include "db/internal.h"
#include "db/partition.h"
#include "log/log.h"

#define DAY_US INT64_C(86400000000)

enum period { DAY, MONTH, QUARTER };

static const unsigned months_of[] = {[MONTH] = 1, [QUARTER] = 3};

/* Start of the period that holds the instant, moved by `steps` periods. */
static int64_t period_start(enum period p, int64_t us, int64_t steps)
{
    int64_t days = us / DAY_US - (us % DAY_US < 0);
    if (p == DAY)
        return (days + steps) * DAY_US;
    int64_t year;
    unsigned month, day;
    an_civil_from_days(days, &year, &month, &day);
    int64_t months = year * 12 + (month - 1) / months_of[p] * months_of[p] + steps * months_of[p];
    return an_days_from_civil(months / 12, (unsigned)(months % 12) + 1, 1) * DAY_US;
}

static void copy_text(struct an_str s, char *out, size_t room)
{
    (void)snprintf(out, room, "%.*s", AN_STR_ARG(s));
}

int an_partition_list(struct an_db *db, const char *table, struct an_arena *arena,
                      struct an_partition **out, size_t *count, struct an_err *err)
{
    struct an_result *res = NULL;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(table))};
    int rc = an_db_exec(db, AN_STMT_PARTITION_LIST, params, AN_COUNT(params), &res, err);
    if (rc != AN_OK)
        return rc;
    *count = an_result_rows(res);
    *out = an_arena_zalloc(arena, *count * sizeof **out);
    for (size_t i = 0; i < *count && rc == AN_OK; i++) {
        struct an_partition *p = &(*out)[i];
        copy_text(an_str(table), p->table, sizeof p->table);
        copy_text(an_result_get(res, i, 0), p->name, sizeof p->name);
        if (!an_result_int(res, i, 1, &p->from_us) || !an_result_int(res, i, 2, &p->to_us) ||
            !an_result_int(res, i, 3, &p->rows_estimate) || !an_result_int(res, i, 4, &p->bytes))
            rc = an_fail(err, AN_EBACKEND, "db: partition_list: not a number");
    }
    an_result_free(res);
    return rc;
}

int an_partition_horizon(struct an_db *db, int64_t *to_us, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_PARTITION_HORIZON, NULL, 0, &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, to_us))
        rc = an_fail(err, AN_ENOENT, "db: a table has no partitions: run annals-partition");
    an_result_free(res);
    return rc;
}

static int create_once(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                       bool *made, struct an_err *err)
{
    char from[24], to[24];
    (void)snprintf(from, sizeof from, "%lld", (long long)p->from_us);
    (void)snprintf(to, sizeof to, "%lld", (long long)p->to_us);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(p->table)), AN_DB_TEXT(an_str(from)),
                                         AN_DB_TEXT(an_str(to))};
    struct an_result *res = NULL;
    int rc = an_db_begin_limited(db, c->db_statement_timeout_ms, c->partition_lock_timeout_ms, err);
    if (rc != AN_OK)
        return rc;
    rc = an_db_exec(db, AN_STMT_PARTITION_CREATE, params, AN_COUNT(params), &res, err);
    *made = rc == AN_OK && an_str_is(an_result_get(res, 0, 0), "t");
    an_result_free(res);
    int ended = an_db_end(db, rc == AN_OK, rc == AN_OK ? err : NULL);
    return rc != AN_OK ? rc : ended;
}

/* Two jobs that wait for each other do not meet again at the same instant. */
static void pause_before_retry(void)
{
    unsigned char r;
    an_random(&r, sizeof r);
    (void)poll(NULL, 0, 100 + r);
}

static int create(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                  size_t *created, struct an_err *err)
{
    for (int64_t tries = 0;; tries++) {
        bool made = false;
        int rc = create_once(db, c, p, &made, err);
        if (rc == AN_OK && made) {
            char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1];
            an_time_format(p->from_us, from);
            an_time_format(p->to_us, to);
            an_log_info("partition", "annals.%s takes rows from %s to %s", p->table, from, to);
            (*created)++;
        }
        if (rc != AN_ETIMEOUT)
            return rc;
        if (tries + 1 >= c->partition_retries)
            return an_fail(err, AN_EAGAIN, "partition of annals.%s: no lock in %lld tries", p->table,
                           (long long)tries + 1);
        pause_before_retry();
    }
}

/* Fills the gaps of [from_us, to_us): as whole periods, cut where partitions of another length stand
 * already. */
static int fill(struct an_db *db, const struct an_conf *c, const char *table, enum period period,
                int64_t from_us, int64_t to_us, bool dry_run, size_t *created, struct an_err *err)
{
    struct an_arena *arena = an_arena_new(0);
    struct an_partition *have;
    size_t count, i = 0;
    int rc = an_partition_list(db, table, arena, &have, &count, err);
    for (int64_t at_us = from_us; rc == AN_OK && at_us < to_us;) {
        while (i < count && have[i].to_us <= at_us)
            i++;
        if (i < count && have[i].from_us <= at_us) {
            at_us = have[i].to_us;
            continue;
        }
        struct an_partition p = {.from_us = at_us, .to_us = period_start(period, at_us, 1)};
        (void)snprintf(p.table, sizeof p.table, "%s", table);
        if (i < count && have[i].from_us < p.to_us)
            p.to_us = have[i].from_us;
        if (dry_run)
            (*created)++;
        else
            rc = create(db, c, &p, created, err);
        at_us = p.to_us;
    }
    an_arena_free(arena);
    return rc;
}

int an_partition_ensure(struct an_db *db, const struct an_conf *c, bool dry_run, size_t *created,
                        struct an_err *err)
{
    enum period period = c->partition_period == AN_PERIOD_QUARTER ? QUARTER : MONTH;
    int64_t now_us = an_clock_us();
    int64_t from_us = period_start(period, now_us - c->past_window_ms * 1000, 0);
    int64_t to_us = period_start(period, now_us, c->partition_ahead + 1);
    *created = 0;
    /* An event is taken only where its entities have a place too: they get theirs first. */
    int rc = fill(db, c, "event_entities", period, from_us, to_us, dry_run, created, err);
    if (rc == AN_OK)
        rc = fill(db, c, "events", period, from_us, to_us, dry_run, created, err);
    /* From yesterday on: a transaction carries the time at which it began. */
    if (rc == AN_OK)
        rc = fill(db, c, "outbox", DAY, period_start(DAY, now_us, -1),
                  period_start(DAY, now_us, c->outbox_days_ahead + 1), dry_run, created, err);
    return rc;
}
