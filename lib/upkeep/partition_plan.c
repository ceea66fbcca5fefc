/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "upkeep/partition_plan.h"

#define DAY_US        INT64_C(86400000000)
#define DETACHES_FROM 140000 /* server_version_num */

/* Columns of partition_plan. */
enum {
    TABLE,
    NAME,
    FROM,
    TO,
    ROWS,
    BYTES,
    STATE,
    CLASS,
    CLASS_DAYS,
    CLASS_TENANT,
    HOLD,
    HOLD_TENANT,
    HOLD_REASON,
    CONSUMER,
    ARCHIVED
};

/* ---- the clock ---- */

static int64_t distance(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us - b_us : b_us - a_us;
}

/* Columns of partition_clock. */
enum { NOW, NEWEST, ROUND, SERVER };

/* What else tells the time. */
struct witness {
    const char *says;
    bool known, past; /* past: it is a memory, which the operator may overrule */
    int64_t us;
};

static void disbelieve(const struct witness *w, struct an_partition_clock *clock)
{
    char now[AN_TIME_LEN + 1], other[AN_TIME_LEN + 1];
    an_time_format(clock->now_us, now);
    an_time_format(w->us, other);
    clock->believed = false;
    (void)snprintf(clock->why, sizeof clock->why,
                   "the database's clock says %s, but %s %s, which is farther away than "
                   "partition.clock_jump; %s",
                   now, w->says, other,
                   w->past ? "if the clock is right: annalsctl retention resume" : "one of the two is wrong");
}

/* Nobody need write on a shard: that its newest events are old says nothing where a round has looked
 * since. */
static void judge_clock(const struct an_conf *c, const struct an_result *res, struct witness directory,
                        struct an_partition_clock *clock)
{
    struct witness witnesses[] = {{.says = "this host's clock says", .known = true, .us = an_clock_us()},
                                  directory,
                                  {.says = "the last round ended at", .past = true},
                                  {.says = "the newest events were stored at", .past = true}};
    struct witness *round = &witnesses[2], *newest = &witnesses[3];
    round->known = an_result_int(res, 0, ROUND, &round->us);
    newest->known = !round->known && an_result_int(res, 0, NEWEST, &newest->us);
    clock->believed = true;
    for (size_t i = 0; i < AN_COUNT(witnesses) && clock->believed; i++) {
        const struct witness *w = &witnesses[i];
        if (w->known && distance(clock->now_us, w->us) > c->partition_clock_jump_ms * 1000)
            disbelieve(w, clock);
    }
}

static int read_clock(struct an_db *db, struct an_result **out, int64_t *now_us, struct an_err *err)
{
    int rc = an_db_exec(db, AN_STMT_PARTITION_CLOCK, NULL, 0, out, err);
    if (rc == AN_OK && !an_result_int(*out, 0, NOW, now_us))
        rc = an_fail(err, AN_EBACKEND, "db: partition_clock: not a number");
    return rc;
}

int an_partition_clock_read(struct an_db *db, struct an_db *directory, const struct an_conf *c,
                            struct an_partition_clock *out, struct an_err *err)
{
    struct witness there = {.says = "the directory's clock says", .known = directory != NULL};
    struct an_result *res = NULL, *other = NULL;
    int64_t version = 0;
    *out = (struct an_partition_clock){.believed = false};
    int rc = directory == NULL ? AN_OK : read_clock(directory, &other, &there.us, err);
    if (rc == AN_OK)
        rc = read_clock(db, &res, &out->now_us, err);
    if (rc == AN_OK && !an_result_int(res, 0, SERVER, &version))
        rc = an_fail(err, AN_EBACKEND, "db: partition_clock: no version");
    if (rc == AN_OK)
        judge_clock(c, res, there, out);
    out->can_detach = version >= DETACHES_FROM;
    an_result_free(res);
    an_result_free(other);
    return rc;
}

/* ---- one partition ---- */

struct plan {
    const struct an_conf *conf;
    const struct an_partition_clock *clock;
    struct an_arena *arena;
    const struct an_result *res;
};

static bool is_there(const struct plan *p, size_t row, size_t column)
{
    return an_result_get(p->res, row, column).data != NULL;
}

static const char *words_of_class(const struct plan *p, size_t row)
{
    struct an_str class = an_result_get(p->res, row, CLASS),
                  tenant = an_result_get(p->res, row, CLASS_TENANT);
    const char *whose =
        tenant.data == NULL ? "" : an_arena_printf(p->arena, " of tenant %.*s", AN_STR_ARG(tenant));
    int64_t days, to_us;
    if (!an_result_int(p->res, row, CLASS_DAYS, &days) || !an_result_int(p->res, row, TO, &to_us))
        return an_arena_printf(p->arena, "class %.*s%s keeps events for ever", AN_STR_ARG(class), whose);
    char until[AN_TIME_LEN + 1];
    an_time_format(to_us + days * DAY_US, until);
    return an_arena_printf(p->arena, "class %.*s%s keeps events for %lld days, its last ones until %.10s",
                           AN_STR_ARG(class), whose, (long long)days, until);
}

static const char *words_of_hold(const struct plan *p, size_t row)
{
    struct an_str id = an_result_get(p->res, row, HOLD), tenant = an_result_get(p->res, row, HOLD_TENANT),
                  reason = an_result_get(p->res, row, HOLD_REASON);
    return an_arena_printf(p->arena, "legal hold %.*s on tenant %.*s: %.*s", AN_STR_ARG(id),
                           AN_STR_ARG(tenant), AN_STR_ARG(reason));
}

static const char *words_of_consumer(const struct plan *p, size_t row)
{
    struct an_str name = an_result_get(p->res, row, CONSUMER);
    return an_arena_printf(p->arena, "consumer %.*s of the outbox has not passed it", AN_STR_ARG(name));
}

static void decide(struct an_decision *d, enum an_verdict verdict, const char *why)
{
    d->verdict = verdict;
    d->why = why;
}

/* What stands behind all that concerns the partition itself: may we drop at all? */
static void decide_drop(const struct plan *p, struct an_decision *d, const char *why)
{
    if (!p->clock->can_detach)
        decide(d, AN_KEEP_SERVER, "PostgreSQL before 14 cannot detach it without stopping writers");
    else if (!p->clock->believed)
        decide(d, AN_KEEP_CLOCK, p->clock->why);
    else
        decide(d, AN_DROP, why);
}

static void decide_events(const struct plan *p, size_t row, struct an_decision *d)
{
    if (d->part.to_us > an_partition_window_us(p->conf))
        decide(d, AN_KEEP_WINDOW, "it takes events (limits.past_window)");
    else if (is_there(p, row, CLASS))
        decide(d, AN_KEEP_RETENTION, words_of_class(p, row));
    else if (is_there(p, row, HOLD))
        decide(d, AN_KEEP_HOLD, words_of_hold(p, row));
    else if (is_there(p, row, CONSUMER))
        decide(d, AN_KEEP_UNREAD, words_of_consumer(p, row));
    else if (p->conf->partition_require_archive && !an_result_true(p->res, row, ARCHIVED))
        decide(d, AN_KEEP_UNARCHIVED, "it is not in the archive (partition.require_archive)");
    else
        decide_drop(p, d, "no tenant in it keeps events for so long, and nothing holds it");
}

static void decide_outbox(const struct plan *p, size_t row, struct an_decision *d)
{
    if (d->part.to_us > p->clock->now_us - p->conf->outbox_retention_ms * 1000)
        decide(d, AN_KEEP_RETENTION, "it is not older than partition.outbox_retention");
    else if (is_there(p, row, CONSUMER))
        decide(d, AN_KEEP_UNREAD, words_of_consumer(p, row));
    else
        decide_drop(p, d, "every consumer of the outbox has passed it");
}

/* As the events of the same time; `list` has all that come before. Made ahead, they stand there before
 * those. */
static void decide_entities(const struct plan *p, const struct an_decision *list, size_t count,
                            struct an_decision *d)
{
    for (size_t i = count; i-- > 0;) {
        const struct an_decision *e = &list[i];
        if (strcmp(e->part.table, "events") != 0 || e->part.to_us <= d->part.from_us)
            continue;
        decide(d, e->verdict, e->verdict == AN_DROP ? "its events go" : e->why);
        return;
    }
    if (d->part.to_us > an_partition_window_us(p->conf))
        decide(d, AN_KEEP_WINDOW, "it takes events (limits.past_window)");
    else
        decide_drop(p, d, "its events are gone");
}

static enum an_partition_state state_of(struct an_str s)
{
    if (an_str_is(s, "pending"))
        return AN_PARTITION_PENDING;
    return an_str_is(s, "detached") ? AN_PARTITION_DETACHED : AN_PARTITION_ATTACHED;
}

static int read_row(const struct plan *p, size_t row, struct an_partition *out, struct an_err *err)
{
    struct an_str table = an_result_get(p->res, row, TABLE), name = an_result_get(p->res, row, NAME);
    (void)snprintf(out->table, sizeof out->table, "%.*s", AN_STR_ARG(table));
    (void)snprintf(out->name, sizeof out->name, "%.*s", AN_STR_ARG(name));
    if (an_result_int(p->res, row, FROM, &out->from_us) && an_result_int(p->res, row, TO, &out->to_us) &&
        an_result_int(p->res, row, ROWS, &out->rows_estimate) &&
        an_result_int(p->res, row, BYTES, &out->bytes))
        return AN_OK;
    return an_fail(err, AN_EBACKEND, "db: partition_plan: not a number");
}

static int decide_row(const struct plan *p, size_t row, struct an_decision *list, struct an_err *err)
{
    struct an_decision *d = &list[row];
    int rc = read_row(p, row, &d->part, err);
    if (rc != AN_OK)
        return rc;
    d->state = state_of(an_result_get(p->res, row, STATE));
    if (strcmp(d->part.table, "events") == 0)
        decide_events(p, row, d);
    else if (strcmp(d->part.table, "outbox") == 0)
        decide_outbox(p, row, d);
    else
        decide_entities(p, list, row, d);
    return AN_OK;
}

int an_partition_plan(struct an_db *db, const struct an_conf *c, const struct an_partition_clock *clock,
                      struct an_arena *arena, struct an_decision **out, size_t *count, struct an_err *err)
{
    char window[AN_TIME_LEN + 1];
    struct an_result *res = NULL;
    an_time_format(an_partition_window_us(c), window);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(window))};
    int rc = an_db_exec(db, AN_STMT_PARTITION_PLAN, params, AN_COUNT(params), &res, err);
    if (rc != AN_OK)
        return rc;
    struct plan p = {c, clock, arena, res};
    *count = an_result_rows(res);
    *out = an_arena_zalloc(arena, *count * sizeof **out);
    for (size_t i = 0; i < *count && rc == AN_OK; i++)
        rc = decide_row(&p, i, *out, err);
    an_result_free(res);
    return rc;
}
