/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "html/scope.h"
#include "html/template.h"

struct an_scope *an_scope_new(struct an_arena *a)
{
    struct an_scope *s = an_arena_zalloc(a, sizeof(*s));
    s->arena = a;
    return s;
}

const struct an_value *an_scope_find(const struct an_scope *s, struct an_str name)
{
    for (const struct an_value *v = s->values; v != NULL; v = v->next)
        if (an_str_is(name, v->name))
            return v;
    return NULL;
}

static struct an_value *add(struct an_scope *s, const char *name)
{
    struct an_value *v = an_arena_zalloc(s->arena, sizeof(*v));
    v->name = name;
    v->next = s->values;
    s->values = v;
    return v;
}

void an_scope_text(struct an_scope *s, const char *name, struct an_str value)
{
    add(s, name)->text = value;
}

void an_scope_textf(struct an_scope *s, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        len = 0; /* only a bad multibyte format can cause it, and ours are literals */
    char *text = an_arena_alloc(s->arena, (size_t)len + 1);
    text[0] = '\0';
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    an_scope_text(s, name, an_str(text));
}

void an_scope_flag(struct an_scope *s, const char *name, bool value)
{
    add(s, name)->flag = value;
}

struct an_scope *an_scope_item(struct an_scope *s, const char *name)
{
    struct an_value *list = s->values;
    while (list != NULL && strcmp(list->name, name) != 0)
        list = list->next;
    if (list == NULL || list->first == NULL)
        list = add(s, name);
    struct an_scope *item = an_scope_new(s->arena);
    if (list->first == NULL)
        list->first = item;
    else
        list->last->next = item;
    list->last = item;
    return item;
}
