/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions that write, and what goes into them beside statements of sql/queries. an_db_end() ends
 * them. */
#ifndef AN_DB_TX_H
#define AN_DB_TX_H

#include "an.h"
#include "db/db.h"

/* Text with any number of statements and no parameters: a migration, a DETACH. */
int an_db_script(struct an_db *db, const char *name, const char *sql, struct an_err *err) AN_MUST_CHECK;

/* A read-write transaction under limits of its own; lock_ms 0: none. */
int an_db_begin_limited(struct an_db *db, int64_t statement_ms, int64_t lock_ms,
                        struct an_err *err) AN_MUST_CHECK;
/* A read-write transaction of one tenant under database.statement_timeout; `then` follows in the same
 * round trip, and may end with the COMMIT. out: rows of the last step; NULL to drop them. */
int an_db_begin_write(struct an_db *db, struct an_str tenant, const struct an_db_step *then,
                      size_t count, struct an_result **out, struct an_err *err) AN_MUST_CHECK;

/* The time limit of an_db_begin_write() from here on, instead of database.statement_timeout; returns
 * what it was. */
int64_t an_db_limit(struct an_db *db, int64_t statement_ms);

/* Ends the transaction that is open: the steps begin with COMMIT. AN_OK: it was committed. AN_EAGAIN:
 * its connection was lost, so that it may or may not be. AN_EBACKEND: it had failed before, and was
 * rolled back. */
int an_db_commit(struct an_db *db, const struct an_db_step *steps, size_t count, struct an_result **out,
                 struct an_err *err) AN_MUST_CHECK;

/* an_db_exec() inside the transaction that is open. AN_EAGAIN: there is none (any more), and nothing was
 * done. */
int an_db_exec_inside(struct an_db *db, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                      struct an_result **out, struct an_err *err) AN_MUST_CHECK;

/* ROLLBACK after a failure, whose code `rc` is returned with err and an_db_sqlstate() as they are;
 * AN_EAGAIN instead where the connection broke on the way, so that nobody tries something else on a
 * server that is gone. */
int an_db_abandon(struct an_db *db, int rc, struct an_err *err) AN_MUST_CHECK;

/* COPY ... FROM STDIN in binary: sends the pieces between header and trailer, waits for the verdict. */
int an_db_copy(struct an_db *db, enum an_stmt stmt, const struct an_str *pieces, size_t count,
               struct an_err *err) AN_MUST_CHECK;

#endif
