/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "db/texts.h"

void an_texts_release(struct an_texts *t)
{
    for (size_t i = 0; i < AN_TEXTS_MAX; i++)
        free(t->places[i].sql);
    memset(t, 0, sizeof *t);
}

struct an_texts_place *an_texts_find(struct an_texts *t, struct an_str sql)
{
    for (size_t i = 0; i < AN_TEXTS_MAX; i++) {
        struct an_texts_place *place = &t->places[i];
        if (place->sql == NULL || !an_str_equal((struct an_str){place->sql, place->len}, sql))
            continue;
        place->used = ++t->uses;
        return place;
    }
    return NULL;
}

struct an_texts_place *an_texts_victim(struct an_texts *t)
{
    struct an_texts_place *oldest = &t->places[0];
    for (size_t i = 0; i < AN_TEXTS_MAX && oldest->sql != NULL; i++)
        if (t->places[i].sql == NULL || t->places[i].used < oldest->used)
            oldest = &t->places[i];
    return oldest;
}

void an_texts_put(struct an_texts *t, struct an_texts_place *place, struct an_str sql)
{
    free(place->sql);
    place->sql = an_xstrndup(sql.data, sql.len);
    place->len = sql.len;
    (void)snprintf(place->name, sizeof place->name, "text_%u", (unsigned)(place - t->places) % AN_TEXTS_MAX);
    place->state = AN_NOT_PREPARED;
    place->used = ++t->uses;
}
