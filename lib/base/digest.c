/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "base/digest.h"
#include "base/mem.h"

struct an_sha256 {
    EVP_MD_CTX *ctx;
    EVP_MD *md; /* fetched once: looking an algorithm up costs more than hashing an event */
};

struct an_sha256 *an_sha256_new(void)
{
    struct an_sha256 *h = an_xmalloc(sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (h->ctx == NULL || h->md == NULL)
        abort();
    return h;
}

void an_sha256_free(struct an_sha256 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    free(h);
}

void an_sha256_start(struct an_sha256 *h)
{
    if (EVP_DigestInit_ex(h->ctx, h->md, NULL) != 1)
        abort();
}

void an_sha256_add(struct an_sha256 *h, const void *data, size_t len)
{
    if (EVP_DigestUpdate(h->ctx, data, len) != 1)
        abort();
}

void an_sha256_finish(struct an_sha256 *h, unsigned char out[AN_SHA256_LEN])
{
    if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
        abort();
}

void an_sha256(const void *data, size_t len, unsigned char out[AN_SHA256_LEN])
{
    static struct an_sha256 *shared; /* one a process, never freed: workers are single-threaded */
    if (shared == NULL)
        shared = an_sha256_new();
    an_sha256_start(shared);
    an_sha256_add(shared, data, len);
    an_sha256_finish(shared, out);
}

static EVP_MAC_CTX *hmac_new(void)
{
    static char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    if (ctx == NULL || EVP_MAC_CTX_set_params(ctx, params) != 1)
        abort();
    EVP_MAC_free(mac); /* the context holds it */
    return ctx;
}

void an_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char out[AN_SHA256_LEN])
{
    static EVP_MAC_CTX *shared; /* as above */
    size_t out_len;
    if (shared == NULL)
        shared = hmac_new();
    if (EVP_MAC_init(shared, key, key_len, NULL) != 1 || EVP_MAC_update(shared, data, len) != 1 ||
        EVP_MAC_final(shared, out, &out_len, AN_SHA256_LEN) != 1)
        abort();
}

void an_random(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) != 1)
        abort();
}
