/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>

#include "base/clock.h"
#include "base/robust.h"
#include "base/share.h"
#include "db/health.h"
#include "log/log.h"

#define SLOW_US INT64_C(500000)
#define AWAY_US INT64_C(4000000)

struct an_health *an_health_share(void)
{
    struct an_health *h = an_share_new(sizeof *h);
    if (h == NULL) {
        an_log_warn("db", "no memory to share which servers answer: %s", strerror(errno));
        return NULL;
    }
    an_health_init(h);
    return h;
}

void an_health_init(struct an_health *h)
{
    an_robust_init(&h->lock);
}

static uint32_t find(const struct an_health *h, const char *name)
{
    uint32_t count = atomic_load(&h->count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(h->list[i].name, name) == 0)
            return i;
    return AN_HEALTH_SERVERS;
}

/* Whoever dies in it has added nothing: the count comes last. */
static uint32_t add(struct an_health *h, const char *name)
{
    bool dead;
    an_robust_lock(&h->lock, &dead);
    uint32_t number = find(h, name), count = atomic_load(&h->count);
    if (number == AN_HEALTH_SERVERS && count < AN_HEALTH_SERVERS) {
        number = count;
        (void)snprintf(h->list[number].name, sizeof h->list[number].name, "%s", name);
        atomic_store(&h->count, count + 1);
    }
    an_robust_unlock(&h->lock);
    return number;
}

uint32_t an_health_number(struct an_health *h, const char *name)
{
    uint32_t number = find(h, name);
    return number < AN_HEALTH_SERVERS ? number : add(h, name);
}

bool an_health_suspects(const struct an_health *h, uint32_t number)
{
    return atomic_load(&h->list[number].away_until_us) != 0;
}

bool an_health_away(struct an_health *h, uint32_t number)
{
    int64_t until_us = atomic_load(&h->list[number].away_until_us);
    if (until_us == 0)
        return false;
    int64_t now_us = an_clock_mono_us();
    return now_us < until_us ||
           !atomic_compare_exchange_strong(&h->list[number].away_until_us, &until_us, now_us + AWAY_US);
}

void an_health_tried(struct an_health *h, uint32_t number, bool answered, int64_t took_us)
{
    _Atomic int64_t *away_until_us = &h->list[number].away_until_us;
    if (answered) {
        if (atomic_load(away_until_us) != 0)
            atomic_store(away_until_us, 0);
    } else if (took_us > SLOW_US && atomic_load(&h->count) > 1) {
        atomic_store(away_until_us, an_clock_mono_us() + AWAY_US);
    }
}
