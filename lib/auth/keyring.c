/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <stdatomic.h>

#include "auth/jwk.h"
#include "auth/keyring.h"
#include "base/digest.h"
#include "base/futex.h"
#include "base/share.h"
#include "log/log.h"

/* Providers in a master's life: a reload may bring new ones, and none is ever taken away. */
#define PLACES 256
#define WORDS (AN_JWKS_MAX_BYTES / sizeof(uint64_t))

/* A set, in words that are read and written whole: so a reader that the writer overtakes reads nonsense,
 * but nothing undefined, and throws it away. */
struct room {
    _Atomic uint32_t len;
    _Atomic uint64_t words[WORDS];
};

struct an_key_place {
    unsigned char id[AN_SHA256_LEN];
    _Atomic uint64_t version; /* the set is in room[version % 2] */
    _Atomic int64_t good_us, tried_us;
    _Atomic uint32_t wanted;
    struct room room[2];
};

struct an_keyring {
    _Atomic uint32_t used; /* places below this one are somebody's */
    _Atomic uint32_t bell; /* rung where a key is wanted; the helper sleeps on it */
    uint32_t heard;        /* the helper's: what the bell was */
    struct an_key_place places[PLACES];
};

struct an_keyring *an_keyring_new(void)
{
    struct an_keyring *ring = an_share_new(sizeof *ring);
    if (ring == NULL)
        an_log_error("auth", "no memory for keys of providers, their tokens get 503: %s", strerror(errno));
    return ring;
}

void an_keyring_free(struct an_keyring *ring)
{
    an_share_free(ring, sizeof *ring);
}

/* All that decides what is fetched; with their ends, so that no two lists look alike. */
static void identify(const struct an_conf_issuer *issuer, unsigned char id[AN_SHA256_LEN])
{
    const char *const parts[] = {issuer->issuer, issuer->keys_url, issuer->discovery_url,
                                 issuer->ca_file};
    struct an_sha256 *h = an_sha256_new();
    an_sha256_start(h);
    for (size_t i = 0; i < AN_COUNT(parts); i++)
        an_sha256_add(h, parts[i], strlen(parts[i]) + 1);
    an_sha256_finish(h, id);
    an_sha256_free(h);
}

struct an_key_place *an_keyring_find(struct an_keyring *ring, const struct an_conf_issuer *issuer)
{
    unsigned char id[AN_SHA256_LEN];
    identify(issuer, id);
    uint32_t used = atomic_load_explicit(&ring->used, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++)
        if (memcmp(ring->places[i].id, id, sizeof id) == 0)
            return &ring->places[i];
    return NULL;
}

struct an_key_place *an_keyring_make(struct an_keyring *ring, const struct an_conf_issuer *issuer)
{
    struct an_key_place *place = an_keyring_find(ring, issuer);
    uint32_t used = atomic_load_explicit(&ring->used, memory_order_relaxed);
    if (place != NULL || used == PLACES)
        return place;
    place = &ring->places[used];
    identify(issuer, place->id);
    atomic_store_explicit(&ring->used, used + 1, memory_order_release);
    return place;
}

uint64_t an_key_place_version(const struct an_key_place *place)
{
    return atomic_load_explicit(&place->version, memory_order_acquire);
}

int64_t an_key_place_good_us(const struct an_key_place *place)
{
    return atomic_load_explicit(&place->good_us, memory_order_relaxed);
}

static bool copy_out(const struct room *room, struct an_buf *out)
{
    size_t len = atomic_load_explicit(&room->len, memory_order_relaxed), done = 0;
    char *to = len > AN_JWKS_MAX_BYTES ? NULL : an_buf_reserve(out, len);
    if (to == NULL)
        return false;
    for (size_t i = 0; done < len; i++) {
        uint64_t word = atomic_load_explicit(&room->words[i], memory_order_relaxed);
        size_t part = len - done < sizeof word ? len - done : sizeof word;
        memcpy(to + done, &word, part);
        done += part;
    }
    an_buf_commit(out, len);
    return true;
}

bool an_key_place_read(const struct an_key_place *place, struct an_buf *out, uint64_t *version)
{
    *version = an_key_place_version(place);
    if (*version == 0)
        return false;
    an_buf_clear(out);
    if (!copy_out(&place->room[*version % 2], out))
        return false;
    /* The writer begins to fill this room again only when it has said that the other one is in use. */
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&place->version, memory_order_relaxed) == *version;
}

void an_key_place_want(struct an_keyring *ring, struct an_key_place *place)
{
    if (atomic_load_explicit(&place->wanted, memory_order_relaxed) != 0 ||
        atomic_exchange(&place->wanted, 1) != 0)
        return;
    (void)atomic_fetch_add(&ring->bell, 1);
    an_futex_wake(&ring->bell);
}

void an_key_place_put(struct an_key_place *place, struct an_str keys, int64_t good_us)
{
    uint64_t version = atomic_load_explicit(&place->version, memory_order_relaxed) + 1;
    struct room *room = &place->room[version % 2];
    atomic_thread_fence(memory_order_release); /* nothing of this is seen before the last version was */
    size_t done = 0;
    for (size_t i = 0; done < keys.len; i++) {
        uint64_t word = 0;
        size_t part = keys.len - done < sizeof word ? keys.len - done : sizeof word;
        memcpy(&word, keys.data + done, part);
        atomic_store_explicit(&room->words[i], word, memory_order_relaxed);
        done += part;
    }
    atomic_store_explicit(&room->len, (uint32_t)keys.len, memory_order_relaxed);
    an_key_place_confirm(place, good_us);
    atomic_store_explicit(&place->version, version, memory_order_release);
}

void an_key_place_confirm(struct an_key_place *place, int64_t good_us)
{
    atomic_store_explicit(&place->good_us, good_us, memory_order_relaxed);
}

bool an_key_place_wanted(struct an_key_place *place)
{
    return atomic_exchange(&place->wanted, 0) != 0;
}

int64_t an_key_place_tried_us(const struct an_key_place *place)
{
    return atomic_load_explicit(&place->tried_us, memory_order_relaxed);
}

void an_key_place_set_tried(struct an_key_place *place, int64_t tried_us)
{
    atomic_store_explicit(&place->tried_us, tried_us, memory_order_relaxed);
}

void an_keyring_wait(struct an_keyring *ring, int64_t us)
{
    an_futex_wait(&ring->bell, ring->heard, us);
    ring->heard = atomic_load(&ring->bell);
}
