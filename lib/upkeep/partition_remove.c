/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/patient.h"
#include "db/tx.h"
#include "upkeep/partition_remove.h"

#define STATEMENT_MAX 256

static void params_of(const struct an_partition *p, struct an_db_param params[2])
{
    params[0] = AN_DB_TEXT(an_str(p->table));
    params[1] = AN_DB_TEXT(an_str(p->name));
}

/* Before each statement of the keeper: its connection may be another than before. The claim counts once a
 * connection, however often it is made. */
static int claim(struct an_db *keeper, const struct an_conf *c, struct an_err *err)
{
    char lock_ms[24], statement_ms[24];
    (void)snprintf(lock_ms, sizeof lock_ms, "%lld", (long long)c->partition_lock_timeout_ms);
    (void)snprintf(statement_ms, sizeof statement_ms, "%lld", (long long)c->db_statement_timeout_ms);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(lock_ms)), AN_DB_TEXT(an_str(statement_ms))};
    struct an_result *res = NULL;
    int rc = an_db_exec(keeper, AN_STMT_KEEPER_SESSION, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && !an_result_true(res, 0, 2))
        rc = an_fail(err, AN_ETIMEOUT, "another annals-partition takes partitions away");
    an_result_free(res);
    return rc;
}

struct detaching {
    struct an_db *db;
    const struct an_conf *conf;
    const struct an_partition *partition;
};

static int claim_once(struct an_db *keeper, void *arg, struct an_err *err)
{
    const struct detaching *d = arg;
    return claim(keeper, d->conf, err);
}

int an_partition_claim(struct an_db *keeper, const struct an_conf *c, struct an_err *err)
{
    struct detaching d = {.conf = c};
    int rc = an_patient(keeper, c, claim_once, &d, "another annals-partition is at work", err);
    return rc == AN_OK ? AN_OK : an_fail_within(err, "database.keeper");
}

/* The statement that the owner must run next; empty: none. */
static int next_statement(const struct detaching *d, char out[STATEMENT_MAX], struct an_err *err)
{
    struct an_db_param params[2];
    struct an_result *res = NULL;
    params_of(d->partition, params);
    int rc = an_db_exec(d->db, AN_STMT_PARTITION_DETACH, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK)
        (void)snprintf(out, STATEMENT_MAX, "%.*s", AN_STR_ARG(an_result_get(res, 0, 0)));
    an_result_free(res);
    return rc;
}

static int detach_once(struct an_db *keeper, void *arg, struct an_err *err)
{
    const struct detaching *d = arg;
    char statement[STATEMENT_MAX];
    int rc = claim(keeper, d->conf, err);
    if (rc == AN_OK)
        rc = next_statement(d, statement, err);
    if (rc == AN_OK && statement[0] != '\0')
        rc = an_db_script(keeper, "detach", statement, err);
    return rc;
}

int an_partition_detach(struct an_db *db, struct an_db *keeper, const struct an_conf *c,
                        const struct an_partition *p, struct an_err *err)
{
    struct detaching d = {db, c, p};
    char what[128];
    (void)snprintf(what, sizeof what, "detaching annals.%s", p->name);
    return an_patient(keeper, c, detach_once, &d, what, err);
}

struct dropping {
    const struct an_partition *partition;
    bool dropped;
};

static int drop_once(struct an_db *db, void *arg, struct an_err *err)
{
    struct dropping *d = arg;
    struct an_db_param params[2];
    struct an_result *res = NULL;
    params_of(d->partition, params);
    int rc = an_db_exec(db, AN_STMT_PARTITION_DROP, params, AN_COUNT(params), &res, err);
    d->dropped = rc == AN_OK && an_result_true(res, 0, 0);
    an_result_free(res);
    return rc;
}

int an_partition_drop(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                      bool *dropped, struct an_err *err)
{
    struct dropping d = {.partition = p};
    char what[128];
    (void)snprintf(what, sizeof what, "dropping annals.%s", p->name);
    int rc = an_patient_transaction(db, c, drop_once, &d, what, err);
    *dropped = rc == AN_OK && d.dropped;
    return rc;
}

static int attach_once(struct an_db *db, void *arg, struct an_err *err)
{
    struct an_db_param params[2];
    params_of(arg, params);
    return an_db_exec(db, AN_STMT_PARTITION_ATTACH, params, AN_COUNT(params), NULL, err);
}

int an_partition_attach(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                        struct an_err *err)
{
    struct an_partition copy = *p;
    char what[128];
    (void)snprintf(what, sizeof what, "attaching annals.%s again", p->name);
    return an_patient_transaction(db, c, attach_once, &copy, what, err);
}
