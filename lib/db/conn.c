/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/internal.h"
#include "log/log.h"
#include "log/metrics.h"

#define RETRY_US INT64_C(250000)
#define TEXT_LIMIT ((size_t)1 << 20)

static const struct an_secret *conninfo_of(const struct an_conf *c, enum an_db_role role)
{
    switch (role) {
    case AN_DB_WRITER:
        return &c->db_writer;
    case AN_DB_READER:
        return &c->db_reader;
    case AN_DB_JOB:
        return &c->db_job;
    case AN_DB_KEEPER:
        return &c->db_keeper;
    case AN_DB_OWNER:
        break;
    }
    return &c->db_owner;
}

struct an_db *an_db_new(const struct an_conf *c, enum an_db_role role)
{
    struct an_db *db = an_xcalloc(1, sizeof *db);
    const struct an_secret *conninfo = conninfo_of(c, role);
    db->conninfo = conninfo->data == NULL ? "" : conninfo->data;
    db->connect_timeout_ms = c->db_connect_timeout_ms;
    db->statement_timeout_ms = c->db_statement_timeout_ms;
    if (role == AN_DB_WRITER && c->commit_timeout_ms < db->statement_timeout_ms)
        db->statement_timeout_ms = c->commit_timeout_ms;
    db->wait_ms = db->statement_timeout_ms + AN_DB_SLACK_MS;
    db->prepare = c->db_prepared;
    an_buf_init(&db->text, TEXT_LIMIT);
    an_columns_init(&db->events);
    an_columns_init(&db->entities);
    return db;
}

void an_db_close(struct an_db *db)
{
    PQfinish(db->pg);
    db->pg = NULL;
    db->wait_ms = db->statement_timeout_ms + AN_DB_SLACK_MS;
    db->under_rls = false; /* the operator may have granted it */
    memset(db->prepared, 0, sizeof db->prepared);
    an_texts_release(&db->texts);
}

void an_db_free(struct an_db *db)
{
    if (db == NULL)
        return;
    an_db_close(db);
    an_buf_release(&db->text);
    an_tenants_release(&db->known);
    an_columns_release(&db->events);
    an_columns_release(&db->entities);
    free(db);
}

/* What we want of a connection. The configured string overrides what stands before it. */
static const struct {
    const char *keyword, *value; /* value NULL: known at run time */
} wanted[] = {
    {"fallback_application_name", NULL},
    {"keepalives_idle", "5"},
    {"keepalives_interval", "2"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "3000"},
    {"connect_timeout", "2"}, /* of a probe; a connection has database.connect_timeout */
    {"dbname", NULL},
    {"client_encoding", "UTF8"},
};
#define WANTED AN_COUNT(wanted)

struct wanted {
    const char *keywords[WANTED + 1], *values[WANTED + 1];
};

static struct wanted wanted_of(const struct an_db *db)
{
    struct wanted w = {.keywords = {NULL}};
    for (size_t i = 0; i < WANTED; i++) {
        w.keywords[i] = wanted[i].keyword;
        w.values[i] = wanted[i].value;
        if (strcmp(wanted[i].keyword, "fallback_application_name") == 0)
            w.values[i] = program_invocation_short_name;
        if (strcmp(wanted[i].keyword, "dbname") == 0)
            w.values[i] = db->conninfo;
    }
    return w;
}

static int connect_failed(struct an_db *db, const char *why, struct an_err *err)
{
    int len = (int)strcspn(why, "\n");
    (void)an_fail(&db->failure, AN_EAGAIN, "db: cannot connect: %.*s", len, why);
    an_db_close(db);
    db->retry_at_us = an_clock_mono_us() + RETRY_US;
    an_metric_add(AN_M_DB_ERRORS, 1);
    return an_fail(err, AN_EAGAIN, "%s", db->failure.text);
}

/* One wait of the connection's set-up, whose socket changes from address to address. */
static bool wait_socket(PGconn *pg, short events, int64_t deadline_us)
{
    int64_t left_us = deadline_us - an_clock_mono_us();
    if (left_us <= 0)
        return false;
    struct pollfd p = {.fd = PQsocket(pg), .events = events};
    return poll(&p, 1, (int)(left_us / 1000) + 1) >= 0 || errno == EINTR;
}

static int connect_now(struct an_db *db, struct an_err *err)
{
    int64_t deadline_us = an_clock_mono_us() + db->connect_timeout_ms * 1000;
    struct wanted w = wanted_of(db);
    db->pg = PQconnectStartParams(w.keywords, w.values, 1);
    if (db->pg == NULL)
        return connect_failed(db, "out of memory", err);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (PQstatus(db->pg) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
           state != PGRES_POLLING_FAILED) {
        if (!wait_socket(db->pg, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_us))
            return connect_failed(db, "no answer within database.connect_timeout", err);
        state = PQconnectPoll(db->pg);
    }
    if (PQstatus(db->pg) != CONNECTION_OK || PQsetnonblocking(db->pg, 1) != 0)
        return connect_failed(db, PQerrorMessage(db->pg), err);
    an_metric_add(AN_M_DB_CONNECTS, 1);
    an_log_trace("db", "connected as %s", PQuser(db->pg));
    return AN_OK;
}

static void log_notice(void *arg, const PGresult *res)
{
    (void)arg;
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (text == NULL || severity == NULL)
        return;
    bool warning = strcmp(severity, "WARNING") == 0 || strcmp(severity, "NOTICE") == 0;
    an_log(warning ? AN_LOG_WARN : AN_LOG_TRACE, "db", "server says: %s", text);
}

/* Did the server close the connection while nothing was asked of it (a restart)? Then nobody need notice:
 * what was not sent yet is sent on a new one. A server that says anything unasked says farewell, or so
 * seldom something else that a new connection does no harm. */
static bool gone_while_idle(const struct an_db *db)
{
    struct pollfd p = {.fd = PQsocket(db->pg), .events = POLLIN};
    return PQtransactionStatus(db->pg) == PQTRANS_IDLE && poll(&p, 1, 0) > 0;
}

int an_db_ready(struct an_db *db, struct an_err *err)
{
    if (db->pg != NULL && PQstatus(db->pg) == CONNECTION_OK && !gone_while_idle(db))
        return AN_OK;
    if (db->pg != NULL)
        an_db_close(db);
    if (an_clock_mono_us() < db->retry_at_us)
        return an_fail(err, AN_EAGAIN, "%s", db->failure.text);
    int rc = connect_now(db, err);
    if (rc == AN_OK)
        (void)PQsetNoticeReceiver(db->pg, log_notice, NULL);
    return rc;
}

/* Does the server (or its pooler) answer anybody? A stopped one accepts connections and says nothing.
 * Takes at most two seconds, the least that libpq allows. */
static bool answers(const struct an_db *db)
{
    struct wanted w = wanted_of(db);
    return PQpingParams(w.keywords, w.values, 1) != PQPING_NO_RESPONSE;
}

#define FIRST_PROBE_MS 1000

int an_db_poll(struct an_db *db, short events, int64_t deadline_us, struct an_err *err)
{
    int64_t patience_ms = FIRST_PROBE_MS;
    for (;;) {
        int64_t left_ms = (deadline_us - an_clock_mono_us()) / 1000;
        if (left_ms <= 0)
            return an_db_broken(db, "no answer in time", err);
        struct pollfd p = {.fd = PQsocket(db->pg), .events = events};
        int n = poll(&p, 1, (int)(left_ms < patience_ms ? left_ms : patience_ms));
        if (n > 0)
            return AN_OK;
        if (n < 0 && errno != EINTR)
            return an_db_broken(db, "poll failed", err);
        if (n == 0 && left_ms >= patience_ms) {
            if (!answers(db))
                return an_db_broken(db, "server does not answer", err);
            patience_ms *= 4; /* a slow statement is asked about seldom */
        }
    }
}

static int64_t deadline(const struct an_db *db)
{
    return an_clock_mono_us() + db->wait_ms * 1000;
}

int an_db_flush(struct an_db *db, struct an_err *err)
{
    for (;;) {
        int state = PQflush(db->pg);
        if (state == 0)
            return AN_OK;
        if (state < 0)
            return an_db_broken(db, "sending", err);
        int rc = an_db_poll(db, POLLIN | POLLOUT, deadline(db), err);
        if (rc != AN_OK)
            return rc;
        /* Read too, or both sides could wait for the other to empty its buffer. */
        if (PQconsumeInput(db->pg) == 0)
            return an_db_broken(db, "receiving", err);
    }
}

int an_db_next(struct an_db *db, PGresult **out, struct an_err *err)
{
    int64_t until_us = deadline(db);
    while (PQisBusy(db->pg)) {
        int rc = an_db_poll(db, POLLIN, until_us, err);
        if (rc != AN_OK)
            return rc;
        if (PQconsumeInput(db->pg) == 0)
            return an_db_broken(db, "receiving", err);
    }
    *out = PQgetResult(db->pg);
    return AN_OK;
}
