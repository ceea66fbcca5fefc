/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "log/log.h"
#include "shard/replica.h"

#define KNOWN_US INT64_C(1000000) /* what is known holds so long */
#define FIRST_PAUSE_US INT64_C(250000)
#define LAST_PAUSE_US INT64_C(16000000)

void an_pause_longer(struct an_pause *p)
{
    p->from_us = an_clock_mono_us();
    p->length_us = p->length_us == 0 ? FIRST_PAUSE_US : p->length_us * 2;
    if (p->length_us > LAST_PAUSE_US)
        p->length_us = LAST_PAUSE_US;
}

bool an_pause_over(const struct an_pause *p)
{
    return an_clock_mono_us() - p->from_us >= p->length_us;
}

void an_replica_init(struct an_replica *r, const struct an_conf *c, const char *shard,
                     const struct an_shard_place *where)
{
    *r = (struct an_replica){.name = an_xstrdup(where->name),
                             .wait_ms = c->db_connect_timeout_ms,
                             .through_us = AN_TIME_MIN_US};
    r->server = (struct an_server){.db = an_db_new_at(c, AN_DB_READER, where->place),
                                   .platform = an_db_new_at(c, AN_DB_PLATFORM, where->place),
                                   .shard = shard,
                                   .replica = r->name,
                                   .max_lag_ms = c->replica_max_lag_ms};
    r->metrics = an_metric_server(shard, where->name);
}

void an_replica_release(struct an_replica *r)
{
    an_db_free(r->server.db);
    an_db_free(r->server.platform);
    free(r->name);
}

struct an_replica *an_replica_of(struct an_server *server)
{
    return (struct an_replica *)(void *)server;
}

/* Whoever looks at the log wants to know when it began, and when it was over. */
static void enter(struct an_replica *r, enum an_replica_state state, const char *why)
{
    bool was_read = r->state == AN_REPLICA_NEAR || r->state == AN_REPLICA_NOT_ASKED;
    if (was_read && state != AN_REPLICA_NEAR)
        an_log_warn("db", "replica %s of shard %s is not read from: %s", r->name, r->server.shard, why);
    else if (!was_read && state == AN_REPLICA_NEAR)
        an_log_info("db", "replica %s of shard %s is read from again", r->name, r->server.shard);
    r->state = state;
    (void)snprintf(r->why, sizeof r->why, "%s", state == AN_REPLICA_NEAR ? "" : why);
    r->asked_us = an_clock_mono_us();
    if (state != AN_REPLICA_AWAY)
        r->pause.length_us = 0;
    an_metric_server_set(r->metrics, AN_SM_UP, state == AN_REPLICA_NEAR);
}

bool an_replica_is_fresh(const struct an_replica *r)
{
    return r->state != AN_REPLICA_NOT_ASKED && an_clock_mono_us() - r->asked_us < KNOWN_US;
}

bool an_replica_is_due(const struct an_replica *r)
{
    switch (r->state) {
    case AN_REPLICA_NOT_ASKED:
    case AN_REPLICA_NEAR:
        return true;
    case AN_REPLICA_FAR:
        return !an_replica_is_fresh(r);
    case AN_REPLICA_AWAY:
        break;
    }
    return an_pause_over(&r->pause);
}

/* What was there stays there: a replica whose primary is gone tells no later time than that of the last
 * commit, but it may have been asked after that, when there was nothing left to replay. Where it has
 * less than before, another server stands behind its name. */
static int64_t latest(const struct an_replica *r, const struct an_freshness *seen)
{
    bool known = r->through_us > seen->through_us && seen->lsn >= r->lsn;
    return known ? r->through_us : seen->through_us;
}

void an_replica_saw(struct an_replica *r, struct an_freshness *seen)
{
    char why[64] = "it follows no primary";
    if (seen->replica)
        seen->through_us = latest(r, seen);
    r->through_us = seen->replica ? seen->through_us : AN_TIME_MIN_US;
    r->lsn = seen->lsn;
    r->lag_ms = an_freshness_lag_ms(seen);
    if (seen->replica && seen->through_us == AN_TIME_MIN_US)
        (void)snprintf(why, sizeof why, "it has replayed nothing yet");
    else if (seen->replica)
        (void)snprintf(why, sizeof why, "it is %lld ms behind", (long long)r->lag_ms);
    enter(r, seen->replica && r->lag_ms <= r->server.max_lag_ms ? AN_REPLICA_NEAR : AN_REPLICA_FAR, why);
    an_metric_server_set(r->metrics, AN_SM_LAG_MS, (uint64_t)r->lag_ms);
}

void an_replica_failed(struct an_replica *r, const struct an_err *why)
{
    an_pause_longer(&r->pause);
    r->through_us = AN_TIME_MIN_US;
    r->lsn = 0;
    enter(r, AN_REPLICA_AWAY, why->text);
}

/* Columns of replica_state. */
enum { REPLAYED, THROUGH, NOW };

int an_replica_ask(struct an_replica *r, struct an_err *err)
{
    struct an_result *res = NULL;
    /* A pooler in between may take long to say that it cannot connect. */
    int rc = an_db_ask(r->server.db, AN_STMT_REPLICA_STATE, r->wait_ms, &res, err);
    if (rc != AN_OK) {
        an_replica_failed(r, err);
        return AN_EAGAIN;
    }
    struct an_freshness seen = {.replica = false};
    int64_t lsn = 0;
    seen.replica = an_result_int(res, 0, REPLAYED, &lsn);
    seen.lsn = (uint64_t)lsn;
    if (!an_result_int(res, 0, THROUGH, &seen.through_us))
        seen.through_us = AN_TIME_MIN_US;
    if (!an_result_int(res, 0, NOW, &seen.now_us))
        seen.now_us = 0;
    an_result_free(res);
    an_replica_saw(r, &seen);
    return AN_OK;
}
