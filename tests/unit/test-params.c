/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/addr.h"
#include "http/params.h"

static const struct {
    const char *why, *text;
    const char *first_name, *first_value; /* NULL: no parameter */
    size_t count;
    const char *code, *where; /* NULL: accepted */
} queries[] = {
    {"nothing", "", NULL, NULL, 0, NULL, NULL},
    {"one", "a=1", "a", "1", 1, NULL, NULL},
    {"order and repeats are kept", "a=1&b=2&a=3", "a", "1", 3, NULL, NULL},
    {"no value is an empty one", "a", "a", "", 1, NULL, NULL},
    {"empty pieces do not count", "&&a=1&", "a", "1", 1, NULL, NULL},
    {"only the first '=' splits", "a=b=c", "a", "b=c", 1, NULL, NULL},
    {"escapes in names and values", "metadata.%C3%A4=%20%3D", "metadata.\xC3\xA4", " =", 1, NULL, NULL},
    {"plus is a blank", "a=x+y%2Bz", "a", "x y+z", 1, NULL, NULL},
    {"slash is fine in a value", "a=%2F", "a", "/", 1, NULL, NULL},
    {"escape cut off", "a=%2", NULL, NULL, 0, "escape", "a"},
    {"escape cut off at once", "a=%", NULL, NULL, 0, "escape", "a"},
    {"no hexadecimal digits", "a=1&b=%zz", NULL, NULL, 0, "escape", "b"},
    {"NUL", "a=%00", NULL, NULL, 0, "nul", "a"},
    {"overlong form", "a=%C0%AF", NULL, NULL, 0, "utf-8", "a"},
    {"bad name shown as it was sent", "%FF=1", NULL, NULL, 0, "utf-8", "%FF"},
    {"bytes of a bad name are not shown", "\xFF\x01=1", NULL, NULL, 0, "utf-8", "??"},
};

static void test_query(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(queries); i++) {
        struct an_faults faults;
        struct an_param *list;
        an_faults_init(&faults, a, 10);
        bool ok = an_params_check(a, an_str(queries[i].text), &list, &faults);
        if (ok != (queries[i].code == NULL))
            fail_msg("%s: %s", queries[i].why, ok ? "accepted" : faults.first->code);
        if (!ok) {
            assert_string_equal(faults.first->code, queries[i].code);
            assert_string_equal(faults.first->where, queries[i].where);
            continue;
        }
        size_t count = 0;
        for (const struct an_param *p = list; p != NULL; p = p->next)
            count++;
        if (count != queries[i].count)
            fail_msg("%s: %zu parameters", queries[i].why, count);
        if (count > 0 && (!an_str_is(list->name, queries[i].first_name) ||
                          !an_str_is(list->value, queries[i].first_value)))
            fail_msg("%s: '%s' = '%s'", queries[i].why, list->name.data, list->value.data);
    }
    an_arena_free(a);
}

static void test_form_error_names_the_field(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_param *list;
    struct an_err err;
    assert_int_equal(an_params_parse(a, AN_STR("x=1&csrf=%G0"), &list, &err), AN_EINVAL);
    assert_string_equal(err.text, "parameter 'csrf' has a '%' without two hexadecimal digits");
    an_arena_free(a);
}

static void test_too_many(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    char text[2 * (AN_PARAMS_MAX + 1) + 1] = "";
    for (size_t i = 0; i <= AN_PARAMS_MAX; i++)
        memcpy(text + 2 * i, "a&", 2);
    struct an_param *list;
    struct an_err err;
    assert_int_equal(an_params_parse(a, (struct an_str){text, 2 * AN_PARAMS_MAX}, &list, &err), AN_OK);
    assert_int_equal(an_params_parse(a, (struct an_str){text, sizeof text - 1}, &list, &err), AN_EINVAL);
    an_arena_free(a);
}

static const struct {
    const char *why, *raw, *decoded; /* decoded NULL: refused */
} segments[] = {
    {"plain", "events", "events"},
    {"escaped letter", "%65vents", "events"},
    {"plus stays a plus", "a+b", "a+b"},
    {"escaped slash", "a%2Fb", NULL},
    {"escaped slash, lower case", "a%2fb", NULL},
    {"NUL", "a%00", NULL},
    {"broken escape", "a%4", NULL},
    {"bad UTF-8", "%ff", NULL},
    {"UTF-8", "%E2%82%AC", "\xE2\x82\xAC"},
};

static void test_segment(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(segments); i++) {
        struct an_str out;
        bool ok = an_segment_decode(a, an_str(segments[i].raw), &out);
        if (ok != (segments[i].decoded != NULL) || (ok && !an_str_is(out, segments[i].decoded)))
            fail_msg("%s", segments[i].why);
    }
    an_arena_free(a);
}

static void test_percent(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 100);
    assert_true(an_percent_add(&b, AN_STR("aZ9-._~ /?&=+%\xC3\xA4")));
    assert_string_equal(b.data, "aZ9-._~%20%2F%3F%26%3D%2B%25%C3%A4");
    an_buf_release(&b);
}

static const struct {
    const char *why, *peer, *forwarded, *client;
} chains[] = {
    {"no proxy", "192.0.2.9", NULL, "192.0.2.9"},
    {"a stranger may say what he likes", "192.0.2.9", "203.0.113.1", "192.0.2.9"},
    {"one proxy", "10.0.0.1", "203.0.113.1", "203.0.113.1"},
    {"what the client itself sent does not count", "10.0.0.1", "6.6.6.6, 203.0.113.1", "203.0.113.1"},
    {"two proxies", "10.0.0.1", "203.0.113.1, 10.0.0.2", "203.0.113.1"},
    {"all are proxies", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"},
    {"port", "10.0.0.1", "203.0.113.1:4711", "203.0.113.1"},
    {"IPv6", "::1", "2001:db8::1", "2001:db8::1"},
    {"IPv6 with port", "::1", "[2001:db8::1]:443", "2001:db8::1"},
    {"IPv4 written as IPv6", "::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"},
    {"no address", "10.0.0.1", "unknown", "10.0.0.1"},
    {"empty item", "10.0.0.1", "203.0.113.1,", "10.0.0.1"},
};

static void test_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(chains); i++) {
        struct an_str client =
            an_addr_client(an_str(chains[i].peer), an_str(chains[i].forwarded), AN_STR("10.0.0.0/8 ::1"));
        if (!an_str_is(client, chains[i].client))
            fail_msg("%s: %.*s", chains[i].why, AN_STR_ARG(client));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),    cmocka_unit_test(test_form_error_names_the_field),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_segment),
        cmocka_unit_test(test_percent),  cmocka_unit_test(test_client)};
    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
