/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/health.h"
#include "db/internal.h"
#include "log/log.h"
#include "log/metrics.h"

#define RETRY_US INT64_C(250000)
#define SLICE_MS 100      /* how often who waits looks at what others know */
#define FIRST_PROBE_MS 500 /* after so long without an answer, is there anybody? */
#define PROBE_MS 2000
#define TEXT_LIMIT ((size_t)1 << 20)

static const struct an_secret *string_of(const struct an_conf *c, enum an_db_role role, const char **key)
{
    const struct {
        const char *key;
        const struct an_secret *string;
    } roles[] = {[AN_DB_WRITER] = {"writer", &c->db_writer},       [AN_DB_READER] = {"reader", &c->db_reader},
                 [AN_DB_PLATFORM] = {"platform", &c->db_platform}, [AN_DB_JOB] = {"job", &c->db_job},
                 [AN_DB_KEEPER] = {"keeper", &c->db_keeper},       [AN_DB_OWNER] = {"owner", &c->db_owner}};
    *key = roles[role].key;
    return roles[role].string;
}

static int find_where(const struct an_secret *who, const char *place, struct an_where *out,
                      struct an_err *err)
{
    return an_where_find(who->data == NULL ? "" : who->data, place, out, err);
}

int an_db_check(const struct an_conf *c, enum an_db_role role, struct an_err *err)
{
    const char *key;
    struct an_where where;
    int rc = find_where(string_of(c, role, &key), NULL, &where, err);
    an_where_release(&where);
    return rc == AN_OK ? AN_OK : an_fail_within(err, "database.%s", key);
}

struct an_db *an_db_new(const struct an_conf *c, enum an_db_role role)
{
    return an_db_new_at(c, role, NULL);
}

void an_db_wait_as_usual(struct an_db *db)
{
    db->wait_ms = db->statement_timeout_ms + AN_DB_SLACK_MS;
}

struct an_db *an_db_new_at(const struct an_conf *c, enum an_db_role role, const char *place)
{
    struct an_db *db = an_xcalloc(1, sizeof *db);
    const char *key;
    db->who = string_of(c, role, &key);
    db->place = place == NULL ? NULL : an_xstrdup(place);
    db->writes = role != AN_DB_READER && role != AN_DB_PLATFORM;
    db->connect_timeout_ms = c->db_connect_timeout_ms;
    db->statement_timeout_ms = c->db_statement_timeout_ms;
    if (role == AN_DB_WRITER && c->commit_timeout_ms < db->statement_timeout_ms)
        db->statement_timeout_ms = c->commit_timeout_ms;
    an_db_wait_as_usual(db);
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
    an_db_wait_as_usual(db);
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
    an_columns_release(&db->events);
    an_columns_release(&db->entities);
    an_where_release(&db->where);
    free(db->place);
    free(db);
}

/* What we want of a connection, as libpq takes it. */
#define WANTED_MAX 16
struct wanted {
    const char *keywords[WANTED_MAX], *values[WANTED_MAX]; /* end with NULL */
    size_t count;
};

static void want(struct wanted *w, const char *keyword, const char *value)
{
    w->keywords[w->count] = keyword;
    w->values[w->count++] = value; /* NULL: as if it were not there */
}

static struct wanted wanted_of(const struct an_db *db)
{
    const struct an_host *h = &db->where.hosts[db->host_at];
    struct wanted w = {.keywords = {NULL}};
    /* What the configuration says overrides what stands before it. */
    want(&w, "fallback_application_name", program_invocation_short_name);
    want(&w, "target_session_attrs", db->writes || db->where.count > 1 ? "read-write" : "any");
    want(&w, "keepalives_idle", "5");
    want(&w, "keepalives_interval", "2");
    want(&w, "keepalives_count", "3");
    want(&w, "tcp_user_timeout", "3000");
    want(&w, "dbname", db->where.options.data);
    want(&w, "client_encoding", "UTF8");
    want(&w, "connect_timeout", "2"); /* of a probe; a connection has database.connect_timeout */
    want(&w, "host", h->host);
    want(&w, "hostaddr", h->hostaddr);
    want(&w, "port", h->port);
    return w;
}

/* Notes why, and what was noted of other hosts stays. */
static void connect_failed(struct an_db *db, const char *why)
{
    size_t len = strlen(db->failure.text);
    (void)snprintf(db->failure.text + len, sizeof db->failure.text - len, "%s%.*s", len > 0 ? "; " : "",
                   (int)strcspn(why, "\n"), why);
    an_db_close(db);
}

/* ---- what workers tell each other ---- */

void an_db_share(struct an_db *db, struct an_health *health, const char *name)
{
    db->number = health == NULL ? AN_HEALTH_SERVERS : an_health_number(health, name);
    db->health = db->number < AN_HEALTH_SERVERS ? health : NULL;
}

static bool is_suspected(const struct an_db *db)
{
    return db->health != NULL && an_health_suspects(db->health, db->number);
}

static void tell(const struct an_db *db, bool answered, int64_t since_us)
{
    if (db->health != NULL)
        an_health_tried(db->health, db->number, answered, an_clock_mono_us() - since_us);
}

/* Is it for somebody else to find out whether it answers? Who is to try does so with a new connection:
 * one that is open says nothing. */
static bool leaves_it_to_others(struct an_db *db)
{
    if (!is_suspected(db))
        return false;
    if (an_health_away(db->health, db->number))
        return true;
    an_db_close(db);
    return false;
}

/* ---- connecting ---- */

/* One wait of the connection's set-up, whose socket changes from address to address. 0: nothing has come. */
static int wait_socket(PGconn *pg, PostgresPollingStatusType state, int64_t left_ms)
{
    struct pollfd p = {.fd = PQsocket(pg), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    int n = poll(&p, 1, (int)(left_ms < SLICE_MS ? left_ms + 1 : SLICE_MS));
    return n < 0 && errno == EINTR ? 0 : n;
}

/* How far the set-up of a connection has come by the deadline; still READING or WRITING: the server
 * does not answer. shares: others are told as soon as it takes long; where one of them has told so, the
 * wait is over. */
static PostgresPollingStatusType set_up(const struct an_db *db, PGconn *pg, int64_t deadline_us, bool shares)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    int64_t since_us = an_clock_mono_us();
    while (PQstatus(pg) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        int64_t left_us = deadline_us - an_clock_mono_us();
        if (left_us <= 0)
            return state;
        int n = wait_socket(pg, state, left_us / 1000);
        if (n != 0) {
            state = PQconnectPoll(pg);
        } else if (shares) {
            if (is_suspected(db))
                return state;
            tell(db, false, since_us);
            shares = !is_suspected(db);
        }
    }
    return PQstatus(pg) == CONNECTION_BAD ? PGRES_POLLING_FAILED : state;
}

static void not_answered(struct an_db *db, int64_t timeout_ms)
{
    const struct an_host *h = &db->where.hosts[db->host_at];
    const char *name = h->host != NULL ? h->host : h->hostaddr;
    char why[256];
    (void)snprintf(why, sizeof why, "%s: no answer within %lld ms", name == NULL ? "server" : name,
                   (long long)timeout_ms);
    connect_failed(db, why);
}

static bool connect_host(struct an_db *db, int64_t timeout_ms, bool shares)
{
    int64_t deadline_us = an_clock_mono_us() + timeout_ms * 1000;
    struct wanted w = wanted_of(db);
    db->pg = PQconnectStartParams(w.keywords, w.values, 1);
    if (db->pg == NULL) {
        connect_failed(db, "out of memory");
        return false;
    }
    PostgresPollingStatusType state = set_up(db, db->pg, deadline_us, shares);
    if (state == PGRES_POLLING_OK && PQsetnonblocking(db->pg, 1) == 0)
        return true;
    if (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING)
        not_answered(db, timeout_ms);
    else
        connect_failed(db, PQerrorMessage(db->pg));
    return false;
}

void an_db_hurry(struct an_db *db, int64_t wait_ms)
{
    db->hurry_ms = wait_ms;
}

static int64_t hurried(const struct an_db *db, int64_t wait_ms)
{
    return db->hurry_ms > 0 && db->hurry_ms < wait_ms ? db->hurry_ms : wait_ms;
}

/* What comes next fails at once for a moment, unless we were in a hurry. */
static int cannot_connect(struct an_db *db, struct an_err *err)
{
    (void)an_fail_within(&db->failure, "db: cannot connect");
    if (db->hurry_ms == 0)
        db->retry_at_us = an_clock_mono_us() + RETRY_US;
    an_metric_add(AN_M_DB_ERRORS, 1);
    return an_fail(err, AN_EAGAIN, "%s", db->failure.text);
}

/* As its service file has it now: a password that was changed there takes no reload. */
static int find_again(struct an_db *db)
{
    an_where_release(&db->where);
    int rc = find_where(db->who, db->place, &db->where, &db->failure);
    if (db->host_at >= db->where.count)
        db->host_at = 0;
    return rc;
}

/* libpq goes from host to host by itself, but for one that does not answer at all: polled, it waits there
 * for ever. */
static int connect_now(struct an_db *db, struct an_err *err)
{
    if (find_again(db) != AN_OK)
        return cannot_connect(db, err);
    size_t tries = db->where.count;
    int64_t since_us = an_clock_mono_us();
    bool shares = !is_suspected(db); /* else it is for us to find out */
    int64_t timeout_ms = hurried(db, db->connect_timeout_ms) / (int64_t)tries;
    db->failure.text[0] = '\0';
    for (size_t i = 0; i < tries; i++) {
        if (connect_host(db, timeout_ms, shares && i + 1 == tries)) {
            tell(db, true, since_us);
            an_metric_add(AN_M_DB_CONNECTS, 1);
            an_log_trace("db", "connected as %s", PQuser(db->pg));
            return AN_OK;
        }
        db->host_at = (db->host_at + 1) % tries;
    }
    if (db->hurry_ms == 0) /* our impatience is nobody else's */
        tell(db, false, since_us);
    return cannot_connect(db, err);
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
    bool open = db->pg != NULL && PQstatus(db->pg) == CONNECTION_OK && !gone_while_idle(db);
    if (open && PQtransactionStatus(db->pg) != PQTRANS_IDLE)
        return AN_OK;
    if (!open && db->pg != NULL)
        an_db_close(db);
    if (!open && an_clock_mono_us() < db->retry_at_us)
        return an_fail(err, AN_EAGAIN, "%s", db->failure.text);
    if (leaves_it_to_others(db))
        return an_fail(err, AN_EAGAIN, "db: the server did not answer a moment ago");
    if (db->pg != NULL)
        return AN_OK;
    int rc = connect_now(db, err);
    if (rc == AN_OK)
        (void)PQsetNoticeReceiver(db->pg, log_notice, NULL);
    return rc;
}

int an_db_ready_within(struct an_db *db, int64_t wait_ms, struct an_err *err)
{
    int64_t usual_ms = db->connect_timeout_ms;
    if (wait_ms < usual_ms)
        db->connect_timeout_ms = wait_ms;
    int rc = an_db_ready(db, err);
    db->connect_timeout_ms = usual_ms;
    return rc;
}

bool an_db_is_open(const struct an_db *db)
{
    return db->pg != NULL;
}

/* Does the server (or its pooler) answer anybody? A stopped one accepts connections and says nothing.
 * One that refuses is asked once more, by who can tell an answer of the server from that of its
 * machine. */
static bool answers(const struct an_db *db, int64_t deadline_us)
{
    int64_t since_us = an_clock_mono_us();
    int64_t until_us = since_us + PROBE_MS * 1000;
    struct wanted w = wanted_of(db);
    PGconn *pg = PQconnectStartParams(w.keywords, w.values, 1);
    if (pg == NULL)
        return true; /* of ours there is no memory, which says nothing */
    PostgresPollingStatusType state = set_up(db, pg, until_us < deadline_us ? until_us : deadline_us, true);
    PQfinish(pg);
    bool answered = state == PGRES_POLLING_OK ||
                    (state == PGRES_POLLING_FAILED &&
                      PQpingParams(w.keywords, w.values, 1) != PQPING_NO_RESPONSE);
    tell(db, answered, since_us);
    return answered;
}

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
            if (!answers(db, deadline_us))
                return an_db_broken(db, "server does not answer", err);
            patience_ms *= 4; /* a slow statement is asked about seldom */
        }
    }
}

static int64_t deadline(const struct an_db *db)
{
    return an_clock_mono_us() + hurried(db, db->wait_ms) * 1000;
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
