/* SPDX-License-Identifier: Apache-2.0 */
/* The local issuer: a key pair (ES256) of our own and the tokens that it signs, so that nothing else
 * need run. */
#ifndef AN_AUTH_ISSUER_H
#define AN_AUTH_ISSUER_H

#include "an.h"
#include "auth/auth.h"
#include "base/buf.h"
#include "base/err.h"

/* Makes a P-256 key: PEM (PKCS #8, mode 0600) at key_file, public JWK set at keys_file (mode 0644) with
 * kid = RFC 7638 thumbprint. AN_ECONFLICT where one of the files exists. rotate: the new key takes the
 * place of the old one, and the old public keys stay in the set, so that tokens signed before stay good
 * until they expire. The set is written first; where that alone was done, another rotation puts both
 * right. */
int an_issuer_init(const char *key_file, const char *keys_file, bool rotate,
                   struct an_err *err) AN_MUST_CHECK;

/* Appends a signed token. AN_EINVAL: the key file, the tenant or the subject is no good, or the issuer
 * does not allow ES256; AN_ENOENT: there is no key file. */
int an_issuer_mint(const char *key_file, const struct an_conf_issuer *issuer, const struct an_principal *who,
                   int64_t now_us, struct an_buf *out, struct an_err *err) AN_MUST_CHECK;

#endif
