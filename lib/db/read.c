/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <assert.h>

#include "base/clock.h"
#include "db/internal.h"

#define PLANS_US INT64_C(10000000)
#define TAKE_LEAST_MS 10 /* what has come already is taken, however late it is */

/* See discard_plans. */
static int renew_plans(struct an_db *db, struct an_err *err)
{
    if (!db->prepare || an_clock_mono_us() < db->plans_until_us)
        return AN_OK;
    db->plans_until_us = an_clock_mono_us() + PLANS_US;
    return an_db_exec(db, AN_STMT_DISCARD_PLANS, NULL, 0, NULL, err);
}

/* The transaction is over, one way or the other, before the caller hears of the failure. */
static int give_up(struct an_db *db, int rc, struct an_err *err)
{
    if (db->pg != NULL && PQtransactionStatus(db->pg) == PQTRANS_IDLE) {
        an_db_wait_as_usual(db);
        return rc;
    }
    return an_db_abandon(db, rc, err);
}

/* The steps with BEGIN and COMMIT around them, as `ends` has it. */
static size_t enclose(unsigned ends, const struct an_db_step *steps, size_t count,
                      struct an_db_step all[AN_DB_READ_MAX + 2])
{
    assert(count <= AN_DB_READ_MAX);
    size_t n = 0;
    if ((ends & AN_DB_BEGIN) != 0)
        all[n++] = (struct an_db_step){.stmt = AN_STMT_BEGIN_READ};
    memcpy(all + n, steps, count * sizeof *steps);
    n += count;
    if ((ends & AN_DB_COMMIT) != 0)
        all[n++] = (struct an_db_step){.stmt = AN_STMT_COMMIT};
    return n;
}

int an_db_read(struct an_db *db, unsigned ends, int64_t timeout_ms, const struct an_db_step *steps,
               size_t count, struct an_err *err)
{
    struct an_db_step all[AN_DB_READ_MAX + 2];
    size_t n = enclose(ends, steps, count, all);
    bool begins = (ends & AN_DB_BEGIN) != 0;
    /* A new one knows no tenant. */
    if (!begins && (db->pg == NULL || PQtransactionStatus(db->pg) != PQTRANS_INTRANS))
        return an_fail(err, AN_EAGAIN, "db: connection lost within a transaction");
    int rc = an_db_ready(db, err);
    if (rc == AN_OK && begins)
        rc = renew_plans(db, err);
    if (rc != AN_OK)
        return rc;
    db->wait_ms = timeout_ms + AN_DB_SLACK_MS;
    rc = an_db_pipeline(db, all, n, NULL, err);
    if (rc != AN_OK)
        return give_up(db, rc, err);
    if ((ends & AN_DB_COMMIT) != 0)
        an_db_wait_as_usual(db);
    return AN_OK;
}

int an_db_read_send(struct an_db *db, const struct an_db_step *steps, size_t count, struct an_err *err)
{
    struct an_db_step all[AN_DB_READ_MAX + 2];
    size_t n = enclose(AN_DB_BEGIN | AN_DB_COMMIT, steps, count, all);
    int rc = an_db_ready(db, err);
    if (rc == AN_OK)
        rc = renew_plans(db, err);
    return rc == AN_OK ? an_db_pipeline_send(db, all, n, err) : rc;
}

int an_db_read_take(struct an_db *db, int64_t until_us, const struct an_db_step *steps, size_t count,
                    struct an_err *err)
{
    struct an_db_step all[AN_DB_READ_MAX + 2];
    size_t n = enclose(AN_DB_BEGIN | AN_DB_COMMIT, steps, count, all);
    int64_t left_ms = (until_us - an_clock_mono_us()) / 1000;
    db->wait_ms = left_ms > TAKE_LEAST_MS ? left_ms : TAKE_LEAST_MS;
    int rc = an_db_pipeline_take(db, all, n, NULL, err);
    if (rc != AN_OK)
        return give_up(db, rc, err);
    an_db_wait_as_usual(db);
    return AN_OK;
}
