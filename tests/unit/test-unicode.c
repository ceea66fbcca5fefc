/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/unicode.h"

static const struct {
    const char *text;
    size_t len; /* 0: no character */
    uint32_t cp;
} decoded[] = {
    {"A", 1, 'A'},
    {"\x7F", 1, 0x7F},
    {"\xC2\x80", 2, 0x80},
    {"\xDF\xBF", 2, 0x7FF},
    {"\xE0\xA0\x80", 3, 0x800},
    {"\xEF\xBF\xBF", 3, 0xFFFF},
    {"\xF0\x90\x80\x80", 4, 0x10000},
    {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
    {"\xC3\xA4rest", 2, 0xE4},
    {"\x80", 0, 0},             /* begins in the middle */
    {"\xC0\xAF", 0, 0},         /* overlong */
    {"\xED\xA0\x80", 0, 0},     /* surrogate */
    {"\xF4\x90\x80\x80", 0, 0}, /* past the last one */
    {"\xE2\x80", 0, 0},         /* cut */
    {"\xFF", 0, 0},
};

static void decodes(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(decoded); i++) {
        uint32_t cp = 0;
        size_t len = an_utf8_decode(an_str(decoded[i].text), &cp);
        if (len != decoded[i].len || cp != decoded[i].cp)
            fail_msg("row %zu: %zu bytes, U+%04X", i, len, (unsigned)cp);
    }
}

static const uint32_t shown[] = {'\t',   '\n',   ' ',    '~',    0xA0,   0xE4,   0x5D0,   0x627,
                                 0x200A, 0x2010, 0x2027, 0x202F, 0x3042, 0xFFFD, 0x1F600, 0x10FFFF};
/* The first and last of ranges, so that the search among them is known to find each. */
static const uint32_t hidden[] = {0,      0x08,   0x0B,   0x0D,   0x1B,   0x1F,   0x7F,    0x85,    0x9F,
                                  0xAD,   0x34F,  0x61C,  0x115F, 0x180E, 0x200B, 0x200F,  0x2028,  0x202A,
                                  0x202E, 0x2060, 0x2066, 0x2069, 0x206F, 0x2800, 0x3164,  0xFE0F,  0xFEFF,
                                  0xFFA0, 0xFFF9, 0x1BCA0, 0x1D173, 0xE0001, 0xE007F, 0xE0100, 0xE0FFF};

static void tells_what_is_hidden(void **state)
{
    (void)state;
    const char *label = NULL;
    for (size_t i = 0; i < AN_COUNT(shown); i++)
        if (an_codepoint_hidden(shown[i], &label))
            fail_msg("U+%04X is not hidden", (unsigned)shown[i]);
    for (size_t i = 0; i < AN_COUNT(hidden); i++) {
        label = NULL;
        if (!an_codepoint_hidden(hidden[i], &label) || label == NULL || label[0] == '\0')
            fail_msg("U+%04X is hidden", (unsigned)hidden[i]);
    }
    assert_true(an_codepoint_hidden(0x202E, &label));
    assert_string_equal(label, "right-to-left override");
    assert_true(an_codepoint_hidden(0x202E, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decodes), cmocka_unit_test(tells_what_is_hidden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
