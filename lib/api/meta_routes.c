/* SPDX-License-Identifier: Apache-2.0 */
/* What the API is and how much it takes: open to everybody, the same for everybody. */
#include "an.h"

#include "api/api.h"
#include "api/openapi.h"
#include "event/event.h"

/* Bounds of events and requests, as configured. Times in milliseconds, sizes in bytes. */
static int limits(struct an_call *call, struct an_err *err)
{
    (void)err;
    const struct an_conf *c = call->ctx->conf;
    struct an_buf *out = &call->rep->body;
    an_reply_type(call->rep, "application/json");
    an_buf_addf(
        out,
        "{\"event\":{\"bytes\":%llu,\"depth\":%lld,\"entities\":%d,\"action_bytes\":%d,\"type_bytes\":%d,"
        "\"id_bytes\":%d},",
        (unsigned long long)c->event_bytes, (long long)c->json_depth, AN_ENTITIES_MAX, AN_ACTION_MAX,
        AN_TYPE_MAX, AN_ID_MAX);
    an_buf_addf(out, "\"batch\":{\"events\":%lld,\"bytes\":%llu},", (long long)c->batch_events,
                (unsigned long long)c->batch_bytes);
    an_buf_addf(out, "\"window\":{\"past_ms\":%lld,\"future_ms\":%lld},", (long long)c->past_window_ms,
                (long long)c->future_window_ms);
    an_buf_addf(out, "\"search\":{\"limit_default\":%lld,\"limit_max\":%lld,\"timeout_ms\":%lld}}",
                (long long)c->page_default, (long long)c->page_max, (long long)c->search_timeout_ms);
    return AN_OK;
}

/* The same for as long as the program runs, so it may be kept for an hour. */
static int description(struct an_call *call, struct an_err *err)
{
    (void)err;
    an_reply_type(call->rep, "application/json");
    an_reply_header(call->rep, "Cache-Control", AN_STR("public, max-age=3600"));
    an_buf_adds(&call->rep->body, an_openapi_files[0].data);
    return AN_OK;
}

static const struct an_route routes[] = {{AN_GET, "/v1/limits", AN_OPEN, 0, limits},
                                         {AN_GET, "/v1/openapi.json", AN_OPEN, 0, description}};
const struct an_routes an_meta_routes = {.routes = routes, .count = AN_COUNT(routes)};
