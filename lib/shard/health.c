/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/robust.h"
#include "shard/health.h"

#define SLOW_US INT64_C(500000)
#define AWAY_US INT64_C(4000000)

void an_health_init(struct an_health *n)
{
    an_robust_init(&n->lock);
}

static uint32_t find(const struct an_health *n, const char *name)
{
    uint32_t count = atomic_load(&n->count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(n->list[i].name, name) == 0)
            return i;
    return AN_HEALTH_SHARDS;
}

/* Whoever dies in it has added nothing: the count comes last. */
static uint32_t add(struct an_health *n, const char *name)
{
    bool dead;
    an_robust_lock(&n->lock, &dead);
    uint32_t number = find(n, name), count = atomic_load(&n->count);
    if (number == AN_HEALTH_SHARDS && count < AN_HEALTH_SHARDS) {
        number = count;
        (void)snprintf(n->list[number].name, sizeof n->list[number].name, "%s", name);
        atomic_store(&n->count, count + 1);
    }
    an_robust_unlock(&n->lock);
    return number;
}

uint32_t an_health_number(struct an_health *n, const char *name)
{
    uint32_t number = find(n, name);
    return number < AN_HEALTH_SHARDS ? number : add(n, name);
}

bool an_health_away(struct an_health *n, uint32_t number)
{
    int64_t until_us = atomic_load(&n->list[number].away_until_us);
    if (until_us == 0)
        return false;
    int64_t now_us = an_clock_mono_us();
    return now_us < until_us ||
           !atomic_compare_exchange_strong(&n->list[number].away_until_us, &until_us, now_us + AWAY_US);
}

void an_health_tried(struct an_health *n, uint32_t number, bool answered, int64_t took_us)
{
    _Atomic int64_t *away_until_us = &n->list[number].away_until_us;
    if (answered) {
        if (atomic_load(away_until_us) != 0)
            atomic_store(away_until_us, 0);
    } else if (took_us > SLOW_US && atomic_load(&n->count) > 1) {
        atomic_store(away_until_us, an_clock_mono_us() + AWAY_US);
    }
}
