/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/auth.h"
#include "auth/cache.h"
#include "auth/claims.h"
#include "auth/keyset.h"
#include "auth/signature.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "log/log.h"
#include "log/metrics.h"

#define MAX_ALGS 16
#define LOOK_EVERY_US INT64_C(1000000)

struct issuer {
    const struct an_conf_issuer *conf;
    const struct an_alg *algs[MAX_ALGS]; /* the allowed ones */
    size_t alg_count;
    struct an_keyset *keys;
};

struct an_auth {
    struct issuer *issuers;
    size_t count;
    struct an_cache *cache;
    struct an_principal last; /* of the last token that was not cached */
    int64_t leeway_us;
    int64_t looked_us; /* when the key files were last looked at */
};

static int open_algs(struct issuer *is, struct an_err *err)
{
    struct an_str rest = an_str(is->conf->algorithms);
    while (rest.len > 0) {
        struct an_str name = an_str_split(rest, ' ', &rest);
        if (name.len == 0)
            continue;
        const struct an_alg *alg = an_alg_find(name);
        if (alg == NULL || is->alg_count == MAX_ALGS)
            return an_fail(err, AN_EINVAL, "algorithms: \"%.*s\" is unknown or one too many",
                           AN_STR_ARG(name));
        is->algs[is->alg_count++] = alg;
    }
    return is->alg_count > 0 ? AN_OK : an_fail(err, AN_EINVAL, "algorithms: none is allowed");
}

static int open_issuer(struct issuer *is, const struct an_conf_issuer *conf, struct an_keyring *ring,
                       struct an_err *err)
{
    struct an_str bad;
    is->conf = conf;
    if (!an_scopes_map_valid(an_str(conf->scope_map), &bad))
        return an_fail(err, AN_EINVAL, "scope_map: \"%.*s\" names no scope of ours", AN_STR_ARG(bad));
    if (strlen(conf->name) >= sizeof((struct an_principal *)NULL)->issuer)
        return an_fail(err, AN_EINVAL, "the name of the issuer is too long");
    int rc = open_algs(is, err);
    if (rc == AN_OK && an_conf_issuer_is_remote(conf))
        is->keys = an_keyset_of_provider(ring, conf);
    else if (rc == AN_OK)
        rc = an_keyset_open(conf->keys_file, &is->keys, err);
    return rc;
}

int an_auth_open(const struct an_conf *c, struct an_keyring *ring, struct an_auth **out, struct an_err *err)
{
    struct an_auth *auth = an_xcalloc(1, sizeof *auth);
    auth->issuers = an_xcalloc(c->issuer_count, sizeof *auth->issuers);
    auth->cache = an_cache_new((size_t)c->token_cache);
    auth->leeway_us = c->token_leeway_ms * 1000;
    auth->looked_us = an_clock_us();
    for (size_t i = 0; i < c->issuer_count; i++) {
        auth->count++;
        if (open_issuer(&auth->issuers[i], &c->issuers[i], ring, err) != AN_OK) {
            int rc = an_fail_within(err, "issuer %s", c->issuers[i].name);
            an_auth_close(auth);
            return rc;
        }
    }
    if (auth->count == 0)
        an_log_warn("auth", "no issuer is configured: every token will be refused");
    *out = auth;
    return AN_OK;
}

void an_auth_close(struct an_auth *auth)
{
    if (auth == NULL)
        return;
    for (size_t i = 0; i < auth->count; i++)
        an_keyset_close(auth->issuers[i].keys);
    free(auth->issuers);
    an_cache_free(auth->cache);
    free(auth);
}

/* Files once a second. With new keys nothing that was verified with the old ones holds any more. */
static void refresh(struct an_auth *auth, int64_t now_us)
{
    int64_t since = now_us - auth->looked_us;
    bool all = since < 0 || since >= LOOK_EVERY_US; /* a clock that was set back must not stop the looking */
    if (all)
        auth->looked_us = now_us;
    bool changed = false;
    for (size_t i = 0; i < auth->count; i++)
        if (all || an_keyset_is_cheap(auth->issuers[i].keys))
            changed = an_keyset_refresh(auth->issuers[i].keys) || changed;
    if (changed)
        an_cache_wipe(auth->cache);
}

/* By `iss`, which nobody has signed yet: it only decides whose rules and keys the token must meet (the
 * configuration has each `iss` once). Claiming another issuer than the signer buys nothing, because the
 * signature must then be by a key of the one that is claimed. */
static const struct issuer *choose(const struct an_auth *auth, struct an_arena *arena,
                                   const struct an_json *claims)
{
    struct an_str iss = an_json_string(arena, an_json_get(claims, "iss"));
    for (size_t i = 0; i < auth->count && iss.data != NULL; i++)
        if (an_str_is(iss, auth->issuers[i].conf->issuer))
            return &auth->issuers[i];
    return NULL;
}

static bool allows(const struct issuer *is, const struct an_alg *alg)
{
    for (size_t i = 0; i < is->alg_count; i++)
        if (is->algs[i] == alg)
            return true;
    return false;
}

/* A provider's key that is not there may have been published a moment ago; but nobody waits for it. */
static int find_key(const struct issuer *is, struct an_str kid, const struct an_jwk **out, struct an_err *err)
{
    *out = an_keyset_find(is->keys, kid);
    if (*out != NULL)
        return AN_OK;
    if (!an_keyset_ready(is->keys))
        return an_fail(err, AN_EAGAIN, "issuer %s: its keys could not be had yet, or not for too long",
                       is->conf->name);
    if (an_conf_issuer_is_remote(is->conf)) {
        an_metric_add(AN_M_KEYS_UNKNOWN, 1);
        an_keyset_want(is->keys);
    }
    return an_fail(err, AN_EAUTH, "issuer %s has no key with the token's kid", is->conf->name);
}

static int verify(struct an_auth *auth, struct an_arena *arena, struct an_str text, int64_t now_us,
                  struct an_principal *out, struct an_err *err)
{
    struct an_token token;
    struct an_json *claims;
    int rc = an_token_parse(arena, text, &token, err);
    if (rc == AN_OK)
        rc = an_token_claims(arena, &token, &claims, err);
    if (rc != AN_OK)
        return rc;
    const struct issuer *is = choose(auth, arena, claims);
    if (is == NULL)
        return an_fail(err, AN_EAUTH, "iss is missing or names no issuer of ours");
    if (!allows(is, token.alg))
        return an_fail(err, AN_EAUTH, "issuer %s may not sign with %s", is->conf->name, token.alg->name);
    const struct an_jwk *key;
    rc = find_key(is, token.kid, &key, err);
    if (rc == AN_OK)
        rc = an_token_fits_key(&token, key, err);
    if (rc == AN_OK)
        rc = an_signature_check(token.signed_text, token.signature, token.alg, key, err);
    struct an_claim_rules rules = {is->conf, now_us, auth->leeway_us};
    return rc == AN_OK ? an_claims_check(arena, claims, &rules, out, err) : rc;
}

int an_auth_verify(struct an_auth *auth, struct an_arena *arena, struct an_str token,
                   struct an_principal *out, struct an_err *err)
{
    int64_t now_us = an_clock_us();
    refresh(auth, now_us);
    return verify(auth, arena, token, now_us, out, err);
}

/* What follows "Bearer" and its blanks (RFC 6750 section 2.1); absent where the field is something else. */
static struct an_str bearer(struct an_str authorization)
{
    struct an_str token, scheme = an_str_split(authorization, ' ', &token);
    if (token.data == NULL || !an_str_case_is(scheme, "Bearer"))
        return (struct an_str){NULL, 0};
    while (token.len > 0 && token.data[0] == ' ') {
        token.data++;
        token.len--;
    }
    return token;
}

int an_auth_check(struct an_auth *auth, struct an_arena *arena, struct an_str authorization,
                  const struct an_principal **out, struct an_err *err)
{
    if (authorization.data == NULL)
        return an_fail(err, AN_EAUTH, "no Authorization field");
    struct an_str token = bearer(authorization);
    if (token.data == NULL)
        return an_fail(err, AN_EAUTH, "the Authorization field is not of the scheme Bearer");
    if (token.len > AN_TOKEN_MAX) /* before hashing it */
        return an_fail(err, AN_EAUTH, "the token has %zu bytes, more than %d", token.len, AN_TOKEN_MAX);
    int64_t now_us = an_clock_us();
    refresh(auth, now_us);
    unsigned char digest[AN_SHA256_LEN];
    an_sha256(token.data, token.len, digest);
    *out = an_cache_find(auth->cache, digest, now_us);
    if (*out != NULL) {
        an_metric_add(AN_M_TOKEN_CACHE_HITS, 1);
        return AN_OK;
    }
    int rc = verify(auth, arena, token, now_us, &auth->last, err);
    if (rc != AN_OK)
        return rc;
    an_cache_put(auth->cache, digest, &auth->last, now_us);
    *out = &auth->last;
    return AN_OK;
}
