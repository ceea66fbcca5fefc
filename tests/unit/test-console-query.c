/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "console/query.h"

#define NOW INT64_C(1767225600500000) /* 2026-01-01T00:00:00.5Z */

static struct an_param *parse(const char *query)
{
    struct an_err err;
    struct an_param *list;
    assert_int_equal(an_params_parse(arena, an_str(query), &list, &err), AN_OK);
    return list;
}

static void same(const char *why, const struct an_param *list, const char *expect)
{
    struct an_buf out;
    an_buf_init(&out, 4096);
    an_params_add(&out, list);
    if (strcmp(out.data, expect) != 0)
        fail_msg("%s: got %s, not %s", why, out.data, expect);
    an_buf_release(&out);
}

static const struct {
    const char *why, *sent, *tidy; /* tidy NULL: nothing to change */
} tidied[] = {
    {"nothing", "", NULL},
    {"what the API takes", "action=a&actor=u&from=2026-01-01T00%3A00%3A00Z&metadata.x=1", NULL},
    {"empty fields of a form", "action=&actor=u&outcome=&ip=", "actor=u"},
    {"all empty", "action=&actor=", ""},
    {"repeats stay", "action=a&action=b", NULL},
    {"minutes of a form are UTC", "from=2026-01-01T10%3A30", "from=2026-01-01T10%3A30%3A00Z"},
    {"seconds", "to=2026-01-01T10%3A30%3A15", "to=2026-01-01T10%3A30%3A15Z"},
    {"milliseconds", "to=2026-01-01T10%3A30%3A15.123", "to=2026-01-01T10%3A30%3A15.123Z"},
    {"a zone stays", "from=2026-01-01T10%3A30%3A15%2B01%3A00", NULL},
    {"what is no time is left to the filter", "from=yesterday&to=2026-01-01", NULL},
    {"only times are times", "action=2026-01-01T10%3A30", NULL},
    {"a preset", "last=24h", "from=2025-12-31T00%3A00%3A00Z"},
    {"a preset takes the place of a range",
     "from=2020-01-01T00%3A00%3A00Z&action=a&to=2021-01-01T00%3A00%3A00Z&last=1h",
     "from=2025-12-31T23%3A00%3A00Z&action=a"},
    {"no duration", "last=soon", NULL},
    {"not back to before all times", "last=99999999d", NULL},
    {"a member of metadata", "metadata_path=a.b&metadata_value=x%20y", "metadata.a.b=x%20y"},
    {"half of one", "metadata_path=a&metadata_value=", ""},
    {"the other half", "metadata_path=&metadata_value=x&action=a", "action=a"},
};

static void tidies(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(tidied); i++) {
        bool changed;
        struct an_param *list = an_query_tidy(arena, parse(tidied[i].sent), NOW, &changed);
        if (changed != (tidied[i].tidy != NULL))
            fail_msg("%s: %s", tidied[i].why, changed ? "was changed" : "was not changed");
        same(tidied[i].why, list, changed ? tidied[i].tidy : tidied[i].sent);
        /* The browser is sent to the tidy form: that must be the end of it. */
        (void)an_query_tidy(arena, list, NOW, &changed);
        assert_false(changed);
    }
}

static void edits(void **state)
{
    (void)state;
    const struct an_param *list = parse("a=1&b=2&a=3");
    same("without a name", an_query_without(arena, list, "a"), "b=2");
    same("without a name that is not there", an_query_without(arena, list, "c"), "a=1&b=2&a=3");
    same("except one of a name", an_query_except(arena, list, list), "b=2&a=3");
    same("with one more", an_query_with(arena, list, "c", AN_STR("x&y='\"")), "a=1&b=2&a=3&c=x%26y%3D%27%22");
    same("with the first", an_query_with(arena, NULL, "c", AN_STR("1")), "c=1");
    same("the list itself is untouched", list, "a=1&b=2&a=3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tidies), cmocka_unit_test(edits)};
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
