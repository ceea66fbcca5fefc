/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and random bytes, through OpenSSL's EVP interface. */
#ifndef AN_BASE_DIGEST_H
#define AN_BASE_DIGEST_H

#include "an.h"

#define AN_SHA256_LEN 32

void an_sha256(const void *data, size_t len, unsigned char out[AN_SHA256_LEN]);

/* Several pieces, one digest: an_sha256_start, _add ..., _finish. The context is made once a process. */
struct an_sha256;
struct an_sha256 *an_sha256_new(void) AN_MUST_CHECK;
void an_sha256_free(struct an_sha256 *h); /* accepts NULL */
void an_sha256_start(struct an_sha256 *h);
void an_sha256_add(struct an_sha256 *h, const void *data, size_t len);
void an_sha256_finish(struct an_sha256 *h, unsigned char out[AN_SHA256_LEN]);

void an_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    unsigned char out[AN_SHA256_LEN]);

/* From the system's generator; aborts where there is none. */
void an_random(void *out, size_t len);

#endif
