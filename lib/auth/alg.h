/* SPDX-License-Identifier: Apache-2.0 */
/* The signature algorithms that we know (RFC 7518 section 3.1, RFC 8037). Each belongs to one kind of key, so
 * a token cannot turn a public RSA key into an HMAC secret by naming another algorithm. What is not in this
 * table ("none", HS256 and the like) does not exist here. */
#ifndef AN_AUTH_ALG_H
#define AN_AUTH_ALG_H

#include "an.h"
#include "base/text.h"

enum an_key_kind { AN_KEY_RSA, AN_KEY_P256, AN_KEY_P384, AN_KEY_ED25519 };

struct an_alg {
    const char *name;
    enum an_key_kind kind;
    const char *hash; /* OpenSSL's name; NULL where the signature has its own */
    bool pss;         /* RSA with the padding of PSS (RFC 8017 section 8.1), else that of PKCS #1 v1.5 */
};

/* The exact name ("ES256", never "es256"), or NULL. */
const struct an_alg *an_alg_find(struct an_str name);

#endif
