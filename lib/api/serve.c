/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/access.h"
#include "api/api.h"
#include "api/route.h"
#include "base/clock.h"
#include "http/fcgi.h"
#include "log/log.h"
#include "log/metrics.h"
#include "proc/prefork.h"

#define ARENA_KEEP ((size_t)64 << 10)

/* What a worker serves with. */
struct server {
    struct an_ctx ctx;
    const struct an_routes *tables[3];
    struct an_fcgi *fcgi;
    struct an_arena *arena;
    struct an_request req;
    struct an_reply rep;
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

static void run_handler(const struct server *s, struct an_call *call, const struct an_route_match *match,
                        struct an_err *err)
{
    struct an_faults faults;
    an_faults_init(&faults, call->arena, 1);
    if (!an_access_allow(call, match->route, err))
        return;
    if (!an_request_query(call->req, &faults)) {
        refuse(s, call, &(struct an_problem){.type = AN_P_INVALID_PARAMETER, .faults = &faults});
        return;
    }
    struct an_err failure = {AN_OK, ""};
    int rc = match->route->handle(call, &failure);
    if (rc == AN_OK)
        return;
    *err = failure;
    err->rc = rc;
    if (!call->rep->started)
        refuse(s, call, &(struct an_problem){.type = an_problem_of(rc), .detail = detail_of(call, rc, &failure)});
}

static void answer(struct server *s, struct an_call *call, struct an_route_match *match, struct an_err *err)
{
    switch (an_route_find(s->tables, AN_COUNT(s->tables), s->arena, s->req.method, s->req.path, match)) {
    case AN_ROUTE_FOUND:
        call->arg = match->arg;
        run_handler(s, call, match, err);
        break;
    case AN_ROUTE_NONE:
        refuse(s, call, &(struct an_problem){.type = AN_P_NOT_FOUND});
        break;
    case AN_ROUTE_MALFORMED:
        refuse(s, call,
               &(struct an_problem){.type = AN_P_MALFORMED, .detail = "The path has an escape that is not allowed."});
        break;
    case AN_ROUTE_OPTIONS:
        s->rep.status = 204;
        an_reply_header(&s->rep, "Allow", an_str(match->allow));
        break;
    case AN_ROUTE_ELSEWHERE:
        (void)an_fail(err, AN_EBACKEND,
                      "the web server sent this method to the wrong socket: see its annals.conf");
        (void)an_call_problem(call, AN_P_INTERNAL, NULL);
        break;
    case AN_ROUTE_METHOD:
        refuse(s, call, &(struct an_problem){.type = AN_P_METHOD_NOT_ALLOWED});
        an_reply_header(&s->rep, "Allow", an_str(match->allow));
        break;
    }
}

/* Writes what is left. False: the reply broke halfway, and must end as a broken connection, not as a
 * short reply. */
static bool write_rest(struct server *s, struct an_call *call, struct an_err *err)
{
    if (s->rep.started && err->rc != AN_OK)
        return false;
    struct an_err failure = {AN_OK, ""};
    if (an_reply_finish(&s->rep, &failure) == AN_OK)
        return true;
    *err = failure;
    if (s->rep.started)
        return false;
    (void)an_call_problem(call, AN_P_INTERNAL, NULL); /* longer than a reply may be */
    return an_reply_finish(&s->rep, &failure) == AN_OK;
}

static enum an_log_level level_of(int status)
{
    if (status < 500)
        return AN_LOG_INFO;
    return status == 500 ? AN_LOG_ERROR : AN_LOG_WARN;
}

static void count_and_log(const struct server *s, const struct an_call *call,
                          const struct an_route_match *match, const char *error, int64_t us)
{
    int class = s->rep.status / 100;
    if (class >= 2 && class <= 5)
        an_metric_add((enum an_metric)(AN_M_REQUESTS_2XX + (class - 2)), 1);
    an_histogram_add(AN_H_REQUEST_SECONDS, us);
    const struct an_log_field fields[] = {
        {"request_id", .text = an_str(s->req.request_id)},
        {"method", .text = s->req.method_text},
        {"route", .text = an_str(match->route == NULL ? NULL : match->route->path)},
        {"tenant", .text = call->tenant},
        {"subject", .text = an_str(call->who == NULL ? NULL : call->who->subject)},
        {"client", .text = s->req.remote_addr},
        {"status", .num = s->rep.status, .is_num = true},
        {"bytes_in", .num = (int64_t)s->req.body_bytes, .is_num = true},
        {"bytes_out", .num = (int64_t)s->rep.sent, .is_num = true},
        {"us", .num = us, .is_num = true},
        {"error", .text = an_str(error[0] == '\0' ? NULL : error)}};
    an_log_fields(level_of(s->rep.status), "http", fields, AN_COUNT(fields));
}

static void serve_one(struct server *s)
{
    int64_t start_us = an_clock_mono_us();
    struct an_err err = {AN_OK, ""};
    struct an_route_match match;
    an_request_init(&s->req, s->arena, s->fcgi, s->ctx.conf);
    an_reply_reset(&s->rep);
    s->rep.head = s->req.method == AN_HEAD;
    s->rep.request_id = s->req.request_id;
    struct an_call call = {.ctx = &s->ctx, .req = &s->req, .rep = &s->rep, .arena = s->arena};
    answer(s, &call, &match, &err);
    bool whole = write_rest(s, &call, &err);
    count_and_log(s, &call, &match, err.text, an_clock_mono_us() - start_us);
    if (whole)
        an_fcgi_finish(s->fcgi);
    else
        an_fcgi_abort(s->fcgi);
    an_arena_reset(s->arena);
}

/* Until TERM, or until this worker has served its share. */
static int serve_all(struct server *s)
{
    while (!an_stopping) {
        struct an_err err = {AN_OK, ""};
        int rc = an_fcgi_accept(s->fcgi, &err);
        if (rc == AN_EAGAIN) {
            if (err.text[0] != '\0')
                an_log_warn("http", "%s", err.text);
            continue;
        }
        if (rc != AN_OK) {
            an_log_error("http", "%s", err.text);
            return 1;
        }
        serve_one(s);
        if (an_worker_spent())
            break;
    }
    return 0;
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
    s.fcgi = an_fcgi_new(listen_fd, c->io_timeout_ms);
    s.arena = an_arena_new(ARENA_KEEP);
    an_reply_init(&s.rep, s.arena, s.fcgi);
    int status = serve_all(&s);
    an_buf_release(&s.rep.body);
    an_arena_free(s.arena);
    an_fcgi_free(s.fcgi);
    an_ctx_close(&s.ctx);
    return status;
}
