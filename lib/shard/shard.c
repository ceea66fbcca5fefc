/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/health.h"
#include "db/place.h"
#include "shard/replica.h"

#define ASK_AGAIN_MS 10 /* while a replica is waited for */
#define HURRY_LEAST_MS 20 /* for one server, whatever was wasted before */

struct an_shard {
    const struct an_conf *conf;
    char *name, *place; /* of the primary; NULL: as configured */
    struct an_db *writer;
    struct an_server primary;
    struct an_metric_row *metrics; /* of the primary */
    struct an_pause pause;         /* of the primary, as the reader */
    struct an_replica *replicas;
    size_t count, next; /* next: whose turn it is */
    int64_t hurry_ms;   /* 0: none */
};

struct an_shard *an_shard_new(const struct an_conf *c, const char *name, const char *primary,
                              const struct an_shard_place *replicas, size_t count)
{
    struct an_shard *s = an_xcalloc(1, sizeof *s);
    s->conf = c;
    s->name = an_xstrdup(name);
    s->place = primary == NULL ? NULL : an_xstrdup(primary);
    s->writer = an_db_new_at(c, AN_DB_WRITER, primary);
    s->primary = (struct an_server){.db = an_db_new_at(c, AN_DB_READER, primary),
                                    .platform = an_db_new_at(c, AN_DB_PLATFORM, primary),
                                    .shard = s->name,
                                    .max_lag_ms = c->replica_max_lag_ms};
    s->metrics = an_metric_server(name, AN_SERVER_PRIMARY);
    s->count = count < AN_SHARD_REPLICAS_MAX ? count : AN_SHARD_REPLICAS_MAX;
    s->replicas = an_xcalloc(s->count + 1, sizeof *s->replicas);
    for (size_t i = 0; i < s->count; i++)
        an_replica_init(&s->replicas[i], c, s->name, &replicas[i]);
    s->next = (size_t)getpid(); /* workers begin at different ones */
    return s;
}

struct an_shard *an_shard_new_default(const struct an_conf *c)
{
    struct an_shard_place places[AN_SHARD_REPLICAS_MAX];
    size_t count = 0;
    for (; count < c->replica_count && count < AN_COUNT(places); count++)
        places[count] = (struct an_shard_place){c->replicas[count].name, c->replicas[count].conninfo};
    return an_shard_new(c, AN_SHARD_DEFAULT, NULL, places, count);
}

/* Each role finds out by itself: between it and the server there may be a pooler of its own. */
static void share(struct an_db *db, struct an_health *health, const char *shard, const char *server,
                  const char *role)
{
    char name[AN_HEALTH_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, "%s %s %s", shard, server, role);
    an_db_share(db, health, name);
}

static void share_server(struct an_server *server, struct an_health *health, const char *name)
{
    share(server->db, health, server->shard, name, "reader");
    share(server->platform, health, server->shard, name, "platform");
}

void an_shard_share(struct an_shard *s, struct an_health *health)
{
    share(s->writer, health, s->name, AN_SERVER_PRIMARY, "writer");
    share_server(&s->primary, health, AN_SERVER_PRIMARY);
    for (size_t i = 0; i < s->count; i++)
        share_server(&s->replicas[i].server, health, s->replicas[i].name);
}

void an_shard_free(struct an_shard *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        an_replica_release(&s->replicas[i]);
    free(s->replicas);
    an_db_free(s->writer);
    an_db_free(s->primary.db);
    an_db_free(s->primary.platform);
    free(s->place);
    free(s->name);
    free(s);
}

int an_shard_check(const struct an_conf *c, struct an_err *err)
{
    for (size_t i = 0; i < c->replica_count; i++)
        if (an_place_check(c->replicas[i].conninfo, 1, err) != AN_OK)
            return an_fail_within(err, "replica.%s.conninfo", c->replicas[i].name);
    return AN_OK;
}

bool an_shard_has_replicas(const struct an_shard *s)
{
    return s->count > 0;
}

const char *an_shard_name(const struct an_shard *s)
{
    return s->name;
}

struct an_db *an_shard_connect(const struct an_shard *s, enum an_db_role role)
{
    return an_db_new_at(s->conf, role, s->place);
}

struct an_db *an_shard_writer(struct an_shard *s)
{
    return s->writer;
}

/* One reading's way from server to server. */
struct an_reading {
    struct an_shard *shard;
    const struct an_need *need; /* NULL: nothing in particular */
    int64_t wait_until_us;      /* 0: nothing has been waited for yet */
    unsigned tried;             /* replicas, a bit each */
    bool primary_tried;
    bool any_lag;           /* nobody is near, and the primary is away: the nearest will do */
    unsigned conflicts;
    /* What the server that is asked turned out to be. */
    bool too_far, not_there; /* not_there: not yet where need->lsn is */
};

static bool tried(const struct an_reading *g, size_t i)
{
    return (g->tried >> i & 1) != 0;
}

/* May searches go there? */
static bool reads_primary(const struct an_shard *s)
{
    return s->count == 0 || s->conf->replica_fallback == AN_FALLBACK_PRIMARY;
}

static bool may_read_primary(const struct an_reading *g)
{
    return (g->need != NULL && g->need->look_up) || reads_primary(g->shard);
}

/* Positions of another primary say nothing here: only this one is sure to have what was moved to it. */
static bool needs_primary(const struct an_reading *g)
{
    return g->need != NULL &&
           (g->need->primary || (g->need->lsn != 0 && strcmp(g->need->shard, g->shard->name) != 0));
}

static bool reaches(const struct an_reading *g, uint64_t lsn)
{
    return g->need == NULL || g->need->lsn == 0 || lsn >= g->need->lsn;
}

/* A replica that is not known to be near is asked first: that costs less than a search for nothing. */
static bool is_near(struct an_replica *r, struct an_err *err)
{
    if (r->state != AN_REPLICA_NEAR && an_replica_ask(r, err) != AN_OK) {
        an_metric_server_add(r->metrics, AN_SM_SKIPPED_AWAY, 1);
        return false;
    }
    if (r->state != AN_REPLICA_NEAR)
        an_metric_server_add(r->metrics, AN_SM_SKIPPED_LAG, 1);
    return r->state == AN_REPLICA_NEAR;
}

/* The next in turn that is near enough and was not tried yet; NULL: none. */
static struct an_replica *next_replica(struct an_reading *g, struct an_err *err)
{
    struct an_shard *s = g->shard;
    for (size_t n = 0; n < s->count; n++) {
        size_t i = s->next++ % s->count;
        struct an_replica *r = &s->replicas[i];
        if (!tried(g, i) && an_replica_is_due(r) && is_near(r, err))
            return r;
    }
    return NULL;
}

/* The one that is said to be behind the least, whatever that is; NULL: none answers. */
static struct an_replica *nearest(struct an_shard *s)
{
    struct an_replica *best = NULL;
    for (size_t i = 0; i < s->count; i++) {
        struct an_replica *r = &s->replicas[i];
        if (r->state != AN_REPLICA_FAR || r->through_us == AN_TIME_MIN_US)
            continue;
        if (best == NULL || r->through_us > best->through_us)
            best = r;
    }
    return best;
}

/* Asks those that are near until one has replayed what is needed; NULL: none in time. */
static struct an_replica *wait_for_one(struct an_reading *g, struct an_err *err)
{
    struct an_shard *s = g->shard;
    if (g->wait_until_us == 0)
        g->wait_until_us = an_clock_mono_us() + s->conf->read_wait_ms * 1000;
    while (an_clock_mono_us() < g->wait_until_us) {
        (void)poll(NULL, 0, ASK_AGAIN_MS);
        for (size_t i = 0; i < s->count; i++) {
            struct an_replica *r = &s->replicas[i];
            if (r->state == AN_REPLICA_NEAR && an_replica_ask(r, err) == AN_OK &&
                r->state == AN_REPLICA_NEAR && reaches(g, r->lsn))
                return r;
        }
    }
    return NULL;
}

static struct an_server *primary(struct an_reading *g)
{
    if (g->primary_tried)
        return NULL;
    g->primary_tried = true;
    return &g->shard->primary;
}

/* For want of a replica that is near: the primary, but where it was away a moment ago and a replica is
 * there, however far behind, rather that one than another wait for the connection. */
static struct an_server *last_resort(struct an_reading *g)
{
    struct an_shard *s = g->shard;
    if (!may_read_primary(g))
        return NULL;
    if (!g->primary_tried && (s->count == 0 || an_pause_over(&s->pause)))
        return primary(g);
    struct an_replica *r = g->any_lag ? NULL : nearest(s);
    g->any_lag = true;
    return r != NULL ? &r->server : primary(g);
}

/* NULL, with the reason in err: there is nobody left to ask. */
static struct an_server *next_server(struct an_reading *g, struct an_err *err)
{
    struct an_replica *r = NULL;
    if (needs_primary(g))
        return primary(g);
    /* Other replicas replay the same at about the same time. */
    if (g->conflicts > 0 && may_read_primary(g) && !g->primary_tried)
        return primary(g);
    if (!g->any_lag)
        r = next_replica(g, err);
    if (r == NULL && g->not_there)
        r = wait_for_one(g, err);
    return r != NULL ? &r->server : last_resort(g);
}

int64_t an_freshness_lag_ms(const struct an_freshness *f)
{
    return f->now_us > f->through_us ? (f->now_us - f->through_us) / 1000 : 0;
}

/* What is in fact a standby (one name for several hosts, behind a failover) is not sure to have
 * everything either, and its positions compare with those of its own primary alone. */
static int saw_primary(struct an_reading *g, const struct an_freshness *seen, struct an_err *err)
{
    g->not_there = seen->replica && (needs_primary(g) || !reaches(g, seen->lsn));
    return g->not_there
               ? an_fail(err, AN_EAGAIN, "db: what stands for the primary of shard %s follows another server",
                         g->shard->name)
               : AN_OK;
}

int an_server_saw(struct an_server *server, struct an_freshness *seen, struct an_err *err)
{
    struct an_reading *g = server->reading;
    server->follows = seen->replica;
    if (server->replica == NULL) {
        server->far = seen->replica && an_freshness_lag_ms(seen) > server->max_lag_ms;
        return g == NULL ? AN_OK : saw_primary(g, seen, err);
    }
    struct an_replica *r = an_replica_of(server);
    bool any_lag = g == NULL ? server->far : g->any_lag;
    an_replica_saw(r, seen);
    server->far = r->state != AN_REPLICA_NEAR;
    bool too_far = server->far && !(any_lag && seen->replica);
    bool not_there = g != NULL && !reaches(g, seen->lsn);
    if (g != NULL) {
        g->too_far = too_far;
        g->not_there = not_there;
    }
    if (too_far || not_there)
        return an_fail(err, AN_EAGAIN, "db: replica %s of shard %s is too far behind", r->name,
                       server->shard);
    return AN_OK;
}

bool an_shard_may_lack(const struct an_server *server)
{
    return server->replica != NULL || server->follows;
}

static int ask(struct an_reading *g, struct an_server *server, an_shard_work *work, void *arg,
               struct an_err *err)
{
    g->too_far = g->not_there = false;
    server->reading = g;
    server->far = false;
    int rc = work(server, arg, err);
    server->reading = NULL;
    return rc;
}

/* The replay had to take away what was being read. That is no fault of the replica; once is bad luck.
 * Where there is no other server, the same one has what it wanted now. */
static bool repeat_after_conflict(struct an_reading *g, struct an_replica *r)
{
    const struct an_shard *s = g->shard;
    an_metric_server_add(r->metrics, AN_SM_SKIPPED_CONFLICT, 1);
    if (s->count == 1 && !may_read_primary(g))
        g->tried = 0;
    return ++g->conflicts == 1;
}

/* Should somebody else be asked after this failure? */
static bool goes_elsewhere(struct an_reading *g, struct an_server *server, int rc, const struct an_err *err)
{
    if (rc != AN_EAGAIN)
        return false;
    if (server->replica == NULL && !g->not_there)
        an_pause_longer(&g->shard->pause);
    if (server->replica == NULL)
        return !g->not_there && g->shard->count > 0;
    struct an_replica *r = an_replica_of(server);
    g->tried |= 1u << (r - g->shard->replicas);
    if (g->too_far || g->not_there) {
        an_metric_server_add(r->metrics, g->too_far ? AN_SM_SKIPPED_LAG : AN_SM_SKIPPED_POSITION, 1);
        return true;
    }
    if (an_db_conflicted(server->db))
        return repeat_after_conflict(g, r);
    an_metric_server_add(r->metrics, AN_SM_SKIPPED_AWAY, 1);
    an_replica_failed(r, err);
    return true;
}

static struct an_metric_row *metrics_of(const struct an_shard *s, struct an_server *server)
{
    return server->replica == NULL ? s->metrics : an_replica_of(server)->metrics;
}

/* How far the primary is, which is no search and spares it one. */
static int ask_position(struct an_shard *s, struct an_need *out, struct an_err *err)
{
    struct an_result *res = NULL;
    int64_t lsn;
    *out = (struct an_need){.lsn = 0};
    (void)snprintf(out->shard, sizeof out->shard, "%s", s->name);
    int rc = an_db_ask(s->primary.db, AN_STMT_WAL_POSITION, s->conf->db_connect_timeout_ms, &res, err);
    if (rc == AN_OK && an_result_int(res, 0, 0, &lsn))
        out->lsn = (uint64_t)lsn;
    an_result_free(res);
    return out->lsn != 0 ? AN_OK
                         : an_fail(err, AN_EAGAIN, "db: the primary of shard %s does not say how far it is",
                                    s->name);
}

int an_shard_read(struct an_shard *s, const struct an_need *need, an_shard_work *work, void *arg,
                  struct an_err *err)
{
    struct an_reading g = {.shard = s, .need = need};
    struct an_need position;
    if (needs_primary(&g) && !may_read_primary(&g)) {
        g.need = &position;
        if (ask_position(s, &position, err) != AN_OK)
            return AN_EAGAIN;
    }
    int rc = an_fail(err, AN_EAGAIN, "db: no server of shard %s is near enough to be read from", s->name);
    for (;;) {
        struct an_server *server = next_server(&g, err);
        if (server == NULL)
            return rc;
        rc = ask(&g, server, work, arg, err);
        if (rc == AN_OK)
            an_metric_server_add(metrics_of(s, server), AN_SM_READS, 1);
        if (rc == AN_OK && server->replica == NULL)
            s->pause.length_us = 0;
        if (rc == AN_OK || !goes_elsewhere(&g, server, rc, err))
            return rc;
    }
}

/* Near, by what it said within this second, and connected. */
static bool can_read(struct an_replica *r, struct an_err *err)
{
    if (!an_replica_is_due(r))
        return false;
    if (r->state == AN_REPLICA_NEAR && an_replica_is_fresh(r) && an_db_ready(r->server.db, err) == AN_OK)
        return true;
    return an_replica_ask(r, err) == AN_OK && r->state == AN_REPLICA_NEAR;
}

int an_shard_reader(struct an_shard *s, struct an_server **out, struct an_err *err)
{
    int rc = an_fail(err, AN_EAGAIN, "db: no server of shard %s is near enough to be read from", s->name);
    for (size_t n = 0; n < s->count; n++) {
        struct an_replica *r = &s->replicas[s->next++ % s->count];
        *out = &r->server;
        r->server.far = false;
        if (can_read(r, err))
            return AN_OK;
    }
    *out = &s->primary;
    if (!reads_primary(s))
        return rc;
    rc = an_db_ready(s->primary.db, err);
    struct an_replica *r = rc == AN_OK ? NULL : nearest(s);
    if (r == NULL)
        return rc;
    *out = &r->server;
    r->server.far = true;
    return an_db_ready(r->server.db, err);
}

int an_shard_reader_again(struct an_shard *s, struct an_server *had, struct an_server **out,
                          struct an_err *err)
{
    if (had->replica != NULL)
        an_metric_server_add(an_replica_of(had)->metrics, AN_SM_SKIPPED_CONFLICT, 1);
    *out = &s->primary;
    if (reads_primary(s) && an_db_ready(s->primary.db, err) == AN_OK)
        return AN_OK;
    for (size_t i = 0; i < s->count; i++) {
        *out = &s->replicas[i].server;
        (*out)->far = false;
        if (*out != had && can_read(&s->replicas[i], err))
            return AN_OK;
    }
    *out = had; /* which has what its replay wanted now */
    return an_db_ready(had->db, err);
}

void an_shard_hurry(struct an_shard *s, int64_t wait_ms)
{
    s->hurry_ms = wait_ms;
    an_db_hurry(s->writer, wait_ms);
    an_db_hurry(s->primary.db, wait_ms);
    for (size_t i = 0; i < s->count; i++)
        an_db_hurry(s->replicas[i].server.db, wait_ms);
}

/* In a hurry each server has an equal share of the time that is left, so that one which is silent does
 * not take it from the next. */
static void hurry_for(const struct an_shard *s, struct an_db *db, int64_t since_us, size_t servers)
{
    int64_t left_ms = s->hurry_ms - (an_clock_mono_us() - since_us) / 1000;
    int64_t share_ms = left_ms / (int64_t)servers;
    if (s->hurry_ms > 0)
        an_db_hurry(db, share_ms > HURRY_LEAST_MS ? share_ms : HURRY_LEAST_MS);
}

static void look_at_replica(const struct an_shard *s, struct an_replica *r, an_server_look *each, void *arg)
{
    struct an_err err;
    bool asks = an_replica_is_due(r) && !an_replica_is_fresh(r);
    bool reached = asks ? an_replica_ask(r, &err) == AN_OK : r->state != AN_REPLICA_AWAY;
    each(arg, &(struct an_server_state){.shard = s->name,
                                        .replica = r->name,
                                        .reached = reached,
                                        .read = r->state == AN_REPLICA_NEAR,
                                        .lag_ms = r->lag_ms,
                                        .through_us = r->through_us,
                                        .why = r->why});
}

void an_shard_look(struct an_shard *s, an_server_look *each, void *arg)
{
    struct an_err err = {AN_OK, ""};
    int64_t since_us = an_clock_mono_us();
    if (reads_primary(s)) {
        hurry_for(s, s->primary.db, since_us, s->count + 1);
        bool reached = an_db_ready(s->primary.db, &err) == AN_OK;
        each(arg, &(struct an_server_state){
                      .shard = s->name, .reached = reached, .through_us = AN_TIME_MIN_US, .why = err.text});
    }
    for (size_t i = 0; i < s->count; i++) {
        hurry_for(s, s->replicas[i].server.db, since_us, s->count - i);
        look_at_replica(s, &s->replicas[i], each, arg);
    }
}
