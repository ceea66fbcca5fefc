/* SPDX-License-Identifier: Apache-2.0 */
/* A list of what is wrong with an input: every fault at once, each with its place. This is the `errors`
 * member of a problem document (RFC 9457); the text never repeats the offending value. */
#ifndef AN_BASE_FAULT_H
#define AN_BASE_FAULT_H

#include "an.h"
#include "base/arena.h"

enum an_fault_place {
    AN_FAULT_POINTER,   /* JSON pointer (RFC 6901), relative to the item */
    AN_FAULT_PARAMETER, /* name of a query parameter */
    AN_FAULT_HEADER     /* name of a header field */
};

struct an_fault {
    enum an_fault_place place;
    const char *where;  /* "/actor/id", "limit", "Content-Type" */
    const char *code;   /* stable slug: "required", "type", "unknown", "too-long", "duplicate" ... */
    const char *detail; /* a sentence for a person */
    struct an_fault *next;
};

struct an_faults {
    struct an_arena *arena; /* holds the faults and their text */
    struct an_fault *first, *last;
    size_t count;
    size_t limit; /* faults over this are counted, not kept */
};

void an_faults_init(struct an_faults *f, struct an_arena *arena, size_t limit);
/* `where` is copied; `code` must be a literal. */
void an_fault_add(struct an_faults *f, enum an_fault_place place, const char *where, const char *code,
                  const char *fmt, ...) AN_PRINTF(5, 6);
/* "parent/name" as a JSON pointer, with ~ and / in name escaped; made in the arena. */
const char *an_pointer(struct an_arena *a, const char *parent, const char *name, size_t name_len);

#endif
