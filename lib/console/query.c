/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "console/query.h"

/* A list under construction. */
struct list {
    struct an_arena *arena;
    struct an_param *first, **end;
};

static void list_init(struct list *l, struct an_arena *a)
{
    *l = (struct list){.arena = a};
    l->end = &l->first;
}

static void append(struct list *l, struct an_str name, struct an_str value)
{
    struct an_param *p = an_arena_zalloc(l->arena, sizeof *p);
    *p = (struct an_param){.name = name, .value = value};
    *l->end = p;
    l->end = &p->next;
}

struct an_param *an_query_without(struct an_arena *a, const struct an_param *list, const char *name)
{
    struct list l;
    list_init(&l, a);
    for (const struct an_param *p = list; p != NULL; p = p->next)
        if (!an_str_is(p->name, name))
            append(&l, p->name, p->value);
    return l.first;
}

struct an_param *an_query_except(struct an_arena *a, const struct an_param *list, const struct an_param *one)
{
    struct list l;
    list_init(&l, a);
    for (const struct an_param *p = list; p != NULL; p = p->next)
        if (p != one)
            append(&l, p->name, p->value);
    return l.first;
}

struct an_param *an_query_with(struct an_arena *a, const struct an_param *list, const char *name,
                               struct an_str value)
{
    struct list l;
    list_init(&l, a);
    for (const struct an_param *p = list; p != NULL; p = p->next)
        append(&l, p->name, p->value);
    append(&l, an_str(name), value);
    return l.first;
}

/* What <input type=datetime-local> sends, "2026-11-23T09:30" with or without seconds, read as UTC; anything
 * else comes back as it is. */
static struct an_str with_zone(struct an_arena *a, struct an_str value)
{
    if (value.len < 16 || value.data[10] != 'T')
        return value;
    for (size_t i = 11; i < value.len; i++)
        if ((value.data[i] < '0' || value.data[i] > '9') && value.data[i] != ':' && value.data[i] != '.')
            return value;
    return an_str(an_arena_printf(a, "%.*s%s", AN_STR_ARG(value), value.len == 16 ? ":00Z" : "Z"));
}

/* `last=24h`: from that long ago until whenever the page is looked at, so `to` goes. False: no duration. */
static bool resolve_last(struct list *l, struct an_str last, int64_t now_us)
{
    int64_t ms;
    if (!an_parse_duration_ms(last, &ms) || ms <= 0 || ms > (now_us - AN_TIME_MIN_US) / 1000)
        return false;
    char from[AN_TIME_LEN + 1];
    int64_t second = INT64_C(1000000);
    an_time_format((now_us - ms * 1000) / second * second, from);
    append(l, AN_STR("from"), an_str(an_arena_printf(l->arena, "%.19sZ", from)));
    return true;
}

struct an_param *an_query_tidy(struct an_arena *a, const struct an_param *sent, int64_t now_us, bool *changed)
{
    struct list l;
    list_init(&l, a);
    struct an_str path = {NULL, 0};
    struct an_str value = {NULL, 0};
    const struct an_param *last = an_params_find(sent, "last");
    bool lasting = last != NULL && resolve_last(&l, last->value, now_us);
    *changed = lasting;
    for (const struct an_param *p = sent; p != NULL; p = p->next) {
        bool is_time = an_str_is(p->name, "from") || an_str_is(p->name, "to");
        bool is_path = an_str_is(p->name, "metadata_path");
        bool is_value = an_str_is(p->name, "metadata_value");
        *changed = *changed || p->value.len == 0 || is_path || is_value;
        if (is_path) {
            path = p->value;
        } else if (is_value) {
            value = p->value;
        } else if (p->value.len > 0 && !(lasting && (is_time || p == last))) {
            struct an_str tidy = is_time ? with_zone(a, p->value) : p->value;
            *changed = *changed || tidy.data != p->value.data;
            append(&l, p->name, tidy);
        }
    }
    if (path.len > 0 && value.len > 0)
        append(&l, an_str(an_arena_printf(a, "metadata.%.*s", AN_STR_ARG(path))), value);
    return l.first;
}
