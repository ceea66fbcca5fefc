/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a token (RFC 7515 compact serialisation): everything that can be judged before its
 * signature. */
#ifndef AN_AUTH_TOKEN_H
#define AN_AUTH_TOKEN_H

#include "an.h"
#include "auth/jwk.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

#define AN_TOKEN_MAX (16 * 1024)

struct an_token {
    struct an_str signed_text; /* header and payload as they came, with the dot between them; borrowed */
    const struct an_alg *alg;
    struct an_str kid;
    struct an_str payload;   /* decoded; nobody's word until the signature has been checked */
    struct an_str signature; /* decoded */
};

/* AN_EAUTH unless: at most AN_TOKEN_MAX bytes; three segments, each strict base64url; the header a strict
 * JSON object; `alg` one of ours; `kid` a text; `typ`, where there is one, "JWT" or "at+jwt"; no `crit`, no
 * `b64`. Headers that point to keys or carry them (jku, x5u, jwk, x5c) mean nothing here. */
int an_token_parse(struct an_arena *arena, struct an_str text, struct an_token *out,
                   struct an_err *err) AN_MUST_CHECK;

/* The payload as a strict JSON object; AN_EAUTH where it is none. */
int an_token_claims(struct an_arena *arena, const struct an_token *token, struct an_json **out,
                    struct an_err *err) AN_MUST_CHECK;

/* AN_EAUTH unless the key is of the kind that `alg` wants, is not reserved for another one, and the
 * signature has the one length that this key makes (and for EC is not made of zeros). */
int an_token_fits_key(const struct an_token *token, const struct an_jwk *key,
                      struct an_err *err) AN_MUST_CHECK;

#endif
