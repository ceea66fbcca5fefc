/* SPDX-License-Identifier: Apache-2.0 */
/* The console: every address that it has. */
#include "an.h"

#include "console/pages.h"
#include "console/static.h"
#include "console/view.h"

static int home(struct an_call *call, struct an_err *err)
{
    (void)err;
    struct an_admin a;
    an_admin_init(&a, call);
    return an_admin_redirect(&a, an_arena_printf(a.arena, "%s/admin/events", call->ctx->conf->base_path));
}

/* People get a page; what watches this program (/healthz and the like) gets a problem document. */
static bool refuse(struct an_call *call, const struct an_problem *p)
{
    struct an_admin a;
    struct an_err err;
    struct an_str path = call->req->path;
    if (!an_str_is(path, "/admin") && !an_str_starts(path, "/admin/"))
        return false;
    an_admin_init(&a, call);
    return an_admin_error(&a, an_problem_status(p->type), p->detail, &err) == AN_OK;
}

/* Which scopes a page wants of the session it says itself, by an_admin_serve(). */
static const struct an_route routes[] = {
    {AN_GET, "/admin", AN_SESSION, 0, home},
    {AN_GET, "/admin/", AN_SESSION, 0, home},
    {AN_GET, "/admin/login", AN_SESSION, 0, an_admin_login_page},
    {AN_POST, "/admin/login", AN_SESSION, 0, an_admin_login},
    {AN_POST, "/admin/logout", AN_SESSION, 0, an_admin_logout},
    {AN_GET, "/admin/events", AN_SESSION, 0, an_admin_events},
    {AN_GET, "/admin/events/{id}", AN_SESSION, 0, an_admin_event},
    {AN_GET, "/admin/status", AN_SESSION, 0, an_admin_status},
    {AN_GET, "/admin/static/{name}", AN_OPEN, 0, an_admin_static},
};

const struct an_routes an_admin_routes = {.routes = routes, .count = AN_COUNT(routes), .refuse = refuse};
