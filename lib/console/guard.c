/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "console/guard.h"
#include "event/event.h"

#define FORM_MAX_BYTES 4096

/* ---- proofs of origin ---- */

/* The origin ("https://host:port") of a URL; absent where it has none. */
static struct an_str origin_of(const char *url)
{
    const char *host = strstr(url, "://");
    if (host == NULL)
        return (struct an_str){NULL, 0};
    host += strlen("://");
    return (struct an_str){url, (size_t)(host - url) + strcspn(host, "/?#")};
}

static bool origin_ours(const struct an_call *call, struct an_str origin)
{
    if (origin.len == 0)
        return false;
    if (an_str_equal(origin, origin_of(call->ctx->conf->public_url)))
        return true;
    struct an_str host = an_request_header(call->req, "Host");
    return an_str_is(origin, an_arena_printf(call->arena, "%s://%.*s", call->req->https ? "https" : "http",
                                             AN_STR_ARG(host)));
}

bool an_admin_same_origin(const struct an_call *call)
{
    struct an_str site = an_request_header(call->req, "Sec-Fetch-Site");
    if (site.data != NULL && !an_str_is(site, "same-origin"))
        return false;
    struct an_str origin = an_request_header(call->req, "Origin");
    return origin.data == NULL || origin_ours(call, origin);
}

bool an_admin_csrf_valid(const struct an_admin *a, const struct an_param *form)
{
    const struct an_param *sent = an_params_find(form, "csrf");
    struct an_str wanted = a->session.csrf;
    return sent != NULL && wanted.len == AN_SESSION_SECRET_LEN && sent->value.len == wanted.len &&
           an_ct_equal(sent->value.data, wanted.data, wanted.len);
}

int an_admin_form(struct an_admin *a, struct an_param **form, struct an_err *err)
{
    struct an_call *call = a->call;
    struct an_buf body;
    struct an_err why;
    *form = NULL;
    if (!an_str_is(an_request_media_type(call->req), "application/x-www-form-urlencoded"))
        return an_admin_error(a, 400, "This is not a form.", err);
    an_buf_init(&body, FORM_MAX_BYTES);
    int rc = an_request_body(call->req, &body, &why);
    if (rc == AN_OK) {
        const char *kept = an_arena_strndup(a->arena, body.data, body.len);
        rc = an_params_parse(a->arena, (struct an_str){kept, body.len}, form, &why);
    }
    an_buf_release(&body);
    if (rc != AN_OK)
        return an_admin_failed(a, rc, &why, err);
    return *form == NULL ? an_admin_error(a, 400, "The form is empty.", err) : AN_OK;
}

/* ---- who may see what ---- */

/* Nobody is signed in: the page says how to. A GET may be tried again, since SameSite=Strict keeps the cookie
 * back when another site led here. */
static int ask_to_sign_in(struct an_admin *a, struct an_err *err)
{
    struct an_call *call = a->call;
    call->rep->status = 401;
    an_reply_header(call->rep, "WWW-Authenticate", AN_STR("Session realm=\"annals\""));
    if (call->req->method == AN_GET || call->req->method == AN_HEAD)
        an_scope_text(a->page, "again",
                      an_admin_url(a, an_arena_printf(a->arena, "%.*s", AN_STR_ARG(call->req->path)),
                                   call->req->query));
    else
        an_scope_flag(a->page, "ask_only", true);
    return an_admin_render(a, "login", AN_STR("Please sign in"), err);
}

/* Whose events: the session's tenant, or what a platform principal asks for, perhaps all of them ("*").
 * False: not one that it may see. */
static bool choose_tenant(struct an_admin *a)
{
    const struct an_param *asked = an_params_find(a->call->req->query, "tenant");
    a->params = an_query_without(a->arena, a->call->req->query, "tenant");
    a->platform = an_str_is(a->session.tenant, AN_PLATFORM);
    if (!a->platform) {
        a->tenant = a->session.tenant;
        return asked == NULL || asked->value.len == 0 || an_str_equal(asked->value, a->tenant);
    }
    if (asked == NULL || asked->value.len == 0)
        return true;
    a->tenant = asked->value;
    return an_tenant_valid(a->tenant) || an_str_is(a->tenant, AN_PLATFORM);
}

/* AN_OK with *entered false: the reply is already an error page. */
static int enter(struct an_admin *a, unsigned scopes, bool *entered, struct an_err *err)
{
    struct an_err why;
    *entered = false;
    int rc = an_session_find(a->call, &a->session, &why);
    if (rc == AN_ENOENT)
        return ask_to_sign_in(a, err);
    if (rc != AN_OK)
        return an_admin_failed(a, rc, &why, err);
    if (!choose_tenant(a)) {
        a->tenant = (struct an_str){NULL, 0};
        return an_admin_error(a, 403, "Your session does not allow you to see that tenant.", err);
    }
    if ((a->session.scopes & scopes) == 0)
        return an_admin_error(a, 403, NULL, err);
    a->call->tenant = a->tenant;
    *entered = true;
    return AN_OK;
}

int an_admin_serve(struct an_call *call, unsigned scopes, an_admin_page *page, struct an_err *err)
{
    struct an_admin a;
    struct an_err why;
    bool entered;
    an_admin_init(&a, call);
    int rc = enter(&a, scopes, &entered, err);
    if (rc != AN_OK || !entered)
        return rc;
    rc = page(&a, &why);
    return rc == AN_OK ? AN_OK : an_admin_failed(&a, rc, &why, err);
}
