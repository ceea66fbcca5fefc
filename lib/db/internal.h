/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share; the one includer of libpq-fe.h. libpq runs non-blocking
 * throughout: every wait goes through an_db_poll() and ends at a deadline, whatever the server or the
 * network does. */
#ifndef AN_DB_INTERNAL_H
#define AN_DB_INTERNAL_H

#include <libpq-fe.h>

#include "an.h"
#include "db/columns.h"
#include "db/db.h"
#include "db/place.h"
#include "db/stmt.h"
#include "db/texts.h"
#include "db/tx.h"

#define AN_SQLSTATE_LEN 5
#define AN_DB_SLACK_MS 1000 /* how much longer than the server's own limit we wait for its answer */

struct an_db {
    PGconn *pg;           /* NULL: not connected */
    const struct an_secret *who; /* of the configuration */
    char *place;                 /* NULL: as configured */
    struct an_where where;       /* the two together, found anew for each connection */
    size_t host_at;              /* where hosts are several: the last good one, which is tried first */
    bool writes;                 /* wants a server that takes writes */
    int64_t connect_timeout_ms, statement_timeout_ms;
    int64_t wait_ms;               /* longest wait for one answer: statement_timeout and a little */
    int64_t hurry_ms;              /* limit of any wait, or 0 */
    bool prepare;                  /* database.prepared */
    enum an_prepared prepared[AN_STMT__COUNT]; /* on this connection */
    struct an_texts texts;                     /* the same for what is not in sql/queries */
    int64_t plans_until_us;                    /* then reads make new plans */
    /* row-level security applies to this role: one tenant at a time, no COPY */
    bool under_rls;
    struct an_health *health;      /* what workers tell each other of the server; NULL: nothing */
    uint32_t number;               /* of the server in there */
    int64_t retry_at_us;           /* before it, an_db_ready() fails at once with `failure` */
    struct an_err failure;
    char sqlstate[AN_SQLSTATE_LEN + 1]; /* of the last error; empty where the server said nothing */
    /* the last statements met a conflict (class 40), even where the connection ended with it */
    bool conflicted;
    struct an_buf text;      /* NUL-terminated copies of text parameters while they are sent */
    /* what an_store_window() found, and how long that is good */
    int64_t window_from_us, window_to_us, window_until_us;
    struct an_columns events, entities; /* of the batch that is being sent */
    void (*stored)(void *arg); /* of an_store_tell() */
    void *stored_arg;
};

struct an_result {
    PGresult *pg;
};

/* Waits until the socket is ready for `events` (of poll.h). AN_EAGAIN: not by the deadline, or the
 * server no longer answers anybody; the connection is closed then. */
int an_db_poll(struct an_db *db, short events, int64_t deadline_us, struct an_err *err) AN_MUST_CHECK;
/* Sends what libpq holds back, and takes in what comes meanwhile. */
int an_db_flush(struct an_db *db, struct an_err *err) AN_MUST_CHECK;
/* The next result; *out is NULL at the end of a statement's. A result that is an error is not looked at
 * here. */
int an_db_next(struct an_db *db, PGresult **out, struct an_err *err) AN_MUST_CHECK;
/* The results up to the end of a statement. The first error wins, and has been looked at
 * (an_db_refused()); *out is the last result that is none, NULL at first. */
int an_db_collect(struct an_db *db, const char *what, PGresult **out, struct an_err *err) AN_MUST_CHECK;
/* An answer is waited for as long as the server's own limit, and a little. */
void an_db_wait_as_usual(struct an_db *db);
/* Closes the connection; what comes next connects again at once. */
void an_db_close(struct an_db *db);

/* Fills err from the result's error, remembers its SQLSTATE, clears the result. what: name of the
 * statement. */
int an_db_refused(struct an_db *db, PGresult *res, const char *what, struct an_err *err) AN_MUST_CHECK;
/* The same for a failure of the connection itself; closes it. AN_EAGAIN. */
int an_db_broken(struct an_db *db, const char *what, struct an_err *err) AN_MUST_CHECK;
/* Was the last error about the rows that were sent, so that other rows may do better? unfit: about values. */
bool an_db_blames_rows(const struct an_db *db, bool *unfit) AN_MUST_CHECK;

/* Several statements in one round trip, those included that are not prepared yet: so that preparing one,
 * which waits for locks, is under the limits that an earlier step sets. The first that fails ends the list,
 * and its error is returned; no step has rows then. A COMMIT that turns out a ROLLBACK has failed. out:
 * rows of the last one, unless its step takes them; NULL to drop them. */
int an_db_pipeline(struct an_db *db, const struct an_db_step *steps, size_t count,
                   struct an_result **out, struct an_err *err) AN_MUST_CHECK;
/* The same in two halves. What was sent must be taken before anything else is asked of the connection. */
int an_db_pipeline_send(struct an_db *db, const struct an_db_step *steps, size_t count,
                        struct an_err *err) AN_MUST_CHECK;
int an_db_pipeline_take(struct an_db *db, const struct an_db_step *steps, size_t count,
                        struct an_result **out, struct an_err *err) AN_MUST_CHECK;

#endif
