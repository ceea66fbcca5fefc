/* SPDX-License-Identifier: Apache-2.0 */
/* An arena that all tests of a program share: cmocka_run_group_tests(tests, make_arena, free_arena). */
#ifndef AN_TESTS_ARENA_FIXTURE_H
#define AN_TESTS_ARENA_FIXTURE_H

#include "base/arena.h"

static struct an_arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = an_arena_new(1 << 16);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    an_arena_free(arena);
    return 0;
}

#endif
