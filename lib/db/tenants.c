/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/mem.h"
#include "db/tenants.h"

#define FRESH_US (30 * INT64_C(1000000))

/* FNV-1a. */
static size_t first_slot(struct an_str id)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < id.len; i++)
        h = (h ^ (unsigned char)id.data[i]) * 16777619u;
    return h & (AN_TENANTS_KNOWN - 1);
}

/* The slot that holds id, or the empty one where it would go. */
static char **find(struct an_tenants *t, struct an_str id)
{
    size_t i = first_slot(id);
    while (t->slots[i] != NULL && !an_str_is(id, t->slots[i]))
        i = (i + 1) & (AN_TENANTS_KNOWN - 1);
    return &t->slots[i];
}

void an_tenants_release(struct an_tenants *t)
{
    if (t->slots != NULL)
        for (size_t i = 0; i < AN_TENANTS_KNOWN; i++)
            free(t->slots[i]);
    free(t->slots);
    *t = (struct an_tenants){.slots = NULL};
}

bool an_tenants_has(struct an_tenants *t, struct an_str id)
{
    if (t->slots == NULL)
        return false;
    if (an_clock_mono_us() >= t->fresh_until_us) {
        an_tenants_release(t);
        return false;
    }
    return *find(t, id) != NULL;
}

void an_tenants_add(struct an_tenants *t, struct an_str id)
{
    if (t->count >= AN_TENANTS_KNOWN / 4 * 3)
        an_tenants_release(t);
    if (t->slots == NULL) {
        t->slots = an_xcalloc(AN_TENANTS_KNOWN, sizeof *t->slots);
        t->fresh_until_us = an_clock_mono_us() + FRESH_US;
    }
    char **slot = find(t, id);
    if (*slot == NULL) {
        *slot = an_xstrndup(id.data, id.len);
        t->count++;
    }
}
