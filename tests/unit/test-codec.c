/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/codec.h"

static void test_hex(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x00, 0x9A, 0xFF};
    char text[7];
    unsigned char back[3];
    an_hex_encode(bytes, sizeof bytes, text);
    assert_string_equal(text, "009aff");
    assert_true(an_hex_decode(AN_STR("009AfF"), back, sizeof back));
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_false(an_hex_decode(AN_STR("009af"), back, sizeof back));
    assert_false(an_hex_decode(AN_STR("009aff0"), back, sizeof back));
    assert_false(an_hex_decode(AN_STR("009ag0"), back, sizeof back));
    assert_false(an_hex_decode(AN_STR("0x9aff"), back, sizeof back));
}

/* RFC 4648 section 10, and the two letters that tell base64url from base64. */
static const struct {
    const char *bytes, *text;
} pairs[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xBF", "-_-_"},
};

static void test_base64url(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(pairs); i++) {
        struct an_buf out;
        an_buf_init(&out, 64);
        assert_true(an_base64url_add(&out, pairs[i].bytes, strlen(pairs[i].bytes)));
        assert_string_equal(out.data, pairs[i].text);
        an_buf_release(&out);
        unsigned char back[16];
        size_t len = sizeof back;
        assert_true(an_base64url_decode(an_str(pairs[i].text), back, &len));
        assert_int_equal(len, strlen(pairs[i].bytes));
        assert_memory_equal(back, pairs[i].bytes, len);
    }
}

static const struct {
    const char *why, *text;
} refused[] = {
    {"padding", "Zg=="},
    {"one letter over a group of four", "Zm9vY"},
    {"plus of base64", "Zm+v"},
    {"slash of base64", "Zm/v"},
    {"blank", "Zm 9"},
    {"line feed", "Zm9v\n"},
    {"foreign letter", "Zm\xC3\xA9"},
    {"left-over bits in the last letter of two", "Zh"},
    {"left-over bits in the last letter of three", "Zm9"},
};

static void test_base64url_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(refused); i++) {
        unsigned char out[16];
        size_t len = sizeof out;
        if (an_base64url_decode(an_str(refused[i].text), out, &len))
            fail_msg("%s", refused[i].why);
    }
    unsigned char two[2];
    size_t len = sizeof two;
    assert_false(an_base64url_decode(AN_STR("Zm9v"), two, &len)); /* no room for three */
    assert_true(an_base64url_decode(AN_STR("Zm8"), two, &len));
}

static void test_base64url_limit(void **state)
{
    (void)state;
    struct an_buf out;
    an_buf_init(&out, 3);
    assert_false(an_base64url_add(&out, "foo", 3));
    assert_true(out.overflow);
    an_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_base64url_refuses),
        cmocka_unit_test(test_base64url_limit),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
