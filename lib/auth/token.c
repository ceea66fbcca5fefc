/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/token.h"
#include "base/codec.h"

/* A header may carry a JWK with a chain of certificates, which we read over: object, jwk, x5c, text. */
static const struct an_json_limits header_limits = {.depth = 8, .values = 256};
/* Memory for 16 KiB of the smallest values would be a megabyte; real tokens hold some dozens. */
static const struct an_json_limits claims_limits = {.depth = 16, .values = 2048};

/* One segment, decoded into the arena. */
static bool decode(struct an_arena *arena, struct an_str segment, struct an_str *out)
{
    size_t len = segment.len;
    unsigned char *bytes = an_arena_alloc(arena, len);
    if (!an_base64url_decode(segment, bytes, &len))
        return false;
    *out = (struct an_str){(const char *)bytes, len};
    return true;
}

static int parse_object(struct an_arena *arena, const char *what, struct an_str text,
                        const struct an_json_limits *limits, struct an_json **out, struct an_err *err)
{
    struct an_json_fault fault;
    if (!an_json_parse(arena, text, limits, out, &fault))
        return an_fail(err, AN_EAUTH, "the %s is not strict JSON: %s", what, fault.detail);
    if ((*out)->type != AN_JSON_OBJECT)
        return an_fail(err, AN_EAUTH, "the %s is no JSON object", what);
    return AN_OK;
}

/* Other typed tokens (logout, DPoP proof, security event) are no access tokens (RFC 8725 section 3.11).
 * "at+jwt" (RFC 9068) is one, and may be spelt as the whole media type (RFC 7515 section 4.1.9). */
static bool typ_accepted(struct an_arena *arena, const struct an_json *typ)
{
    if (typ == NULL)
        return true;
    struct an_str name = an_json_string(arena, typ);
    return an_str_case_is(name, "JWT") || an_str_case_is(name, "at+jwt") ||
           an_str_case_is(name, "application/at+jwt");
}

static int check_header(struct an_arena *arena, const struct an_json *header, struct an_token *out,
                        struct an_err *err)
{
    struct an_str alg = an_json_string(arena, an_json_get(header, "alg"));
    if (alg.data == NULL)
        return an_fail(err, AN_EAUTH, "the header has no text \"alg\"");
    out->alg = an_alg_find(alg);
    if (out->alg == NULL)
        return an_fail(err, AN_EAUTH, "the header's alg is none of ours");
    if (an_json_get(header, "crit") != NULL)
        return an_fail(err, AN_EAUTH, "the header has \"crit\", of which we know no extension");
    if (an_json_get(header, "b64") != NULL)
        return an_fail(err, AN_EAUTH, "the header has \"b64\", which we do not take");
    if (!typ_accepted(arena, an_json_get(header, "typ")))
        return an_fail(err, AN_EAUTH, "the header's typ is not \"JWT\" or \"at+jwt\"");
    out->kid = an_json_string(arena, an_json_get(header, "kid"));
    if (out->kid.data == NULL || out->kid.len == 0 || out->kid.len > AN_KID_MAX)
        return an_fail(err, AN_EAUTH, "the header has no \"kid\" of 1 to %d bytes", AN_KID_MAX);
    return AN_OK;
}

int an_token_parse(struct an_arena *arena, struct an_str text, struct an_token *out, struct an_err *err)
{
    if (text.len > AN_TOKEN_MAX)
        return an_fail(err, AN_EAUTH, "the token has %zu bytes, more than %d", text.len, AN_TOKEN_MAX);
    struct an_str segment[3], header_text, rest = text;
    for (size_t i = 0; i < AN_COUNT(segment); i++)
        segment[i] = an_str_split(rest, '.', &rest);
    if (segment[2].data == NULL || rest.data != NULL)
        return an_fail(err, AN_EAUTH, "the token does not have three segments");
    if (segment[2].len == 0)
        return an_fail(err, AN_EAUTH, "the token has no signature");
    struct an_str *const decoded[3] = {&header_text, &out->payload, &out->signature};
    for (size_t i = 0; i < AN_COUNT(segment); i++)
        if (!decode(arena, segment[i], decoded[i]))
            return an_fail(err, AN_EAUTH, "segment %zu of the token is not strict base64url", i + 1);
    struct an_json *header;
    int rc = parse_object(arena, "header", header_text, &header_limits, &header, err);
    if (rc != AN_OK)
        return rc;
    out->signed_text = (struct an_str){text.data, segment[0].len + 1 + segment[1].len};
    return check_header(arena, header, out, err);
}

int an_token_claims(struct an_arena *arena, const struct an_token *token, struct an_json **out,
                    struct an_err *err)
{
    return parse_object(arena, "payload", token->payload, &claims_limits, out, err);
}

static bool all_zero(struct an_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != '\0')
            return false;
    return true;
}

int an_token_fits_key(const struct an_token *token, const struct an_jwk *key, struct an_err *err)
{
    if (key->kind != token->alg->kind)
        return an_fail(err, AN_EAUTH, "the key \"%s\" is not of the kind for %s", key->kid, token->alg->name);
    if (key->alg != NULL && key->alg != token->alg)
        return an_fail(err, AN_EAUTH, "the key \"%s\" is for %s alone", key->kid, key->alg->name);
    if (token->signature.len != key->public.signature_len)
        return an_fail(err, AN_EAUTH, "the signature has %zu bytes where %s has %zu", token->signature.len,
                       token->alg->name, key->public.signature_len);
    if (all_zero(token->signature))
        return an_fail(err, AN_EAUTH, "the signature is made of zeros");
    return AN_OK;
}
