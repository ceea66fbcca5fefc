/* SPDX-License-Identifier: Apache-2.0 */
/* What a token says (RFC 7519 section 4.1), once its signature is known to be good. */
#ifndef AN_AUTH_CLAIMS_H
#define AN_AUTH_CLAIMS_H

#include "an.h"
#include "auth/auth.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct an_claim_rules {
    const struct an_conf_issuer *issuer;
    int64_t now_us, leeway_us;
};

/* exp (required), nbf and iat (where they stand) are integers and hold now, give or take the leeway; iss
 * is the issuer's exactly; aud is its audience or a list with it; the tenant claim is a tenant id or
 * "*". Scopes are gathered from the claims that the issuer's scopes_claim names, where scope_map may
 * translate them; unknown ones mean nothing, and a token without any of ours is valid but may do nothing.
 * AN_EAUTH else. */
int an_claims_check(struct an_arena *arena, const struct an_json *claims, const struct an_claim_rules *rules,
                    struct an_principal *out, struct an_err *err) AN_MUST_CHECK;

/* "role=scope ...": is each scope one of ours? False: *bad is the first word with another one. */
bool an_scopes_map_valid(struct an_str map, struct an_str *bad) AN_MUST_CHECK;

#endif
