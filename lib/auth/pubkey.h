/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys from their numbers, checked, and ready for OpenSSL to verify with. */
#ifndef AN_AUTH_PUBKEY_H
#define AN_AUTH_PUBKEY_H

#include "an.h"
#include "auth/alg.h"
#include "base/text.h"

#define AN_RSA_MIN_BITS 2048
#define AN_RSA_MAX_BITS 8192 /* checking a signature takes time that grows with the square */
#define AN_RSA_EXPONENT_MAX 8 /* bytes */
#define AN_EC_COORDINATE_MAX 48
#define AN_ED25519_LEN 32

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

struct an_pubkey {
    struct evp_pkey_st *pkey; /* owned; NULL: no key */
    size_t signature_len;     /* bytes of every signature made with it, as tokens have it */
};

void an_pubkey_release(struct an_pubkey *key); /* accepts an empty one */

/* n, e: big-endian numbers. NULL, and *out filled, or why the key is of no use. */
const char *an_pubkey_rsa(struct an_str n, struct an_str e, struct an_pubkey *out) AN_MUST_CHECK;

/* x, y: coordinates at their full length. The point must be on the curve. */
const char *an_pubkey_ec(enum an_key_kind kind, struct an_str x, struct an_str y,
                         struct an_pubkey *out) AN_MUST_CHECK;

/* x: the key as RFC 8032 writes it. */
const char *an_pubkey_ed25519(struct an_str x, struct an_pubkey *out) AN_MUST_CHECK;

/* Bytes of one coordinate: 32 or 48; 0 for what has none. */
size_t an_ec_coordinate_len(enum an_key_kind kind);

#endif
