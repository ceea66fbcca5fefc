/* SPDX-License-Identifier: Apache-2.0 */
/* What the API is and how much it takes: open to everybody, the same for everybody. */
#include "an.h"

#include "api/api.h"
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

static const struct an_route routes[] = {{AN_GET, "/v1/limits", AN_OPEN, 0, limits}};
const struct an_routes an_meta_routes = {routes, AN_COUNT(routes)};
