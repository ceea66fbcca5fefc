/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/digest.h"
#include "db/internal.h"
#include "db/patient.h"

#define SQLSTATE_DEADLOCK "40P01"

/* Two jobs that wait for each other do not meet again at the same instant. */
static void pause_before_retry(void)
{
    unsigned char r;
    an_random(&r, sizeof r);
    (void)poll(NULL, 0, 100 + r);
}

int an_patient(struct an_db *db, const struct an_conf *c, an_patient_step *step, void *arg,
               const char *what, struct an_err *err)
{
    for (int64_t tries = 1;; tries++) {
        int rc = step(db, arg, err);
        bool again =
            rc == AN_ETIMEOUT || (rc == AN_EAGAIN && strcmp(db->sqlstate, SQLSTATE_DEADLOCK) == 0);
        if (!again)
            return rc;
        if (tries >= c->partition_retries)
            return an_fail(err, AN_EAGAIN, "%s: no lock in %lld tries", what, (long long)tries);
        pause_before_retry();
    }
}

struct transaction {
    const struct an_conf *conf;
    an_patient_step *step;
    void *arg;
};

static int in_transaction(struct an_db *db, void *arg, struct an_err *err)
{
    const struct transaction *t = arg;
    int rc = an_db_begin_limited(db, t->conf->db_statement_timeout_ms, t->conf->partition_lock_timeout_ms,
                                 err);
    if (rc != AN_OK)
        return rc;
    rc = t->step(db, t->arg, err);
    return rc == AN_OK ? an_db_end(db, true, err) : an_db_abandon(db, rc, err);
}

int an_patient_transaction(struct an_db *db, const struct an_conf *c, an_patient_step *step, void *arg,
                           const char *what, struct an_err *err)
{
    struct transaction t = {c, step, arg};
    return an_patient(db, c, in_transaction, &t, what, err);
}
