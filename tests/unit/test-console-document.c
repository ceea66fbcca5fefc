/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "console/document.h"

static const struct {
    const char *why, *text, *pretty;
} cases[] = {
    {"an empty object", "{}", "{}"},
    {"members", "{\"a\":1,\"b\":\"x\"}", "{\n  \"a\": 1,\n  \"b\": \"x\"\n}"},
    {"nesting", "{\"a\":{\"b\":[1,[],{}]}}",
     "{\n  \"a\": {\n    \"b\": [\n      1,\n      [],\n      {}\n    ]\n  }\n}"},
    {"numbers keep their spelling", "{\"a\":[1.10,1e400,18446744073709551616,-0.0]}",
     "{\n  \"a\": [\n    1.10,\n    1e400,\n    18446744073709551616,\n    -0.0\n  ]\n}"},
    {"so do strings and names", "{\"\\u0061\\/\":\"\\u00e4\\n<b>\"}",
     "{\n  \"\\u0061\\/\": \"\\u00e4\\n<b>\"\n}"},
    {"blanks inside of a value go", "{\"a\": [ 1 ,\t2 ], \"b\" : { } }",
     "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"},
};

static void prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        const struct an_json *root;
        struct an_err err;
        struct an_buf out;
        an_buf_init(&out, 4096);
        assert_int_equal(an_document_read(arena, an_str(cases[i].text), &root, &err), AN_OK);
        an_document_pretty(&out, root);
        if (strcmp(out.data, cases[i].pretty) != 0)
            fail_msg("%s: got %s", cases[i].why, out.data);
        an_buf_release(&out);
    }
}

static void reads(void **state)
{
    (void)state;
    const struct an_json *root;
    struct an_err err;
    assert_int_equal(an_document_read(arena, AN_STR("{"), &root, &err), AN_EBACKEND);
    assert_int_equal(an_document_read(arena, AN_STR("[]"), &root, &err), AN_EBACKEND);
    assert_int_equal(an_document_read(arena, AN_STR("{\"a\":\"x\\ty\",\"n\":1.50}"), &root, &err), AN_OK);
    assert_true(an_str_is(an_document_text(arena, root, "a"), "x\ty"));
    assert_null(an_document_text(arena, root, "n").data);
    assert_null(an_document_text(arena, root, "b").data);
    assert_null(an_document_text(arena, NULL, "a").data);
    assert_true(an_str_is(an_document_shown(arena, an_json_get(root, "a")), "x\ty"));
    assert_true(an_str_is(an_document_shown(arena, an_json_get(root, "n")), "1.50"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prints), cmocka_unit_test(reads)};
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
