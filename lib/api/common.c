/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/api.h"
#include "api/readiness.h"
#include "log/metrics.h"

/* The process answers; whatever stands behind it is the business of /readyz. */
static int health(struct an_call *call, struct an_err *err)
{
    (void)err;
    an_reply_type(call->rep, "application/json");
    an_buf_adds(&call->rep->body, "{\"status\":\"ok\"}");
    return AN_OK;
}

static int metrics(struct an_call *call, struct an_err *err)
{
    (void)err;
    struct an_ctx *ctx = call->ctx;
    an_reply_type(call->rep, "text/plain; version=0.0.4; charset=utf-8");
    an_metrics_render(ctx->conf->run_dir, &call->rep->body);
    if (strcmp(ctx->app, "ingest") != 0) /* which need not have a reader */
        an_upkeep_metrics_add(&ctx->upkeep, ctx->router, &call->rep->body);
    return AN_OK;
}

static const struct an_route routes[] = {{AN_GET, "/healthz", AN_OPEN, 0, health},
                                         {AN_GET, "/readyz", AN_MONITOR, 0, an_readiness_get},
                                         {AN_GET, "/metrics", AN_MONITOR, 0, metrics}};
const struct an_routes an_common_routes = {.routes = routes, .count = AN_COUNT(routes)};
