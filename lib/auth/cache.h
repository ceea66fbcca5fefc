/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that have been verified, so that the same one again costs a hash and a look. Found by SHA-256
 * of the token: the token itself is not kept. All memory is taken when the cache is made. */
#ifndef AN_AUTH_CACHE_H
#define AN_AUTH_CACHE_H

#include "an.h"
#include "auth/auth.h"
#include "base/digest.h"

struct an_cache;

/* capacity: how many to remember, rounded up to what the table holds; 0: none. */
struct an_cache *an_cache_new(size_t capacity) AN_MUST_CHECK;
void an_cache_free(struct an_cache *cache); /* accepts NULL */

/* Borrowed until the next call, or NULL where it is unknown or has expired. */
const struct an_principal *an_cache_find(struct an_cache *cache, const unsigned char digest[AN_SHA256_LEN],
                                         int64_t now_us);

/* Takes the place of an expired entry or of the one not used for longest among those that may stand
 * there. A principal that has expired by itself is not kept. */
void an_cache_put(struct an_cache *cache, const unsigned char digest[AN_SHA256_LEN],
                  const struct an_principal *who, int64_t now_us);

void an_cache_wipe(struct an_cache *cache);

#endif
