/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/json.h"

static const struct {
    const char *why, *text, *code; /* code NULL: accepted */
} cases[] = {
    {"smallest object", "{}", NULL},
    {"numbers keep their spelling", "[1.10, 1e400, -0, 18446744073709551616]", NULL},
    {"leading zero", "[-012]", "syntax"},
    {"word that only C knows", "[NaN]", "syntax"},
    {"point without digits", "[2.]", "syntax"},
    {"single quotes", "{'a':0}", "syntax"},
    {"trailing comma", "[1,]", "syntax"},
    {"trailing comma in an object", "{\"a\":1,}", "syntax"},
    {"two values", "{} {}", "syntax"},
    {"raw newline in a string", "[\"a\nb\"]", "syntax"},
    {"escaped NUL", "[\"\\u0000\"]", "nul"},
    {"lone high surrogate", "[\"\\ud800\"]", "surrogate"},
    {"lone low surrogate", "[\"\\udc00\"]", "surrogate"},
    {"surrogate pair", "[\"\\ud834\\udd1e\"]", NULL},
    {"overlong UTF-8", "[\"\xC0\xAF\"]", "utf-8"},
    {"surrogate in UTF-8", "[\"\xED\xA0\x80\"]", "utf-8"},
    {"byte order mark", "\xEF\xBB\xBF{}", "syntax"},
    {"same name twice", "{\"a\":1,\"a\":2}", "duplicate-member"},
    {"same name twice, one escaped", "{\"a\":1,\"\\u0061\":2}", "duplicate-member"},
    {"same name in different objects", "{\"a\":{\"a\":1}}", NULL},
    {"nothing", " ", "empty"},
    {"depth 4 of 4", "[[[1]]]", NULL},
    {"depth 5 of 4", "[[[[1]]]]", "depth"},
    {"brackets alone, 5 of 4", "[[[[[]]]]]", "depth"},
};

static void test_accepts_and_refuses(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_json_limits limits = {.depth = 4, .values = 1000};
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        struct an_json *v;
        struct an_json_fault fault = {0, "", ""};
        bool ok = an_json_parse(a, an_str(cases[i].text), &limits, &v, &fault);
        if (ok != (cases[i].code == NULL) || (!ok && strcmp(fault.code, cases[i].code) != 0))
            fail_msg("%s: got %s at %zu", cases[i].why, ok ? "accepted" : fault.code, fault.offset);
    }
    an_arena_free(a);
}

/* Skipping agrees with parsing on everything but duplicate members, and stops at the same byte. */
static void test_skips_like_it_parses(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        struct an_json *v;
        struct an_json_fault fault;
        size_t parsed = 0, skipped = 0;
        struct an_json_limits limits = {.depth = 4, .values = 1000};
        bool ok = an_json_parse_at(a, an_str(cases[i].text), &parsed, &limits, &v, &fault);
        if (!ok && strcmp(fault.code, "duplicate-member") == 0)
            continue;
        if (an_json_skip_at(a, an_str(cases[i].text), &skipped, 4, &fault) != ok || skipped != parsed)
            fail_msg("%s: parsed to %zu, skipped to %zu", cases[i].why, parsed, skipped);
    }
    an_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepts_and_refuses),
                                       cmocka_unit_test(test_skips_like_it_parses)};
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
