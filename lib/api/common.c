/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/api.h"
#include "base/clock.h"
#include "base/json.h"
#include "db/migrate.h"
#include "log/metrics.h"
#include "upkeep/partition.h"

/* The process answers; whatever stands behind it is the business of /readyz. */
static int health(struct an_call *call, struct an_err *err)
{
    (void)err;
    an_reply_type(call->rep, "application/json");
    an_buf_adds(&call->rep->body, "{\"status\":\"ok\"}");
    return AN_OK;
}

static int metrics(struct an_call *call, struct an_err *err)
{
    (void)err;
    struct an_ctx *ctx = call->ctx;
    an_reply_type(call->rep, "text/plain; version=0.0.4; charset=utf-8");
    an_metrics_render(ctx->conf->run_dir, &call->rep->body);
    if (strcmp(ctx->app, "ingest") != 0) /* which need not have a reader */
        an_upkeep_metrics_add(&ctx->upkeep, ctx->router, &call->rep->body);
    return AN_OK;
}

/* One look at what the application needs. */
struct readiness {
    struct an_buf checks, warnings; /* members and items of JSON */
    bool ready;
    bool away; /* the directory's database does not answer */
};

static void note(struct readiness *r, const char *check, const char *state)
{
    an_buf_addf(&r->checks, "%s\"%s\":", r->checks.len > 0 ? "," : "", check);
    an_json_add_string(&r->checks, an_str(state));
}

static void fail_check(struct readiness *r, const char *check, const char *state)
{
    note(r, check, state);
    r->ready = false;
}

static void warn(struct readiness *r, const char *text)
{
    if (r->warnings.len > 0)
        an_buf_addc(&r->warnings, ',');
    an_json_add_string(&r->warnings, an_str(text));
}

static bool reachable(struct readiness *r, const char *check, struct an_db *db)
{
    struct an_err err;
    if (an_db_ready(db, &err) != AN_OK) {
        fail_check(r, check, err.text);
        return false;
    }
    note(r, check, "ok");
    return true;
}

static bool readable(struct readiness *r, const char *check, struct an_shard *shard,
                     struct an_server **server)
{
    struct an_err err;
    if (an_shard_reader(shard, server, &err) != AN_OK) {
        fail_check(r, check, err.text);
        return false;
    }
    note(r, check, "ok");
    return true;
}

static void look_at_schema(struct readiness *r, struct an_db *db)
{
    static struct an_migration list[AN_MIGRATIONS_MAX];
    struct an_err err;
    size_t count, missing = 0;
    if (an_migrate_status(db, list, AN_COUNT(list), &count, &err) != AN_OK) {
        fail_check(r, "schema", err.text);
        return;
    }
    for (size_t i = 0; i < count && i < AN_COUNT(list); i++)
        missing += list[i].applied ? 0 : 1;
    if (missing > 0)
        fail_check(r, "schema", "older than this program: run annalsctl db migrate");
    else
        note(r, "schema", "ok");
}

static void look_at_partitions(struct readiness *r, struct an_db *db)
{
    struct an_err err;
    int64_t to_us;
    if (an_partition_horizon(db, &to_us, &err) != AN_OK) {
        warn(r, err.text);
    } else if (to_us < an_clock_us() + AN_PARTITION_END_NEAR_US) {
        char text[128], when[AN_TIME_LEN + 1];
        an_time_format(to_us, when);
        (void)snprintf(text, sizeof text, "partitions end at %s: annals-partition does not run", when);
        warn(r, text);
    }
}

/* A replica that is not read from is no reason to send nobody here, but somebody should look after it. */
static void note_server(void *arg, const struct an_server_state *s)
{
    struct readiness *r = arg;
    char check[2 * AN_SHARD_NAME_MAX + 16], text[512];
    if (s->replica == NULL)
        return;
    if (strcmp(s->shard, AN_SHARD_DEFAULT) == 0)
        (void)snprintf(check, sizeof check, "replica.%s", s->replica);
    else
        (void)snprintf(check, sizeof check, "replica.%s.%s", s->shard, s->replica);
    if (s->read)
        (void)snprintf(text, sizeof text, "ok, %lld ms behind", (long long)s->lag_ms);
    else
        (void)snprintf(text, sizeof text, "%s", s->why);
    note(r, check, text);
    (void)snprintf(text, sizeof text, "replica %s of shard %s is not read from: %s", s->replica, s->shard,
                   s->why);
    if (!s->read)
        warn(r, text);
}

static void look_at_servers(struct readiness *r, struct an_ctx *ctx)
{
    struct an_err err;
    struct an_shard *const *list;
    size_t count;
    if (an_router_shards(ctx->router, &list, &count, &err) != AN_OK) {
        list = &ctx->directory;
        count = 1;
    }
    for (size_t i = 0; i < count; i++)
        an_shard_look(list[i], note_server, r);
}

/* Ingest and the console's sessions write, search and the console read. While the primary is away, the
 * console shows what a replica has: only logins must wait. */
static void look_at_database(struct readiness *r, struct an_ctx *ctx)
{
    bool ingest = strcmp(ctx->app, "ingest") == 0, search = strcmp(ctx->app, "search") == 0;
    struct an_server *server = NULL;
    struct an_err err;
    bool writes = !search && (ingest || !an_shard_has_replicas(ctx->directory));
    bool ok = !writes || reachable(r, "database_writer", ctx->writer);
    if (!writes && !search && an_db_ready(ctx->writer, &err) != AN_OK)
        warn(r, err.text);
    if (!ingest) {
        ok = readable(r, "database_reader", ctx->directory, &server) && ok;
        look_at_servers(r, ctx);
    }
    r->away = !ok;
    if (!ok)
        return;
    struct an_db *db = ingest ? ctx->writer : server->db;
    look_at_schema(r, db);
    look_at_partitions(r, db);
}

/* Without its directory an application still serves tenants of other shards: a balancer must not send them
 * nowhere. That excuses nothing else, such as a schema that is older than the program. */
static void look_at_shards(struct readiness *r, struct an_ctx *ctx)
{
    struct an_err err;
    struct an_shard *const *list;
    size_t count;
    if (!r->away || an_router_shards(ctx->router, &list, &count, &err) != AN_OK || count == 1)
        return;
    r->ready = true;
    warn(r, "the shard default is away: only tenants of other shards are served");
}

static int ready(struct an_call *call, struct an_err *err)
{
    (void)err;
    struct readiness r = {.ready = true};
    an_buf_init(&r.checks, 8192);
    an_buf_init(&r.warnings, 8192);
    look_at_database(&r, call->ctx);
    look_at_shards(&r, call->ctx);
    if (an_draining())
        fail_check(&r, "process", "stopping");
    an_reply_type(call->rep, "application/json");
    if (!r.ready) {
        call->rep->status = 503;
        an_reply_header(call->rep, "Retry-After", AN_STR("1"));
    }
    an_buf_addf(&call->rep->body, "{\"status\":\"%s\",\"checks\":{%s},\"warnings\":[%s]}",
                r.ready ? "ready" : "not ready", r.checks.data, r.warnings.data);
    an_buf_release(&r.checks);
    an_buf_release(&r.warnings);
    return AN_OK;
}

static const struct an_route routes[] = {{AN_GET, "/healthz", AN_OPEN, 0, health},
                                         {AN_GET, "/readyz", AN_MONITOR, 0, ready},
                                         {AN_GET, "/metrics", AN_MONITOR, 0, metrics}};
const struct an_routes an_common_routes = {.routes = routes, .count = AN_COUNT(routes)};
