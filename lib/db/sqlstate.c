/* SPDX-License-Identifier: Apache-2.0 */
/* SQLSTATE becomes a code of ours here. */
#include "an.h"

#include "db/internal.h"
#include "log/metrics.h"

/* A whole SQLSTATE or the start of one; the first that fits counts. What is not here is AN_EBACKEND: a
 * refusal that is ours to mend (missing rights, data that we should have refused), and not the client's. */
static const struct {
    const char *sqlstate;
    enum an_rc rc;
} codes[] = {
    {"08", AN_EAGAIN},     /* connection exceptions */
    {"23505", AN_ECONFLICT}, /* unique_violation */
    {"25006", AN_EAGAIN},  /* read_only_sql_transaction: a replica, or the primary before its promotion */
    {"25P03", AN_EAGAIN},  /* idle_in_transaction_session_timeout */
    {"40", AN_EAGAIN},     /* serialisation failures, deadlocks, and recovery conflicts of a replica */
    {"53", AN_EAGAIN},     /* out of connections, memory or disk */
    {"55P03", AN_ETIMEOUT}, /* lock_not_available */
    {"57014", AN_ETIMEOUT}, /* query_canceled */
    {"57P", AN_EAGAIN},     /* shutting down, starting up */
    {"58", AN_EAGAIN},      /* system errors: I/O */
};

static enum an_rc code_of(const char *sqlstate, const PGresult *res)
{
    /* A row that no partition takes is a check_violation without a constraint. */
    if (strcmp(sqlstate, "23514") == 0 && PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME) == NULL)
        return AN_ENOENT;
    /* outbox_put found its tenant to live elsewhere; no other statement of ours leaves it out. */
    const char *column = PQresultErrorField(res, PG_DIAG_COLUMN_NAME);
    if (strcmp(sqlstate, "23502") == 0 && column != NULL && strcmp(column, "tenant_id") == 0)
        return AN_EMOVED;
    for (size_t i = 0; i < AN_COUNT(codes); i++)
        if (strncmp(sqlstate, codes[i].sqlstate, strlen(codes[i].sqlstate)) == 0)
            return codes[i].rc;
    return AN_EBACKEND;
}

int an_db_broken(struct an_db *db, const char *what, struct an_err *err)
{
    const char *said = PQerrorMessage(db->pg);
    int len = (int)strcspn(said, "\n");
    int rc = an_fail(err, AN_EAGAIN, "db: %s%s%.*s", what, len > 0 ? ": " : "", len, said);
    db->sqlstate[0] = '\0';
    an_db_close(db);
    an_metric_add(AN_M_DB_ERRORS, 1);
    return rc;
}

int an_db_refused(struct an_db *db, PGresult *res, const char *what, struct an_err *err)
{
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL) { /* made by libpq: the connection is gone */
        PQclear(res);
        return an_db_broken(db, what, err);
    }
    (void)snprintf(db->sqlstate, sizeof db->sqlstate, "%s", sqlstate);
    db->conflicted = db->conflicted || strncmp(sqlstate, "40", 2) == 0;
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    /* Data exceptions quote the value, which may be anybody's. */
    if (text == NULL || strncmp(sqlstate, "22", 2) == 0)
        text = "invalid data";
    int rc = an_fail(err, code_of(sqlstate, res), "db: %s: %s (SQLSTATE %s)", what, text, sqlstate);
    PQclear(res);
    an_metric_add(AN_M_DB_ERRORS, 1);
    return rc;
}

bool an_db_blames_rows(const struct an_db *db, bool *unfit)
{
    /* Values, sizes; constraints, a trigger's own word, and a page or an index that is damaged. */
    static const char *const values[] = {"22", "54"}, *const others[] = {"23", "44", "P0", "XX"};
    *unfit = false;
    for (size_t i = 0; i < AN_COUNT(values) && !*unfit; i++)
        *unfit = strncmp(db->sqlstate, values[i], 2) == 0;
    bool blames = *unfit;
    for (size_t i = 0; i < AN_COUNT(others) && !blames; i++)
        blames = strncmp(db->sqlstate, others[i], 2) == 0;
    return blames;
}

const char *an_db_sqlstate(const struct an_db *db)
{
    return db->sqlstate;
}

bool an_db_conflicted(const struct an_db *db)
{
    return db->conflicted;
}
