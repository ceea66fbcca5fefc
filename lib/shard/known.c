/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/robust.h"
#include "base/share.h"
#include "event/event.h"
#include "log/log.h"
#include "shard/known.h"

/* A tenant may stand in one of the WAYS places of its set; so no look walks further. */
#define WAYS 8
#define SETS (AN_KNOWN_TENANTS / WAYS)
#define LIST_BYTES ((size_t)256 << 10) /* 64 shards with 16 replicas, and 240 bytes for each place */

struct place {
    _Atomic uint64_t used; /* tick of the last use; 0: nobody is here, or whoever was writing died */
    char id[AN_TENANT_MAX + 1];
    struct an_known_tenant tenant;
};

/* Of each shard: its name, its primary's place, a byte for the number of replicas, their places. Texts
 * end with NUL. */
struct list {
    int64_t version;
    uint32_t count, len;
    char bytes[LIST_BYTES];
};

struct an_known {
    /* robust; what its dead holder was writing does not count yet, so there is nothing to mend */
    pthread_mutex_t lock;
    char history[AN_HISTORY_MAX + 1];
    _Atomic bool has_key;
    unsigned char key[AN_SHA256_LEN];
    _Atomic uint32_t current; /* which of the lists counts; the other one is written */
    struct list lists[2];
    uint64_t tick;
    struct place places[SETS][WAYS];
};

struct an_known *an_known_new(void)
{
    struct an_known *k = an_share_new(sizeof *k);
    if (k == NULL)
        an_log_error("db", "no memory for what workers know, each asks the directory of shards: %s",
                     strerror(errno));
    else
        an_robust_init(&k->lock);
    return k;
}

void an_known_free(struct an_known *k)
{
    an_share_free(k, sizeof *k);
}

static void lock(struct an_known *k)
{
    bool dead;
    an_robust_lock(&k->lock, &dead);
}

static void unlock(struct an_known *k)
{
    an_robust_unlock(&k->lock);
}

/* ---- which directory ---- */

static bool is_other(const struct an_known *k, const char *history)
{
    return history[0] != '\0' && k->history[0] != '\0' && strcmp(history, k->history) != 0;
}

/* Everything goes on, and is older than anything that comes. */
static void doubt_all(struct an_known *k)
{
    k->lists[atomic_load(&k->current)].version = 0;
    for (size_t i = 0; i < SETS; i++)
        for (size_t way = 0; way < WAYS; way++)
            if (atomic_load(&k->places[i][way].used) != 0)
                k->places[i][way].tenant.version = 0;
}

void an_known_follow(struct an_known *k, const char *history, int64_t version)
{
    if (k == NULL)
        return;
    lock(k);
    if (is_other(k, history) || version < k->lists[atomic_load(&k->current)].version)
        doubt_all(k);
    if (history[0] != '\0')
        (void)snprintf(k->history, sizeof k->history, "%s", history);
    unlock(k);
}

/* ---- shards ---- */

static size_t bytes_of(const struct an_directory_shard *s)
{
    size_t bytes = strlen(s->name) + 1 + strlen(s->primary) + 1 + 1;
    for (size_t i = 0; i < s->replica_count; i++)
        bytes += strlen(s->replicas[i].place) + 1;
    return bytes;
}

static void add_text(struct list *l, const char *text)
{
    size_t len = strlen(text) + 1;
    memcpy(l->bytes + l->len, text, len);
    l->len += (uint32_t)len;
}

static void add_shard(struct list *l, const struct an_directory_shard *s)
{
    if (bytes_of(s) > sizeof l->bytes - l->len)
        return;
    add_text(l, s->name);
    add_text(l, s->primary);
    l->bytes[l->len++] = (char)s->replica_count;
    for (size_t i = 0; i < s->replica_count; i++)
        add_text(l, s->replicas[i].place);
    l->count++;
}

void an_known_put_shards(struct an_known *k, const char *history, int64_t version,
                         const struct an_directory_shard *list, size_t count)
{
    if (k == NULL)
        return;
    lock(k);
    uint32_t current = atomic_load(&k->current);
    if (!is_other(k, history) && version > k->lists[current].version) {
        struct list *l = &k->lists[1 - current];
        l->version = version;
        l->count = l->len = 0;
        for (size_t i = 0; i < count; i++)
            add_shard(l, &list[i]);
        atomic_store(&k->current, 1 - current);
    }
    unlock(k);
}

static const char *take_text(const char **at)
{
    const char *text = *at;
    *at += strlen(text) + 1;
    return text;
}

static const char *take_shard(struct an_directory_shard *s, struct an_arena *arena, const char *at)
{
    *s = (struct an_directory_shard){.name = take_text(&at), .primary = take_text(&at)};
    s->replica_count = (size_t)*at++;
    for (size_t i = 0; i < s->replica_count; i++)
        s->replicas[i] = (struct an_shard_place){an_arena_printf(arena, "%zu", i + 1), take_text(&at)};
    return at;
}

bool an_known_shards(struct an_known *k, int64_t version, struct an_arena *arena,
                     struct an_directory_shard **list, size_t *count)
{
    if (k == NULL)
        return false;
    char *copy = NULL;
    lock(k);
    const struct list *l = &k->lists[atomic_load(&k->current)];
    *count = l->version > version ? l->count : 0;
    if (*count > 0) {
        copy = an_arena_alloc(arena, l->len);
        memcpy(copy, l->bytes, l->len);
    }
    unlock(k);
    const char *at = copy;
    *list = an_arena_alloc(arena, (*count + 1) * sizeof **list);
    for (size_t i = 0; i < *count; i++)
        at = take_shard(&(*list)[i], arena, at);
    return *count > 0;
}

/* ---- tenants ---- */

/* The one that holds id; NULL: none. *oldest: the one to take for it then, where it has not been there
 * before. */
static struct place *place_of(struct an_known *k, struct an_str id, struct place **oldest)
{
    struct place *set = k->places[an_str_hash(id) % SETS];
    *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        uint64_t used = atomic_load(&set[i].used);
        if (used != 0 && an_str_is(id, set[i].id))
            return &set[i];
        if (used < atomic_load(&(*oldest)->used))
            *oldest = &set[i];
    }
    return NULL;
}

/* Whoever dies in it leaves an empty place. */
static void fill(struct an_known *k, struct place *p, struct an_str id, const struct an_known_tenant *t)
{
    atomic_store(&p->used, 0);
    atomic_thread_fence(memory_order_seq_cst); /* nothing of what follows is done before that */
    (void)snprintf(p->id, sizeof p->id, "%.*s", AN_STR_ARG(id));
    p->tenant = *t;
    atomic_store(&p->used, ++k->tick);
}

static bool is_known(const struct an_known_tenant *t)
{
    return t->shard[0] != '\0';
}

void an_known_put(struct an_known *k, const char *history, struct an_str id, const struct an_known_tenant *t)
{
    if (k == NULL || id.len > AN_TENANT_MAX)
        return;
    struct place *oldest;
    lock(k);
    struct place *found = place_of(k, id, &oldest);
    bool wanted = found == NULL ? is_known(t) : t->version >= found->tenant.version;
    if (wanted && !is_other(k, history))
        fill(k, found == NULL ? oldest : found, id, t);
    unlock(k);
}

bool an_known_find(struct an_known *k, struct an_str id, struct an_known_tenant *out)
{
    if (k == NULL)
        return false;
    struct place *oldest;
    lock(k);
    struct place *found = place_of(k, id, &oldest);
    if (found != NULL) {
        *out = found->tenant;
        atomic_store(&found->used, ++k->tick);
    }
    unlock(k);
    return found != NULL && is_known(out);
}

/* ---- the key ---- */

bool an_known_key(struct an_known *k, unsigned char out[AN_SHA256_LEN])
{
    if (k == NULL)
        return false;
    lock(k);
    bool has_key = atomic_load(&k->has_key);
    memcpy(out, k->key, sizeof k->key);
    unlock(k);
    return has_key;
}

void an_known_put_key(struct an_known *k, const unsigned char key[AN_SHA256_LEN])
{
    if (k == NULL)
        return;
    lock(k);
    if (!atomic_load(&k->has_key) || !an_ct_equal(k->key, key, sizeof k->key)) {
        atomic_store(&k->has_key, false);
        atomic_thread_fence(memory_order_seq_cst); /* as in fill() */
        memcpy(k->key, key, sizeof k->key);
        atomic_store(&k->has_key, true);
    }
    unlock(k);
}
