/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/own_event.h"
#include "base/json.h"
#include "event/event.h"
#include "http/params.h"

#define QUERY_MAX_BYTES 4096
#define AGENT_MAX_BYTES 512

static void add_member(struct an_buf *json, const char *before, struct an_str value)
{
    an_buf_adds(json, before);
    an_json_add_string(json, value);
}

static void add_context(struct an_buf *json, const struct an_call *call)
{
    const struct an_request *req = call->req;
    struct an_str agent = an_request_header(req, "User-Agent");
    add_member(json, ",\"context\":{\"request_id\":", an_str(req->request_id));
    if (an_ip_valid(req->remote_addr, false))
        add_member(json, ",\"ip\":", req->remote_addr);
    if (agent.data != NULL && an_utf8_valid(agent.data, agent.len))
        add_member(json, ",\"user_agent\":", an_text_clip(call->arena, agent, AGENT_MAX_BYTES));
    an_buf_adds(json, "}");
}

static void add_metadata(struct an_buf *json, const struct an_call *call, const struct an_own_event *e)
{
    struct an_buf query;
    an_buf_init(&query, AN_REPLY_MAX);
    an_params_add(&query, e->query);
    struct an_str asked = an_text_clip(call->arena, (struct an_str){query.data, query.len}, QUERY_MAX_BYTES);
    add_member(json, ",\"metadata\":{\"query\":", asked);
    if (e->issuer != NULL)
        add_member(json, ",\"issuer\":", an_str(e->issuer));
    an_buf_adds(json, "}}");
    an_buf_release(&query);
}

int an_own_record(struct an_call *call, const struct an_own_event *e, struct an_err *err)
{
    struct an_buf json;
    an_buf_init(&json, AN_INGEST_OWN_MAX);
    add_member(&json, "{\"action\":", an_str(e->action));
    add_member(&json, ",\"actor\":{\"type\":", an_str(e->actor_type));
    add_member(&json, ",\"id\":", e->actor_id);
    add_member(&json, "},\"entities\":[{\"type\":\"tenant\",\"id\":", e->tenant);
    if (e->event_id.data != NULL)
        add_member(&json, "},{\"type\":\"event\",\"id\":", e->event_id);
    an_buf_adds(&json, "}]");
    add_context(&json, call);
    add_metadata(&json, call, e);
    int rc = an_ingest_own(call->ctx->ingest, call->arena, &json, err);
    an_buf_release(&json);
    return rc;
}
