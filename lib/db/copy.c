/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/internal.h"

/* libpq copies what it is given before it sends it: flushed in between, a large batch is never in memory
 * twice. */
#define SLICE ((size_t)64 << 10)

struct sending {
    struct an_db *db;
    size_t unsent; /* bytes given to libpq since the last flush, at most */
};

static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
#define HEADER_LEN 19
static const char trailer[] = "\377\377";
#define TRAILER_LEN 2

/* False: libpq takes no more, because the server has said something (the result tells what), or with *rc
 * an error. */
static bool put(struct sending *s, const char *data, size_t len, int *rc, struct an_err *err)
{
    for (size_t at = 0; at < len;) {
        size_t n = len - at < SLICE ? len - at : SLICE;
        if (PQputCopyData(s->db->pg, data + at, (int)n) != 1)
            return false;
        at += n;
        s->unsent += n;
        if (s->unsent < SLICE)
            continue;
        *rc = an_db_flush(s->db, err);
        s->unsent = 0;
        if (*rc != AN_OK)
            return false;
    }
    return true;
}

static int start(struct an_db *db, const struct an_stmt_text *t, struct an_err *err)
{
    PGresult *res;
    if (PQsendQuery(db->pg, t->sql) != 1)
        return an_db_broken(db, t->name, err);
    int rc = an_db_flush(db, err);
    if (rc == AN_OK)
        rc = an_db_next(db, &res, err);
    if (rc != AN_OK)
        return rc;
    if (res != NULL && PQresultStatus(res) == PGRES_COPY_IN) {
        PQclear(res);
        return AN_OK;
    }
    return an_db_refused(db, res, t->name, err);
}

/* What became of it. */
static int verdict(struct an_db *db, const char *name, struct an_err *err)
{
    PGresult *res = NULL;
    int rc = an_db_collect(db, name, &res, err);
    PQclear(res);
    return rc;
}

int an_db_copy(struct an_db *db, enum an_stmt stmt, const struct an_str *pieces, size_t count,
               struct an_err *err)
{
    const struct an_stmt_text *t = &an_stmt_texts[stmt];
    db->sqlstate[0] = '\0';
    int rc = start(db, t, err);
    if (rc != AN_OK) {
        if (db->pg != NULL)
            (void)verdict(db, t->name, NULL);
        return rc;
    }
    struct sending s = {.db = db};
    bool more = put(&s, header, HEADER_LEN, &rc, err);
    for (size_t i = 0; i < count && more; i++)
        more = put(&s, pieces[i].data, pieces[i].len, &rc, err);
    more = more && put(&s, trailer, TRAILER_LEN, &rc, err);
    if (rc != AN_OK)
        return rc;
    if (more && PQputCopyEnd(db->pg, NULL) == 1)
        rc = an_db_flush(db, err);
    return rc != AN_OK ? rc : verdict(db, t->name, err);
}
