/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "auth/signature.h"

/* Two numbers of 48 bytes, each with a sign byte, a tag and a length, in a sequence. */
#define DER_MAX (3 + 2 * (AN_EC_COORDINATE_MAX + 3))
#define ES256_HALF 32

/* R and S at full length (RFC 7518 section 3.4) as the DER that OpenSSL wants; absent where that fails. */
static struct an_str to_der(struct an_str joined, unsigned char out[DER_MAX])
{
    struct an_str der = {NULL, 0};
    const unsigned char *bytes = (const unsigned char *)joined.data;
    int half = (int)(joined.len / 2);
    if (joined.len > 2 * AN_EC_COORDINATE_MAX)
        return der;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, half, NULL), *s = BN_bin2bn(bytes + half, half, NULL);
    if (sig != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        unsigned char *end = out;
        int len = i2d_ECDSA_SIG(sig, &end);
        if (len > 0)
            der = (struct an_str){(const char *)out, (size_t)len};
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return der;
}

/* RFC 7518 section 3.5: the salt of PSS is as long as the hash. */
static bool set_padding(EVP_PKEY_CTX *how, const struct an_alg *alg)
{
    if (alg->kind != AN_KEY_RSA)
        return true;
    if (!alg->pss)
        return EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify(struct an_str text, struct an_str signature, const struct an_alg *alg, EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *how; /* belongs to ctx */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &how, alg->hash, NULL, NULL, pkey, NULL) == 1 &&
                set_padding(how, alg) &&
                EVP_DigestVerify(ctx, (const unsigned char *)signature.data, signature.len,
                                 (const unsigned char *)text.data, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

int an_signature_check(struct an_str text, struct an_str signature, const struct an_alg *alg,
                       const struct an_jwk *key, struct an_err *err)
{
    if (key->public.pkey == NULL || key->kind != alg->kind)
        return an_fail(err, AN_EAUTH, "the key \"%s\" is none for %s", key->kid, alg->name);
    unsigned char der[DER_MAX];
    if (an_ec_coordinate_len(alg->kind) > 0)
        signature = to_der(signature, der);
    bool good = signature.data != NULL && verify(text, signature, alg, key->public.pkey);
    ERR_clear_error();
    return good ? AN_OK : an_fail(err, AN_EAUTH, "the signature is not that of the key \"%s\"", key->kid);
}

/* DER -> R and S at full length. */
static bool add_joined(struct an_buf *out, const unsigned char *der, size_t len)
{
    unsigned char joined[2 * ES256_HALF];
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), joined, ES256_HALF) == ES256_HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), joined + ES256_HALF, ES256_HALF) == ES256_HALF;
    ECDSA_SIG_free(sig);
    return ok && an_buf_add(out, joined, sizeof joined);
}

int an_signature_make_es256(struct an_str text, struct evp_pkey_st *private_key, struct an_buf *out,
                            struct an_err *err)
{
    unsigned char der[DER_MAX];
    size_t len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool made = ctx != NULL &&
                EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, private_key, NULL) == 1 &&
                EVP_DigestSign(ctx, der, &len, (const unsigned char *)text.data, text.len) == 1 &&
                add_joined(out, der, len);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return made ? AN_OK : an_fail(err, AN_EINVAL, "the private key cannot sign with ES256");
}
