/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "db/db.h"
#include "db/patient.h"
#include "upkeep/partition.h"

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

struct bounds {
    char from[24], to[24];
    struct an_db_param params[3];
};

static void bounds_of(const struct an_partition *p, struct bounds *b)
{
    (void)snprintf(b->from, sizeof b->from, "%lld", (long long)p->from_us);
    (void)snprintf(b->to, sizeof b->to, "%lld", (long long)p->to_us);
    b->params[0] = AN_DB_TEXT(an_str(p->table));
    b->params[1] = AN_DB_TEXT(an_str(b->from));
    b->params[2] = AN_DB_TEXT(an_str(b->to));
}

static int find_name(struct an_db *db, struct an_partition *p, struct an_err *err)
{
    struct bounds b;
    struct an_result *res = NULL;
    bounds_of(p, &b);
    int rc = an_db_exec(db, AN_STMT_PARTITION_NAME, b.params, AN_COUNT(b.params), &res, err);
    if (rc == AN_OK)
        copy_text(an_result_get(res, 0, 0), p->name, sizeof p->name);
    an_result_free(res);
    return rc;
}

struct creation {
    const struct an_partition *partition;
    bool made; /* false: it was there */
};

static int create_once(struct an_db *db, void *arg, struct an_err *err)
{
    struct creation *creation = arg;
    struct bounds b;
    struct an_result *res = NULL;
    bounds_of(creation->partition, &b);
    int rc = an_db_exec(db, AN_STMT_PARTITION_CREATE, b.params, AN_COUNT(b.params), &res, err);
    creation->made = rc == AN_OK && an_result_true(res, 0, 0);
    an_result_free(res);
    return rc;
}

int an_partition_create(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                        const char *what, bool *made, struct an_err *err)
{
    struct creation creation = {.partition = p, .made = false};
    int rc = an_patient_transaction(db, c, create_once, &creation, what, err);
    *made = creation.made;
    return rc;
}

/* What is made and how: one call of an_partition_ensure(). */
struct ensure {
    struct an_db *db;
    const struct an_conf *conf;
    bool dry_run;
    an_partition_made *made;
    void *arg;
};

static int create(const struct ensure *e, struct an_partition *p, struct an_err *err)
{
    bool made = true;
    char what[128];
    int rc = find_name(e->db, p, err);
    if (rc != AN_OK)
        return rc;
    (void)snprintf(what, sizeof what, "partition of annals.%s", p->table);
    if (!e->dry_run)
        rc = an_partition_create(e->db, e->conf, p, what, &made, err);
    if (rc == AN_OK && made)
        e->made(e->arg, p);
    return rc;
}

/* Where the partition ends that begins at from_us in a gap up to `limit_us`. A quarter is made where all
 * of it is free; elsewhere months, so that a change of the period takes place where the longer one ends.
 */
static int64_t piece_end(enum period period, int64_t from_us, int64_t limit_us)
{
    int64_t to_us = period_start(period, from_us, 1);
    if (period == QUARTER && (period_start(QUARTER, from_us, 0) != from_us || to_us > limit_us))
        to_us = period_start(MONTH, from_us, 1);
    return to_us < limit_us ? to_us : limit_us;
}

/* Fills the gaps of [from_us, to_us), cut where partitions of another length stand already. */
static int fill(const struct ensure *e, const char *table, enum period period, int64_t from_us,
                int64_t to_us, struct an_err *err)
{
    struct an_arena *arena = an_arena_new(0);
    struct an_partition *have;
    size_t count, i = 0;
    int rc = an_partition_list(e->db, table, arena, &have, &count, err);
    for (int64_t at_us = from_us; rc == AN_OK && at_us < to_us;) {
        while (i < count && have[i].to_us <= at_us)
            i++;
        if (i < count && have[i].from_us <= at_us) {
            at_us = have[i].to_us;
            continue;
        }
        struct an_partition p = {.from_us = at_us};
        (void)snprintf(p.table, sizeof p.table, "%s", table);
        p.to_us = piece_end(period, at_us, i < count ? have[i].from_us : INT64_MAX);
        rc = create(e, &p, err);
        at_us = p.to_us;
    }
    an_arena_free(arena);
    return rc;
}

int an_partition_ensure(struct an_db *db, const struct an_conf *c, bool dry_run, an_partition_made *made,
                        void *arg, struct an_err *err)
{
    struct ensure e = {db, c, dry_run, made, arg};
    enum period period = c->partition_period == AN_PERIOD_QUARTER ? QUARTER : MONTH;
    int64_t now_us = an_clock_us();
    int64_t from_us = period_start(period, an_partition_window_us(c), 0);
    int64_t to_us = period_start(period, now_us, c->partition_ahead + 1);
    /* An event is taken only where its entities have a place too: they get theirs first. */
    int rc = fill(&e, "event_entities", period, from_us, to_us, err);
    if (rc == AN_OK)
        rc = fill(&e, "events", period, from_us, to_us, err);
    /* From yesterday on: a transaction carries the time at which it began. */
    if (rc == AN_OK)
        rc = fill(&e, "outbox", DAY, period_start(DAY, now_us, -1),
                  period_start(DAY, now_us, c->outbox_days_ahead + 1), err);
    return rc;
}

int64_t an_partition_window_us(const struct an_conf *c)
{
    return an_clock_us() - c->past_window_ms * 1000;
}
