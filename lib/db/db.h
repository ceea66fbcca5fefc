/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL; the files of this folder are the only includers of libpq-fe.h, and all of them through
 * db/internal.h. One connection a role and worker, opened after the fork, opened again when it broke.
 *
 * Nothing relies on session state, so PgBouncer in transaction mode is fine: settings are SET LOCAL, and
 * database.prepared = off sends statements unnamed. */
#ifndef AN_DB_DB_H
#define AN_DB_DB_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "db/stmt_list.h" /* made from sql/queries: enum an_stmt { AN_STMT_..., AN_STMT__COUNT } */

enum an_db_role { AN_DB_WRITER, AN_DB_READER, AN_DB_PLATFORM, AN_DB_JOB, AN_DB_KEEPER, AN_DB_OWNER };

struct an_db;     /* a connection, perhaps not open at the moment */
struct an_result; /* rows of a statement */
struct an_health; /* db/health.h */

/* Opens nothing yet. The configuration must outlive it. */
struct an_db *an_db_new(const struct an_conf *c, enum an_db_role role) AN_MUST_CHECK;
/* The same role at another place (db/place.h); NULL or "": as configured. A place that is none shows
 * when it is used. All roles but the reader's and the platform's want a server that takes writes, unless
 * the string says otherwise. */
struct an_db *an_db_new_at(const struct an_conf *c, enum an_db_role role, const char *place) AN_MUST_CHECK;
void an_db_free(struct an_db *db); /* accepts NULL */
/* Does the configuration say where that role connects to? Nothing is connected; a service file is read.
 * AN_EINVAL: it does not, and every connection would fail; the message names the key, and no secret. */
int an_db_check(const struct an_conf *c, enum an_db_role role, struct an_err *err) AN_MUST_CHECK;

/* Connects where not connected. AN_EAGAIN: cannot now. After a failure the next try waits 250 ms (calls
 * in between fail at once), so that a dead server does not cost every request a connect timeout. */
int an_db_ready(struct an_db *db, struct an_err *err) AN_MUST_CHECK;
/* The same, but where it must connect, it waits no longer than that. */
int an_db_ready_within(struct an_db *db, int64_t wait_ms, struct an_err *err) AN_MUST_CHECK;

/* Before its first use: whether the server answers is from now on shared, under that name, with the
 * other workers who have that memory (which must outlive the connection; NULL: with nobody). While it
 * is known not to answer, an_db_ready() fails at once for all of them but the one who tries again. */
void an_db_share(struct an_db *db, struct an_health *health, const char *name);

/* From here on no wait for this server, for a connection or for an answer, is longer; 0: as configured.
 * For looks that must not take long. That a connection did not come in such a time keeps nobody with more
 * patience from trying at once. */
void an_db_hurry(struct an_db *db, int64_t wait_ms);

/* Is it connected, as far as is known? After a failure: did the server answer at all? */
bool an_db_is_open(const struct an_db *db) AN_MUST_CHECK;

/* Parameters travel as text (data NULL: SQL NULL) or, with binary, as PostgreSQL's binary format. */
struct an_db_param {
    struct an_str value;
    bool binary;
};
#define AN_DB_TEXT(s) ((struct an_db_param){.value = (s)})

/* Runs one statement of sql/queries, outside of or inside a transaction. On AN_OK the caller owns *out (NULL
 * to drop it). Codes: AN_EAGAIN connection lost, server shutting down, too many connections, read-only
 * server; AN_ETIMEOUT statement_timeout or lock_timeout; AN_ECONFLICT unique violation; AN_ENOENT no
 * partition for the row; AN_EMOVED a write for a tenant that does not live here; AN_EBACKEND anything
 * else. The message carries the SQLSTATE. */
int an_db_exec(struct an_db *db, enum an_stmt stmt, const struct an_db_param *params, size_t count,
               struct an_result **out, struct an_err *err) AN_MUST_CHECK;

/* One without parameters, outside of a transaction; connecting and the answer are awaited for so long. */
int an_db_ask(struct an_db *db, enum an_stmt stmt, int64_t wait_ms, struct an_result **out,
              struct an_err *err) AN_MUST_CHECK;

/* The SQLSTATE of the last error; "" where the server said nothing. Lent until the next statement. */
const char *an_db_sqlstate(const struct an_db *db);
/* Did the last statements meet a conflict (class 40)? Also where the connection ended with it. */
bool an_db_conflicted(const struct an_db *db) AN_MUST_CHECK;

/* One statement of several that travel together. */
struct an_db_step {
    enum an_stmt stmt; /* of sql/queries, unless sql is set */
    const char *sql;   /* put together by search/sqltext.c; values are parameters there too */
    bool keep;         /* sql is likely to come again; see an_db_keeps() */
    const struct an_db_param *params;
    size_t count;
    bool binary;            /* its rows come in PostgreSQL's binary format; see an_result_time() */
    struct an_result **out; /* gets the rows, which are the caller's on AN_OK; NULL drops them */
    /* told when it has succeeded, which the server then says at once; NULL: nobody is */
    void (*done)(void *arg);
    void *arg;
};

/* What an_db_read() puts around its steps. */
enum { AN_DB_BEGIN = 1, AN_DB_COMMIT = 2 };
/* A read-only transaction, in one round trip or in parts: BEGIN READ ONLY where `ends` has AN_DB_BEGIN, the
 * steps, COMMIT where it has AN_DB_COMMIT. Whatever fails has ended the transaction, and no step has rows.
 * The steps set the tenant and the time limit (search_begin); timeout_ms tells how long that is, to be
 * patient for a little longer. A transaction that is open may be ended by an_db_end() too. */
#define AN_DB_READ_MAX 4 /* steps */
int an_db_read(struct an_db *db, unsigned ends, int64_t timeout_ms, const struct an_db_step *steps,
               size_t count, struct an_err *err) AN_MUST_CHECK;
/* A whole read-only transaction in two halves, so that several servers work at the same time: BEGIN, the
 * steps and COMMIT are sent; their rows are taken, until `until_us` (an_clock_mono_us()) at the latest,
 * as an_db_read() would have given them. Each send that was AN_OK needs its take, with the same steps,
 * and nothing in between. */
int an_db_read_send(struct an_db *db, const struct an_db_step *steps, size_t count,
                    struct an_err *err) AN_MUST_CHECK;
int an_db_read_take(struct an_db *db, int64_t until_us, const struct an_db_step *steps, size_t count,
                    struct an_err *err) AN_MUST_CHECK;
/* Is the step sent as a prepared statement? Statements of sql/queries are, and texts to be kept, the last 32
 * of them on a connection, unless they are long. Where database.prepared is off, none is. */
bool an_db_keeps(const struct an_db *db, const struct an_db_step *step) AN_MUST_CHECK;

/* COMMIT (ok) or ROLLBACK; a failed ROLLBACK closes the connection. */
int an_db_end(struct an_db *db, bool ok, struct an_err *err);

size_t an_result_rows(const struct an_result *r); /* NULL: 0 */
/* Text of a column; absent for SQL NULL. Borrowed until an_result_free(). */
struct an_str an_result_get(const struct an_result *r, size_t row, size_t column);
bool an_result_int(const struct an_result *r, size_t row, size_t column, int64_t *out) AN_MUST_CHECK;
/* Of a boolean in text; false for SQL NULL too. */
bool an_result_true(const struct an_result *r, size_t row, size_t column) AN_MUST_CHECK;
/* In text, timestamps are selected as microseconds (bigint) and read with an_result_int(). In the binary
 * format there are these, which are false for SQL NULL and what is not of that type; document and text are
 * the same bytes in both. Infinite timestamps do not occur in our tables. */
bool an_result_int8(const struct an_result *r, size_t row, size_t column, int64_t *out) AN_MUST_CHECK;
bool an_result_time(const struct an_result *r, size_t row, size_t column, int64_t *us) AN_MUST_CHECK;
bool an_result_uuid(const struct an_result *r, size_t row, size_t column,
                    struct an_uuid *id) AN_MUST_CHECK;
void an_result_free(struct an_result *r); /* accepts NULL */

#endif
