/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_grows_and_terminates(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 10000);
    assert_string_equal(b.data, "");
    for (int i = 0; i < 1000; i++)
        assert_true(an_buf_adds(&b, "0123456789"));
    assert_int_equal(b.len, 10000);
    assert_int_equal(strlen(b.data), 10000);
    assert_false(an_buf_addc(&b, 'x'));
    assert_int_equal(b.len, 10000);
    an_buf_release(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(b.limit, 10000);
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 5);
    assert_true(an_buf_adds(&b, "abc"));
    assert_false(an_buf_adds(&b, "def"));
    assert_string_equal(b.data, "abc");
    assert_true(b.overflow);
    assert_false(an_buf_addc(&b, 'd')); /* would fit, but something is missing before it */
    assert_false(an_buf_addf(&b, "%d", 1));
    assert_null(an_buf_reserve(&b, 0));
    an_buf_clear(&b);
    assert_false(b.overflow);
    assert_true(an_buf_adds(&b, "abcde"));
    assert_null(an_buf_reserve(&b, SIZE_MAX));
    an_buf_release(&b);
}

static void test_formats(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 7);
    assert_true(an_buf_addf(&b, "%s-%03d", "id", 7));
    assert_string_equal(b.data, "id-007");
    assert_false(an_buf_addf(&b, "%d", 10));
    assert_string_equal(b.data, "id-007");
    an_buf_release(&b);
}

/* With every amount of room left, from all to none. */
static void test_formats_grow(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 4096);
    for (int len = 1; len <= 70; len++) {
        size_t before = b.len;
        assert_true(an_buf_addf(&b, "%0*d", len, 7));
        assert_int_equal(b.len, before + (size_t)len);
        assert_int_equal(strlen(b.data), b.len);
        assert_int_equal(strspn(b.data + before, "0"), len - 1);
    }
    an_buf_release(&b);
}

static void test_big_endian(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 64);
    assert_true(an_buf_add_u16(&b, 0x0102));
    assert_true(an_buf_add_u32(&b, 0x03040506));
    assert_true(an_buf_add_u64(&b, UINT64_C(0x0708090A0B0C0DFF)));
    assert_int_equal(b.len, 14);
    assert_memory_equal(b.data, "\1\2\3\4\5\6\7\10\11\12\13\14\15\377", 14);
    an_buf_release(&b);
}

static void test_decimal(void **state)
{
    static const struct {
        int64_t v;
        const char *text;
    } rows[] = {{0, "0"},
                {7, "7"},
                {-10, "-10"},
                {INT64_C(1234567890123), "1234567890123"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 20);
    for (size_t i = 0; i < AN_COUNT(rows); i++) {
        an_buf_clear(&b);
        assert_true(an_buf_addi(&b, rows[i].v));
        assert_string_equal(b.data, rows[i].text);
    }
    assert_false(an_buf_addi(&b, 1));
    an_buf_release(&b);
}

/* What is spare is added without growing, and never past the limit. */
static void test_spare(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 100);
    assert_int_equal(an_buf_spare(&b), 0);
    assert_true(an_buf_adds(&b, "abc"));
    size_t alloc = b.alloc, spare = an_buf_spare(&b);
    assert_int_equal(spare, alloc - 4);
    assert_non_null(an_buf_reserve(&b, spare));
    assert_int_equal(b.alloc, alloc);
    b.limit = 5;
    assert_int_equal(an_buf_spare(&b), 2);
    assert_true(an_buf_adds(&b, "de"));
    assert_int_equal(an_buf_spare(&b), 0);
    an_buf_release(&b);
}

static void test_reserve(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 64);
    char *p = an_buf_reserve(&b, 10);
    memcpy(p, "ab\0d", 4);
    an_buf_commit(&b, 4);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "ab\0d", 5);
    an_buf_release(&b);
}

static void test_trim(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 10000);
    assert_non_null(an_buf_reserve(&b, 5000));
    an_buf_trim(&b, 8000);
    assert_true(b.alloc > 5000);
    assert_true(an_buf_addc(&b, 'x'));
    an_buf_trim(&b, 1000); /* not empty: stays */
    assert_string_equal(b.data, "x");
    an_buf_clear(&b);
    an_buf_trim(&b, 1000);
    assert_int_equal(b.alloc, 0);
    an_buf_clear(&b);
    struct an_buf zeroed = {0};
    an_buf_release(&zeroed);
    an_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_terminates),
        cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_formats), cmocka_unit_test(test_formats_grow),
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_spare),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_trim),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
