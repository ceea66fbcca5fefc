/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/access.h"
#include "conf/cidr.h"
#include "event/event.h"
#include "log/metrics.h"

/* The platform's own address, and (behind a proxy that we trust) the client's too: else a proxy on this
 * host would open the monitoring routes to the world. They are hidden, not refused. */
static bool allow_monitor(struct an_call *call, struct an_err *why)
{
    struct an_str from = an_str(call->ctx->conf->monitor_from);
    if (an_cidr_list_holds(from, call->req->peer_addr) && an_cidr_list_holds(from, call->req->remote_addr))
        return true;
    (void)an_fail(why, AN_ENOENT, "the client is not in http.monitor_from");
    (void)an_call_problem(call, AN_P_NOT_FOUND, NULL);
    return false;
}

/* RFC 6750 section 3: no error code where no token was sent. */
static bool refuse_token(struct an_call *call, bool sent)
{
    an_metric_add(AN_M_AUTH_FAILED, 1);
    (void)an_call_problem(call, AN_P_UNAUTHENTICATED, NULL);
    if (sent)
        an_reply_header(call->rep, "WWW-Authenticate", AN_STR("Bearer error=\"invalid_token\""));
    return false;
}

/* The token may be good: nobody can tell at the moment. */
static bool refuse_for_now(struct an_call *call)
{
    (void)an_call_problem(call, AN_P_UNAVAILABLE,
                          "The keys of the token's issuer cannot be had at the moment: its identity provider "
                          "does not answer.");
    return false;
}

static void add_scope_names(struct an_buf *out, unsigned scopes, const char *between)
{
    for (unsigned bit = 1; bit != 0 && bit <= scopes; bit <<= 1)
        if (scopes & bit)
            an_buf_addf(out, "%s%s", out->len > 0 ? between : "", an_scopes_name((enum an_scope_bit)bit));
}

static bool refuse_scope(struct an_call *call, unsigned scopes, struct an_err *why)
{
    struct an_buf words, names;
    an_buf_init(&words, 200);
    an_buf_init(&names, 200);
    add_scope_names(&words, scopes, " ");
    add_scope_names(&names, scopes, " or ");
    (void)an_fail(why, AN_EDENIED, "the token lacks the scope %s", names.data);
    (void)an_call_problem(call, AN_P_FORBIDDEN,
                          an_arena_printf(call->arena, "The token needs the scope %s.", names.data));
    an_reply_headerf(call->rep, "WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"%s\"",
                     words.data);
    an_buf_release(&words);
    an_buf_release(&names);
    return false;
}

static bool refuse_tenant_field(struct an_call *call, const char *code, const char *detail,
                                struct an_err *why)
{
    struct an_faults faults;
    an_faults_init(&faults, call->arena, 1);
    an_fault_add(&faults, AN_FAULT_HEADER, "Annals-Tenant", code, "%s", detail);
    struct an_problem p = {.type = AN_P_INVALID_PARAMETER, .detail = detail, .faults = &faults};
    an_problem_reply(call->rep, &p, call->req->request_id);
    (void)an_fail(why, AN_EINVAL, "Annals-Tenant is %s", code);
    return false;
}

/* A tenant's principal acts for its tenant; the platform's names one, or all of them where the route
 * allows it. */
static bool choose_tenant(struct an_call *call, const struct an_route *route, struct an_err *why)
{
    struct an_str own = an_str(call->who->tenant);
    struct an_str named = an_request_header(call->req, "Annals-Tenant");
    if (an_str_is(own, AN_PLATFORM)) {
        if (named.data == NULL)
            return refuse_tenant_field(
                call, "required", "The token is the platform's: Annals-Tenant must name a tenant.", why);
        if (!an_tenant_valid(named) && !(route->access == AN_ACROSS && an_str_is(named, AN_PLATFORM)))
            return refuse_tenant_field(call, "format", "Annals-Tenant is not the id of a tenant.", why);
        call->tenant = named;
        return true;
    }
    call->tenant = own;
    if (named.data == NULL || an_str_equal(named, own))
        return true;
    (void)an_fail(why, AN_EDENIED, "Annals-Tenant names another tenant than the token");
    (void)an_call_problem(call, AN_P_FORBIDDEN, "Annals-Tenant names another tenant than the token.");
    return false;
}

static bool allow_token(struct an_call *call, const struct an_route *route, struct an_err *why)
{
    struct an_str authorization = an_request_header(call->req, "Authorization");
    if (authorization.data == NULL) {
        (void)an_fail(why, AN_EAUTH, "no token");
        return refuse_token(call, false);
    }
    const struct an_principal *who;
    int rc = an_auth_check(call->ctx->auth, call->arena, authorization, &who, why);
    if (rc != AN_OK)
        return rc == AN_EAGAIN ? refuse_for_now(call) : refuse_token(call, true);
    /* other requests may come before the answer */
    struct an_principal *kept = an_arena_alloc(call->arena, sizeof *kept);
    *kept = *who;
    call->who = kept;
    unsigned has = call->who->scopes;
    if (has & AN_SCOPE_ADMIN)
        has |= AN_SCOPE_READ;
    if (route->scopes != 0 && (has & route->scopes) == 0)
        return refuse_scope(call, route->scopes, why);
    return choose_tenant(call, route, why);
}

bool an_access_allow(struct an_call *call, const struct an_route *route, struct an_err *why)
{
    switch (route->access) {
    case AN_MONITOR:
        return allow_monitor(call, why);
    case AN_TOKEN:
    case AN_ACROSS:
        return allow_token(call, route, why);
    case AN_OPEN:
    case AN_SESSION:
        break;
    }
    return true;
}
