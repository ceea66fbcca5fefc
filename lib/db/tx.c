/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "db/internal.h"

struct number {
    char text[24];
};

static struct an_db_param ms_param(struct number *n, int64_t ms)
{
    int len = snprintf(n->text, sizeof n->text, "%lld", (long long)ms);
    return AN_DB_TEXT(((struct an_str){.data = n->text, .len = (size_t)len}));
}

/* A transaction that failed to begin is none: nothing may be left open behind the caller's back. */
static int begin(struct an_db *db, const struct an_db_step *steps, size_t count, int64_t wait_ms,
                 struct an_result **out, struct an_err *err)
{
    int rc = an_db_ready(db, err);
    if (rc != AN_OK)
        return rc;
    db->wait_ms = wait_ms;
    rc = an_db_pipeline(db, steps, count, out, err);
    return rc == AN_OK ? AN_OK : an_db_abandon(db, rc, err);
}

int an_db_begin_write(struct an_db *db, struct an_str tenant, const struct an_db_step *then,
                      size_t count, struct an_result **out, struct an_err *err)
{
    struct number n = {""};
    const struct an_db_param params[] = {AN_DB_TEXT(tenant), ms_param(&n, db->statement_timeout_ms)};
    struct an_db_step *steps = an_xcalloc(count + 2, sizeof *steps);
    steps[0] = (struct an_db_step){.stmt = AN_STMT_BEGIN};
    steps[1] = (struct an_db_step){.stmt = AN_STMT_SET_TENANT, .params = params, .count = AN_COUNT(params)};
    memcpy(steps + 2, then, count * sizeof *steps);
    int rc = begin(db, steps, count + 2, db->statement_timeout_ms + AN_DB_SLACK_MS, out, err);
    free(steps);
    return rc;
}

int64_t an_db_limit(struct an_db *db, int64_t statement_ms)
{
    int64_t before_ms = db->statement_timeout_ms;
    db->statement_timeout_ms = statement_ms;
    an_db_wait_as_usual(db);
    return before_ms;
}

int an_db_begin_limited(struct an_db *db, int64_t statement_ms, int64_t lock_ms, struct an_err *err)
{
    struct number n[2] = {{""}, {""}};
    const struct an_db_param params[] = {ms_param(&n[0], statement_ms), ms_param(&n[1], lock_ms)};
    const struct an_db_step steps[] = {
        {.stmt = AN_STMT_BEGIN},
        {.stmt = AN_STMT_SET_LIMITS, .params = params, .count = AN_COUNT(params)}};
    return begin(db, steps, AN_COUNT(steps), statement_ms + AN_DB_SLACK_MS, NULL, err);
}

/* A new connection would do each statement by itself, and commit nothing with success. */
static int still_inside(const struct an_db *db, struct an_err *err)
{
    PGTransactionStatusType status = PQtransactionStatus(db->pg);
    if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
        return AN_OK;
    return an_fail(err, AN_EAGAIN, "db: connection lost before the end of the transaction");
}

int an_db_exec_inside(struct an_db *db, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                      struct an_result **out, struct an_err *err)
{
    int rc = still_inside(db, err);
    return rc == AN_OK ? an_db_exec(db, stmt, params, count, out, err) : rc;
}

int an_db_commit(struct an_db *db, const struct an_db_step *steps, size_t count, struct an_result **out,
                 struct an_err *err)
{
    int rc = still_inside(db, err);
    return rc == AN_OK ? an_db_pipeline(db, steps, count, out, err) : rc;
}

static int commit(struct an_db *db, struct an_err *err)
{
    const struct an_db_step step = {.stmt = AN_STMT_COMMIT};
    return an_db_commit(db, &step, 1, NULL, err);
}

int an_db_end(struct an_db *db, bool ok, struct an_err *err)
{
    if (!ok && db->pg == NULL) /* it broke: the server rolls back */
        return AN_OK;
    int rc = ok ? commit(db, err) : an_db_exec(db, AN_STMT_ROLLBACK, NULL, 0, NULL, err);
    if (rc != AN_OK && !ok && db->pg != NULL)
        an_db_close(db);
    an_db_wait_as_usual(db);
    return rc;
}

int an_db_abandon(struct an_db *db, int rc, struct an_err *err)
{
    /* It may break between an error and the end of the statement that failed. */
    if (db->pg == NULL)
        return rc == AN_EAGAIN ? rc : an_fail(err, AN_EAGAIN, "db: connection lost while the server refused");
    struct an_err broken;
    char sqlstate[sizeof db->sqlstate];
    memcpy(sqlstate, db->sqlstate, sizeof sqlstate);
    bool conflicted = db->conflicted;
    int ended = an_db_end(db, false, &broken);
    db->conflicted = conflicted;
    if (ended != AN_OK)
        return an_fail(err, AN_EAGAIN, "%s", broken.text);
    memcpy(db->sqlstate, sqlstate, sizeof sqlstate);
    return rc;
}
