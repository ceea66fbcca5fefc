/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/jwk.h"
#include "base/arena.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/mem.h"
#include "log/log.h"

#define MAX_DEPTH 8
#define MAX_VALUES 8192

/* Members that only private or secret keys have. A set is there to be published: whatever key shows its
 * other half in it can be anybody's. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

/* Bytes of a base64url member; absent where there is none or it is not valid. */
static struct an_str member_bytes(struct an_arena *a, const struct an_json *key, const char *name)
{
    struct an_str text = an_json_string(a, an_json_get(key, name));
    size_t len = text.len;
    unsigned char *bytes = an_arena_alloc(a, len);
    if (text.data == NULL || !an_base64url_decode(text, bytes, &len))
        return (struct an_str){NULL, 0};
    return (struct an_str){(const char *)bytes, len};
}

static bool may_verify(struct an_arena *a, const struct an_json *key)
{
    const struct an_json *use = an_json_get(key, "use"), *ops = an_json_get(key, "key_ops");
    if (use != NULL && !an_str_is(an_json_string(a, use), "sig"))
        return false;
    if (ops == NULL)
        return true;
    if (ops->type != AN_JSON_ARRAY)
        return false;
    for (const struct an_json *op = ops->child; op != NULL; op = op->next)
        if (an_str_is(an_json_string(a, op), "verify"))
            return true;
    return false;
}

static const char *read_kid(struct an_arena *a, const struct an_json *key, struct an_str *kid)
{
    *kid = an_json_string(a, an_json_get(key, "kid"));
    if (kid->data == NULL || kid->len == 0)
        return "it has no kid";
    if (kid->len > AN_KID_MAX)
        return "its kid is longer than 256 bytes";
    return NULL;
}

static bool read_kind(struct an_arena *a, const struct an_json *key, enum an_key_kind *kind)
{
    struct an_str kty = an_json_string(a, an_json_get(key, "kty"));
    struct an_str crv = an_json_string(a, an_json_get(key, "crv"));
    if (an_str_is(kty, "RSA"))
        *kind = AN_KEY_RSA;
    else if (an_str_is(kty, "EC") && an_str_is(crv, "P-256"))
        *kind = AN_KEY_P256;
    else if (an_str_is(kty, "EC") && an_str_is(crv, "P-384"))
        *kind = AN_KEY_P384;
    else if (an_str_is(kty, "OKP") && an_str_is(crv, "Ed25519"))
        *kind = AN_KEY_ED25519;
    else
        return false;
    return true;
}

static const char *read_alg(struct an_arena *a, const struct an_json *key, struct an_jwk *out)
{
    const struct an_json *alg = an_json_get(key, "alg");
    if (alg == NULL)
        return NULL;
    out->alg = an_alg_find(an_json_string(a, alg));
    if (out->alg == NULL)
        return "its alg is none of ours";
    return out->alg->kind == out->kind ? NULL : "its alg is for another kind of key";
}

static const char *read_public(struct an_arena *a, const struct an_json *key, struct an_jwk *out)
{
    struct an_str x = member_bytes(a, key, "x");
    switch (out->kind) {
    case AN_KEY_RSA:
        return an_pubkey_rsa(member_bytes(a, key, "n"), member_bytes(a, key, "e"), &out->public);
    case AN_KEY_ED25519:
        return an_pubkey_ed25519(x, &out->public);
    case AN_KEY_P256:
    case AN_KEY_P384:
        break;
    }
    return an_pubkey_ec(out->kind, x, member_bytes(a, key, "y"), &out->public);
}

/* NULL, and *out filled, or why the key is of no use. */
static const char *read_key(struct an_arena *a, const struct an_json *key, struct an_jwk *out)
{
    struct an_str kid;
    const char *reason = read_kid(a, key, &kid);
    if (reason != NULL)
        return reason;
    for (size_t i = 0; i < AN_COUNT(private_members); i++)
        if (an_json_get(key, private_members[i]) != NULL)
            return "it shows its private or secret part";
    if (!may_verify(a, key))
        return "it is not for signatures";
    if (!read_kind(a, key, &out->kind))
        return "its type or curve is none of ours (RSA, EC with P-256 or P-384, OKP with Ed25519)";
    reason = read_alg(a, key, out);
    if (reason == NULL)
        reason = read_public(a, key, out);
    if (reason == NULL)
        out->kid = an_xstrndup(kid.data, kid.len);
    return reason;
}

static int read_keys(struct an_arena *a, const struct an_json *list, struct an_jwks *set, struct an_err *err)
{
    size_t at = 0;
    for (const struct an_json *item = list->child; item != NULL; item = item->next, at++) {
        struct an_jwk key = {.kid = NULL};
        const char *reason = item->type == AN_JSON_OBJECT ? read_key(a, item, &key) : "it is no object";
        if (reason != NULL) {
            an_log_warn("auth", "key %zu of the set is not used: %s", at, reason);
            continue;
        }
        bool twice = an_jwks_find(set, an_str(key.kid)) != NULL;
        set->keys[set->count++] = key;
        if (twice)
            return an_fail(err, AN_EINVAL, "two keys of the set have the kid \"%s\"", key.kid);
    }
    if (set->count == 0)
        return an_fail(err, AN_EINVAL, "the key set holds no key that can check a signature");
    return AN_OK;
}

static int parse(struct an_arena *a, struct an_str text, struct an_jwks *out, struct an_err *err)
{
    static const struct an_json_limits limits = {.depth = MAX_DEPTH, .values = MAX_VALUES};
    struct an_json *root;
    struct an_json_fault fault;
    if (!an_json_parse(a, text, &limits, &root, &fault))
        return an_fail(err, AN_EINVAL, "not valid JSON at byte %zu: %s", fault.offset, fault.detail);
    const struct an_json *list = an_json_get(root, "keys");
    if (list == NULL || list->type != AN_JSON_ARRAY)
        return an_fail(err, AN_EINVAL, "not a key set: there is no list \"keys\"");
    if (list->count > AN_JWKS_MAX_KEYS)
        return an_fail(err, AN_ETOOBIG, "the key set holds more than %d keys", AN_JWKS_MAX_KEYS);
    struct an_jwks set = {.keys = an_xcalloc(list->count, sizeof *set.keys), .count = 0};
    int rc = read_keys(a, list, &set, err);
    if (rc == AN_OK)
        *out = set; /* handed over */
    else
        an_jwks_release(&set);
    return rc;
}

int an_jwks_parse(struct an_str text, struct an_jwks *out, struct an_err *err)
{
    if (text.len > AN_JWKS_MAX_BYTES)
        return an_fail(err, AN_ETOOBIG, "the key set is larger than %d bytes", AN_JWKS_MAX_BYTES);
    struct an_arena *a = an_arena_new(0);
    int rc = parse(a, text, out, err);
    an_arena_free(a);
    return rc;
}

void an_jwks_release(struct an_jwks *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->keys[i].kid);
        an_pubkey_release(&set->keys[i].public);
    }
    free(set->keys);
    *set = (struct an_jwks){NULL, 0};
}

const struct an_jwk *an_jwks_find(const struct an_jwks *set, struct an_str kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (an_str_is(kid, set->keys[i].kid))
            return &set->keys[i];
    return NULL;
}
