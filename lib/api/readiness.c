/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/readiness.h"
#include "base/clock.h"
#include "base/json.h"
#include "db/migrate.h"
#include "upkeep/partition.h"

#define LOOK_MS 500                 /* for a shard, where there are others to look after */
#define ALONE_MS 1000               /* for the only one */
#define SLOW_US INT64_C(200000)     /* a look that took so long is the last one of this request */
#define PAUSE_MIN_US INT64_C(2000000) /* before a shard that let us wait is looked at again */
#define PAUSE_MAX_US INT64_C(16000000)
#define FACTS_US INT64_C(5000000)   /* what changes seldom is remembered for so long */
#define LIST_LIMIT ((size_t)128 << 10)

/* What is known of a shard. */
struct seen {
    const struct an_shard *shard;
    bool known, answers;            /* known: it was looked at */
    struct an_err why;              /* it does not answer */
    int64_t not_before_us, pause_us;
    int64_t facts_until_us;         /* of what follows */
    struct an_err facts;            /* that could not be asked for */
    size_t missing;                 /* migrations */
    int64_t horizon_us;             /* of its partitions */
};

struct an_readiness {
    struct seen *list;
    size_t count;
};

struct an_readiness *an_readiness_new(void)
{
    return an_xcalloc(1, sizeof(struct an_readiness));
}

void an_readiness_free(struct an_readiness *r)
{
    if (r == NULL)
        return;
    free(r->list);
    free(r);
}

/* Shards live as long as the router. */
static struct seen *seen_of(struct an_readiness *r, const struct an_shard *shard)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].shard == shard)
            return &r->list[i];
    r->list = an_xrealloc(r->list, (r->count + 1) * sizeof *r->list);
    r->list[r->count] = (struct seen){.shard = shard};
    return &r->list[r->count++];
}

/* One request. */
struct look {
    struct an_ctx *ctx;
    struct an_buf checks, warnings; /* members and items of JSON */
    bool writes, reads;             /* what the application does */
    bool alone;                     /* there is one shard */
    bool late;                      /* nobody else is waited for */
    struct seen *at;                /* the shard that is looked at */
};

static void note(struct look *l, const char *check, const char *state)
{
    an_buf_addf(&l->checks, "%s\"%s\":", l->checks.len > 0 ? "," : "", check);
    an_json_add_string(&l->checks, an_str(state));
}

static void warn(struct look *l, const char *text)
{
    if (l->warnings.len > 0)
        an_buf_addc(&l->warnings, ',');
    an_json_add_string(&l->warnings, an_str(text));
}

static void warn_of(struct look *l, const char *shard, const char *what, const char *more)
{
    char text[512];
    (void)snprintf(text, sizeof text, "shard %s: %s%s", shard, what, more);
    warn(l, text);
}

/* ---- looking ---- */

/* A replica that is not read from is no reason to send nobody here, but somebody should look after it. */
static void note_replica(struct look *l, const struct an_server_state *s)
{
    char check[2 * AN_SHARD_NAME_MAX + 16], text[512];
    if (strcmp(s->shard, AN_SHARD_DEFAULT) == 0)
        (void)snprintf(check, sizeof check, "replica.%s", s->replica);
    else
        (void)snprintf(check, sizeof check, "replica.%s.%s", s->shard, s->replica);
    if (s->read)
        (void)snprintf(text, sizeof text, "ok, %lld ms behind", (long long)s->lag_ms);
    else
        (void)snprintf(text, sizeof text, "%s", s->why);
    note(l, check, text);
    (void)snprintf(text, sizeof text, "replica %s of shard %s is not read from: %s", s->replica, s->shard,
                   s->why);
    if (!s->read)
        warn(l, text);
}

static void note_server(void *arg, const struct an_server_state *s)
{
    struct look *l = arg;
    l->at->answers = l->at->answers || s->reached;
    if (!s->reached)
        (void)an_fail(&l->at->why, AN_EAGAIN, "%s", s->why);
    if (s->replica != NULL)
        note_replica(l, s);
}

static int learn(struct seen *s, struct an_db *db, struct an_err *err)
{
    int rc = an_migrate_missing(db, &s->missing, err);
    return rc == AN_OK ? an_partition_horizon(db, &s->horizon_us, err) : rc;
}

static void learn_if_due(struct seen *s, struct an_db *db)
{
    if (an_clock_mono_us() < s->facts_until_us)
        return;
    s->facts = (struct an_err){.rc = AN_OK};
    s->missing = 0;
    s->horizon_us = 0;
    int rc = learn(s, db, &s->facts);
    s->answers = rc != AN_EAGAIN;
    if (!s->answers)
        s->why = s->facts;
    else
        s->facts_until_us = an_clock_mono_us() + FACTS_US;
}

/* A server that can be asked, in the way that the application works with the shard. */
static int find_server(struct look *l, struct an_shard *shard, struct an_db **out, struct an_err *err)
{
    struct an_server *server;
    if (!l->reads) {
        *out = an_shard_writer(shard);
        return an_db_ready(*out, err);
    }
    an_shard_look(shard, note_server, l);
    int rc = l->at->answers ? an_shard_reader(shard, &server, err) : AN_EAGAIN;
    *out = rc == AN_OK ? server->db : NULL;
    return rc;
}

static void reach(struct look *l, struct an_shard *shard)
{
    struct seen *s = l->at;
    struct an_db *db = NULL;
    s->known = true;
    s->answers = false;
    s->answers = find_server(l, shard, &db, &s->why) == AN_OK;
    if (s->answers)
        learn_if_due(s, db);
}

/* A refusal costs nothing and is asked for each time; a server that says nothing is left alone for longer
 * and longer. */
static void look_at(struct look *l, struct an_shard *shard)
{
    struct seen *s = l->at = seen_of(l->ctx->readiness, shard);
    int64_t from_us = an_clock_mono_us();
    if (l->late || from_us < s->not_before_us)
        return;
    an_shard_hurry(shard, l->alone ? ALONE_MS : LOOK_MS);
    reach(l, shard);
    an_shard_hurry(shard, 0);
    int64_t now_us = an_clock_mono_us();
    bool slow = !l->alone && now_us - from_us > SLOW_US;
    l->late = slow;
    if (s->answers || !slow)
        s->pause_us = 0;
    else
        s->pause_us = s->pause_us == 0 ? PAUSE_MIN_US : 2 * s->pause_us;
    if (s->pause_us > PAUSE_MAX_US)
        s->pause_us = PAUSE_MAX_US;
    s->not_before_us = now_us + s->pause_us;
}

/* ---- telling ---- */

static void tell_partitions(struct look *l, const struct seen *s)
{
    const char *name = an_shard_name(s->shard);
    char when[AN_TIME_LEN + 1];
    if (s->facts.rc != AN_OK) {
        warn_of(l, name, s->facts.text, "");
    } else if (s->horizon_us < an_clock_us() + AN_PARTITION_END_NEAR_US) {
        an_time_format(s->horizon_us, when);
        warn_of(l, name, "annals-partition does not run there: partitions end at ", when);
    }
}

#define OLD_SCHEMA "older than this program: run annalsctl db migrate"

/* The directory's own: without its schema nothing works. */
static bool tell_directory(struct look *l, const struct seen *s)
{
    const char *state = s->answers ? "ok" : s->why.text;
    if (l->writes && !l->reads)
        note(l, "database_writer", state);
    else
        note(l, "database_reader", state);
    if (!s->answers)
        return false;
    bool good = s->missing == 0 && (s->facts.rc == AN_OK || s->facts.rc == AN_ENOENT);
    note(l, "schema", s->missing > 0 ? OLD_SCHEMA : good ? "ok" : s->facts.text);
    tell_partitions(l, s);
    return good;
}

/* Another shard is no reason to send nobody here, whatever its trouble: that would take the others'
 * tenants down with it, on all instances at once. */
static bool tell_shard(struct look *l, const struct seen *s)
{
    const char *name = an_shard_name(s->shard);
    char check[AN_SHARD_NAME_MAX + 16];
    if (!s->known)
        return false;
    bool good = s->answers && s->missing == 0;
    (void)snprintf(check, sizeof check, "shard.%s", name);
    note(l, check, good ? "ok" : s->answers ? "schema " OLD_SCHEMA : s->why.text);
    if (!s->answers)
        warn_of(l, name, "its tenants are not served: ", s->why.text);
    else if (s->missing > 0)
        warn_of(l, name, "its schema is " OLD_SCHEMA " --all-shards", "");
    else
        tell_partitions(l, s);
    return good;
}

/* Sessions of the console are written. While the primary is away, it shows what a replica has: only
 * logins must wait. */
static bool look_at_sessions(struct look *l)
{
    struct an_err err;
    bool needed = !an_shard_has_replicas(l->ctx->directory);
    an_db_hurry(l->ctx->writer, LOOK_MS);
    bool ok = an_db_ready(l->ctx->writer, &err) == AN_OK;
    an_db_hurry(l->ctx->writer, 0);
    if (needed)
        note(l, "database_writer", ok ? "ok" : err.text);
    else if (!ok)
        warn(l, err.text);
    return ok || !needed;
}

/* Without its directory an application still serves tenants of other shards: a balancer must not send
 * them nowhere. That excuses nothing else, such as a schema that is older than the program. */
static bool look_at_all(struct look *l)
{
    struct an_ctx *ctx = l->ctx;
    struct an_shard *const *list;
    size_t count;
    an_shard_hurry(ctx->directory, LOOK_MS);
    an_router_shards_or_default(ctx->router, &list, &count);
    an_shard_hurry(ctx->directory, 0);
    l->alone = count == 1;
    for (size_t i = 0; i < count; i++)
        look_at(l, list[i]);
    const struct seen *home = seen_of(ctx->readiness, ctx->directory);
    bool good = tell_directory(l, home), away = !home->answers, others = false;
    if (l->writes && l->reads && !look_at_sessions(l))
        good = !(away = true);
    for (size_t i = 1; i < count; i++)
        others = tell_shard(l, seen_of(ctx->readiness, list[i])) || others;
    if (good || !away || !others)
        return good;
    warn(l, "the shard " AN_SHARD_DEFAULT " is away: only tenants of other shards are served");
    return true;
}

int an_readiness_get(struct an_call *call, struct an_err *err)
{
    (void)err;
    const char *app = call->ctx->app;
    struct look l = {
        .ctx = call->ctx, .writes = strcmp(app, "search") != 0, .reads = strcmp(app, "ingest") != 0};
    an_buf_init(&l.checks, LIST_LIMIT);
    an_buf_init(&l.warnings, LIST_LIMIT);
    bool good = look_at_all(&l);
    if (an_draining()) {
        note(&l, "process", "stopping");
        good = false;
    }
    an_reply_type(call->rep, "application/json");
    if (!good) {
        call->rep->status = 503;
        an_reply_header(call->rep, "Retry-After", AN_STR("1"));
    }
    an_buf_addf(&call->rep->body, "{\"status\":\"%s\",\"checks\":{%s},\"warnings\":[%s]}",
                good ? "ready" : "not ready", l.checks.data, l.warnings.len > 0 ? l.warnings.data : "");
    an_buf_release(&l.checks);
    an_buf_release(&l.warnings);
    return AN_OK;
}
