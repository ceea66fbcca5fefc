/* SPDX-License-Identifier: Apache-2.0 */
/* JWK sets (RFC 7517): the public keys of an issuer. */
#ifndef AN_AUTH_JWK_H
#define AN_AUTH_JWK_H

#include "an.h"
#include "auth/alg.h"
#include "auth/pubkey.h"
#include "base/err.h"
#include "base/text.h"

#define AN_JWKS_MAX_BYTES (256 * 1024)
#define AN_JWKS_MAX_KEYS 50
#define AN_KID_MAX 256

struct an_jwk {
    char *kid;
    enum an_key_kind kind;
    const struct an_alg *alg; /* the only one that it may be used with; NULL: any of its kind */
    struct an_pubkey public;
};

struct an_jwks {
    struct an_jwk *keys;
    size_t count;
};

/* Fills *out from the text of a set. Keys that cannot check a signature of ours (another use, type or
 * curve, no kid, RSA under 2048 bits, a private or secret part) are left out with a warning in the log.
 * AN_EINVAL: no valid set, two keys with one kid, or no key left; AN_ETOOBIG: over a ceiling. On failure
 * *out is untouched. */
int an_jwks_parse(struct an_str text, struct an_jwks *out, struct an_err *err) AN_MUST_CHECK;
void an_jwks_release(struct an_jwks *set); /* accepts an empty one */

/* Borrowed, or NULL. */
const struct an_jwk *an_jwks_find(const struct an_jwks *set, struct an_str kid);

#endif
