/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "base/fault.h"

void an_faults_init(struct an_faults *f, struct an_arena *arena, size_t limit)
{
    *f = (struct an_faults){.arena = arena, .limit = limit};
}

void an_fault_add(struct an_faults *f, enum an_fault_place place, const char *where, const char *code,
                  const char *fmt, ...)
{
    f->count++;
    if (f->count > f->limit)
        return;
    char detail[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    struct an_fault *one = an_arena_alloc(f->arena, sizeof *one);
    *one = (struct an_fault){.place = place,
                             .where = an_arena_strdup(f->arena, where),
                             .code = code,
                             .detail = an_arena_strdup(f->arena, detail)};
    if (f->last == NULL)
        f->first = one;
    else
        f->last->next = one;
    f->last = one;
}

const char *an_pointer(struct an_arena *a, const char *parent, const char *name, size_t name_len)
{
    size_t parent_len = strlen(parent);
    char *out = an_arena_alloc(a, parent_len + 2 * name_len + 2);
    memcpy(out, parent, parent_len);
    char *p = out + parent_len;
    *p++ = '/';
    for (size_t i = 0; i < name_len; i++) {
        if (name[i] == '~' || name[i] == '/') {
            *p++ = '~';
            *p++ = name[i] == '~' ? '0' : '1';
        } else {
            *p++ = name[i];
        }
    }
    *p = '\0';
    return out;
}
