/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/own_event.h"
#include "console/audit.h"
#include "log/log.h"

/* The codes of an_own_record(). */
static int record(struct an_admin *a, const char *what, struct an_str event_id, struct an_err *err)
{
    const struct an_own_event e = {
        .action = an_arena_printf(a->arena, "annals.console.%s", what),
        .actor_type = "console",
        .actor_id = a->session.subject,
        /* All of them, for a platform principal who has not chosen one. */
        .tenant = a->tenant.data != NULL ? a->tenant : a->session.tenant,
        .event_id = event_id,
        .query = a->params,
    };
    return an_own_record(a->call, &e, err);
}

static int unrecorded(const char *what, struct an_err *err)
{
    (void)an_fail_within(err, "cannot record annals.console.%s", what);
    return AN_EAGAIN; /* whatever the reason: not now */
}

int an_admin_audit(struct an_admin *a, const char *what, struct an_str event_id, struct an_err *err)
{
    int rc = record(a, what, event_id, err);
    return rc == AN_OK ? AN_OK : unrecorded(what, err);
}

int an_admin_audit_look(struct an_admin *a, const char *what, struct an_str event_id, struct an_err *err)
{
    const struct an_ctx *ctx = a->call->ctx;
    int rc = record(a, what, event_id, err);
    bool in_log = rc == AN_EAGAIN && ctx->conf->record_fallback == AN_RECORD_LOG &&
                  an_shard_has_replicas(ctx->directory);
    if (rc == AN_OK || !in_log)
        return rc == AN_OK ? AN_OK : unrecorded(what, err);
    an_log_warn("console",
                "annals.console.%s by console:%.*s of tenant %.*s%s%.*s, request %s, is "
                "recorded here alone: %s", what,
                AN_STR_ARG(a->session.subject), AN_STR_ARG(a->tenant), event_id.len > 0 ? ", event " : "",
                AN_STR_ARG(event_id), a->call->req->request_id, err->text);
    return AN_OK;
}
