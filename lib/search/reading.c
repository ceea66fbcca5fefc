/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "search/coverage.h"
#include "search/reading.h"

/* Columns of search_begin. */
enum { REPLAYED, THROUGH, NOW, PARTITIONS, TENANT, KEPT_SET, KEPT_FROM, PRESENCE };

/* A tenant that is on its way to another shard, or has arrived there, is looked for once more. */
#define ASK_AGAIN_MS 20
#define ASK_AGAIN_TIMES 50

/* In the directory's database the row of a tenant is older than its first event: without a row there is
 * nothing to find, however old the server's knowledge is. Elsewhere the row comes with a move: a replica
 * without it may not have replayed the tenant yet. */
static bool lives_here(const struct an_search *s, struct an_str presence)
{
    if (presence.data == NULL)
        return s->settled || s->shard_count > 0 || s->router == NULL ||
               strcmp(an_shard_name(s->shard), AN_SHARD_DEFAULT) == 0;
    return an_str_is(presence, "open") || (s->settled && an_str_is(presence, "closed"));
}

static int take_begun(struct an_search *s, const struct an_result *res, struct an_err *err)
{
    struct an_freshness seen = {.replica = false};
    int64_t lsn;
    if (!an_result_time(res, 0, NOW, &seen.now_us))
        return an_fail(err, AN_EBACKEND, "search: a transaction that does not tell what it sees");
    seen.replica = an_result_int8(res, 0, REPLAYED, &lsn);
    seen.lsn = seen.replica ? (uint64_t)lsn : 0;
    if (!an_result_time(res, 0, THROUGH, &seen.through_us))
        seen.through_us = AN_TIME_MIN_US; /* a replica that has replayed nothing yet knows no time */
    int rc = an_server_saw(s->server, &seen, err);
    if (rc == AN_OK && !lives_here(s, an_result_get(res, 0, PRESENCE)))
        return an_fail(err, AN_EMOVED, "search: the tenant does not live on the shard %s",
                       an_shard_name(s->shard));
    s->seen = an_coverage_of(s->server, &seen);
    if (!an_result_time(res, 0, KEPT_FROM, &s->seen.oldest_us))
        s->seen.oldest_us = AN_TIME_MIN_US; /* it keeps everything */
    struct an_str partitions = an_result_get(res, 0, PARTITIONS);
    an_sha256(partitions.data, partitions.len, s->partitions);
    return rc;
}

static struct an_db_param plan_mode(bool any)
{
    return AN_DB_TEXT(an_str(any ? "force_generic_plan" : "auto"));
}

static struct an_db_step opening_step(const struct an_search *s, enum an_planning planning, bool any,
                                      struct an_reading_sent *o)
{
    (void)snprintf(o->timeout, sizeof o->timeout, "%lld", (long long)s->timeout_ms);
    o->params[0] = AN_DB_TEXT(s->tenant);
    o->params[1] = AN_DB_TEXT(an_str(o->timeout));
    o->params[2] = AN_DB_TEXT(an_str(planning == AN_PLAN_FREELY ? "f" : "t"));
    o->params[3] = plan_mode(any);
    o->begun = NULL;
    return (struct an_db_step){.stmt = AN_STMT_SEARCH_BEGIN,
                               .params = o->params,
                               .count = AN_COUNT(o->params),
                               .binary = true,
                               .out = &o->begun};
}

int an_reading_ask(struct an_search *s, enum an_planning planning, const struct an_db_step *step, bool last,
                   struct an_result **out, struct an_err *err)
{
    struct an_reading_sent opening = {.begun = NULL};
    struct an_db_step own = *step, steps[2];
    own.keep = planning == AN_PLAN_FOR_ANY;
    own.out = out;
    *out = NULL;
    /* A plan for any values is worth it only where it is kept; else it is made each time, knowing less. */
    bool any = own.keep && an_db_keeps(s->db, &own);
    const struct an_db_param mode = plan_mode(any);
    size_t n = 0;
    if (!s->reading)
        steps[n++] = opening_step(s, planning, any, &opening);
    else if (s->any != any)
        steps[n++] = (struct an_db_step){.stmt = AN_STMT_SEARCH_PLAN_MODE, .params = &mode, .count = 1};
    steps[n++] = own;
    unsigned ends = (s->reading ? 0 : AN_DB_BEGIN) | (last ? AN_DB_COMMIT : 0);
    int rc = an_db_read(s->db, ends, s->timeout_ms, steps, n, err);
    s->reading = rc == AN_OK && !last;
    s->any = any;
    if (rc == AN_OK && opening.begun != NULL)
        rc = take_begun(s, opening.begun, err);
    an_result_free(opening.begun);
    if (rc == AN_OK)
        return AN_OK;
    an_reading_abandon(s);
    an_result_free(*out);
    *out = NULL;
    return rc;
}

static int send(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                struct an_reading_sent *sent, struct an_err *err)
{
    s->db = s->server->platform;
    struct an_db_step own = *step;
    own.keep = planning == AN_PLAN_FOR_ANY;
    own.out = &sent->rows;
    sent->steps[0] = opening_step(s, planning, own.keep && an_db_keeps(s->db, &own), sent);
    sent->steps[1] = own;
    return an_db_read_send(s->db, sent->steps, AN_COUNT(sent->steps), err);
}

int an_reading_send(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                    struct an_reading_sent *sent, struct an_err *err)
{
    int rc = an_shard_reader(s->shard, &s->server, err);
    return rc == AN_OK ? send(s, planning, step, sent, err) : rc;
}

bool an_reading_conflicted(const struct an_search *s)
{
    return an_db_conflicted(s->db);
}

int an_reading_send_again(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                          struct an_reading_sent *sent, struct an_err *err)
{
    int rc = an_shard_reader_again(s->shard, s->server, &s->server, err);
    return rc == AN_OK ? send(s, planning, step, sent, err) : rc;
}

int an_reading_take(struct an_search *s, struct an_reading_sent *sent, int64_t until_us,
                    struct an_result **out, struct an_err *err)
{
    *out = NULL;
    int rc = an_db_read_take(s->db, until_us, sent->steps, AN_COUNT(sent->steps), err);
    if (rc != AN_OK)
        return rc;
    rc = take_begun(s, sent->begun, err);
    an_result_free(sent->begun);
    if (rc == AN_OK)
        *out = sent->rows;
    else
        an_result_free(sent->rows);
    return rc;
}

void an_reading_abandon(struct an_search *s)
{
    if (s->reading)
        (void)an_db_end(s->db, false, NULL);
    s->reading = false;
}

struct run {
    struct an_search *s;
    an_reading_work *work;
    void *arg;
};

static int on_server(struct an_server *server, void *arg, struct an_err *err)
{
    struct run *run = arg;
    run->s->server = server;
    run->s->db = server->db;
    int rc = run->work(run->s, run->arg, err);
    an_reading_abandon(run->s); /* a look-up may have left it open */
    return rc;
}

int an_reading_run(struct an_search *s, an_reading_work *work, void *arg, struct an_err *err)
{
    struct run run = {s, work, arg};
    if (s->router == NULL)
        return an_shard_read(s->shard, &s->need, on_server, &run, err);
    for (int times = 0;; times++) {
        const struct an_shard *before = s->shard;
        int rc = an_router_find(s->router, s->tenant, &s->shard, err);
        if (rc != AN_OK)
            return rc;
        s->settled = times > 0 && s->shard == before;
        struct an_need need = s->need;
        need.primary = need.primary || s->settled; /* a replica may not have replayed that it has come */
        rc = an_shard_read(s->shard, &need, on_server, &run, err);
        if (rc != AN_EMOVED || times == ASK_AGAIN_TIMES)
            return rc;
        if (s->settled)
            (void)poll(NULL, 0, ASK_AGAIN_MS);
        an_router_doubt(s->router, s->tenant);
    }
}

/* Where the oldest partition begins: asked for again when there are others than the last time. */
static int find_oldest(struct an_search *s, int64_t *oldest_us, struct an_err *err)
{
    struct an_hot *hot = &s->server->hot;
    if (!hot->known || memcmp(hot->partitions, s->partitions, sizeof hot->partitions) != 0) {
        struct an_result *res = NULL;
        int rc = an_db_exec(s->db, AN_STMT_SEARCH_OLDEST, NULL, 0, &res, err);
        if (rc != AN_OK)
            return rc;
        if (!an_result_int(res, 0, 0, &hot->oldest_us))
            hot->oldest_us = AN_TIME_MIN_US; /* no partition */
        an_result_free(res);
        memcpy(hot->partitions, s->partitions, sizeof hot->partitions);
        hot->known = true;
    }
    *oldest_us = hot->oldest_us;
    return AN_OK;
}

int an_reading_coverage(struct an_search *s, struct an_coverage *out, struct an_err *err)
{
    *out = s->seen;
    int64_t kept_us = s->seen.oldest_us;
    int rc = find_oldest(s, &out->oldest_us, err);
    if (rc == AN_OK && out->oldest_us > AN_TIME_MIN_US && out->oldest_us < kept_us)
        out->oldest_us = kept_us;
    return rc;
}
