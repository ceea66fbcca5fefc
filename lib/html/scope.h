/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/html: what an_scope_*() build and the renderer reads. */
#ifndef AN_HTML_SCOPE_H
#define AN_HTML_SCOPE_H

#include "an.h"
#include "base/arena.h"
#include "base/text.h"

struct an_value {
    const char *name;
    struct an_str text; /* absent for a flag or a list */
    bool flag;
    struct an_scope *first, *last; /* items of a list */
    struct an_value *next;
};

struct an_scope {
    struct an_arena *arena;
    struct an_value *values; /* newest first */
    struct an_scope *next;   /* next item of the same list */
};

/* The value of that name in this scope alone, or NULL. */
const struct an_value *an_scope_find(const struct an_scope *s, struct an_str name);

#endif
