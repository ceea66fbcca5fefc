/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/accept.h"

static const struct {
    const char *why, *accept;
    bool taken;
} accepts[] = {
    {"absent", NULL, true},
    {"the type itself", "application/json", true},
    {"in another case", "Application/JSON", true},
    {"with parameters", "application/json; charset=utf-8", true},
    {"anything", "*/*", true},
    {"any subtype", "application/*", true},
    {"one of several", "text/html, application/xhtml+xml;q=0.9, */*;q=0.8", true},
    {"another type", "text/html", false},
    {"several others", "text/html, text/*, application/xml", false},
    {"a longer name", "application/json-seq", false},
    {"a shorter name", "application/js", false},
    {"refused", "application/json;q=0", false},
    {"refused with zeros", "application/json ; q=0.000, */*", false},
    {"refused in general, taken in particular", "*/*;q=0, application/json;q=0.1", true},
    {"taken in general, refused in particular", "application/*, application/json;q=0", false},
    {"no range at all", ",;,", false},
};

static void test_accept(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(accepts); i++)
        if (an_accepts(an_str(accepts[i].accept), "application/json") != accepts[i].taken)
            fail_msg("%s: %s", accepts[i].why, accepts[i].accept);
}

static const struct {
    const char *why, *value;
    bool same;
} tags[] = {
    {"absent", NULL, false},
    {"the tag", "\"abc\"", true},
    {"anything", "*", true},
    {"another", "\"abd\"", false},
    {"one of several", "\"x\", \"abc\" ,\"y\"", true},
    {"weak", "W/\"abc\"", true},
    {"marked by Apache", "\"abc-gzip\"", true},
    {"marked and weak", "W/\"abc-gzip\"", true},
    {"marked twice", "\"abc-gzip-gzip\"", false},
    {"without quotes", "abc", false},
    {"only a beginning", "\"ab\"", false},
    {"half quoted", "\"abc", false},
    {"a quote alone", "\"", false},
};

static void test_etag(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(tags); i++)
        if (an_etag_matches(an_str(tags[i].value), AN_STR("abc")) != tags[i].same)
            fail_msg("%s: %s", tags[i].why, tags[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accept), cmocka_unit_test(test_etag)};
    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
