/* SPDX-License-Identifier: Apache-2.0 */
/* GET /admin/status: is all well? For the platform's own people: sizes and rates are those of all tenants. */
#include "an.h"

#include "base/clock.h"
#include "console/guard.h"
#include "console/pages.h"
#include "db/migrate.h"
#include "log/metrics.h"
#include "upkeep/upkeep.h"

#define LOOK_MS 2000 /* the page waits no longer for a server */
#define SECOND_US INT64_C(1000000)

static struct an_scope *add_tile(struct an_admin *a, const char *label, struct an_str value)
{
    struct an_scope *tile = an_scope_item(a->page, "tiles");
    an_scope_text(tile, "label", an_str(label));
    an_scope_text(tile, "value", value);
    return tile;
}

static void add_note(struct an_scope *tile, struct an_str note, bool warn)
{
    an_scope_text(tile, "note", note);
    an_scope_flag(tile, "warn", warn);
}

static void add_fact(struct an_admin *a, const char *list, const char *name, struct an_str value)
{
    struct an_scope *item = an_scope_item(a->page, list);
    an_scope_text(item, "name", an_str(name));
    an_scope_text(item, "value", value);
}

static struct an_str duration(struct an_arena *a, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (i + 1 < AN_COUNT(units) && ms % units[i].ms != 0)
        i++;
    return an_str(an_arena_printf(a, "%lld %s", (long long)(ms / units[i].ms), units[i].unit));
}

/* An age for a person: the largest unit that it holds. */
static struct an_str age(struct an_arena *a, int64_t us)
{
    int64_t s = us / SECOND_US;
    if (s >= 2 * 86400)
        return an_str(an_arena_printf(a, "%lld days", (long long)(s / 86400)));
    if (s >= 2 * 3600)
        return an_str(an_arena_printf(a, "%lld hours", (long long)(s / 3600)));
    if (s >= 120)
        return an_str(an_arena_printf(a, "%lld minutes", (long long)(s / 60)));
    return an_str(an_arena_printf(a, "%lld seconds", (long long)s));
}

/* ---- database, migrations ---- */

static int64_t number(const struct an_result *r, size_t row, size_t column)
{
    int64_t n;
    return an_result_int(r, row, column, &n) ? n : 0;
}

static int add_database(struct an_admin *a, struct an_db *db, struct an_err *err)
{
    struct an_arena *arena = a->arena;
    struct an_result *r = NULL;
    int rc = an_db_exec(db, AN_STMT_STATUS_DATABASE, NULL, 0, &r, err);
    if (rc != AN_OK)
        return rc;
    struct an_str version = an_text_clip(arena, an_result_get(r, 0, 0), 64);
    bool replica = an_result_true(r, 0, 3);
    struct an_str rest;
    /* without the distribution's own words */
    struct an_str short_version = an_str_split(version, ' ', &rest);
    struct an_scope *tile = add_tile(a, "Database", an_view_bytes(arena, number(r, 0, 2)));
    add_note(tile, an_str(an_arena_printf(arena, "PostgreSQL %.*s, connected", AN_STR_ARG(short_version))),
             false);
    add_fact(a, "database", "Server", an_str(an_arena_printf(arena, "PostgreSQL %.*s", AN_STR_ARG(version))));
    add_fact(a, "database", "Name", an_text_clip(arena, an_result_get(r, 0, 1), 64));
    add_fact(a, "database", "Size", an_view_bytes(arena, number(r, 0, 2)));
    add_fact(a, "database", "Reads come from", replica ? AN_STR("a replica") : AN_STR("the primary"));
    add_fact(a, "database", "Server up since", an_view_time(arena, number(r, 0, 4), 0));
    add_fact(a, "database", "Connections", an_view_count(arena, number(r, 0, 5)));
    an_result_free(r);
    return AN_OK;
}

static void add_server(void *arg, const struct an_server_state *s)
{
    struct an_admin *a = arg;
    struct an_arena *arena = a->arena;
    bool good = s->replica == NULL ? s->reached : s->read;
    struct an_scope *row = an_scope_item(a->page, "servers");
    an_scope_text(row, "shard", an_str(an_arena_strdup(arena, s->shard)));
    an_scope_text(row, "name", an_str(s->replica == NULL ? "primary" : an_arena_strdup(arena, s->replica)));
    an_scope_flag(row, "bad", !good);
    if (!good)
        an_scope_text(row, "state", an_str(an_arena_strdup(arena, s->why)));
    else if (s->replica != NULL)
        an_scope_textf(row, "state", "%lld ms behind", (long long)s->lag_ms);
    else
        an_scope_text(row, "state", AN_STR("answers"));
    if (s->through_us > AN_TIME_MIN_US)
        an_scope_text(row, "through", an_view_time(arena, s->through_us, 3));
}

/* Worth a table where there is more than the one that the tile tells of. */
static void add_servers(struct an_admin *a)
{
    struct an_err err;
    struct an_shard *const *list;
    size_t count;
    if (an_router_shards(a->call->ctx->router, &list, &count, &err) != AN_OK ||
        (count == 1 && !an_shard_has_replicas(list[0])))
        return;
    an_scope_flag(a->page, "has_servers", true);
    for (size_t i = 0; i < count; i++)
        an_shard_look(list[i], add_server, a);
}

static int add_migrations(struct an_admin *a, struct an_db *db, struct an_err *err)
{
    struct an_migration *list = an_arena_zalloc(a->arena, AN_MIGRATIONS_MAX * sizeof *list);
    size_t count, pending = 0;
    int rc = an_migrate_status(db, list, AN_MIGRATIONS_MAX, &count, err);
    if (rc != AN_OK)
        return rc;
    for (size_t i = 0; i < count && i < AN_MIGRATIONS_MAX; i++) {
        struct an_scope *row = an_scope_item(a->page, "migrations");
        int64_t us;
        an_scope_text(row, "name", an_str(list[i].name));
        if (list[i].applied && an_time_parse(an_str(list[i].applied_at), &us))
            an_scope_text(row, "applied", an_view_time(a->arena, us, 0));
        pending += !list[i].applied;
    }
    struct an_scope *tile = add_tile(a, "Migrations", an_view_count(a->arena, (int64_t)(count - pending)));
    add_note(tile,
             pending == 0
                 ? AN_STR("all applied")
                 : an_str(an_arena_printf(a->arena, "%zu missing: run annalsctl db migrate", pending)),
             pending > 0);
    return AN_OK;
}

/* ---- partitions, jobs ---- */

static int add_partitions(struct an_admin *a, struct an_db *db, int64_t now_us, struct an_err *err)
{
    struct an_partition *list;
    size_t count;
    int64_t rows = 0, bytes = 0;
    int rc = an_partition_list(db, "events", a->arena, &list, &count, err);
    if (rc != AN_OK)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct an_scope *row = an_scope_item(a->page, "partitions");
        an_scope_text(row, "name", an_str(list[i].name));
        an_scope_text(row, "from", an_view_time(a->arena, list[i].from_us, 0));
        an_scope_text(row, "to", an_view_time(a->arena, list[i].to_us, 0));
        an_scope_text(row, "rows", an_view_count(a->arena, list[i].rows_estimate));
        an_scope_text(row, "size", an_view_bytes(a->arena, list[i].bytes));
        an_scope_flag(row, "current", list[i].from_us <= now_us && now_us < list[i].to_us);
        rows += list[i].rows_estimate;
        bytes += list[i].bytes;
    }
    struct an_scope *tile = add_tile(a, "Events, about", an_view_count(a->arena, rows));
    add_note(tile,
             an_str(an_arena_printf(a->arena, "%.*s in %zu partitions",
                                    AN_STR_ARG(an_view_bytes(a->arena, bytes)), count)),
             false);
    return AN_OK;
}

/* Columns of job_run_list. */
enum { JOB, FINISHED, SUCCEEDED, MESSAGE, ROWS, BYTES };

static void add_job(struct an_admin *a, const struct an_result *r, size_t i, const char *shard)
{
    struct an_scope *row = an_scope_item(a->page, "jobs");
    int64_t us;
    an_scope_text(row, "job", an_text_clip(a->arena, an_result_get(r, i, JOB), 64));
    an_scope_text(row, "shard", an_str(shard));
    if (an_result_int(r, i, FINISHED, &us)) {
        an_scope_text(row, "finished", an_view_rfc3339(a->arena, us));
        an_scope_text(row, "finished_text", an_view_time(a->arena, us, 0));
    }
    an_scope_flag(row, "failed", !an_result_true(r, i, SUCCEEDED));
    an_scope_text(row, "message", an_text_clip(a->arena, an_result_get(r, i, MESSAGE), 1024));
    an_scope_text(row, "rows", an_view_count(a->arena, number(r, i, ROWS)));
    an_scope_text(row, "bytes", an_view_bytes(a->arena, number(r, i, BYTES)));
}

static int ask_jobs(struct an_server *server, void *arg, struct an_err *err)
{
    return an_db_exec(server->db, AN_STMT_JOB_RUN_LIST, NULL, 0, arg, err);
}

/* name NULL: there is no other shard. */
static void add_jobs_of(struct an_admin *a, struct an_shard *shard, const char *name)
{
    struct an_err err;
    struct an_result *r = NULL;
    int rc = an_shard_read(shard, NULL, ask_jobs, &r, &err);
    for (size_t i = 0; i < an_result_rows(r); i++)
        add_job(a, r, i, name);
    an_result_free(r);
    if (rc == AN_OK)
        return;
    struct an_scope *row = an_scope_item(a->page, "jobs");
    an_scope_text(row, "shard", an_str(name));
    an_scope_flag(row, "failed", true);
    an_scope_text(row, "message", AN_STR("cannot be asked now"));
}

static int add_jobs(struct an_admin *a, struct an_err *err)
{
    struct an_shard *const *list;
    size_t count;
    int rc = an_router_shards(a->call->ctx->router, &list, &count, err);
    for (size_t i = 0; rc == AN_OK && i < count; i++)
        add_jobs_of(a, list[i], count > 1 ? an_arena_strdup(a->arena, an_shard_name(list[i])) : NULL);
    return rc;
}

/* ---- each shard ---- */

/* What is the worst of them, for the tiles. */
struct worst {
    const char *first;  /* whose partitions end first */
    int64_t horizon_us; /* when; AN_TIME_MIN_US: one has none */
    int64_t outbox_rows, outbox_age_us;
    const char *unknown; /* a shard whose outbox could not be asked for; NULL: none */
};

static void add_horizon(struct an_admin *a, struct an_scope *row, struct an_shard *shard, struct worst *w)
{
    struct an_err err;
    struct an_server *server;
    int64_t horizon_us = AN_TIME_MIN_US;
    int rc = an_shard_reader(shard, &server, &err);
    if (rc == AN_OK)
        rc = an_partition_horizon(server->db, &horizon_us, &err);
    if (rc != AN_OK && rc != AN_ENOENT) {
        an_scope_text(row, "trouble", AN_STR("cannot be asked now"));
        return;
    }
    if (rc == AN_OK)
        an_scope_text(row, "until", an_view_time(a->arena, horizon_us, 0));
    an_scope_flag(row, "near", horizon_us < an_clock_us() + AN_PARTITION_END_NEAR_US);
    if (horizon_us < w->horizon_us) {
        w->horizon_us = horizon_us;
        w->first = an_arena_strdup(a->arena, an_shard_name(shard));
    }
}

static struct an_str outbox_rows(struct an_arena *arena, int64_t rows)
{
    bool more = rows > AN_OUTBOX_COUNTED;
    struct an_str count = an_view_count(arena, more ? AN_OUTBOX_COUNTED : rows);
    return more ? an_str(an_arena_printf(arena, "over %s", count.data)) : count;
}

/* Only the job's role sees the outbox whole. Its connection is opened for this page alone; where there is
 * none, the page says so rather than fail. */
static void add_outbox(struct an_admin *a, struct an_scope *row, struct an_shard *shard, struct worst *w)
{
    struct an_err err;
    struct an_outbox o;
    struct an_db *job = an_shard_connect(shard, AN_DB_JOB);
    an_db_hurry(job, LOOK_MS);
    if (an_outbox_look(job, &o, &err) != AN_OK) {
        w->unknown = an_arena_strdup(a->arena, an_shard_name(shard));
        an_scope_text(row, "rows", AN_STR("unknown"));
    } else {
        an_scope_text(row, "rows", outbox_rows(a->arena, o.rows));
        if (o.rows > 0)
            an_scope_text(row, "age", age(a->arena, o.age_us));
        w->outbox_rows += o.rows;
        if (o.age_us > w->outbox_age_us)
            w->outbox_age_us = o.age_us;
    }
    an_db_free(job);
}

static void add_worst(struct an_admin *a, const struct worst *w, bool several)
{
    struct an_arena *arena = a->arena;
    bool none = w->first == NULL || w->horizon_us == AN_TIME_MIN_US,
         near_end = w->horizon_us < an_clock_us() + AN_PARTITION_END_NEAR_US;
    struct an_scope *tile =
        add_tile(a, "Partitions ready until",
                 none ? AN_STR("none") : (struct an_str){an_view_time(arena, w->horizon_us, 0).data, 10});
    const char *where = several && w->first != NULL ? an_arena_printf(arena, "shard %s: ", w->first) : "";
    add_note(tile,
             an_str(an_arena_printf(arena, "%s%s", where,
                                    near_end ? "is annals-partition running?"
                                             : "made ahead by annals-partition")),
             near_end);
    tile = add_tile(a, "Outbox rows", outbox_rows(arena, w->outbox_rows));
    if (w->unknown != NULL)
        add_note(
            tile,
            an_str(an_arena_printf(arena, "database.job cannot be used on the shard %s", w->unknown)),
            true);
    else if (w->outbox_rows > 0)
        add_note(tile,
                 an_str(an_arena_printf(arena, "oldest: %s ago", age(arena, w->outbox_age_us).data)),
                 false);
}

static int add_shards(struct an_admin *a, struct an_err *err)
{
    struct an_shard *const *list;
    size_t count;
    struct worst w = {.horizon_us = AN_TIME_MAX_US};
    int rc = an_router_shards(a->call->ctx->router, &list, &count, err);
    for (size_t i = 0; rc == AN_OK && i < count; i++) {
        struct an_scope *row = an_scope_item(a->page, "shards");
        an_scope_text(row, "name", an_str(an_arena_strdup(a->arena, an_shard_name(list[i]))));
        an_shard_hurry(list[i], LOOK_MS);
        add_horizon(a, row, list[i], &w);
        an_shard_hurry(list[i], 0);
        add_outbox(a, row, list[i], &w);
    }
    if (rc != AN_OK)
        return rc;
    an_scope_flag(a->page, "has_shards", count > 1);
    add_worst(a, &w, count > 1);
    return AN_OK;
}

/* ---- programs of this machine, configuration ---- */

static void add_app(void *arg, const char *app, const uint64_t values[AN_M__COUNT])
{
    struct an_admin *a = arg;
    struct an_scope *row = an_scope_item(a->page, "apps");
    uint64_t requests = 0;
    for (int m = AN_M_REQUESTS_2XX; m <= AN_M_REQUESTS_5XX; m++)
        requests += values[m];
    int64_t since_us = (int64_t)values[AN_M_STARTED_AT] * SECOND_US;
    an_scope_text(row, "app", an_str(an_arena_strdup(a->arena, app)));
    an_scope_text(row, "workers", an_view_count(a->arena, (int64_t)values[AN_M_WORKERS]));
    an_scope_text(row, "died", an_view_count(a->arena, (int64_t)values[AN_M_WORKERS_DIED]));
    an_scope_text(row, "requests", an_view_count(a->arena, (int64_t)requests));
    an_scope_text(row, "r4xx", an_view_count(a->arena, (int64_t)values[AN_M_REQUESTS_4XX]));
    an_scope_text(row, "r5xx", an_view_count(a->arena, (int64_t)values[AN_M_REQUESTS_5XX]));
    if (since_us > 0) {
        an_scope_text(row, "since", an_view_rfc3339(a->arena, since_us));
        an_scope_text(row, "since_text", an_view_time(a->arena, since_us, 0));
    }
    an_scope_flag(a->page, "has_apps", true);
}

static void add_settings(struct an_admin *a)
{
    const struct an_conf *c = a->call->ctx->conf;
    struct an_arena *arena = a->arena;
    add_fact(a, "settings", "limits.event_bytes", an_view_bytes(arena, (int64_t)c->event_bytes));
    add_fact(a, "settings", "limits.batch_events", an_view_count(arena, c->batch_events));
    add_fact(a, "settings", "limits.batch_bytes", an_view_bytes(arena, (int64_t)c->batch_bytes));
    add_fact(a, "settings", "limits.past_window", duration(arena, c->past_window_ms));
    add_fact(a, "settings", "limits.future_window", duration(arena, c->future_window_ms));
    add_fact(a, "settings", "partition.period",
             c->partition_period == AN_PERIOD_QUARTER ? AN_STR("quarter") : AN_STR("month"));
    add_fact(a, "settings", "partition.ahead", an_view_count(arena, c->partition_ahead));
    add_fact(a, "settings", "search.statement_timeout", duration(arena, c->search_timeout_ms));
    add_fact(a, "settings", "search.page_max", an_view_count(arena, c->page_max));
    add_fact(a, "settings", "admin.session_ttl", duration(arena, c->session_ttl_ms));
    add_fact(a, "settings", "tenants.auto_create", c->tenant_auto_create ? AN_STR("on") : AN_STR("off"));
}

/* What the directory's database says; begins anew where another server is asked. */
static int add_directory(struct an_server *server, void *arg, struct an_err *err)
{
    struct an_admin *a = arg;
    a->page = an_scope_new(a->arena);
    int rc = add_database(a, server->db, err);
    if (rc == AN_OK)
        rc = add_partitions(a, server->db, an_clock_us(), err);
    if (rc == AN_OK)
        rc = add_migrations(a, server->db, err);
    return rc;
}

static int status_page(struct an_admin *a, struct an_err *err)
{
    if (!a->platform)
        return an_admin_error(a, 403, "Only sessions for all tenants may see the state of the whole.", err);
    int64_t now_us = an_clock_us();
    int rc = an_shard_read(a->call->ctx->directory, NULL, add_directory, a, err);
    if (rc == AN_OK)
        rc = add_shards(a, err);
    if (rc == AN_OK)
        rc = add_jobs(a, err);
    if (rc != AN_OK)
        return rc;
    add_servers(a);
    an_metrics_each(a->call->ctx->conf->run_dir, add_app, a);
    add_settings(a);
    an_scope_flag(a->page, "at_status", true);
    an_scope_text(a->page, "run_dir", an_str(a->call->ctx->conf->run_dir));
    an_scope_text(a->page, "now", an_view_rfc3339(a->arena, now_us));
    an_scope_text(a->page, "now_text", an_view_time(a->arena, now_us, 0));
    return an_admin_render(a, "status", AN_STR("Status"), err);
}

int an_admin_status(struct an_call *call, struct an_err *err)
{
    return an_admin_serve(call, AN_SCOPE_ADMIN, status_page, err);
}
