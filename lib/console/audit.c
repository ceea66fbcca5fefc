/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/json.h"
#include "console/audit.h"
#include "log/log.h"

#define EVENT_MAX_BYTES (16 * 1024)
#define QUERY_MAX_BYTES 4096

static void add_member(struct an_buf *json, const char *before, struct an_str value)
{
    an_buf_adds(json, before);
    an_json_add_string(json, value);
}

static void add_context(struct an_buf *json, struct an_admin *a)
{
    const struct an_request *req = a->call->req;
    struct an_str agent = an_request_header(req, "User-Agent");
    add_member(json, ",\"context\":{\"request_id\":", an_str(req->request_id));
    if (an_ip_valid(req->remote_addr, false))
        add_member(json, ",\"ip\":", req->remote_addr);
    if (agent.data != NULL && an_utf8_valid(agent.data, agent.len))
        add_member(json, ",\"user_agent\":", an_text_clip(a->arena, agent, 512));
    an_buf_adds(json, "}");
}

/* The entity is what was looked at: the tenant, or all of them for a platform principal who has not chosen.
 */
static void add_entities(struct an_buf *json, const struct an_admin *a, struct an_str event_id)
{
    struct an_str tenant = a->tenant.data != NULL ? a->tenant : a->session.tenant;
    add_member(json, ",\"entities\":[{\"type\":\"tenant\",\"id\":", tenant);
    if (event_id.data != NULL)
        add_member(json, "},{\"type\":\"event\",\"id\":", event_id);
    an_buf_adds(json, "}]");
}

/* The codes of an_ingest_own(). */
static int record(struct an_admin *a, const char *what, struct an_str event_id, struct an_err *err)
{
    struct an_buf json, query;
    an_buf_init(&json, EVENT_MAX_BYTES);
    an_buf_init(&query, AN_REPLY_MAX);
    an_buf_addf(&json, "{\"action\":\"annals.console.%s\"", what);
    add_member(&json, ",\"actor\":{\"type\":\"console\",\"id\":", a->session.subject);
    an_buf_adds(&json, "}");
    add_entities(&json, a, event_id);
    add_context(&json, a);
    an_query_add(&query, a->params);
    struct an_str asked = an_text_clip(a->arena, (struct an_str){query.data, query.len}, QUERY_MAX_BYTES);
    add_member(&json, ",\"metadata\":{\"query\":", asked);
    an_buf_adds(&json, "}}");
    int rc = json.overflow ? an_fail(err, AN_ETOOBIG, "event of the console is too large")
                           : an_ingest_own(a->call->ctx->ingest, a->arena, AN_STR(AN_TENANT_SYSTEM),
                                           (struct an_str){json.data, json.len}, err);
    an_buf_release(&query);
    an_buf_release(&json);
    return rc;
}

static int unrecorded(const char *what, struct an_err *err)
{
    (void)an_fail_within(err, "cannot record annals.console.%s", what);
    return AN_EAGAIN; /* whatever the reason: not now */
}

int an_admin_audit(struct an_admin *a, const char *what, struct an_str event_id, struct an_err *err)
{
    int rc = record(a, what, event_id, err);
    return rc == AN_OK ? AN_OK : unrecorded(what, err);
}

int an_admin_audit_look(struct an_admin *a, const char *what, struct an_str event_id, struct an_err *err)
{
    const struct an_ctx *ctx = a->call->ctx;
    int rc = record(a, what, event_id, err);
    bool in_log = rc == AN_EAGAIN && ctx->conf->record_fallback == AN_RECORD_LOG &&
                  an_shard_has_replicas(ctx->directory);
    if (rc == AN_OK || !in_log)
        return rc == AN_OK ? AN_OK : unrecorded(what, err);
    an_log_warn("console",
                "annals.console.%s by console:%.*s of tenant %.*s%s%.*s, request %s, is recorded here alone: %s", what,
                AN_STR_ARG(a->session.subject), AN_STR_ARG(a->tenant), event_id.len > 0 ? ", event " : "",
                AN_STR_ARG(event_id), a->call->req->request_id, err->text);
    return AN_OK;
}
