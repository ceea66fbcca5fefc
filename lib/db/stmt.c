/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "db/internal.h"

#define PARAMS_MAX 256
#define TEXT_KEEP ((size_t)64 << 10)

struct bound {
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
};

/* libpq wants text with a NUL behind it; those copies live in db->text until it has copied them in its
 * turn. */
static int bind(struct an_db *db, const struct an_db_param *params, size_t count, struct bound *b,
                struct an_err *err)
{
    if (count > PARAMS_MAX)
        return an_fail(err, AN_ETOOBIG, "db: more than %d parameters", PARAMS_MAX);
    size_t need = 0;
    for (size_t i = 0; i < count; i++)
        need += params[i].binary ? 0 : params[i].value.len + 1;
    /* Reserved as a whole, so that the copies do not move. */
    an_buf_clear(&db->text);
    if (an_buf_reserve(&db->text, need) == NULL)
        return an_fail(err, AN_ETOOBIG, "db: parameters of more than %zu bytes", db->text.limit);
    for (size_t i = 0; i < count; i++) {
        struct an_str v = params[i].value;
        b->values[i] = v.data;
        b->lengths[i] = (int)v.len;
        b->formats[i] = params[i].binary;
        if (v.data == NULL || params[i].binary)
            continue;
        b->values[i] = db->text.data + db->text.len;
        (void)an_buf_add(&db->text, v.data, v.len);
        (void)an_buf_addc(&db->text, '\0');
    }
    return AN_OK;
}

/* Reads results up to the end of the statement. The first error wins; *out is the last result that is
 * none. */
static int collect(struct an_db *db, const char *what, PGresult **out, struct an_err *err)
{
    int rc = AN_OK;
    for (;;) {
        PGresult *res;
        int waited = an_db_next(db, &res, rc == AN_OK ? err : NULL);
        if (waited != AN_OK)
            return rc == AN_OK ? waited : rc;
        if (res == NULL)
            return rc;
        ExecStatusType status = PQresultStatus(res);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
            PQclear(*out);
            *out = res;
            continue;
        }
        if (status == PGRES_PIPELINE_ABORTED) { /* an earlier step failed, whose error was returned */
            PQclear(res);
            continue;
        }
        int refused = an_db_refused(db, res, what, rc == AN_OK ? err : NULL);
        rc = rc == AN_OK ? refused : rc;
        if (db->pg == NULL)
            return rc;
    }
}

static struct an_result *result_of(PGresult *res)
{
    struct an_result *r = an_xmalloc(sizeof *r);
    r->pg = res; /* owned by it now */
    return r;
}

/* A server that turned into a replica has a primary elsewhere: connect again. */
static void leave_replica(struct an_db *db)
{
    if (db->pg != NULL && strcmp(db->sqlstate, "25006") == 0)
        an_db_close(db);
}

static int finish(struct an_db *db, const char *what, struct an_result **out, struct an_err *err)
{
    PGresult *res = NULL;
    db->sqlstate[0] = '\0';
    int rc = an_db_flush(db, err);
    if (rc == AN_OK)
        rc = collect(db, what, &res, err);
    if (rc != AN_OK)
        leave_replica(db);
    if (rc != AN_OK || out == NULL) {
        PQclear(res);
        return rc;
    }
    *out = result_of(res);
    return AN_OK;
}

static int prepare(struct an_db *db, enum an_stmt stmt, struct an_err *err)
{
    if (!db->prepare || db->prepared[stmt] == AN_PREPARED)
        return AN_OK;
    const struct an_stmt_text *t = &an_stmt_texts[stmt];
    if (PQsendPrepare(db->pg, t->name, t->sql, 0, NULL) == 0)
        return an_db_broken(db, t->name, err);
    int rc = finish(db, t->name, NULL, err);
    db->prepared[stmt] = rc == AN_OK ? AN_PREPARED : AN_PREPARED_NOT;
    return rc;
}

/* Hands a statement to libpq: the prepared one of that name, or with `name` NULL the text. */
static int send(struct an_db *db, const char *name, const char *sql, const struct an_db_param *params,
                size_t count, struct an_err *err)
{
    struct bound b;
    int rc = bind(db, params, count, &b, err);
    if (rc != AN_OK)
        return rc;
    int sent = name != NULL
                   ? PQsendQueryPrepared(db->pg, name, (int)count, b.values, b.lengths, b.formats, 0)
                   : PQsendQueryParams(db->pg, sql, (int)count, NULL, b.values, b.lengths, b.formats, 0);
    an_buf_clear(&db->text);
    an_buf_trim(&db->text, TEXT_KEEP);
    return sent != 0 ? AN_OK : an_db_broken(db, name != NULL ? name : "query", err);
}

static int send_step(struct an_db *db, const struct an_db_step *step, struct an_err *err)
{
    const struct an_stmt_text *t = &an_stmt_texts[step->stmt];
    return send(db, db->prepare ? t->name : NULL, t->sql, step->params, step->count, err);
}

int an_db_exec(struct an_db *db, enum an_stmt stmt, const struct an_db_param *params, size_t count,
               struct an_result **out, struct an_err *err)
{
    struct an_db_step step = {.stmt = stmt, .params = params, .count = count};
    int rc = an_db_ready(db, err);
    if (rc == AN_OK)
        rc = prepare(db, stmt, err);
    if (rc == AN_OK)
        rc = send_step(db, &step, err);
    return rc != AN_OK ? rc : finish(db, an_stmt_texts[stmt].name, out, err);
}

int an_db_query(struct an_db *db, const char *sql, const struct an_db_param *params, size_t count,
                struct an_result **out, struct an_err *err)
{
    int rc = an_db_ready(db, err);
    if (rc == AN_OK)
        rc = send(db, NULL, sql, params, count, err);
    return rc != AN_OK ? rc : finish(db, "query", out, err);
}

/* The results of a step, and before them of its preparation. */
static int collect_step(struct an_db *db, enum an_stmt stmt, PGresult **out, struct an_err *err)
{
    int rc = AN_OK;
    if (db->prepared[stmt] == AN_PREPARED_SENT) {
        rc = collect(db, an_stmt_texts[stmt].name, out, err);
        db->prepared[stmt] = *out != NULL ? AN_PREPARED : AN_PREPARED_NOT;
        PQclear(*out);
        *out = NULL;
        if (db->pg == NULL)
            return rc;
    }
    int ran = collect(db, an_stmt_texts[stmt].name, out, rc == AN_OK ? err : NULL);
    return rc == AN_OK ? ran : rc;
}

/* Results of all steps of a pipeline, then the sync. */
static int collect_steps(struct an_db *db, const struct an_db_step *steps, size_t count, PGresult **out,
                         struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < count; i++) {
        PQclear(*out);
        *out = NULL;
        int got = collect_step(db, steps[i].stmt, out, rc == AN_OK ? err : NULL);
        rc = rc == AN_OK ? got : rc;
        if (db->pg == NULL)
            return rc;
    }
    PGresult *sync = NULL;
    int waited = an_db_next(db, &sync, rc == AN_OK ? err : NULL);
    PQclear(sync);
    return rc == AN_OK ? waited : rc;
}

static int send_prepare(struct an_db *db, enum an_stmt stmt, struct an_err *err)
{
    if (!db->prepare || db->prepared[stmt] != AN_PREPARED_NOT)
        return AN_OK;
    const struct an_stmt_text *t = &an_stmt_texts[stmt];
    if (PQsendPrepare(db->pg, t->name, t->sql, 0, NULL) == 0)
        return an_db_broken(db, t->name, err);
    db->prepared[stmt] = AN_PREPARED_SENT;
    return AN_OK;
}

static int send_steps(struct an_db *db, const struct an_db_step *steps, size_t count, struct an_err *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = send_prepare(db, steps[i].stmt, err);
        if (rc == AN_OK)
            rc = send_step(db, &steps[i], err);
        if (rc != AN_OK)
            return rc;
    }
    return PQpipelineSync(db->pg) == 1 ? an_db_flush(db, err) : an_db_broken(db, "sync", err);
}

int an_db_pipeline(struct an_db *db, const struct an_db_step *steps, size_t count,
                   struct an_result **out, struct an_err *err)
{
    int rc = an_db_ready(db, err);
    if (rc != AN_OK)
        return rc;
    PGresult *res = NULL;
    db->sqlstate[0] = '\0';
    if (PQenterPipelineMode(db->pg) != 1)
        return an_db_broken(db, "pipeline", err);
    rc = send_steps(db, steps, count, err);
    if (rc == AN_OK)
        rc = collect_steps(db, steps, count, &res, err);
    else if (db->pg != NULL)
        an_db_close(db); /* half a pipeline was sent */
    if (db->pg != NULL && PQexitPipelineMode(db->pg) != 1)
        rc = an_db_broken(db, "pipeline", err);
    if (rc != AN_OK)
        leave_replica(db);
    if (rc == AN_OK && out != NULL)
        *out = result_of(res);
    else
        PQclear(res);
    return rc;
}

int an_db_script(struct an_db *db, const char *name, const char *sql, struct an_err *err)
{
    int rc = an_db_ready(db, err);
    if (rc != AN_OK)
        return rc;
    if (PQsendQuery(db->pg, sql) == 0)
        return an_db_broken(db, name, err);
    return finish(db, name, NULL, err);
}
