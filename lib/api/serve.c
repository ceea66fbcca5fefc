/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/access.h"
#include "api/api.h"
#include "api/route.h"
#include "base/clock.h"
#include "http/fcgi.h"
#include "http/listener.h"
#include "log/log.h"
#include "log/metrics.h"
#include "proc/prefork.h"

#define ARENA_KEEP ((size_t)64 << 10)

/* A request and all that belongs to it. */
struct seat {
    struct an_fcgi *fcgi;
    struct an_arena *arena;
    struct an_request req;
    struct an_reply rep;
    struct an_call call;
    struct an_route_match match;
    int64_t start_us;
    struct an_err err;
};

/* What a worker serves with. */
struct server {
    struct an_ctx ctx;
    const struct an_routes *tables[3];
    struct an_listener *listener;
    struct seat *seats; /* as many as requests may be held */
    size_t seat_count;
    bool spent; /* has served its share */
};

int an_call_problem(struct an_call *call, enum an_problem_type type, const char *detail)
{
    struct an_problem p = {.type = type, .detail = detail};
    an_problem_reply(call->rep, &p, call->req->request_id);
    return AN_OK;
}

/* Our own words about the request, as a sentence. What a backend said stays in the log. */
static const char *detail_of(struct an_call *call, int rc, const struct an_err *err)
{
    if ((rc != AN_EINVAL && rc != AN_ETOOBIG) || err->text[0] == '\0')
        return NULL;
    char *text = an_arena_printf(call->arena, "%s.", err->text);
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
    return text;
}

/* The application's own routes come first in the tables. */
static void refuse(const struct server *s, struct an_call *call, const struct an_problem *p)
{
    const struct an_routes *own = s->tables[0];
    if (own->refuse == NULL || !own->refuse(call, p))
        an_problem_reply(call->rep, p, call->req->request_id);
}

/* A handler failed: the usual problem, unless the reply is under way. */
static void fail(const struct server *s, struct seat *seat, int rc, const struct an_err *failure)
{
    seat->err = *failure;
    seat->err.rc = rc;
    if (!seat->rep.started)
        refuse(s, &seat->call,
               &(struct an_problem){.type = an_problem_of(rc),
                                    .detail = detail_of(&seat->call, rc, failure)});
}

static void run_handler(const struct server *s, struct seat *seat)
{
    struct an_call *call = &seat->call;
    struct an_faults faults;
    an_faults_init(&faults, seat->arena, 1);
    if (!an_access_allow(call, seat->match.route, &seat->err))
        return;
    if (!an_request_query(call->req, &faults)) {
        refuse(s, call, &(struct an_problem){.type = AN_P_INVALID_PARAMETER, .faults = &faults});
        return;
    }
    struct an_err failure = {AN_OK, ""};
    int rc = seat->match.route->handle(call, &failure);
    if (rc != AN_OK)
        fail(s, seat, rc, &failure);
}

static void answer(const struct server *s, struct seat *seat)
{
    struct an_call *call = &seat->call;
    struct an_route_match *match = &seat->match;
    switch (an_route_find(s->tables, AN_COUNT(s->tables), seat->arena, seat->req.method, seat->req.path,
                          match)) {
    case AN_ROUTE_FOUND:
        call->arg = match->arg;
        run_handler(s, seat);
        break;
    case AN_ROUTE_NONE:
        refuse(s, call, &(struct an_problem){.type = AN_P_NOT_FOUND});
        break;
    case AN_ROUTE_MALFORMED:
        refuse(s, call,
               &(struct an_problem){.type = AN_P_MALFORMED,
                                    .detail = "The path has an escape that is not allowed."});
        break;
    case AN_ROUTE_OPTIONS:
        seat->rep.status = 204;
        an_reply_header(&seat->rep, "Allow", an_str(match->allow));
        break;
    case AN_ROUTE_ELSEWHERE:
        (void)an_fail(&seat->err, AN_EBACKEND,
                      "the web server sent this method to the wrong socket: see its annals.conf");
        (void)an_call_problem(call, AN_P_INTERNAL, NULL);
        break;
    case AN_ROUTE_METHOD:
        refuse(s, call, &(struct an_problem){.type = AN_P_METHOD_NOT_ALLOWED});
        an_reply_header(&seat->rep, "Allow", an_str(match->allow));
        break;
    }
}

/* Writes what is left. False: the reply broke halfway, and must end as a broken connection, not as a
 * short reply. */
static bool write_rest(struct seat *seat)
{
    if (seat->rep.started && seat->err.rc != AN_OK)
        return false;
    struct an_err failure = {AN_OK, ""};
    if (an_reply_finish(&seat->rep, &failure) == AN_OK)
        return true;
    seat->err = failure;
    if (seat->rep.started)
        return false;
    (void)an_call_problem(&seat->call, AN_P_INTERNAL, NULL); /* longer than a reply may be */
    return an_reply_finish(&seat->rep, &failure) == AN_OK;
}

static enum an_log_level level_of(int status)
{
    if (status < 500)
        return AN_LOG_INFO;
    return status == 500 ? AN_LOG_ERROR : AN_LOG_WARN;
}

static void count_and_log(const struct seat *seat)
{
    const struct an_call *call = &seat->call;
    int64_t us = an_clock_mono_us() - seat->start_us;
    int class = seat->rep.status / 100;
    if (class >= 2 && class <= 5)
        an_metric_add((enum an_metric)(AN_M_REQUESTS_2XX + (class - 2)), 1);
    an_histogram_add(AN_H_REQUEST_SECONDS, us);
    const struct an_log_field fields[] = {
        {"request_id", .text = an_str(seat->req.request_id)},
        {"method", .text = seat->req.method_text},
        {"route", .text = an_str(seat->match.route == NULL ? NULL : seat->match.route->path)},
        {"tenant", .text = call->tenant},
        {"subject", .text = an_str(call->who == NULL ? NULL : call->who->subject)},
        {"client", .text = seat->req.remote_addr},
        {"status", .num = seat->rep.status, .is_num = true},
        {"bytes_in", .num = (int64_t)seat->req.body_bytes, .is_num = true},
        {"bytes_out", .num = (int64_t)seat->rep.sent, .is_num = true},
        {"us", .num = us, .is_num = true},
        {"error", .text = an_str(seat->err.text[0] == '\0' ? NULL : seat->err.text)}};
    an_log_fields(level_of(seat->rep.status), "http", fields, AN_COUNT(fields));
}

static void end(struct server *s, struct seat *seat)
{
    bool whole = write_rest(seat);
    count_and_log(seat);
    if (whole)
        an_fcgi_finish(seat->fcgi);
    else
        an_fcgi_abort(seat->fcgi);
    an_reply_reset(&seat->rep);
    an_arena_reset(seat->arena);
    s->spent = an_worker_spent() || s->spent;
}

/* Answers the request of a connection. True where it is held, and has no answer yet. */
static bool serve(struct server *s, struct seat *seat, int fd)
{
    seat->start_us = an_clock_mono_us();
    seat->err = (struct an_err){AN_OK, ""};
    if (an_fcgi_begin(seat->fcgi, fd, &seat->err) != AN_OK) {
        an_log_warn("http", "%s", seat->err.text);
        return false;
    }
    an_request_init(&seat->req, seat->arena, seat->fcgi, s->ctx.conf);
    seat->rep.head = seat->req.method == AN_HEAD;
    seat->rep.request_id = seat->req.request_id;
    seat->call = (struct an_call){
        .ctx = seat->call.ctx, .req = &seat->req, .rep = &seat->rep, .arena = seat->arena};
    answer(s, seat);
    if (seat->call.held != NULL)
        return true;
    end(s, seat);
    return false;
}

static void finish(struct server *s, struct seat *seat)
{
    struct an_err failure = {AN_OK, ""};
    int rc = s->tables[0]->finish(&seat->call, &failure);
    seat->call.held = NULL;
    if (rc != AN_OK)
        fail(s, seat, rc, &failure);
    end(s, seat);
}

static void finish_held(struct server *s, size_t count)
{
    if (count == 0)
        return;
    s->tables[0]->commit(&s->ctx);
    for (size_t i = 0; i < count; i++)
        if (!s->tables[0]->late(&s->seats[i].call))
            finish(s, &s->seats[i]);
    for (size_t i = 0; i < count; i++)
        if (s->seats[i].call.held != NULL)
            finish(s, &s->seats[i]);
}

/* Serves the connection in the first seat, and with it those that came at the same time. Nobody waits for
 * company: only what is there already is taken, only what can be read without a wait, and no more than there
 * are seats, whether or not they are held. */
static int serve_together(struct server *s, int fd, struct an_err *err)
{
    size_t held = serve(s, &s->seats[0], fd);
    bool whole = true;
    for (size_t taken = 1; taken < s->seat_count && held > 0 && whole && !s->seats[held - 1].call.last;
         taken++) {
        int rc = an_listener_accept(s->listener, false, &fd, err);
        if (rc != AN_OK) {
            finish_held(s, held);
            return rc == AN_EAGAIN ? AN_OK : rc;
        }
        whole = an_fcgi_is_whole(fd);
        if (!whole) {
            finish_held(s, held);
            held = 0;
        }
        held += serve(s, &s->seats[held], fd);
    }
    finish_held(s, held);
    return AN_OK;
}

/* Until TERM, or until this worker has served its share. */
static int serve_all(struct server *s)
{
    while (!an_stopping && !s->spent) {
        struct an_err err = {AN_OK, ""};
        int fd, rc = an_listener_accept(s->listener, true, &fd, &err);
        if (rc == AN_EAGAIN)
            continue;
        if (rc == AN_OK)
            rc = serve_together(s, fd, &err);
        if (rc != AN_OK) {
            an_log_error("http", "%s", err.text);
            return 1;
        }
    }
    return 0;
}

static void open_seats(struct server *s)
{
    s->seat_count = s->ctx.conf->combine && s->tables[0]->together > 0 ? s->tables[0]->together : 1;
    s->seats = an_xcalloc(s->seat_count, sizeof *s->seats);
    for (size_t i = 0; i < s->seat_count; i++) {
        struct seat *seat = &s->seats[i];
        seat->fcgi = an_fcgi_new(s->ctx.conf->io_timeout_ms);
        seat->arena = an_arena_new(ARENA_KEEP);
        seat->call.ctx = &s->ctx;
        an_reply_init(&seat->rep, seat->arena, seat->fcgi);
    }
}

static void close_seats(struct server *s)
{
    for (size_t i = 0; i < s->seat_count; i++) {
        an_buf_release(&s->seats[i].rep.body);
        an_arena_free(s->seats[i].arena);
        an_fcgi_free(s->seats[i].fcgi);
    }
    free(s->seats);
}

int an_api_work(const struct an_conf *c, const char *app, const struct an_routes *routes, int listen_fd,
                unsigned index, void *shared)
{
    (void)index;
    struct an_err err = {AN_OK, ""};
    struct server s = {.tables = {routes, &an_common_routes, &an_meta_routes}};
    if (an_ctx_open(&s.ctx, c, app, shared, &err) != AN_OK) {
        an_log_error("http", "%s", err.text);
        return 1;
    }
    s.listener = an_listener_new(listen_fd, c->io_timeout_ms);
    open_seats(&s);
    int status = serve_all(&s);
    close_seats(&s);
    an_listener_free(s.listener);
    an_ctx_close(&s.ctx);
    return status;
}
