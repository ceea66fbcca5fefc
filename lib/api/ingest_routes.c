/* SPDX-License-Identifier: Apache-2.0 */
/* The route of annals-ingest: POST /v1/events. */
#include "an.h"

#include "api/api.h"
#include "api/write_token.h"

/* What the query and the header fields ask of a batch. */
struct wishes {
    enum an_body_kind kind;
    bool atomic, minimal;
};

static bool read_query(const struct an_call *call, struct wishes *w, struct an_faults *faults)
{
    for (const struct an_param *p = call->req->query; p != NULL; p = p->next) {
        if (!an_str_is(p->name, "atomic"))
            an_fault_add(faults, AN_FAULT_PARAMETER, an_arena_strndup(call->arena, p->name.data, p->name.len),
                         "unknown", "the only parameter here is atomic");
        else if (an_str_is(p->value, "true") || an_str_is(p->value, "false"))
            w->atomic = an_str_is(p->value, "true");
        else
            an_fault_add(faults, AN_FAULT_PARAMETER, "atomic", "value", "either true or false");
    }
    return faults->count == 0;
}

/* Prefer (RFC 7240) is a list of preferences; what we do not know in it is ignored. */
static bool wants_minimal(struct an_str prefer)
{
    while (prefer.len > 0) {
        struct an_str rest, parameters;
        struct an_str one = an_str_trim(an_str_split(an_str_split(prefer, ',', &rest), ';', &parameters));
        if (an_str_case_is(one, "return=minimal"))
            return true;
        prefer = rest;
    }
    return false;
}

static bool read_type(const struct an_call *call, struct wishes *w)
{
    struct an_str type = an_request_media_type(call->req);
    w->kind = an_str_is(type, "application/x-ndjson") ? AN_BODY_NDJSON : AN_BODY_JSON;
    return w->kind == AN_BODY_NDJSON || an_str_is(type, "application/json");
}

/* Fills *w; false: the reply is already the problem. */
static bool read_wishes(struct an_call *call, struct wishes *w)
{
    struct an_faults faults;
    an_faults_init(&faults, call->arena, 8);
    *w = (struct wishes){.minimal = wants_minimal(an_request_header(call->req, "Prefer"))};
    struct an_problem p = {.type = AN_P_UNSUPPORTED_TYPE,
                           .detail = "Events come as application/json or application/x-ndjson."};
    if (read_type(call, w)) {
        if (read_query(call, w, &faults))
            return true;
        p = (struct an_problem){.type = AN_P_INVALID_PARAMETER,
                                .detail = "The query is not valid; errors names each fault.",
                                .faults = &faults};
    } else {
        an_reply_header(call->rep, "Accept-Post", AN_STR("application/json, application/x-ndjson"));
    }
    an_problem_reply(call->rep, &p, call->req->request_id);
    return false;
}

/* The translation of what can be wrong with a body before it is looked into. */
static int refuse_body(struct an_call *call, int rc, const struct an_err *err, uint64_t limit)
{
    struct an_problem p = {.detail = err->text};
    if (rc == AN_ETOOBIG) {
        p.type = AN_P_TOO_LARGE;
        p.detail = "The body is larger than this server accepts in one request.";
        p.has_limit = true;
        p.limit = limit;
        p.actual = limit + 1; /* reading stopped there */
    } else if (rc == AN_ENOENT) {
        p.type = AN_P_UNSUPPORTED_TYPE;
        an_reply_header(call->rep, "Accept-Encoding", AN_STR("gzip, zstd"));
    } else if (rc == AN_EINVAL) {
        p.type = AN_P_MALFORMED;
    } else {
        return rc;
    }
    an_problem_reply(call->rep, &p, call->req->request_id);
    return AN_OK;
}

static void add_write_token(struct an_call *call, const struct an_secret *key, const struct an_need *written)
{
    struct an_buf token;
    an_buf_init(&token, 256);
    if (an_write_token_add(key, call->tenant, written, &token))
        an_reply_header(call->rep, "Annals-Write-Token", (struct an_str){token.data, token.len});
    an_buf_release(&token);
}

/* What can fail is asked for before the commit: afterwards the answer must be that the events are stored. */
static int take_body(struct an_call *call, const struct wishes *w, struct an_str body, struct an_err *err)
{
    struct an_ctx *ctx = call->ctx;
    int rc = an_router_key(ctx->router, &ctx->signing_key, err);
    struct an_shard *shard;
    if (rc == AN_OK)
        rc = an_router_admit(ctx->router, call->tenant, ctx->conf->tenant_auto_create, &shard, err);
    if (rc != AN_OK)
        return rc;
    const struct an_ingest_call in = {.arena = call->arena,
                                      .tenant = call->tenant,
                                      .shard = shard,
                                      .body = body,
                                      .kind = w->kind,
                                      .atomic = w->atomic,
                                      .minimal = w->minimal,
                                      .any_time = (call->who->scopes & AN_SCOPE_IMPORT) != 0,
                                      .request_id = call->req->request_id};
    struct an_ingest_held *held = an_ingest_take(ctx->ingest, &in, call->rep);
    call->held = held;
    call->last = held != NULL && !an_ingest_wants_company(held);
    return AN_OK;
}

static int post_events(struct an_call *call, struct an_err *err)
{
    if (an_str_is(call->tenant, AN_TENANT_SYSTEM))
        return an_call_problem(call, AN_P_FORBIDDEN,
                               "This tenant is Annals itself: nobody else writes its log.");
    struct wishes w;
    if (!read_wishes(call, &w))
        return AN_OK;
    struct an_buf body;
    an_buf_init(&body, (size_t)call->ctx->conf->batch_bytes);
    int rc = an_request_body(call->req, &body, err);
    if (rc == AN_OK)
        rc = take_body(call, &w, (struct an_str){body.data, body.len}, err);
    else
        rc = refuse_body(call, rc, err, call->ctx->conf->batch_bytes);
    an_buf_release(&body);
    return rc;
}

static void commit(struct an_ctx *ctx)
{
    an_ingest_commit(ctx->ingest);
}

static bool late(const struct an_call *call)
{
    return an_ingest_must_follow(call->held);
}

static int answer_events(struct an_call *call, struct an_err *err)
{
    struct an_need written;
    int rc = an_ingest_answer(call->held, call->rep, &written, err);
    if (rc == AN_OK && written.lsn != 0)
        add_write_token(call, call->ctx->signing_key, &written);
    return rc;
}

static const struct an_route routes[] = {
    {AN_POST, "/v1/events", AN_TOKEN, AN_SCOPE_WRITE | AN_SCOPE_IMPORT, post_events},
};

const struct an_routes an_ingest_routes = {
    .routes = routes, .count = AN_COUNT(routes), .commit = commit, .finish = answer_events, .late = late,
    .together = AN_INGEST_HELD};
