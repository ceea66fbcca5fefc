/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/codec.h"
#include "base/digest.h"
#include "forge.h"

#define SIGNATURE_MAX 1024

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "forge: %s failed\n", what);
    abort();
}

EVP_PKEY *forge_rsa(unsigned bits)
{
    EVP_PKEY *pkey = EVP_RSA_gen(bits);
    need(pkey != NULL, "making an RSA key");
    return pkey;
}

EVP_PKEY *forge_ec(const char *curve)
{
    EVP_PKEY *pkey = EVP_EC_gen(curve);
    need(pkey != NULL, "making an EC key");
    return pkey;
}

EVP_PKEY *forge_edwards(const char *curve)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, curve);
    need(pkey != NULL, "making an Edwards key");
    return pkey;
}

static size_t coordinate_len(EVP_PKEY *pkey)
{
    return (size_t)(EVP_PKEY_get_bits(pkey) + 7) / 8;
}

/* ,"name":"base64url of the number" with leading zeros up to len. */
static void add_number(struct an_buf *out, EVP_PKEY *pkey, const char *param, const char *name, size_t len)
{
    unsigned char bytes[SIGNATURE_MAX];
    BIGNUM *n = NULL;
    need(EVP_PKEY_get_bn_param(pkey, param, &n) == 1, "reading a key");
    if (len == 0)
        len = (size_t)BN_num_bytes(n);
    need(len <= sizeof bytes && BN_bn2binpad(n, bytes, (int)len) == (int)len, "writing a number");
    BN_free(n);
    (void)an_buf_addf(out, ",\"%s\":\"", name);
    (void)an_base64url_add(out, bytes, len);
    (void)an_buf_addc(out, '"');
}

void forge_jwk(struct an_buf *out, EVP_PKEY *pkey, const char *kid, const char *more)
{
    (void)an_buf_addf(out, "{\"kid\":\"%s\"", kid);
    if (EVP_PKEY_is_a(pkey, "RSA") == 1) {
        (void)an_buf_adds(out, ",\"kty\":\"RSA\"");
        add_number(out, pkey, OSSL_PKEY_PARAM_RSA_N, "n", 0);
        add_number(out, pkey, OSSL_PKEY_PARAM_RSA_E, "e", 0);
    } else if (EVP_PKEY_is_a(pkey, "EC") != 1) {
        unsigned char x[64];
        size_t len = sizeof x;
        need(EVP_PKEY_get_raw_public_key(pkey, x, &len) == 1, "reading a key");
        (void)an_buf_addf(out, ",\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"",
                          EVP_PKEY_is_a(pkey, "ED25519") == 1 ? "Ed25519" : "Ed448");
        (void)an_base64url_add(out, x, len);
        (void)an_buf_addc(out, '"');
    } else {
        (void)an_buf_addf(out, ",\"kty\":\"EC\",\"crv\":\"P-%d\"", EVP_PKEY_get_bits(pkey));
        add_number(out, pkey, OSSL_PKEY_PARAM_EC_PUB_X, "x", coordinate_len(pkey));
        add_number(out, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, "y", coordinate_len(pkey));
    }
    (void)an_buf_addf(out, "%s}", more);
}

static void add_bio(struct an_buf *out, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    need(len > 0 && an_buf_add(out, data, (size_t)len), "writing PEM");
    BIO_free(bio);
}

void forge_public_pem(struct an_buf *out, EVP_PKEY *pkey)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1, "writing PEM");
    add_bio(out, bio);
}

void forge_private_pem(struct an_buf *out, EVP_PKEY *pkey, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = password == NULL ? NULL : EVP_aes_256_cbc();
    int len = password == NULL ? 0 : (int)strlen(password);
    need(bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, password, len, NULL, NULL) == 1,
         "writing PEM");
    add_bio(out, bio);
}

/* What OpenSSL makes: for RSA the signature, for EC its DER form. */
static size_t sign_plain(const struct forge *with, const void *data, size_t data_len,
                         unsigned char out[SIGNATURE_MAX])
{
    size_t len = SIGNATURE_MAX;
    int salt_len = with->salt_len == 0 ? RSA_PSS_SALTLEN_DIGEST : with->salt_len;
    EVP_PKEY_CTX *how;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(ctx != NULL && EVP_DigestSignInit_ex(ctx, &how, with->hash, NULL, NULL, with->pkey, NULL) == 1 &&
             (!with->pss || (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
                             EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt_len) == 1)) &&
             EVP_DigestSign(ctx, out, &len, data, data_len) == 1,
         "signing");
    EVP_MD_CTX_free(ctx);
    return len;
}

/* DER -> R and S at full length (RFC 7518 section 3.4). */
static size_t to_joined(EVP_PKEY *pkey, unsigned char *signature, size_t len)
{
    const unsigned char *at = signature;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    int half = (int)coordinate_len(pkey);
    need(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, half) == half &&
             BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + half, half) == half,
         "converting a signature");
    ECDSA_SIG_free(sig);
    return 2 * (size_t)half;
}

static size_t sign(const struct forge *with, const void *data, size_t data_len,
                   unsigned char out[SIGNATURE_MAX])
{
    size_t len = 0;
    if (with->how == FORGE_EMPTY)
        return 0;
    if (with->how == FORGE_HMAC) {
        an_hmac_sha256(with->secret.data, with->secret.len, data, data_len, out);
        return AN_SHA256_LEN;
    }
    len = sign_plain(with, data, data_len, out);
    if (with->how != FORGE_DER && EVP_PKEY_is_a(with->pkey, "EC") == 1)
        len = to_joined(with->pkey, out, len);
    if (with->how == FORGE_ZERO)
        memset(out, 0, len);
    return len;
}

void forge_token(struct an_buf *out, struct an_str header, struct an_str payload, const struct forge *with)
{
    size_t start = out->len;
    (void)an_base64url_add(out, header.data, header.len);
    (void)an_buf_addc(out, '.');
    (void)an_base64url_add(out, payload.data, payload.len);
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sign(with, out->data + start, out->len - start, signature);
    (void)an_buf_addc(out, '.');
    (void)an_base64url_add(out, signature, len);
    need(!out->overflow, "writing a token into its buffer");
}
