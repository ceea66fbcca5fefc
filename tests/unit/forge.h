/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tokens and key sets for tests with OpenSSL alone, so that nothing of lib/auth vouches for
 * itself: good ones, and every kind of bad one. A failure inside ends the test program. */
#ifndef TESTS_UNIT_FORGE_H
#define TESTS_UNIT_FORGE_H

#include "an.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/text.h"

EVP_PKEY *forge_rsa(unsigned bits);
EVP_PKEY *forge_ec(const char *curve); /* "P-256" */
EVP_PKEY *forge_edwards(const char *curve); /* "ED25519" */

/* Appends the public half as a JWK. more: further members, each with a comma in front, or "". */
void forge_jwk(struct an_buf *out, EVP_PKEY *pkey, const char *kid, const char *more);
/* The same as PEM (SubjectPublicKeyInfo). */
void forge_public_pem(struct an_buf *out, EVP_PKEY *pkey);
/* The private half as PKCS #8, under a password where there is one. */
void forge_private_pem(struct an_buf *out, EVP_PKEY *pkey, const char *password);

enum forge_how {
    FORGE_SIGN,  /* as the algorithm wants it; for EC: R and S at full length */
    FORGE_DER,   /* for EC: the DER form that OpenSSL makes */
    FORGE_ZERO,  /* zeros, as many as the right signature would have */
    FORGE_EMPTY, /* nothing behind the last dot */
    FORGE_HMAC   /* HMAC-SHA-256 with `secret` */
};

struct forge {
    enum forge_how how;
    EVP_PKEY *pkey;
    const char *hash; /* "SHA256"; NULL for an Edwards curve */
    bool pss;         /* RSA: the padding of PSS */
    int salt_len;     /* its salt; 0: as long as the hash */
    struct an_str secret;
};

/* Appends header.payload.signature of two texts, whatever they are. */
void forge_token(struct an_buf *out, struct an_str header, struct an_str payload, const struct forge *with);

#endif
