/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of tokens (RFC 7515 section 5, RFC 7518 section 3). The header has been checked before
 * (token.h): which algorithm it is, and that the key is one for it, is decided there and never by the
 * token alone. */
#ifndef AN_AUTH_SIGNATURE_H
#define AN_AUTH_SIGNATURE_H

#include "an.h"
#include "auth/jwk.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* text: header and payload as they stand in the token, with the dot between them; signature: decoded.
 * AN_EAUTH: it is not the key's, or alg is for another kind of key. */
int an_signature_check(struct an_str text, struct an_str signature, const struct an_alg *alg,
                       const struct an_jwk *key, struct an_err *err) AN_MUST_CHECK;

/* Appends the signature of text by a private key of P-256 (ES256), not encoded. AN_EINVAL: the key cannot
 * sign. */
int an_signature_make_es256(struct an_str text, struct evp_pkey_st *private_key, struct an_buf *out,
                            struct an_err *err) AN_MUST_CHECK;

#endif
