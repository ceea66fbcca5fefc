/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/cache.h"
#include "base/mem.h"

/* Each digest may stand in one of the WAYS entries of its set; so neither find nor put ever walks
 * further. */
#define WAYS 4

struct entry {
    unsigned char digest[AN_SHA256_LEN];
    struct an_principal who; /* expires_us 0: free */
    uint64_t used;           /* tick of the last use */
};

struct an_cache {
    struct entry *entries;
    size_t sets;
    uint64_t tick;
};

struct an_cache *an_cache_new(size_t capacity)
{
    struct an_cache *cache = an_xcalloc(1, sizeof *cache);
    cache->sets = capacity / WAYS + (capacity % WAYS != 0);
    cache->entries = an_xcalloc(cache->sets, WAYS * sizeof *cache->entries);
    return cache;
}

void an_cache_free(struct an_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->entries);
    free(cache);
}

/* The set where a digest belongs; there is one at least. A digest is even by itself. */
static struct entry *set_of(struct an_cache *cache, const unsigned char *digest)
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof hash);
    return cache->entries + hash % cache->sets * WAYS;
}

const struct an_principal *an_cache_find(struct an_cache *cache, const unsigned char digest[AN_SHA256_LEN],
                                         int64_t now_us)
{
    if (cache->sets == 0)
        return NULL;
    struct entry *set = set_of(cache, digest);
    for (size_t i = 0; i < WAYS; i++) {
        if (now_us >= set[i].who.expires_us || memcmp(set[i].digest, digest, AN_SHA256_LEN) != 0)
            continue;
        set[i].used = ++cache->tick;
        return &set[i].who;
    }
    return NULL;
}

void an_cache_put(struct an_cache *cache, const unsigned char digest[AN_SHA256_LEN],
                  const struct an_principal *who, int64_t now_us)
{
    if (cache->sets == 0 || now_us >= who->expires_us)
        return;
    struct entry *set = set_of(cache, digest), *place = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (now_us >= set[i].who.expires_us) {
            place = &set[i];
            break;
        }
        if (set[i].used < place->used)
            place = &set[i];
    }
    memcpy(place->digest, digest, AN_SHA256_LEN);
    place->who = *who;
    place->used = ++cache->tick;
}

void an_cache_wipe(struct an_cache *cache)
{
    memset(cache->entries, 0, cache->sets * WAYS * sizeof *cache->entries);
}
