/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of tokens, through libjwt: signature.c is the only file that includes jwt.h.
 *
 * libjwt is asked one thing only: is this signature the key's. It must never see a token whose header
 * has not been checked (token.h), nor be called without a key: without one it accepts anything. */
#ifndef AN_AUTH_SIGNATURE_H
#define AN_AUTH_SIGNATURE_H

#include "an.h"
#include "auth/jwk.h"
#include "base/buf.h"
#include "base/err.h"

/* token: the whole of it, a C string. key fits alg. AN_EAUTH: the signature is not the key's. */
int an_signature_check(const char *token, const struct an_alg *alg, const struct an_jwk *key,
                       struct an_err *err) AN_MUST_CHECK;

/* Appends a token with `claims` (the text of a JSON object), signed with a private key in PEM.
 * AN_EINVAL: the key cannot sign with alg, or the claims are no object. */
int an_signature_make(const char *claims, const char *kid, const struct an_alg *alg, const char *private_pem,
                      struct an_buf *out, struct an_err *err) AN_MUST_CHECK;

#endif
