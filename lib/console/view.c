/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/platform.h"
#include "base/clock.h"
#include "console/static.h"
#include "console/view.h"
#include "log/log.h"

#define PATH_MAX_BYTES (64 * 1024)
#define TENANTS_SHOWN 500 /* in the picker; a platform with more goes by URL */

void an_admin_init(struct an_admin *a, struct an_call *call)
{
    *a = (struct an_admin){.call = call, .arena = call->arena};
    a->page = an_scope_new(a->arena);
    struct an_reply *rep = call->rep;
    an_reply_header(rep, "Content-Security-Policy",
                    AN_STR("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
                           "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"));
    an_reply_header(rep, "X-Content-Type-Options", AN_STR("nosniff"));
    an_reply_header(rep, "Referrer-Policy", AN_STR("same-origin"));
    an_reply_header(rep, "Cross-Origin-Opener-Policy", AN_STR("same-origin"));
    an_reply_header(rep, "Cross-Origin-Resource-Policy", AN_STR("same-origin"));
    an_reply_header(rep, "Cache-Control", AN_STR("no-store"));
}

/* ---- paths ---- */

struct an_str an_admin_url(struct an_admin *a, const char *path, const struct an_param *query)
{
    struct an_buf url;
    an_buf_init(&url, PATH_MAX_BYTES);
    an_buf_addf(&url, "%s%s", a->call->ctx->conf->base_path, path);
    char separator = '?';
    if (a->platform && a->tenant.data != NULL) {
        an_buf_adds(&url, "?tenant=");
        an_percent_add(&url, a->tenant);
        separator = '&';
    }
    if (query != NULL) {
        an_buf_addc(&url, separator);
        an_params_add(&url, query);
    }
    struct an_str copy = {an_arena_strndup(a->arena, url.data, url.len), url.len};
    an_buf_release(&url);
    return copy;
}

int an_admin_redirect(struct an_admin *a, const char *path)
{
    a->call->rep->status = 303;
    an_reply_header(a->call->rep, "Location", an_str(path));
    return AN_OK;
}

/* ---- the frame ---- */

static void add_tenant(struct an_admin *a, struct an_str id, struct an_str label, struct an_str name)
{
    struct an_scope *item = an_scope_item(a->page, "tenants");
    an_scope_text(item, "id", id);
    an_scope_text(item, "label", label);
    an_scope_text(item, "name", name);
    an_scope_flag(item, "selected", an_str_equal(id, a->tenant));
    an_scope_text(item, "url",
                  an_str(an_arena_printf(a->arena, "%s/admin/events?tenant=%.*s",
                                         a->call->ctx->conf->base_path, AN_STR_ARG(id))));
}

/* The picker's list. Without a database the page does without. */
static void add_tenants(struct an_admin *a)
{
    struct an_err err;
    struct an_result *r = NULL;
    if (an_db_exec(a->call->ctx->writer, AN_STMT_TENANT_LIST, NULL, 0, &r, &err) != AN_OK)
        return;
    bool listed = an_platform_asked(a->call);
    if (an_platform_is_on(a->call))
        add_tenant(a, AN_STR(AN_PLATFORM), AN_STR("all tenants"), (struct an_str){NULL, 0});
    size_t rows = an_result_rows(r);
    for (size_t i = 0; i < rows && i < TENANTS_SHOWN; i++) {
        struct an_str id = an_text_clip(a->arena, an_result_get(r, i, 0), 256);
        listed = listed || an_str_equal(id, a->tenant);
        add_tenant(a, id, id, an_text_clip(a->arena, an_result_get(r, i, 1), 256));
    }
    if (!listed && a->tenant.data != NULL)
        add_tenant(a, a->tenant, a->tenant, (struct an_str){NULL, 0});
    an_scope_flag(a->page, "has_tenants", rows > 0);
    an_result_free(r);
}

static void add_frame(struct an_admin *a, struct an_str title)
{
    struct an_scope *p = a->page;
    an_scope_text(p, "title", title);
    an_scope_text(p, "base", an_str(a->call->ctx->conf->base_path));
    an_scope_text(p, "version", AN_STR(PACKAGE_VERSION));
    an_scope_text(p, "css_url", an_admin_static_url(a->call, "annals.css"));
    an_scope_text(p, "js_url", an_admin_static_url(a->call, "annals.js"));
    an_scope_text(p, "icon_url", an_admin_static_url(a->call, "favicon.svg"));
    an_scope_text(p, "request_id", an_str(a->call->req->request_id));
    if (a->session.subject.data == NULL)
        return;
    an_scope_text(p, "subject", a->session.subject);
    an_scope_text(p, "csrf", a->session.csrf);
    an_scope_text(p, "tenant", a->tenant);
    an_scope_flag(p, "platform", a->platform);
    an_scope_text(p, "events_url", an_admin_url(a, "/admin/events", NULL));
    an_scope_text(p, "status_url", an_admin_url(a, "/admin/status", NULL));
    if (a->platform)
        add_tenants(a);
}

int an_admin_render(struct an_admin *a, const char *template, struct an_str title, struct an_err *err)
{
    add_frame(a, title);
    an_reply_type(a->call->rep, "text/html; charset=utf-8");
    return an_template_render(template, a->page, &a->call->rep->body, err);
}

/* ---- errors ---- */

static const struct {
    int status;
    const char *title, *detail;
} errors[] = {
    {400, "This cannot be read", "The address of the page holds something that it should not."},
    {403, "Not allowed", "Your session does not allow this."},
    {404, "Not found", "There is nothing here, or nothing that you may see."},
    {405, "Not like this", "This address does not take such a request."},
    {500, "Something went wrong", "The fault is ours; the log of annals-admin says more under this request."},
    {501, "Not built in", "This kind of search needs a search engine that is not configured."},
    {503, "Not available at the moment",
     "The database cannot be reached, or cannot record who looks at what."},
    {504, "That took too long", "The search went over its time limit. A shorter time range helps."},
};

int an_admin_error(struct an_admin *a, int status, const char *detail, struct an_err *err)
{
    size_t i = 0;
    while (i + 1 < AN_COUNT(errors) && errors[i].status != status)
        i++;
    struct an_reply *rep = a->call->rep;
    an_buf_clear(&rep->body);
    rep->status = status;
    if (status == 503) {
        an_reply_header(rep, "Retry-After", AN_STR("1"));
        an_scope_text(a->page, "retry_url",
                      an_str(an_arena_printf(a->arena, "%s%.*s", a->call->ctx->conf->base_path,
                                             AN_STR_ARG(a->call->req->path))));
    }
    an_scope_textf(a->page, "status", "%d", status);
    an_scope_text(a->page, "detail", an_str(detail != NULL ? detail : errors[i].detail));
    return an_admin_render(a, "error", an_str(errors[i].title), err);
}

int an_admin_failed(struct an_admin *a, int rc, const struct an_err *why, struct an_err *err)
{
    int status = an_problem_status(an_problem_of((enum an_rc)rc));
    if (status >= 500)
        an_log_warn("console", "request %s: %s", a->call->req->request_id, why->text);
    return an_admin_error(a, status, NULL, err);
}

/* ---- the look of values ---- */

struct an_str an_view_rfc3339(struct an_arena *a, int64_t us)
{
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    return an_str(an_arena_strdup(a, text));
}

struct an_str an_view_time(struct an_arena *a, int64_t us, unsigned digits)
{
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    text[10] = ' ';
    return an_str(an_arena_strndup(a, text, digits == 0 ? 19 : 20 + digits));
}

struct an_str an_view_count(struct an_arena *a, int64_t n)
{
    char digits[24];
    char out[40];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    size_t to = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
            out[to++] = ',';
        out[to++] = digits[i];
    }
    return (struct an_str){an_arena_strndup(a, out, to), to};
}

struct an_str an_view_bytes(struct an_arena *a, int64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)n;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < AN_COUNT(units)) {
        value /= 1024;
        unit++;
    }
    return an_str(an_arena_printf(a, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]));
}

const char *an_outcome_glyph(struct an_str outcome)
{
    static const struct {
        const char *name, *glyph;
    } glyphs[] = {{"success", "\xE2\x9C\x93"}, {"failure", "\xE2\x9C\x95"}, {"denied", "\xE2\x8A\x98"}};
    for (size_t i = 0; i < AN_COUNT(glyphs); i++)
        if (an_str_is(outcome, glyphs[i].name))
            return glyphs[i].glyph;
    return "?";
}
