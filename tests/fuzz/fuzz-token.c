/* SPDX-License-Identifier: Apache-2.0 */
/* The same bytes as a token, as a header and as claims: what is accepted has the form that is promised. */
#include "an.h"

#include <assert.h>

#include "auth/claims.h"
#include "auth/token.h"
#include "base/codec.h"
#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_claims(struct an_arena *a, const struct an_json *claims)
{
    static char name[] = "fuzz", iss[] = "i", audience[] = "annals", tenant[] = "tenant_id";
    static const struct an_conf_issuer issuer = {
        .name = name, .issuer = iss, .audience = audience, .tenant_claim = tenant};
    static const struct an_claim_rules rules = {&issuer, INT64_C(1800000000000000), 60000000};
    struct an_principal who;
    if (an_claims_check(a, claims, &rules, &who, NULL) != AN_OK)
        return;
    assert(strcmp(who.tenant, AN_PLATFORM) == 0 || an_tenant_valid(an_str(who.tenant)));
    assert(an_utf8_valid(who.subject, strlen(who.subject)));
    assert(who.expires_us > rules.now_us - rules.leeway_us);
    assert((who.scopes & AN_SCOPE_ADMIN) == 0 || (who.scopes & AN_SCOPE_READ) != 0);
}

static void check_token(struct an_arena *a, struct an_str text)
{
    struct an_token token;
    struct an_json *claims;
    if (an_token_parse(a, text, &token, NULL) != AN_OK)
        return;
    assert(text.len <= AN_TOKEN_MAX && token.alg != NULL);
    assert(token.kid.len > 0 && token.kid.len <= AN_KID_MAX && !an_str_has_nul(token.kid));
    assert(token.signed_text.data == text.data && token.signed_text.len < text.len);
    assert(text.data[token.signed_text.len] == '.' && token.signature.len > 0);
    if (an_token_claims(a, &token, &claims, NULL) == AN_OK)
        check_claims(a, claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct an_json_limits limits = {.depth = 16, .values = 2048};
    struct an_arena *a = an_arena_new(4096);
    struct an_str raw = {(const char *)data, size};
    check_token(a, raw);
    struct an_buf token;
    an_buf_init(&token, 2 * size + 16);
    (void)an_base64url_add(&token, data, size);
    (void)an_buf_adds(&token, ".e30.AAAA");
    check_token(a, (struct an_str){token.data, token.len});
    an_buf_release(&token);
    struct an_json *claims;
    struct an_json_fault fault;
    if (an_json_parse(a, raw, &limits, &claims, &fault))
        check_claims(a, claims);
    an_arena_free(a);
    return 0;
}
