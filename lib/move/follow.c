/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "db/rows.h"
#include "db/stmt.h"
#include "move/parts.h"

#define READ_IDS  2000 /* taken from the feed at once, and some more: outbox rows are not taken apart */
#define BATCH_IDS 500  /* events brought over at once; of 64 KiB at most, they take 32 MiB */
#define LOOK_MS   10
#define NEAR_US   INT64_C(500000)
#define IDS_LIMIT ((size_t)64 << 20)
#define ID_BYTES  (4 + sizeof(struct an_uuid)) /* as an element of an array */

/* ---- the position ---- */

static int take_position(const struct an_result *res, size_t row, struct an_move_position *out,
                         struct an_err *err)
{
    int64_t xid;
    if (!an_result_int(res, row, 0, &xid) || !an_result_int(res, row, 1, &out->id))
        return an_fail(err, AN_EBACKEND, "db: not a position in the feed");
    out->xid = (uint64_t)xid;
    return AN_OK;
}

/* from: where it is begun, or NULL where it must be there. */
static int consume(struct an_move *m, const uint64_t *from, struct an_err *err)
{
    struct an_move_text xid;
    struct an_result *res = NULL;
    const struct an_db_param params[] = {an_move_tenant(m),
                                         from == NULL ? AN_MOVE_NULL : an_move_xid(&xid, *from)};
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_CONSUMER, .params = params, .count = AN_COUNT(params)};
    int rc = an_move_query(m, m->source, &step, &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_EBACKEND,
                     "the place of this move in the feed of shard '%s' was lost: --abort gives it up",
                     m->s.source);
    if (rc == AN_OK)
        rc = take_position(res, 0, &m->position, err);
    an_result_free(res);
    return rc;
}

/* From where we believe it to be: a server that was put back to an older state, or another mover, has it
 * elsewhere. */
static int save_position(struct an_move *m, const struct an_move_position *to, struct an_err *err)
{
    struct an_move_text text[4];
    const struct an_db_param params[] = {
        an_move_tenant(m), an_move_xid(&text[0], m->position.xid), an_move_number(&text[1], m->position.id),
        an_move_xid(&text[2], to->xid), an_move_number(&text[3], to->id)};
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_POSITION, .params = params, .count = AN_COUNT(params)};
    struct an_result *res = NULL;
    int rc = an_move_query(m, m->source, &step, &res, err);
    if (rc == AN_OK && an_result_rows(res) != 1)
        rc = an_fail(err, AN_EAGAIN, "this move is at another place in the feed of shard '%s' than before",
                     m->s.source);
    an_result_free(res);
    if (rc == AN_OK)
        m->position = *to;
    return rc;
}

int an_move_unsubscribe(struct an_move *m, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m)};
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_CONSUMER_END, .params = params, .count = AN_COUNT(params)};
    return an_move_query(m, m->source, &step, NULL, err);
}

/* ---- the horizon ---- */

static int read_xid(struct an_move *m, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                    uint64_t *xid, struct an_err *err)
{
    struct an_result *res = NULL;
    int64_t n = 0;
    int rc = an_db_exec(m->source_job, stmt, params, count, &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, &n))
        rc = an_fail(err, AN_EBACKEND, "db: %s: not a number", an_stmt_texts[stmt].name);
    an_result_free(res);
    *xid = (uint64_t)n;
    return rc;
}

/* The first id that no transaction had yet; those that were committed before have smaller ones. */
static int read_snapshot(struct an_move *m, uint64_t *xid, struct an_err *err)
{
    return read_xid(m, AN_STMT_FEED_SNAPSHOT, NULL, 0, xid, err);
}

static int read_horizon(struct an_move *m, uint64_t *horizon, struct an_err *err)
{
    uint64_t snapshot;
    struct an_move_text text;
    int rc = read_snapshot(m, &snapshot, err);
    if (rc != AN_OK)
        return rc;
    const struct an_db_param params[] = {an_move_xid(&text, snapshot)};
    return read_xid(m, AN_STMT_FEED_HORIZON, params, AN_COUNT(params), horizon, err);
}

int an_move_subscribe(struct an_move *m, struct an_err *err)
{
    uint64_t horizon;
    int rc = read_horizon(m, &horizon, err);
    return rc == AN_OK ? consume(m, &horizon, err) : rc;
}

int an_move_resume(struct an_move *m, struct an_err *err)
{
    return consume(m, NULL, err);
}

/* ---- following ---- */

static int bring(struct an_move *m, const struct an_buf *ids, struct an_err *err)
{
    size_t count = ids->len / ID_BYTES;
    int rc = ids->overflow ? an_fail(err, AN_ETOOBIG, "db: too many ids in the feed") : AN_OK;
    for (size_t at = 0, n; at < count && rc == AN_OK; at += n) {
        n = count - at < BATCH_IDS ? count - at : BATCH_IDS;
        rc = an_move_copy_named(m, ids->data + at * ID_BYTES, n, err);
        if (rc != AN_OK)
            return rc;
        m->s.followed += (int64_t)n;
        rc = an_move_save_seldom(m, err);
    }
    return rc;
}

static int take_ids(const struct an_result *res, struct an_buf *ids, struct an_err *err)
{
    for (size_t i = 0; i < an_result_rows(res); i++) {
        struct an_uuid id;
        if (!an_uuid_parse(an_result_get(res, i, 2), &id))
            return an_fail(err, AN_EBACKEND, "db: feed_of_tenant: not an id");
        an_rows_add_uuid(ids, &id);
    }
    return AN_OK;
}

/* The next outbox rows, up to a horizon or (0) without one. *done: there are none. */
static int follow_some(struct an_move *m, uint64_t horizon, bool *done, struct an_err *err)
{
    struct an_move_text xid, id, until, most;
    const struct an_db_param params[] = {
        an_move_tenant(m), an_move_xid(&xid, m->position.xid), an_move_number(&id, m->position.id),
        horizon == 0 ? AN_MOVE_NULL : an_move_xid(&until, horizon), an_move_number(&most, READ_IDS)};
    const struct an_db_step step = {
        .stmt = AN_STMT_FEED_OF_TENANT, .params = params, .count = AN_COUNT(params)};
    struct an_move_position last = m->position;
    struct an_result *res = NULL;
    struct an_buf ids;
    an_buf_init(&ids, IDS_LIMIT);
    int rc = an_move_query(m, m->source, &step, &res, err);
    *done = an_result_rows(res) == 0;
    if (rc == AN_OK)
        rc = take_ids(res, &ids, err);
    if (rc == AN_OK)
        rc = bring(m, &ids, err);
    if (rc == AN_OK && !*done)
        rc = take_position(res, an_result_rows(res) - 1, &last, err);
    an_buf_release(&ids);
    an_result_free(res);
    return rc == AN_OK && !*done ? save_position(m, &last, err) : rc;
}

static int follow_until(struct an_move *m, uint64_t horizon, struct an_err *err)
{
    bool done = false;
    int rc = AN_OK;
    while (rc == AN_OK && !done)
        rc = follow_some(m, horizon, &done, err);
    return rc;
}

int an_move_follow(struct an_move *m, struct an_err *err)
{
    uint64_t horizon;
    int rc = read_horizon(m, &horizon, err);
    if (rc != AN_OK || horizon <= m->position.xid)
        return rc;
    rc = follow_until(m, horizon, err);
    if (rc != AN_OK)
        return rc;
    const struct an_move_position to = {.xid = horizon}; /* others wrote what lies between */
    return save_position(m, &to, err);
}

int an_move_look_behind(struct an_move *m, struct an_err *err)
{
    struct an_move_text xid, id;
    struct an_result *res = NULL;
    const struct an_db_param params[] = {an_move_tenant(m), an_move_xid(&xid, m->position.xid),
                                         an_move_number(&id, m->position.id)};
    const struct an_db_step step = {.stmt = AN_STMT_MOVE_BEHIND, .params = params, .count = AN_COUNT(params)};
    int rc = an_move_query(m, m->source, &step, &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, &m->s.behind))
        rc = an_fail(err, AN_EBACKEND, "db: move_behind: not a number");
    an_result_free(res);
    return rc;
}

/* Requests that wait must not have to give up because of us. */
int an_move_follow_to_end(struct an_move *m, struct an_err *err)
{
    bool done = false;
    int rc = AN_OK;
    while (rc == AN_OK && !done) {
        rc = follow_some(m, 0, &done, err);
        if (rc == AN_OK && !done && an_clock_mono_us() > m->closed_until_us) {
            rc = an_move_look_behind(m, err);
            return rc != AN_OK
                       ? rc
                       : an_fail(err, AN_EAGAIN,
                                 "%lld events were left when writers had waited for as long as they may "
                                 "(ingest.commit_timeout): run this again when less is written",
                                 (long long)m->s.behind);
        }
    }
    return rc;
}

int an_move_follow_to_now(struct an_move *m, struct an_err *err)
{
    uint64_t now;
    int rc = read_snapshot(m, &now, err);
    while (rc == AN_OK) {
        rc = an_move_follow(m, err);
        if (rc != AN_OK || m->position.xid >= now)
            return rc;
        rc = an_move_save_seldom(m, err);
        (void)poll(NULL, 0, LOOK_MS);
    }
    return rc;
}

int an_move_catch_up(struct an_move *m, struct an_err *err)
{
    for (;;) {
        int64_t start_us = an_clock_mono_us();
        int rc = an_move_follow_to_now(m, err);
        if (rc != AN_OK || an_clock_mono_us() - start_us < NEAR_US)
            return rc;
    }
}
