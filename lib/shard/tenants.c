/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "shard/tenants.h"

#define FIRST_SIZE 256

/* The slot that holds id, or the empty one where it would go. At least a quarter of all are empty. */
static struct an_tenant *slot_of(const struct an_tenants *t, struct an_str id)
{
    size_t i = an_str_hash(id) & (t->size - 1);
    while (t->slots[i].id != NULL && !an_str_is(id, t->slots[i].id))
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

void an_tenants_release(struct an_tenants *t)
{
    for (size_t i = 0; i < t->size; i++)
        free(t->slots[i].id);
    free(t->slots);
    *t = (struct an_tenants){.slots = NULL};
}

struct an_tenant *an_tenants_find(const struct an_tenants *t, struct an_str id)
{
    if (t->size == 0)
        return NULL;
    struct an_tenant *slot = slot_of(t, id);
    return slot->id == NULL ? NULL : slot;
}

static void grow(struct an_tenants *t)
{
    struct an_tenants old = *t;
    t->size = old.size == 0 ? FIRST_SIZE : 2 * old.size;
    t->slots = an_xcalloc(t->size, sizeof *t->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].id != NULL)
            *slot_of(t, an_str(old.slots[i].id)) = old.slots[i]; /* its id too */
    free(old.slots);
}

struct an_tenant *an_tenants_put(struct an_tenants *t, struct an_str id)
{
    struct an_tenant *found = an_tenants_find(t, id);
    if (found != NULL)
        return found;
    if (t->count == AN_TENANTS_MAX)
        an_tenants_release(t);
    if (t->count == t->size / 4 * 3)
        grow(t);
    struct an_tenant *slot = slot_of(t, id);
    *slot = (struct an_tenant){.id = an_xstrndup(id.data, id.len)};
    t->count++;
    return slot;
}

void an_tenants_doubt(struct an_tenants *t)
{
    for (size_t i = 0; i < t->size; i++)
        t->slots[i].version = 0;
}
