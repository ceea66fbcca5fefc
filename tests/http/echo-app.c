/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the three applications while the way of a request is tested: web server, FastCGI, request
 * loop.
 * usage: echo-app ingest|search|admin [options of the application]
 * What it says about a request is what a handler would have seen. */
#include "an.h"

#include <unistd.h>

#include "api/api.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/json.h"
#include "log/log.h"

#define PIECE 65536

static const char *app_name;

static void add_text(struct an_buf *out, const char *name, struct an_str value)
{
    an_buf_addf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    if (value.data == NULL)
        an_buf_adds(out, "null");
    else
        an_json_add_string(out, value);
}

/* Path, header fields and client as they arrived. */
static int echo(struct an_call *call, struct an_err *err)
{
    (void)err;
    static const char *const fields[] = {
        "Authorization", "Content-Type", "Content-Length", "Annals-Tenant", "Cookie",
        "X-Tenant-Id",   "X-Twice",      "Proxy",          "Accept",        "X-Forwarded-For"};
    struct an_buf *out = &call->rep->body;
    an_reply_type(call->rep, "application/json");
    an_buf_addc(out, '{');
    add_text(out, "app", an_str(app_name));
    add_text(out, "method", call->req->method_text);
    add_text(out, "path", call->req->path);
    add_text(out, "query", call->req->query_text);
    add_text(out, "arg", call->arg);
    add_text(out, "peer", call->req->peer_addr);
    add_text(out, "client", call->req->remote_addr);
    add_text(out, "tenant", call->tenant);
    add_text(out, "subject", an_str(call->who == NULL ? NULL : call->who->subject));
    for (size_t i = 0; i < AN_COUNT(fields); i++)
        add_text(out, fields[i], an_request_header(call->req, fields[i]));
    for (const struct an_param *p = call->req->query; p != NULL; p = p->next)
        add_text(out, an_arena_printf(call->arena, "param.%.*s", AN_STR_ARG(p->name)), p->value);
    an_buf_addc(out, '}');
    return AN_OK;
}

/* Length and digest of the body, after its encoding was undone. */
static int take_body(struct an_call *call, struct an_err *err)
{
    struct an_buf body;
    an_buf_init(&body, (size_t)call->ctx->conf->batch_bytes);
    int rc = an_request_body(call->req, &body, err);
    if (rc == AN_ENOENT) {
        an_buf_release(&body);
        return an_call_problem(call, AN_P_UNSUPPORTED_TYPE, NULL);
    }
    if (rc == AN_OK) {
        unsigned char digest[AN_SHA256_LEN];
        char hex[2 * AN_SHA256_LEN + 1];
        an_sha256(body.data, body.len, digest);
        an_hex_encode(digest, sizeof digest, hex);
        an_reply_type(call->rep, "application/json");
        an_buf_addf(&call->rep->body, "{\"app\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\"}", app_name,
                    body.len, hex);
    }
    an_buf_release(&body);
    return rc;
}

static int64_t number(const struct an_call *call, const char *name)
{
    int64_t n = 0;
    const struct an_param *p = an_request_param(call->req, name);
    return p != NULL && an_parse_i64(p->value, 0, INT64_MAX, &n) ? n : 0;
}

static void add_piece(struct an_call *call, int64_t left)
{
    size_t len = left > PIECE ? PIECE : (size_t)left;
    char *to = an_buf_reserve(&call->rep->body, len);
    if (to == NULL)
        return;
    memset(to, 'x', len);
    an_buf_commit(&call->rep->body, len);
}

/* ?bytes= of x in one piece */
static int big(struct an_call *call, struct an_err *err)
{
    (void)err;
    an_reply_type(call->rep, "text/plain");
    for (int64_t left = number(call, "bytes"); left > 0; left -= PIECE)
        add_piece(call, left);
    return AN_OK;
}

/* ?bytes= of x as a stream; with ?break=1 it fails where it should end. */
static int stream(struct an_call *call, struct an_err *err)
{
    an_reply_type(call->rep, "application/x-ndjson");
    for (int64_t left = number(call, "bytes"); left > 0; left -= PIECE) {
        add_piece(call, left);
        int rc = an_reply_flush(call->rep, err);
        if (rc != AN_OK)
            return rc;
    }
    return number(call, "break") == 1 ? an_fail(err, AN_EBACKEND, "broken as asked") : AN_OK;
}

/* Answers after ?ms= */
static int slow(struct an_call *call, struct an_err *err)
{
    (void)err;
    for (int64_t left = number(call, "ms"); left > 0 && !an_stopping; left -= 10)
        (void)usleep(10000);
    an_buf_adds(&call->rep->body, "slow\n");
    return AN_OK;
}

static int crash(struct an_call *call, struct an_err *err)
{
    (void)call;
    (void)err;
    _exit(70);
}

/* /v1/fail/{code}: a handler that fails with this code */
static int fail(struct an_call *call, struct an_err *err)
{
    int64_t code;
    if (!an_parse_i64(call->arg, 1, 9, &code))
        return AN_ENOENT;
    return an_fail(err, (enum an_rc) - code, "failed with %lld", (long long)code);
}

static const struct an_route ingest_routes[] = {{AN_POST, "/v1/events", AN_OPEN, 0, take_body},
                                                {AN_GET, "/v1/events", AN_OPEN, 0, NULL}};
static const struct an_route search_routes[] = {{AN_GET, "/v1/events", AN_OPEN, 0, echo},
                                                {AN_POST, "/v1/events", AN_OPEN, 0, NULL},
                                                {AN_GET, "/v1/events/{id}", AN_OPEN, 0, echo},
                                                {AN_GET, "/v1/events/export", AN_OPEN, 0, stream},
                                                {AN_GET, "/v1/whoami", AN_TOKEN, AN_SCOPE_READ, echo},
                                                {AN_GET, "/v1/big", AN_OPEN, 0, big},
                                                {AN_GET, "/v1/slow", AN_OPEN, 0, slow},
                                                {AN_GET, "/v1/crash", AN_OPEN, 0, crash},
                                                {AN_GET, "/v1/fail/{code}", AN_OPEN, 0, fail}};
static const struct an_route admin_routes[] = {{AN_GET, "/admin", AN_SESSION, 0, echo},
                                               {AN_GET, "/admin/events/{id}", AN_SESSION, 0, echo},
                                               {AN_POST, "/admin/login", AN_SESSION, 0, take_body}};

static const struct stage {
    const char *name;
    struct an_routes routes;
} stages[] = {{"ingest", {.routes = ingest_routes, .count = AN_COUNT(ingest_routes)}},
              {"search", {.routes = search_routes, .count = AN_COUNT(search_routes)}},
              {"admin", {.routes = admin_routes, .count = AN_COUNT(admin_routes)}}};
static const struct stage *stage;

static const struct an_conf_app *section(const struct an_conf *c)
{
    const struct an_conf_app *sections[] = {&c->ingest, &c->search, &c->admin};
    return sections[stage - stages];
}

static int work(const struct an_conf *c, int listen_fd, unsigned index, void *shared)
{
    return an_api_work(c, stage->name, &stage->routes, listen_fd, index, shared);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < AN_COUNT(stages); i++)
        if (argc > 1 && strcmp(argv[1], stages[i].name) == 0)
            stage = &stages[i];
    if (stage == NULL) {
        fprintf(stderr, "usage: echo-app ingest|search|admin [options]\n");
        return 2;
    }
    app_name = stage->name;
    const struct an_app app = {.name = stage->name, .section = section, .work = work};
    argv[1] = argv[0];
    return an_api_main(&app, argc - 1, argv + 1);
}
