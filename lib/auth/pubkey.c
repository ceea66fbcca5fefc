/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "auth/pubkey.h"

size_t an_ec_coordinate_len(enum an_key_kind kind)
{
    switch (kind) {
    case AN_KEY_P256:
        return 32;
    case AN_KEY_P384:
        return 48;
    case AN_KEY_RSA:
    case AN_KEY_ED25519:
        break;
    }
    return 0;
}

void an_pubkey_release(struct an_pubkey *key)
{
    EVP_PKEY_free(key->pkey);
    *key = (struct an_pubkey){NULL, 0};
}

/* The key that the parameters describe, or NULL. */
static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

/* For EC: the point is on the curve and not at infinity; for RSA: modulus and exponent pass SP 800-89. */
static bool sound(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* Takes pkey, which may be NULL. */
static const char *finish(EVP_PKEY *pkey, size_t signature_len, struct an_pubkey *out)
{
    bool good = pkey != NULL && sound(pkey);
    if (good)
        *out = (struct an_pubkey){pkey, signature_len}; /* handed over */
    else
        EVP_PKEY_free(pkey);
    ERR_clear_error(); /* nobody else of this thread shall find our refusals there */
    return good ? NULL : "its numbers make no valid key";
}

static const char *rsa_fault(const BIGNUM *n, const BIGNUM *e)
{
    int bits = BN_num_bits(n);
    if (bits < AN_RSA_MIN_BITS)
        return "its modulus is shorter than 2048 bits";
    if (bits > AN_RSA_MAX_BITS)
        return "its modulus is longer than 8192 bits";
    if (!BN_is_odd(n))
        return "its modulus is even";
    if (!BN_is_odd(e) || BN_is_one(e))
        return "its exponent is 1 or even";
    return NULL;
}

const char *an_pubkey_rsa(struct an_str n, struct an_str e, struct an_pubkey *out)
{
    /* One byte more than the longest: some write a leading zero. */
    if (n.len == 0 || n.len > AN_RSA_MAX_BITS / 8 + 1 || e.len == 0 || e.len > AN_RSA_EXPONENT_MAX)
        return "its modulus or exponent has an impossible length";
    BIGNUM *bn = BN_bin2bn((const unsigned char *)n.data, (int)n.len, NULL);
    BIGNUM *be = BN_bin2bn((const unsigned char *)e.data, (int)e.len, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    const char *reason = "out of memory";
    if (bn != NULL && be != NULL && bld != NULL) {
        reason = rsa_fault(bn, be);
        if (reason == NULL) {
            EVP_PKEY *pkey = OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
                                     OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1
                                 ? build("RSA", bld)
                                 : NULL;
            reason = finish(pkey, (size_t)BN_num_bytes(bn), out);
        }
    }
    OSSL_PARAM_BLD_free(bld);
    BN_free(be);
    BN_free(bn);
    return reason;
}

const char *an_pubkey_ec(enum an_key_kind kind, struct an_str x, struct an_str y, struct an_pubkey *out)
{
    size_t len = an_ec_coordinate_len(kind);
    if (x.len != len || y.len != len)
        return "its coordinates do not have the length of the curve";
    unsigned char point[1 + 2 * AN_EC_COORDINATE_MAX];
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x.data, len);
    memcpy(point + 1 + len, y.data, len);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld == NULL)
        return "out of memory";
    const char *group = kind == AN_KEY_P256 ? "prime256v1" : "secp384r1";
    EVP_PKEY *pkey = OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
                             OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                              1 + 2 * len) == 1
                         ? build("EC", bld)
                         : NULL;
    OSSL_PARAM_BLD_free(bld);
    return finish(pkey, 2 * len, out);
}

const char *an_pubkey_ed25519(struct an_str x, struct an_pubkey *out)
{
    if (x.len != AN_ED25519_LEN)
        return "it does not have the length of its curve";
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)x.data, x.len);
    return finish(pkey, 2 * AN_ED25519_LEN, out);
}
