/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

static void test_str(void **state)
{
    (void)state;
    struct an_str absent = an_str(NULL), empty = AN_STR("");
    assert_null(absent.data);
    assert_true(an_str_equal(absent, empty));
    assert_true(an_str_is(AN_STR("ab"), "ab"));
    assert_false(an_str_is(AN_STR("ab"), "abc"));
    assert_false(an_str_is(AN_STR("ab"), "aB"));
    assert_true(an_str_case_is(AN_STR("Content-TYPE"), "content-type"));
    assert_false(an_str_case_is(AN_STR("a["), "a{"));
    assert_false(an_str_case_is(AN_STR("ab"), "abc"));
    assert_true(an_str_starts(AN_STR("Bearer x"), "Bearer "));
    assert_false(an_str_starts(AN_STR("Bear"), "Bearer "));
    assert_true(an_str_has_nul(AN_STR("a\0b")));
    assert_false(an_str_has_nul(AN_STR("ab")));
    assert_false(an_str_has_nul(absent));
    assert_true(an_str_is(an_str_trim(AN_STR(" \ta b\t ")), "a b"));
    assert_true(an_str_is(an_str_trim(AN_STR(" \t ")), ""));
}

static const struct {
    const char *text, *head, *rest; /* rest NULL: absent */
} splits[] = {
    {"user:7", "user", "7"}, {"user:", "user", ""},  {":7", "", "7"},
    {"a:b:c", "a", "b:c"},   {"user", "user", NULL}, {"", "", NULL},
};

static void test_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(splits); i++) {
        struct an_str rest, head = an_str_split(an_str(splits[i].text), ':', &rest);
        assert_true(an_str_is(head, splits[i].head));
        assert_true(an_str_equal(rest, an_str(splits[i].rest)));
        assert_int_equal(rest.data == NULL, splits[i].rest == NULL);
    }
}

static const struct {
    const char *why, *text;
    bool valid;
} utf8[] = {
    {"nothing", "", true},
    {"ASCII longer than one word", "0123456789abcdef-", true},
    {"first and last of two bytes", "\xC2\x80\xDF\xBF", true},
    {"first and last of three bytes", "\xE0\xA0\x80\xEF\xBF\xBF", true},
    {"first and last of four bytes", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", true},
    {"around the surrogates", "\xED\x9F\xBF\xEE\x80\x80", true},
    {"two bytes behind eight of ASCII", "01234567\xC3\xA9", true},
    {"continuation alone", "\x80", false},
    {"overlong slash, two bytes", "\xC0\xAF", false},
    {"overlong, C1", "\xC1\xBF", false},
    {"overlong, three bytes", "\xE0\x9F\xBF", false},
    {"overlong, four bytes", "\xF0\x8F\xBF\xBF", false},
    {"first surrogate", "\xED\xA0\x80", false},
    {"last surrogate", "\xED\xBF\xBF", false},
    {"above U+10FFFF", "\xF4\x90\x80\x80", false},
    {"byte F5", "\xF5\x80\x80\x80", false},
    {"byte FF", "01234567\xFF", false},
    {"cut off after one of two", "\xC3", false},
    {"cut off after two of three", "\xE2\x82", false},
    {"cut off after three of four", "\xF0\x9F\x98", false},
    {"second byte is ASCII", "\xC3(", false},
    {"third byte is ASCII", "\xE2\x82(", false},
    {"fourth byte is a lead", "\xF0\x9F\x98\xC3", false},
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(utf8); i++)
        if (an_utf8_valid(utf8[i].text, strlen(utf8[i].text)) != utf8[i].valid)
            fail_msg("%s", utf8[i].why);
}

static const struct {
    const char *text;
    bool ok;
    int64_t value;
} numbers[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"007", true, 7},
    {"-12", true, -12},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.0", false, 0},
    {"0x10", false, 0},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(numbers); i++) {
        int64_t v = 0;
        bool ok = an_parse_i64(an_str(numbers[i].text), INT64_MIN, INT64_MAX, &v);
        if (ok != numbers[i].ok || v != numbers[i].value)
            fail_msg("\"%s\"", numbers[i].text);
    }
    int64_t v = 5;
    assert_true(an_parse_i64(AN_STR("10"), 1, 10, &v));
    assert_false(an_parse_i64(AN_STR("11"), 1, 10, &v));
    assert_false(an_parse_i64(AN_STR("0"), 1, 10, &v));
    assert_int_equal(v, 10);
}

static const struct {
    const char *text;
    int64_t duration_ms, size; /* -1: refused */
} quantities[] = {
    {"0", 0, 0},
    {"250ms", 250, -1},
    {"30s", 30000, -1},
    {"5m", 300000, -1},
    {"5min", 300000, -1},
    {"12h", 43200000, -1},
    {"30d", INT64_C(2592000000), -1},
    {"512", -1, 512},
    {"512B", -1, 512},
    {"64KiB", -1, 65536},
    {"16MiB", -1, 16777216},
    {"1GiB", -1, 1073741824},
    {"1KB", -1, 1000},
    {"2MB", -1, 2000000},
    {"3GB", -1, INT64_C(3000000000)},
    {"", -1, -1},
    {"s", -1, -1},
    {"-1s", -1, -1},
    {"1 s", -1, -1},
    {"1.5s", -1, -1},
    {"1S", -1, -1},
    {"1kb", -1, -1},
    {"1week", -1, -1},
    {"9223372036854775807d", -1, -1},
    {"9223372036854775807GiB", -1, -1},
};

static void test_quantities(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(quantities); i++) {
        struct an_str s = an_str(quantities[i].text);
        int64_t ms = -1;
        uint64_t bytes = UINT64_MAX;
        bool duration = an_parse_duration_ms(s, &ms), size = an_parse_size(s, &bytes);
        if (duration != (quantities[i].duration_ms >= 0) || (duration && ms != quantities[i].duration_ms))
            fail_msg("duration \"%s\"", quantities[i].text);
        if (size != (quantities[i].size >= 0) || (size && bytes != (uint64_t)quantities[i].size))
            fail_msg("size \"%s\"", quantities[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_quantities),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
