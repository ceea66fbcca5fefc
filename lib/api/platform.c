/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/own_event.h"
#include "api/platform.h"

bool an_platform_asked(const struct an_call *call)
{
    return an_str_is(call->tenant, AN_PLATFORM);
}

bool an_platform_is_on(const struct an_call *call)
{
    return call->ctx->conf->db_platform.len > 0;
}

int an_platform_record(struct an_call *call, const char *what, struct an_err *err)
{
    const struct an_principal *who = call->who;
    const struct an_own_event e = {
        .action = an_arena_printf(call->arena, "annals.api.%s", what),
        .actor_type = "api",
        .actor_id = who->subject[0] != '\0' ? an_str(who->subject) : AN_STR("unknown"),
        .tenant = call->tenant,
        .query = call->req->query,
        .issuer = who->issuer,
    };
    if (an_own_record(call, &e, err) == AN_OK)
        return AN_OK;
    an_fail_within(err, "cannot record %s", e.action);
    return AN_EAGAIN; /* whatever the reason: not now */
}
