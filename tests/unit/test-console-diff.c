/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "console/diff.h"

static const struct {
    const char *why, *before, *after, *old_parts, *new_parts; /* head|part|tail */
} cases[] = {
    {"a word in the middle", "the old name", "the new name", "the |old| name", "the |new| name"},
    {"something added", "abc", "abcdef", "abc||", "abc|def|"},
    {"something taken away", "abcdef", "def", "|abc|def", "||def"},
    {"the same", "abc", "abc", "abc||", "abc||"},
    {"nothing alike: left whole", "abc", "xyz", "abc||", "xyz||"},
    {"too little alike: left whole", "abcdefghi", "axxxxxxxx", "abcdefghi||", "axxxxxxxx||"},
    {"numbers", "1.10", "1.20", "1.|1|0", "1.|2|0"},
    {"a repeat is not counted twice", "aa", "aaa", "aa||", "aa|a|"},
    {"empty before", "", "abc", "||", "|abc|"},
    {"both empty", "", "", "||", "||"},
    /* U+00E4 and U+00E5 are C3 A4 and C3 A5: they begin alike */
    {"characters stay whole at the head", "ab\xC3\xA4", "ab\xC3\xA5", "ab|\xC3\xA4|", "ab|\xC3\xA5|"},
    /* U+00E4 and U+0124 are C3 A4 and C4 A4: they end alike */
    {"characters stay whole at the tail", "\xC3\xA4" "bc", "\xC4\xA4" "bc", "|\xC3\xA4|bc", "|\xC4\xA4|bc"},
};

static void show(struct an_diff d, char *out, size_t size)
{
    (void)snprintf(out, size, "%.*s|%.*s|%.*s", AN_STR_ARG(d.head), AN_STR_ARG(d.part), AN_STR_ARG(d.tail));
}

static void splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        struct an_diff old_text, new_text;
        char old_parts[64], new_parts[64];
        an_diff_split(an_str(cases[i].before), an_str(cases[i].after), &old_text, &new_text);
        show(old_text, old_parts, sizeof old_parts);
        show(new_text, new_parts, sizeof new_parts);
        if (strcmp(old_parts, cases[i].old_parts) != 0 || strcmp(new_parts, cases[i].new_parts) != 0)
            fail_msg("%s: got %s and %s", cases[i].why, old_parts, new_parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(splits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
