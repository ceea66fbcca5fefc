/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/mem.h"
#include "db/internal.h"

#define PARAMS_MAX 256
#define ASK_LEAST_MS 10 /* what has come already is taken, however late it is */
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

int an_db_collect(struct an_db *db, const char *what, PGresult **out, struct an_err *err)
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
        if (status == PGRES_PIPELINE_ABORTED) { /* says nothing: what stands before it failed */
            PQclear(res);
            rc = rc == AN_OK ? an_fail(err, AN_EBACKEND, "db: %s: aborted", what) : rc;
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

static void forget_error(struct an_db *db)
{
    db->sqlstate[0] = '\0';
    db->conflicted = false;
}

static int finish(struct an_db *db, const char *what, struct an_result **out, struct an_err *err)
{
    PGresult *res = NULL;
    forget_error(db);
    int rc = an_db_flush(db, err);
    if (rc == AN_OK)
        rc = an_db_collect(db, what, &res, err);
    if (rc != AN_OK)
        leave_replica(db);
    if (rc != AN_OK || out == NULL) {
        PQclear(res);
        return rc;
    }
    *out = result_of(res);
    return AN_OK;
}

bool an_db_keeps(const struct an_db *db, const struct an_db_step *step)
{
    return db->prepare && (step->sql == NULL || (step->keep && strlen(step->sql) <= AN_TEXT_MAX));
}

/* What the server calls a step, and whether it knows it. */
struct known {
    enum an_prepared *state; /* NULL: it is sent unnamed */
    const char *name, *sql;
};

static struct known known_of(struct an_db *db, const struct an_db_step *step)
{
    const struct an_stmt_text *t = &an_stmt_texts[step->stmt];
    if (!an_db_keeps(db, step))
        return (struct known){.sql = step->sql == NULL ? t->sql : step->sql};
    if (step->sql == NULL)
        return (struct known){.state = &db->prepared[step->stmt], .name = t->name, .sql = t->sql};
    struct an_texts_place *kept = an_texts_find(&db->texts, an_str(step->sql));
    return (struct known){.state = &kept->state, .name = kept->name, .sql = step->sql};
}

/* A text that is to be kept gets its place; what gives way for it is dropped by the server too. */
static int make_room(struct an_db *db, const struct an_db_step *step, struct an_err *err)
{
    struct an_str sql = an_str(step->sql);
    if (sql.data == NULL || !an_db_keeps(db, step) || an_texts_find(&db->texts, sql) != NULL)
        return AN_OK;
    struct an_texts_place *place = an_texts_victim(&db->texts);
    if (place->state != AN_NOT_PREPARED) {
        char deallocate[32];
        (void)snprintf(deallocate, sizeof deallocate, "DEALLOCATE %s", place->name);
        int rc = an_db_script(db, "deallocate", deallocate, err);
        if (rc != AN_OK)
            return rc;
    }
    an_texts_put(&db->texts, place, sql);
    return AN_OK;
}

static const char *title(const struct an_db_step *step)
{
    return step->sql == NULL ? an_stmt_texts[step->stmt].name : "query";
}

/* Lets the server know the statement, unless it does; the answer comes before the statement's own. */
static int send_prepare(struct an_db *db, const struct an_db_step *step, struct an_err *err)
{
    struct known k = known_of(db, step);
    if (k.state == NULL || *k.state != AN_NOT_PREPARED)
        return AN_OK;
    if (PQsendPrepare(db->pg, k.name, k.sql, 0, NULL) == 0)
        return an_db_broken(db, title(step), err);
    *k.state = AN_PREPARE_SENT;
    return AN_OK;
}

static int collect_prepare(struct an_db *db, const struct an_db_step *step, struct an_err *err)
{
    struct known k = known_of(db, step);
    if (k.state == NULL || *k.state != AN_PREPARE_SENT)
        return AN_OK;
    PGresult *res = NULL;
    int rc = an_db_collect(db, title(step), &res, err);
    PQclear(res);
    if (db->pg != NULL) /* else everything was forgotten with the connection */
        *k.state = rc == AN_OK ? AN_PREPARED : AN_NOT_PREPARED;
    return rc;
}

/* Hands a statement to libpq, by name or as its text. */
static int send_step(struct an_db *db, const struct an_db_step *step, struct an_err *err)
{
    struct bound b;
    int rc = bind(db, step->params, step->count, &b, err);
    if (rc != AN_OK)
        return rc;
    struct known k = known_of(db, step);
    int n = (int)step->count;
    int sent = k.state != NULL
                   ? PQsendQueryPrepared(db->pg, k.name, n, b.values, b.lengths, b.formats, step->binary)
                   : PQsendQueryParams(db->pg, k.sql, n, NULL, b.values, b.lengths, b.formats, step->binary);
    an_buf_clear(&db->text);
    an_buf_trim(&db->text, TEXT_KEEP);
    return sent != 0 ? AN_OK : an_db_broken(db, title(step), err);
}

static int prepare(struct an_db *db, const struct an_db_step *step, struct an_err *err)
{
    int rc = send_prepare(db, step, err);
    if (rc == AN_OK)
        rc = an_db_flush(db, err);
    return rc == AN_OK ? collect_prepare(db, step, err) : rc;
}

int an_db_exec(struct an_db *db, enum an_stmt stmt, const struct an_db_param *params, size_t count,
               struct an_result **out, struct an_err *err)
{
    struct an_db_step step = {.stmt = stmt, .params = params, .count = count};
    int rc = an_db_ready(db, err);
    if (rc == AN_OK)
        rc = prepare(db, &step, err);
    if (rc == AN_OK)
        rc = send_step(db, &step, err);
    return rc != AN_OK ? rc : finish(db, an_stmt_texts[stmt].name, out, err);
}

int an_db_ask(struct an_db *db, enum an_stmt stmt, int64_t wait_ms, struct an_result **out,
              struct an_err *err)
{
    int64_t usual_ms = db->wait_ms, since_us = an_clock_mono_us();
    if (db->hurry_ms > 0 && db->hurry_ms < wait_ms)
        wait_ms = db->hurry_ms;
    int rc = an_db_ready_within(db, wait_ms, err);
    if (rc != AN_OK)
        return rc;
    int64_t left_ms = wait_ms - (an_clock_mono_us() - since_us) / 1000;
    db->wait_ms = left_ms > ASK_LEAST_MS ? left_ms : ASK_LEAST_MS;
    rc = an_db_exec(db, stmt, NULL, 0, out, err);
    db->wait_ms = usual_ms;
    return rc;
}

/* The server answers COMMIT of a failed transaction with ROLLBACK, and calls that success. */
static int check_commit(const struct an_db_step *step, PGresult *res, struct an_err *err)
{
    if (step->sql != NULL || step->stmt != AN_STMT_COMMIT || strcmp(PQcmdStatus(res), "COMMIT") == 0)
        return AN_OK;
    return an_fail(err, AN_EBACKEND, "db: commit: the transaction had failed");
}

/* The results of a step, and before them of its preparation. */
static int collect_step(struct an_db *db, const struct an_db_step *step, PGresult **out, struct an_err *err)
{
    int rc = collect_prepare(db, step, err);
    if (db->pg == NULL)
        return rc;
    int got = an_db_collect(db, title(step), out, rc == AN_OK ? err : NULL);
    if (rc == AN_OK && got == AN_OK)
        got = check_commit(step, *out, err);
    return rc == AN_OK ? got : rc;
}

/* Results of all steps of a pipeline, then the sync. */
static int collect_steps(struct an_db *db, const struct an_db_step *steps, size_t count, PGresult **out,
                         struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < count; i++) {
        PQclear(*out);
        *out = NULL;
        int got = collect_step(db, &steps[i], out, rc == AN_OK ? err : NULL);
        rc = rc == AN_OK ? got : rc;
        if (db->pg == NULL)
            return rc;
        if (rc == AN_OK && steps[i].out != NULL) {
            *steps[i].out = result_of(*out);
            *out = NULL;
        }
        if (rc == AN_OK && steps[i].done != NULL)
            steps[i].done(steps[i].arg);
    }
    PGresult *sync = NULL;
    int waited = an_db_next(db, &sync, rc == AN_OK ? err : NULL);
    PQclear(sync);
    return rc == AN_OK ? waited : rc;
}

static int send_steps(struct an_db *db, const struct an_db_step *steps, size_t count, struct an_err *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = send_prepare(db, &steps[i], err);
        if (rc == AN_OK)
            rc = send_step(db, &steps[i], err);
        if (rc == AN_OK && steps[i].done != NULL && PQsendFlushRequest(db->pg) != 1)
            rc = an_db_broken(db, title(&steps[i]), err);
        if (rc != AN_OK)
            return rc;
    }
    return PQpipelineSync(db->pg) == 1 ? an_db_flush(db, err) : an_db_broken(db, "sync", err);
}

static void drop_rows(const struct an_db_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (steps[i].out != NULL) {
            an_result_free(*steps[i].out);
            *steps[i].out = NULL;
        }
}

int an_db_pipeline_send(struct an_db *db, const struct an_db_step *steps, size_t count, struct an_err *err)
{
    for (size_t i = 0; i < count; i++)
        if (steps[i].out != NULL)
            *steps[i].out = NULL;
    int rc = an_db_ready(db, err);
    for (size_t i = 0; i < count && rc == AN_OK; i++)
        rc = make_room(db, &steps[i], err);
    if (rc != AN_OK)
        return rc;
    forget_error(db);
    if (PQenterPipelineMode(db->pg) != 1)
        return an_db_broken(db, "pipeline", err);
    rc = send_steps(db, steps, count, err);
    if (rc != AN_OK && db->pg != NULL)
        an_db_close(db); /* half a pipeline was sent */
    return rc;
}

int an_db_pipeline_take(struct an_db *db, const struct an_db_step *steps, size_t count,
                        struct an_result **out, struct an_err *err)
{
    PGresult *res = NULL;
    int rc = collect_steps(db, steps, count, &res, err);
    if (db->pg != NULL && PQexitPipelineMode(db->pg) != 1)
        rc = an_db_broken(db, "pipeline", err);
    if (rc != AN_OK) {
        drop_rows(steps, count);
        leave_replica(db);
    }
    if (rc == AN_OK && out != NULL)
        *out = result_of(res);
    else
        PQclear(res);
    return rc;
}

int an_db_pipeline(struct an_db *db, const struct an_db_step *steps, size_t count,
                   struct an_result **out, struct an_err *err)
{
    int rc = an_db_pipeline_send(db, steps, count, err);
    return rc == AN_OK ? an_db_pipeline_take(db, steps, count, out, err) : rc;
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
