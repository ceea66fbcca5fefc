/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "db/migrate.h"
#include "move/parts.h"

#define LOOK_MS  2    /* between two looks at who still writes */
#define COUNT_MS 5000 /* for a partition; what is counted is only told */
#define MOVER    "annalsctl tenant move"

/* ---- where they are ---- */

/* Columns of move_shards. */
enum { SHARD, CONNINFO, TAKES_TENANTS, LIVES_HERE };

static void set_name(struct an_str s, char out[AN_SHARD_NAME_MAX + 1])
{
    (void)snprintf(out, AN_SHARD_NAME_MAX + 1, "%.*s", AN_STR_ARG(s));
}

static void open_side(struct an_move *m, struct an_str conninfo, bool target)
{
    const char *place = an_arena_printf(m->arena, "%.*s", AN_STR_ARG(conninfo));
    struct an_db **keeper = target ? &m->target : &m->source,
                 **job = target ? &m->target_job : &m->source_job;
    *keeper = an_db_new_at(m->conf, AN_DB_KEEPER, place);
    *job = an_db_new_at(m->conf, AN_DB_JOB, place);
    if (target)
        m->target_writer = an_db_new_at(m->conf, AN_DB_WRITER, place);
}

static int find_sides(struct an_move *m, const struct an_result *res, struct an_err *err)
{
    if (an_result_rows(res) == 0)
        return an_fail(err, AN_ENOENT, "tenant '%s' is not known", m->s.tenant);
    for (size_t i = 0; i < an_result_rows(res) && m->s.id == 0; i++)
        if (an_result_true(res, i, LIVES_HERE))
            set_name(an_result_get(res, i, SHARD), m->s.source);
    if (strcmp(m->s.source, m->s.target) == 0)
        return an_fail(err, AN_EINVAL, "tenant '%s' lives on shard '%s' already", m->s.tenant, m->s.target);
    for (size_t i = 0; i < an_result_rows(res); i++) {
        struct an_str name = an_result_get(res, i, SHARD);
        bool target = an_str_is(name, m->s.target);
        if (target && m->s.id == 0 && !an_result_true(res, i, TAKES_TENANTS))
            return an_fail(err, AN_EINVAL, "shard '%s' is being drained", m->s.target);
        if (target || an_str_is(name, m->s.source))
            open_side(m, an_result_get(res, i, CONNINFO), target);
    }
    if (m->target == NULL || m->source == NULL)
        return an_fail(err, AN_ENOENT, "there is no shard '%s'",
                       m->target == NULL ? m->s.target : m->s.source);
    return AN_OK;
}

int an_move_connect(struct an_move *m, struct an_err *err)
{
    if (m->source != NULL)
        return AN_OK;
    const struct an_db_param params[] = {an_move_tenant(m)};
    struct an_result *res = NULL;
    int rc = an_db_exec(m->directory, AN_STMT_MOVE_SHARDS, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK)
        rc = find_sides(m, res, err);
    an_result_free(res);
    return rc;
}

/* ---- whether it can be done ---- */

static int check_version(struct an_db *job, const char *shard, struct an_err *err)
{
    struct an_result *res = NULL;
    int64_t newest = 0;
    int rc = an_db_exec(job, AN_STMT_MIGRATION_LIST, NULL, 0, &res, err);
    size_t rows = an_result_rows(res);
    if (rc == AN_OK &&
        (rows == 0 || !an_result_int(res, rows - 1, 0, &newest) || newest != an_migration_latest()))
        rc = an_fail(err, AN_EINVAL,
                     "shard '%s' has migration %lld, this program %u: run annalsctl db migrate", shard,
                     (long long)newest, an_migration_latest());
    an_result_free(res);
    return rc == AN_OK || rc == AN_EINVAL ? rc : an_fail_within(err, "shard '%s'", shard);
}

/* Columns of move_tenant. */
enum { PRESENCE, NAME, CREATED, CLASS, DAYS };

static int find_tenant(struct an_move *m, struct an_db *job, struct an_result **out, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m)};
    return an_db_exec(job, AN_STMT_MOVE_TENANT, params, AN_COUNT(params), out, err);
}

/* On a shard where it never wrote, the tenant has no row yet. */
static int check_presence(struct an_move *m, struct an_err *err)
{
    struct an_result *source = NULL, *target = NULL;
    int rc = find_tenant(m, m->source_job, &source, err);
    if (rc == AN_OK && an_result_rows(source) == 1 && an_str_is(an_result_get(source, 0, PRESENCE), "hidden"))
        rc = an_fail(err, AN_EBACKEND, "tenant '%s' is hidden on shard '%s', where it should live",
                     m->s.tenant, m->s.source);
    if (rc == AN_OK)
        rc = find_tenant(m, m->target_job, &target, err);
    if (rc == AN_OK && an_result_rows(target) == 1 && an_str_is(an_result_get(target, 0, PRESENCE), "open"))
        rc = an_fail(err, AN_EBACKEND, "tenant '%s' is open on shard '%s', where it should not live",
                     m->s.tenant, m->s.target);
    an_result_free(source);
    an_result_free(target);
    return rc;
}

/* Has the target a place for all of the partition's time, or (*missing) for none of it? */
static int cover(struct an_move *m, const struct an_partition *p, const struct an_result *places,
                 bool *missing, struct an_err *err)
{
    int64_t covered_us = p->from_us, from_us, to_us; /* up to there without a gap */
    *missing = true;
    for (size_t i = 0; i < an_result_rows(places); i++) {
        if (!an_result_int(places, i, 0, &from_us) || !an_result_int(places, i, 1, &to_us))
            return an_fail(err, AN_EBACKEND, "db: partition_places: not a number");
        if (from_us >= p->to_us || to_us <= p->from_us)
            continue;
        *missing = false;
        if (from_us <= covered_us)
            covered_us = to_us;
    }
    if (*missing || covered_us >= p->to_us)
        return AN_OK;
    return an_fail(err, AN_EINVAL, "the partitions of shard '%s' cover a part of annals.%s only", m->s.target,
                   p->name);
}

/* Asks for the places of the target; counts, and calls for, each partition of the source that has none. */
typedef int missing_work(struct an_move *m, const struct an_partition *p, struct an_err *err);

static int each_missing(struct an_move *m, missing_work *work, struct an_err *err)
{
    struct an_result *places = NULL;
    int rc = an_db_exec(m->target_writer, AN_STMT_PARTITION_PLACES, NULL, 0, &places, err);
    m->missing = 0;
    for (size_t i = 0; i < m->partition_count && rc == AN_OK; i++) {
        bool missing;
        rc = cover(m, &m->partitions[i], places, &missing, err);
        m->missing += missing;
        if (rc == AN_OK && missing && work != NULL)
            rc = work(m, &m->partitions[i], err);
    }
    an_result_free(places);
    return rc;
}

static int count_events(struct an_move *m, struct an_db *db, int64_t from_us, int64_t to_us, int64_t *events,
                        struct an_err *err)
{
    struct an_move_text from, to;
    const struct an_db_param params[] = {an_move_tenant(m), an_move_number(&from, from_us),
                                         an_move_number(&to, to_us)};
    const struct an_db_step step = {.stmt = AN_STMT_MOVE_COUNT, .params = params, .count = AN_COUNT(params)};
    struct an_result *res = NULL;
    int rc = an_move_query(m, db, &step, &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, events))
        rc = an_fail(err, AN_EBACKEND, "db: move_count: not a number");
    an_result_free(res);
    return rc;
}

/* What the tenant left on the target once would be shown again where the source keeps that time no longer.
 * Asked before anything is brought: later it may be what was brought, and dropped on the source since. */
static int check_left(struct an_move *m, struct an_err *err)
{
    int64_t from_us = AN_TIME_MIN_US, left = 0;
    int rc = AN_OK;
    for (size_t i = 0; i <= m->partition_count && rc == AN_OK; i++) {
        bool last = i == m->partition_count;
        int64_t events = 0, to_us = last ? AN_TIME_MAX_US : m->partitions[i].from_us;
        if (from_us < to_us)
            rc = count_events(m, m->target, from_us, to_us, &events, err);
        left += events;
        from_us = last ? to_us : m->partitions[i].to_us;
    }
    if (rc != AN_OK || left == 0)
        return rc;
    return an_fail(err, AN_EINVAL,
                   "shard '%s' still has %lld events of tenant '%s', of a time that shard '%s' keeps no "
                   "longer: they must be dropped there first",
                   m->s.target, (long long)left, m->s.tenant, m->s.source);
}

int an_move_survey(struct an_move *m, struct an_err *err)
{
    int rc =
        an_partition_list(m->source_job, "events", m->arena, &m->partitions, &m->partition_count, err);
    return rc == AN_OK ? each_missing(m, NULL, err) : rc;
}

int an_move_examine(struct an_move *m, struct an_err *err)
{
    int rc = check_version(m->source_job, m->s.source, err);
    if (rc == AN_OK)
        rc = check_version(m->target_job, m->s.target, err);
    if (rc == AN_OK)
        rc = check_presence(m, err);
    if (rc == AN_OK)
        rc = an_move_survey(m, err);
    return rc == AN_OK && m->s.step == AN_MOVE_PREPARE ? check_left(m, err) : rc;
}

/* ---- who answers ---- */

static int ask_server(struct an_db *job, char *out, size_t room, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(job, AN_STMT_MOVE_SERVER, NULL, 0, &res, err);
    if (rc == AN_OK)
        (void)snprintf(out, room, "%.*s", AN_STR_ARG(an_result_get(res, 0, 0)));
    an_result_free(res);
    return rc;
}

int an_move_ask_servers(struct an_move *m, struct an_move_servers *out, struct an_err *err)
{
    int rc = ask_server(m->source_job, out->source, sizeof out->source, err);
    return rc == AN_OK ? ask_server(m->target_job, out->target, sizeof out->target, err) : rc;
}

int an_move_check_servers(struct an_move *m, struct an_err *err)
{
    struct an_move_servers now;
    int rc = an_move_ask_servers(m, &now, err);
    if (rc != AN_OK)
        return rc;
    bool source = strcmp(now.source, m->s.servers.source) == 0;
    if (source && strcmp(now.target, m->s.servers.target) == 0)
        return AN_OK;
    return an_fail(err, AN_EAGAIN,
                   "another server than before answers for shard '%s': the next run copies again",
                   source ? m->s.target : m->s.source);
}

/* ---- partitions of the target ---- */

/* Entities first: no event is to have a place whose entities have none. */
static int create(struct an_move *m, const struct an_partition *p, struct an_err *err)
{
    static const char *const tables[] = {"event_entities", "events"};
    int rc = AN_OK;
    for (size_t i = 0; i < AN_COUNT(tables) && rc == AN_OK; i++) {
        struct an_partition wanted = *p;
        bool made;
        (void)snprintf(wanted.table, sizeof wanted.table, "%s", tables[i]);
        rc = an_partition_create(m->target_job, m->conf, &wanted, "making partitions on the target", &made,
                                 err);
    }
    return rc;
}

int an_move_make_room(struct an_move *m, struct an_err *err)
{
    return each_missing(m, create, err);
}

/* ---- the tenant's row, class and holds ---- */

static int settle_tenant(struct an_move *m, const struct an_result *row, struct an_err *err)
{
    struct an_str class = an_result_get(row, 0, CLASS);
    const struct an_db_param class_params[] = {AN_DB_TEXT(class), AN_DB_TEXT(an_result_get(row, 0, DAYS))};
    struct an_result *res = NULL;
    int rc = an_db_exec(m->target_job, AN_STMT_MOVE_CLASS, class_params, AN_COUNT(class_params), &res, err);
    if (rc == AN_OK && !an_result_true(res, 0, 0))
        rc = an_fail(err, AN_EINVAL, "class '%.*s' keeps events for another time on shard '%s'",
                     AN_STR_ARG(class), m->s.target);
    an_result_free(res);
    if (rc != AN_OK)
        return rc;
    const struct an_db_param params[] = {an_move_tenant(m), AN_DB_TEXT(an_result_get(row, 0, NAME)),
                                         AN_DB_TEXT(an_result_get(row, 0, CREATED)), AN_DB_TEXT(class)};
    const struct an_db_step step = {.stmt = AN_STMT_MOVE_SETTLE, .params = params, .count = AN_COUNT(params)};
    return an_move_query(m, m->target, &step, NULL, err);
}

static int settle_holds(struct an_move *m, struct an_err *err)
{
    enum { FIELDS = 7 };
    struct an_db_param params[1 + FIELDS] = {an_move_tenant(m)};
    struct an_db_step step = {.stmt = AN_STMT_MOVE_HOLDS, .params = params, .count = 1};
    struct an_result *holds = NULL;
    int rc = an_move_query(m, m->source, &step, &holds, err);
    step = (struct an_db_step){.stmt = AN_STMT_MOVE_HOLD_PUT, .params = params, .count = AN_COUNT(params)};
    for (size_t i = 0; i < an_result_rows(holds) && rc == AN_OK; i++) {
        for (size_t k = 0; k < FIELDS; k++)
            params[1 + k] = AN_DB_TEXT(an_result_get(holds, i, k));
        rc = an_move_query(m, m->target, &step, NULL, err);
    }
    an_result_free(holds);
    return rc;
}

static int refresh(struct an_db *job, struct an_err *err)
{
    return an_db_exec(job, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err);
}

int an_move_settle_source(struct an_move *m, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m), AN_DB_TEXT(AN_STR(""))};
    const struct an_db_step step = {
        .stmt = AN_STMT_TENANT_SETTLE, .params = params, .count = AN_COUNT(params)};
    return an_move_query(m, m->source, &step, NULL, err);
}

int an_move_guard(struct an_move *m, bool wanted, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m), AN_DB_TEXT(AN_STR(MOVER)),
                                         AN_DB_TEXT(an_str(wanted ? "t" : "f"))};
    const struct an_db_step step = {.stmt = AN_STMT_MOVE_GUARD, .params = params, .count = AN_COUNT(params)};
    return an_move_query(m, m->target, &step, NULL, err);
}

int an_move_settle(struct an_move *m, bool arriving, struct an_err *err)
{
    struct an_result *row = NULL;
    int rc = find_tenant(m, m->source_job, &row, err);
    if (rc == AN_OK && an_result_rows(row) == 0)
        rc = an_fail(err, AN_EBACKEND, "tenant '%s' is gone from shard '%s'", m->s.tenant, m->s.source);
    if (rc == AN_OK)
        rc = settle_tenant(m, row, err);
    an_result_free(row);
    if (rc == AN_OK)
        rc = settle_holds(m, err);
    if (rc == AN_OK)
        rc = an_move_guard(m, arriving, err);
    return rc == AN_OK ? refresh(m->target_job, err) : rc;
}

int an_move_let_go(struct an_move *m, struct an_db *keeper, struct an_db *job, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m), AN_DB_TEXT(AN_STR(MOVER))};
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_RELEASE, .params = params, .count = AN_COUNT(params)};
    int rc = an_move_query(m, keeper, &step, NULL, err);
    return rc == AN_OK ? refresh(job, err) : rc;
}

/* ---- who may write ---- */

int an_move_put(struct an_move *m, struct an_db *job, const char *presence, const char *from,
                struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m), AN_DB_TEXT(an_str(presence)),
                                         AN_DB_TEXT(an_str(from))};
    struct an_result *res = NULL;
    int rc = an_db_exec(job, AN_STMT_MOVE_PRESENCE, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_EAGAIN, "tenant '%s' is none of %s on shard '%s' any more", m->s.tenant, from,
                     job == m->source_job ? m->s.source : m->s.target);
    an_result_free(res);
    return rc;
}

static int count_left(struct an_move *m, struct an_str writers, int64_t *left, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(writers)};
    struct an_result *res = NULL;
    int rc = an_db_exec(m->source_job, AN_STMT_MOVE_WRITERS_LEFT, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, left))
        rc = an_fail(err, AN_EBACKEND, "db: move_writers_left: not a number");
    an_result_free(res);
    return rc;
}

/* Requests wait for ingest.commit_timeout: they must not have to give up because of us. */
int an_move_wait_for_writers(struct an_move *m, struct an_err *err)
{
    int64_t until_us = an_clock_mono_us() + m->conf->commit_timeout_ms * 1000 / 2;
    struct an_result *res = NULL;
    int rc = an_db_exec(m->source_job, AN_STMT_MOVE_WRITERS, NULL, 0, &res, err);
    struct an_str writers = rc == AN_OK ? an_result_get(res, 0, 0) : (struct an_str){.data = NULL};
    int64_t left = writers.data == NULL ? 0 : 1;
    while (rc == AN_OK && left > 0) {
        rc = count_left(m, writers, &left, err);
        if (rc == AN_OK && left > 0 && an_clock_mono_us() > until_us)
            rc = an_fail(err, AN_EAGAIN, "%lld transactions that write to shard '%s' did not end in time",
                         (long long)left, m->s.source);
        if (rc == AN_OK && left > 0)
            (void)poll(NULL, 0, LOOK_MS);
    }
    an_result_free(res);
    return rc;
}

/* ---- how much there is ---- */

int an_move_count(struct an_move *m, int64_t *events, struct an_err *err)
{
    int64_t usual_ms = an_db_limit(m->source, COUNT_MS);
    int rc = AN_OK;
    *events = 0;
    for (size_t i = 0; i < m->partition_count && rc == AN_OK; i++) {
        int64_t n = 0;
        rc = count_events(m, m->source, m->partitions[i].from_us, m->partitions[i].to_us, &n, err);
        *events += n;
    }
    (void)an_db_limit(m->source, usual_ms);
    return rc == AN_ETIMEOUT ? AN_OK : rc;
}
