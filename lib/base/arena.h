/* SPDX-License-Identifier: Apache-2.0 */
/* Memory by lifetime: one arena a request, made once a worker, reset after each answer. What a request
 * allocates needs no free; what outlives it (configuration, connections, keys) uses its own _new/_free. */
#ifndef AN_BASE_ARENA_H
#define AN_BASE_ARENA_H

#include "an.h"

struct an_arena;

/* A place to come back to; see an_arena_rewind(). */
struct an_arena_mark {
    void *block;
    size_t used;
};

/* keep: bytes that stay allocated between resets. */
struct an_arena *an_arena_new(size_t keep) AN_MUST_CHECK;
void an_arena_free(struct an_arena *a); /* accepts NULL */

/* 16-byte aligned, not zeroed, never NULL. */
void *an_arena_alloc(struct an_arena *a, size_t size) AN_MUST_CHECK;
void *an_arena_zalloc(struct an_arena *a, size_t size) AN_MUST_CHECK;
char *an_arena_strndup(struct an_arena *a, const char *s, size_t len) AN_MUST_CHECK;
char *an_arena_strdup(struct an_arena *a, const char *s) AN_MUST_CHECK;
char *an_arena_printf(struct an_arena *a, const char *fmt, ...) AN_PRINTF(2, 3) AN_MUST_CHECK;

/* Everything since the mark (or since the start) is gone; memory over `keep` goes back to the system. */
struct an_arena_mark an_arena_mark(struct an_arena *a);
void an_arena_rewind(struct an_arena *a, struct an_arena_mark mark);
void an_arena_reset(struct an_arena *a);

#endif
