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
    {"words", "[true,false,null]", NULL},
    {"a word cut off", "[tru]", "syntax"},
    {"a word with another end", "[nulL]", "syntax"},
    {"exponents", "[1e5, 1E+5, -0.5e-05]", NULL},
    {"exponent without digits", "[1e+]", "syntax"},
    {"minus alone", "[-]", "syntax"},
    {"every escape", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\"]", NULL},
    {"unknown escape", "[\"\\x41\"]", "syntax"},
    {"escape at the end", "[\"\\", "syntax"},
    {"three digits behind u", "[\"\\u00e\"]", "syntax"},
    {"digits behind u end the text", "[\"\\u00e", "syntax"},
    {"string not closed", "[\"a", "syntax"},
    {"escaped NUL in a name", "{\"a\\u0000\":1}", "nul"},
    {"high surrogate before a letter", "[\"\\ud834x\\udd1e\"]", "surrogate"},
    {"high surrogate at the end", "[\"\\ud834\\udd1", "surrogate"},
    {"name not closed", "{\"a", "syntax"},
    {"no colon", "{\"a\" 1}", "syntax"},
    {"no value", "{\"a\":", "syntax"},
    {"no comma", "[1 2]", "syntax"},
    {"closed as another", "[1}", "syntax"},
    {"text ends within an array", "[1,", "syntax"},
    {"17 names", "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,"
                 "\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"aa\":1}", NULL},
    {"17 names, one twice",
     "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
     "\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"\\u0062\":1}", "duplicate-member"},
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

static const struct an_json_limits usual = {.depth = 32, .values = 1000};

static struct an_json *parse(struct an_arena *a, struct an_str text)
{
    struct an_json *v;
    struct an_json_fault fault;
    if (!an_json_parse(a, text, &usual, &v, &fault))
        fail_msg("%.*s: %s at %zu", AN_STR_ARG(text), fault.detail, fault.offset);
    return v;
}

static void test_nul_bytes(void **state)
{
    (void)state;
    static const struct an_str texts[] = {AN_STR("[\"a\0b\"]"), AN_STR("[\0]"), AN_STR("[\"\\\0\"]"),
                                          AN_STR("[1\0]"), AN_STR("{}\0")};
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(texts); i++) {
        struct an_json *v;
        struct an_json_fault fault;
        if (an_json_parse(a, texts[i], &usual, &v, &fault))
            fail_msg("text %zu: accepted", i);
    }
    an_arena_free(a);
}

static void test_tree(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_json *v = parse(a, AN_STR(" { \"n\" : 1.10 , \"l\": [ 1, \"x\" ] , \"\\u006f\":{ }} "));
    assert_int_equal(v->type, AN_JSON_OBJECT);
    assert_int_equal(v->count, 3);
    assert_true(an_str_is(v->text, "{ \"n\" : 1.10 , \"l\": [ 1, \"x\" ] , \"\\u006f\":{ }}"));
    struct an_json *n = an_json_get(v, "n"), *l = an_json_get(v, "l"), *o = an_json_get(v, "o");
    assert_ptr_equal(v->child, n);
    assert_ptr_equal(n->next, l);
    assert_ptr_equal(l->next, o);
    assert_null(o->next);
    assert_true(an_str_is(n->text, "1.10"));
    assert_true(an_str_is(l->text, "[ 1, \"x\" ]"));
    assert_int_equal(l->count, 2);
    assert_int_equal(l->child->next->type, AN_JSON_STRING);
    assert_true(an_str_is(o->text, "{ }"));
    assert_true(an_str_is(o->name_text, "\"\\u006f\""));
    assert_null(an_json_get(v, "x"));
    assert_null(an_json_get(l, "n"));
    assert_null(an_json_get(NULL, "n"));
    an_arena_free(a);
}

static const struct {
    const char *text, *content;
} strings[] = {
    {"\"plain\"", "plain"},
    {"\"\"", ""},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"a\\u0041\\u00e9\\u20AC\\ud83d\\ude00z\"", "aA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"},
    {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
};

static void test_strings(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(strings); i++)
        if (!an_str_is(an_json_string(a, parse(a, an_str(strings[i].text))), strings[i].content))
            fail_msg("%s", strings[i].text);
    assert_null(an_json_string(a, parse(a, AN_STR("1"))).data);
    assert_null(an_json_string(a, NULL).data);
    an_arena_free(a);
}

static const struct {
    const char *text;
    bool whole;
    int64_t value;
} integers[] = {
    {"0", true, 0},         {"-7", true, -7},       {"9223372036854775807", true, INT64_MAX},
    {"1.0", false, 0},      {"1e2", false, 0},      {"9223372036854775808", false, 0},
    {"-0", false, 0},       {"\"1\"", false, 0},    {"true", false, 0},
};

/* Strings are looked through eight bytes at a time: every byte must be seen wherever it stands. */
static void test_each_byte_in_each_place(void **state)
{
    (void)state;
    enum { LEN = 20 };
    struct an_arena *a = an_arena_new(4096);
    char text[LEN];
    for (int byte = 0; byte < 256; byte++) {
        bool good = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
        for (size_t at = 1; at + 1 < LEN; at++) {
            struct an_json *v;
            struct an_json_fault fault;
            memset(text, 'x', LEN);
            text[0] = text[LEN - 1] = '"';
            text[at] = (char)byte;
            if (an_json_parse(a, (struct an_str){text, LEN}, &usual, &v, &fault) != good)
                fail_msg("byte %d at %zu", byte, at);
            if (byte < 0x20)
                assert_int_equal(fault.offset, at);
            an_arena_reset(a);
        }
    }
    an_arena_free(a);
}

static void test_integers(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(integers); i++) {
        int64_t v = 0;
        if (an_json_int(parse(a, an_str(integers[i].text)), &v) != integers[i].whole ||
            v != integers[i].value)
            fail_msg("%s", integers[i].text);
    }
    int64_t v;
    assert_false(an_json_int(NULL, &v));
    an_arena_free(a);
}

static void test_value_limit(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_json_limits limits = {.depth = 4, .values = 3};
    struct an_json_fault fault;
    struct an_json *v;
    assert_true(an_json_parse(a, AN_STR("[1,2]"), &limits, &v, &fault));
    assert_false(an_json_parse(a, AN_STR("[1,2,3]"), &limits, &v, &fault));
    assert_string_equal(fault.code, "values");
    assert_int_equal(fault.offset, 5);
    an_arena_free(a);
}

/* One value after another, as in NDJSON; what is over a limit is skipped to its end. */
static void test_sequence(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_str text = AN_STR(" {\"a\":[1]}\n[2,{\"b\":\"]\"}] 3");
    struct an_json_fault fault;
    struct an_json *v;
    size_t pos = 0;
    assert_true(an_json_parse_at(a, text, &pos, &usual, &v, &fault));
    assert_int_equal(pos, 10);
    assert_true(an_json_skip_at(a, text, &pos, 4, &fault));
    assert_int_equal(pos, 24);
    assert_true(an_json_skip_space(text, &pos));
    assert_true(an_json_parse_at(a, text, &pos, &usual, &v, &fault));
    assert_true(an_str_is(v->text, "3"));
    assert_false(an_json_skip_space(text, &pos));
    assert_false(an_json_parse_at(a, text, &pos, &usual, &v, &fault));
    assert_string_equal(fault.code, "empty");
    assert_false(an_json_skip_at(a, text, &pos, 4, &fault));
    assert_string_equal(fault.code, "empty");
    pos = 0;
    assert_false(an_json_skip_at(a, text, &pos, 2, &fault));
    assert_string_equal(fault.code, "depth");
    an_arena_free(a);
}

/* Hostile sizes must neither recurse nor cost more than their length: these finish at once or time out. */
static void test_large(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_json_limits limits = {.depth = 32, .values = 2000000};
    struct an_json_fault fault;
    struct an_json *v;
    struct an_buf text;
    an_buf_init(&text, 16 << 20);
    for (int i = 0; i < 1000000; i++)
        an_buf_addc(&text, '[');
    assert_false(an_json_parse(a, (struct an_str){text.data, text.len}, &limits, &v, &fault));
    assert_string_equal(fault.code, "depth");
    an_buf_clear(&text);
    for (int i = 0; i < 1000000; i++)
        an_buf_addc(&text, '7');
    assert_true(an_json_parse(a, (struct an_str){text.data, text.len}, &limits, &v, &fault));
    an_buf_clear(&text);
    for (int i = 0; i < 200000; i++)
        an_buf_addf(&text, "%s\"%d\":0", i == 0 ? "{" : ",", i);
    an_buf_adds(&text, ",\"777\":1}");
    assert_false(an_json_parse(a, (struct an_str){text.data, text.len}, &limits, &v, &fault));
    assert_string_equal(fault.code, "duplicate-member");
    an_buf_release(&text);
    an_arena_free(a);
}

static const struct {
    const char *content, *text;
} written[] = {
    {"", "\"\""},
    {"plain \xC3\xA9 /", "\"plain \xC3\xA9 /\""},
    {"\"\\", "\"\\\"\\\\\""},
    {"a\nb\x1F", "\"a\\u000ab\\u001f\""},
};

static void test_writing(void **state)
{
    (void)state;
    struct an_buf out;
    an_buf_init(&out, 64);
    for (size_t i = 0; i < AN_COUNT(written); i++) {
        an_buf_clear(&out);
        assert_true(an_json_add_string(&out, an_str(written[i].content)));
        assert_string_equal(out.data, written[i].text);
    }
    an_buf_release(&out);
    an_buf_init(&out, 7);
    assert_false(an_json_add_string(&out, AN_STR("a\nb")));
    assert_true(out.overflow);
    an_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_and_refuses),
        cmocka_unit_test(test_skips_like_it_parses),
        cmocka_unit_test(test_nul_bytes), cmocka_unit_test(test_each_byte_in_each_place),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_value_limit),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
