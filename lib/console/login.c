/* SPDX-License-Identifier: Apache-2.0 */
/* In by a link that works once, out by a button. */
#include "an.h"

#include "console/audit.h"
#include "console/guard.h"
#include "console/pages.h"
#include "log/log.h"

/* Shows a button and nothing else: mail scanners and link previews follow links, and must not use this one
 * up. */
int an_admin_login_page(struct an_call *call, struct an_err *err)
{
    struct an_admin a;
    an_admin_init(&a, call);
    const struct an_param *token = an_params_find(call->req->query, "token");
    if (token != NULL && token->value.len == AN_SESSION_SECRET_LEN)
        an_scope_text(a.page, "token", token->value);
    else if (an_params_find(call->req->query, "ended") != NULL)
        an_scope_flag(a.page, "ended", true);
    else
        an_scope_flag(a.page, "ask_only", true);
    return an_admin_render(&a, "login", AN_STR("Sign in"), err);
}

/* The session is worth its cookie only once the login is on record. */
static int start(struct an_admin *a, struct an_str token, struct an_err *err)
{
    char id[AN_SESSION_SECRET_LEN + 1];
    struct an_err ignored;
    int rc = an_session_start(a->call, token, &a->session, id, err);
    if (rc != AN_OK)
        return rc;
    rc = an_admin_audit(a, "login", (struct an_str){NULL, 0}, err);
    if (rc != AN_OK) {
        if (an_session_end(a->call, an_str(id), &ignored) != AN_OK)
            an_log_warn("console", "session without a record could not be ended: %s", ignored.text);
        return rc;
    }
    an_session_cookie(a->call, an_str(id));
    return AN_OK;
}

int an_admin_login(struct an_call *call, struct an_err *err)
{
    struct an_admin a;
    struct an_err why;
    struct an_param *form;
    an_admin_init(&a, call);
    if (!an_admin_same_origin(call))
        return an_admin_error(&a, 403, "This form was not sent by a page of the console.", err);
    int rc = an_admin_form(&a, &form, err);
    if (rc != AN_OK || form == NULL)
        return rc;
    const struct an_param *token = an_params_find(form, "token");
    rc = token == NULL ? an_fail(&why, AN_ENOENT, "form has no token") : start(&a, token->value, &why);
    if (rc == AN_OK)
        return an_admin_redirect(&a, an_arena_printf(a.arena, "%s/admin/events", call->ctx->conf->base_path));
    a.session = (struct an_session){.scopes = 0};
    if (rc != AN_ENOENT)
        return an_admin_failed(&a, rc, &why, err);
    an_log_warn("console", "login from %.*s refused: link is unknown, used or too old",
                AN_STR_ARG(call->req->remote_addr));
    return an_admin_error(&a, 403,
                          "This link has been used already, is too old, or was never made. "
                          "Make a new one with annalsctl login.",
                          err);
}

static int sign_out(struct an_admin *a, struct an_err *err)
{
    struct an_param *form;
    if (!an_admin_same_origin(a->call))
        return an_admin_error(a, 403, "This form was not sent by a page of the console.", err);
    int rc = an_admin_form(a, &form, err);
    if (rc != AN_OK || form == NULL)
        return rc;
    if (!an_admin_csrf_valid(a, form))
        return an_admin_error(a, 403, "This form is not one of your session.", err);
    rc = an_session_end(a->call, (struct an_str){NULL, 0}, err);
    if (rc == AN_OK)
        rc = an_admin_audit(a, "logout", (struct an_str){NULL, 0}, err);
    if (rc != AN_OK)
        return rc;
    an_session_cookie(a->call, (struct an_str){NULL, 0});
    return an_admin_redirect(
        a, an_arena_printf(a->arena, "%s/admin/login?ended=1", a->call->ctx->conf->base_path));
}

int an_admin_logout(struct an_call *call, struct an_err *err)
{
    return an_admin_serve(call, ~0u, sign_out, err);
}
