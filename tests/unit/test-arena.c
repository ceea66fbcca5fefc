/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_aligned_and_apart(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1);
    unsigned char *all[200];
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        all[i] = an_arena_alloc(a, i); /* the kept block of 1,024 bytes overflows many times */
        assert_int_equal((uintptr_t)all[i] % 16, 0);
        memset(all[i], (int)i, i);
    }
    for (size_t i = 0; i < AN_COUNT(all); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(all[i][k], i);
    an_arena_free(a);
    an_arena_free(NULL);
}

static void test_larger_than_a_block(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    unsigned char *p = an_arena_zalloc(a, 100000);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(p[i], 0);
    an_arena_free(a);
}

static void test_zalloc_clears_used_memory(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    memset(an_arena_alloc(a, 64), 0xFF, 64);
    an_arena_reset(a);
    unsigned char *p = an_arena_zalloc(a, 64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(p[i], 0);
    an_arena_free(a);
}

static void test_strings(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    assert_string_equal(an_arena_strdup(a, "annals"), "annals");
    assert_string_equal(an_arena_strndup(a, "annals", 3), "ann");
    assert_string_equal(an_arena_printf(a, "%s/%d", "entities", 12), "entities/12");
    assert_int_equal(strlen(an_arena_printf(a, "%5000d", 1)), 5000);
    an_arena_free(a);
}

/* What was there before the mark stays; the same place is handed out again. */
static void test_marks(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    char *kept = an_arena_strdup(a, "kept");
    struct an_arena_mark mark = an_arena_mark(a);
    char *first = an_arena_alloc(a, 16);
    assert_non_null(an_arena_zalloc(a, 5000));
    struct an_arena_mark within = an_arena_mark(a);
    assert_non_null(an_arena_zalloc(a, 5000));
    an_arena_rewind(a, within);
    an_arena_rewind(a, mark);
    assert_ptr_equal(an_arena_alloc(a, 16), first);
    assert_string_equal(kept, "kept");
    an_arena_reset(a);
    assert_ptr_equal(an_arena_alloc(a, 1), kept);
    an_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_and_apart),
        cmocka_unit_test(test_larger_than_a_block),
        cmocka_unit_test(test_zalloc_clears_used_memory),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
