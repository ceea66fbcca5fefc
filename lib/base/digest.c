/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/digest.h"
#include "base/mem.h"

#define SHA256_BLOCK_LEN 64

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

static void hash_two(const void *first, size_t first_len, const void *second, size_t second_len,
                     unsigned char out[AN_SHA256_LEN])
{
    static struct an_sha256 *shared; /* one a process, never freed: workers are single-threaded */
    if (shared == NULL)
        shared = an_sha256_new();
    an_sha256_start(shared);
    an_sha256_add(shared, first, first_len);
    an_sha256_add(shared, second, second_len);
    an_sha256_finish(shared, out);
}

void an_sha256(const void *data, size_t len, unsigned char out[AN_SHA256_LEN])
{
    hash_two(data, len, NULL, 0, out);
}

/* RFC 2104. OpenSSL's own takes longer to set up than all the hashing: it copies a context for each key. */
void an_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char out[AN_SHA256_LEN])
{
    unsigned char block[2][SHA256_BLOCK_LEN] = {{0}};
    if (key_len > SHA256_BLOCK_LEN)
        an_sha256(key, key_len, block[0]);
    else
        memcpy(block[0], key, key_len);
    for (size_t i = 0; i < SHA256_BLOCK_LEN; i++) {
        block[1][i] = block[0][i] ^ 0x5C;
        block[0][i] ^= 0x36;
    }
    hash_two(block[0], SHA256_BLOCK_LEN, data, len, out);
    hash_two(block[1], SHA256_BLOCK_LEN, out, AN_SHA256_LEN, out);
    OPENSSL_cleanse(block, sizeof block);
}

void an_random(void *out, size_t len)
{
    if (RAND_bytes(out, (int)len) != 1)
        abort();
}
