/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "base/arena.h"
#include "base/mem.h"

#define ALIGN 16

struct block {
    struct block *prev;
    size_t size;
    size_t used;
    _Alignas(ALIGN) char data[];
};

struct an_arena {
    struct block *top;
    struct block *first; /* kept over resets */
};

static struct block *block_new(size_t size, struct block *prev)
{
    size_t total;
    if (!an_add_size(sizeof(struct block), size, &total))
        abort();
    struct block *b = an_xmalloc(total);
    b->prev = prev;
    b->size = size;
    b->used = 0;
    return b;
}

struct an_arena *an_arena_new(size_t keep)
{
    struct an_arena *a = an_xmalloc(sizeof *a);
    a->first = block_new(keep < 1024 ? 1024 : keep, NULL);
    a->top = a->first;
    return a;
}

void an_arena_free(struct an_arena *a)
{
    if (a == NULL)
        return;
    an_arena_reset(a);
    free(a->first);
    free(a);
}

void *an_arena_alloc(struct an_arena *a, size_t size)
{
    size_t want = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (want < size)
        abort(); /* over SIZE_MAX */
    if (want > a->top->size - a->top->used) {
        size_t next = a->first->size;
        a->top = block_new(want > next ? want : next, a->top);
    }
    void *p = a->top->data + a->top->used;
    a->top->used += want;
    return p;
}

void *an_arena_zalloc(struct an_arena *a, size_t size)
{
    return memset(an_arena_alloc(a, size), 0, size);
}

char *an_arena_strndup(struct an_arena *a, const char *s, size_t len)
{
    char *p = an_arena_alloc(a, len + 1);
    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *an_arena_strdup(struct an_arena *a, const char *s)
{
    return an_arena_strndup(a, s, strlen(s));
}

char *an_arena_printf(struct an_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    char *p = an_arena_alloc(a, (size_t)n + 1);
    (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

struct an_arena_mark an_arena_mark(struct an_arena *a)
{
    return (struct an_arena_mark){.block = a->top, .used = a->top->used};
}

void an_arena_rewind(struct an_arena *a, struct an_arena_mark mark)
{
    while (a->top != mark.block) {
        struct block *gone = a->top;
        a->top = gone->prev;
        free(gone);
    }
    a->top->used = mark.used;
}

void an_arena_reset(struct an_arena *a)
{
    an_arena_rewind(a, (struct an_arena_mark){.block = a->first, .used = 0});
}
