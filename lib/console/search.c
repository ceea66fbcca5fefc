/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/platform.h"
#include "console/search.h"

int an_admin_search(struct an_admin *a, struct an_search *s, struct an_err *err)
{
    struct an_ctx *ctx = a->call->ctx;
    *s = (struct an_search){.router = ctx->router,
                            .arena = a->arena,
                            .tenant = a->tenant,
                            .timeout_ms = ctx->conf->search_timeout_ms};
    int rc = an_router_key(ctx->router, &s->key, err);
    return rc == AN_OK && an_platform_asked(a->call) ? an_search_all_shards(s, err) : rc;
}

/* A tenant's id needs no quotes, and percent-encoding leaves nothing that the quotes around a URL would not
 * hold. */
static const char *tenant_header(struct an_admin *a)
{
    return a->platform ? an_arena_printf(a->arena, " -H 'Annals-Tenant: %.*s'", AN_STR_ARG(a->tenant)) : "";
}

struct an_str an_admin_curl(struct an_admin *a, const char *path, const struct an_param *query)
{
    struct an_buf text;
    an_buf_init(&text, AN_REPLY_MAX);
    an_buf_addf(&text, "curl -H \"Authorization: Bearer $ANNALS_READ_TOKEN\"%s '%s%s%s", tenant_header(a),
                a->call->ctx->conf->public_url, path, query == NULL ? "" : "?");
    an_params_add(&text, query);
    an_buf_addc(&text, '\'');
    struct an_str copy = {an_arena_strndup(a->arena, text.data, text.len), text.len};
    an_buf_release(&text);
    return copy;
}

struct an_str an_admin_curl_first(struct an_admin *a)
{
    return an_str(an_arena_printf(
        a->arena,
        "curl -H \"Authorization: Bearer $ANNALS_WRITE_TOKEN\"%s -H 'Content-Type: application/json' \\\n"
        "  -d '{\"action\":\"document.read\",\"actor\":{\"type\":\"user\",\"id\":\"u-1\"},"
        "\"entities\":[{\"type\":\"document\",\"id\":\"d-1\"}]}' \\\n"
        "  '%s/v1/events'",
        tenant_header(a), a->call->ctx->conf->public_url));
}
