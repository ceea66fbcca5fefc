/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "api/route.h"

static int handle(struct an_call *call, struct an_err *err)
{
    (void)call;
    (void)err;
    return AN_OK;
}

static const struct an_route own[] = {{AN_GET, "/v1/events/{id}", AN_TOKEN, 0, handle},
                                      {AN_GET, "/v1/events", AN_TOKEN, 0, handle},
                                      {AN_POST, "/v1/events", AN_TOKEN, 0, NULL},
                                      {AN_GET, "/v1/events/counts", AN_TOKEN, 0, handle},
                                      {AN_DELETE, "/v1/jobs/{id}", AN_TOKEN, 0, handle},
                                      {AN_GET, "/v1/jobs/{id}/events", AN_TOKEN, 0, handle},
                                      {AN_GET, "/", AN_OPEN, 0, handle}};
static const struct an_route common[] = {{AN_GET, "/healthz", AN_OPEN, 0, handle}};
static const struct an_routes own_table = {.routes = own, .count = AN_COUNT(own)};
static const struct an_routes common_table = {.routes = common, .count = AN_COUNT(common)};

static const struct {
    const char *why;
    enum an_method method;
    const char *path;
    enum an_route_result result;
    const char *route, *arg, *allow;
} cases[] = {
    {"literal", AN_GET, "/v1/events", AN_ROUTE_FOUND, "/v1/events", NULL, "GET, HEAD, POST"},
    {"HEAD is served by GET", AN_HEAD, "/v1/events", AN_ROUTE_FOUND, "/v1/events", NULL, "GET, HEAD, POST"},
    {"root", AN_GET, "/", AN_ROUTE_FOUND, "/", NULL, "GET, HEAD"},
    {"second table", AN_GET, "/healthz", AN_ROUTE_FOUND, "/healthz", NULL, "GET, HEAD"},
    {"argument", AN_GET, "/v1/events/42", AN_ROUTE_FOUND, "/v1/events/{id}", "42", "GET, HEAD"},
    {"argument is decoded", AN_GET, "/v1/events/a%20b", AN_ROUTE_FOUND, "/v1/events/{id}", "a b",
     "GET, HEAD"},
    {"plus is a plus in a path", AN_GET, "/v1/events/a+b", AN_ROUTE_FOUND, "/v1/events/{id}", "a+b",
     "GET, HEAD"},
    {"argument in the middle", AN_GET, "/v1/jobs/7/events", AN_ROUTE_FOUND, "/v1/jobs/{id}/events", "7",
     "GET, HEAD"},
    {"literal before argument", AN_GET, "/v1/events/counts", AN_ROUTE_FOUND, "/v1/events/counts", NULL,
     "GET, HEAD"},
    {"literals may be escaped", AN_GET, "/v1/%65vents", AN_ROUTE_FOUND, "/v1/events", NULL,
     "GET, HEAD, POST"},
    {"method of another application", AN_POST, "/v1/events", AN_ROUTE_ELSEWHERE, "/v1/events", NULL,
     "GET, HEAD, POST"},
    {"method not there", AN_DELETE, "/v1/events", AN_ROUTE_METHOD, "/v1/events", NULL, "GET, HEAD, POST"},
    {"unknown method", AN_METHOD_OTHER, "/v1/events", AN_ROUTE_METHOD, "/v1/events", NULL,
     "GET, HEAD, POST"},
    {"only DELETE", AN_GET, "/v1/jobs/7", AN_ROUTE_METHOD, "/v1/jobs/{id}", "7", "DELETE"},
    {"OPTIONS", AN_OPTIONS, "/v1/events", AN_ROUTE_OPTIONS, "/v1/events", NULL, "GET, HEAD, POST"},
    {"OPTIONS on nothing", AN_OPTIONS, "/v2", AN_ROUTE_NONE, NULL, NULL, ""},
    {"unknown", AN_GET, "/v1/event", AN_ROUTE_NONE, NULL, NULL, ""},
    {"prefix of a route", AN_GET, "/v1", AN_ROUTE_NONE, NULL, NULL, ""},
    {"longer than a route", AN_GET, "/v1/events/1/2", AN_ROUTE_NONE, NULL, NULL, ""},
    {"slash at the end", AN_GET, "/v1/events/", AN_ROUTE_NONE, NULL, NULL, ""},
    {"two slashes", AN_GET, "//v1/events", AN_ROUTE_NONE, NULL, NULL, ""},
    {"two slashes inside", AN_GET, "/v1//events", AN_ROUTE_NONE, NULL, NULL, ""},
    {"parent folder", AN_GET, "/v1/x/../events", AN_ROUTE_NONE, NULL, NULL, ""},
    {"parent folder, escaped", AN_GET, "/v1/jobs/%2e%2e/events/x", AN_ROUTE_NONE, NULL, NULL, ""},
    {"parent folder as an argument", AN_GET, "/v1/events/%2e%2e", AN_ROUTE_NONE, NULL, NULL, ""},
    {"pattern itself", AN_GET, "/v1/events/%7Bid%7D", AN_ROUTE_FOUND, "/v1/events/{id}", "{id}",
     "GET, HEAD"},
    {"case counts", AN_GET, "/V1/events", AN_ROUTE_NONE, NULL, NULL, ""},
    {"very deep", AN_GET, "/a/b/c/d/e/f/g/h/i/j", AN_ROUTE_NONE, NULL, NULL, ""},
    {"escaped slash", AN_GET, "/v1%2fevents", AN_ROUTE_MALFORMED, NULL, NULL, ""},
    {"escaped NUL", AN_GET, "/v1/events/%00", AN_ROUTE_MALFORMED, NULL, NULL, ""},
    {"half an escape", AN_GET, "/v1/events/%4", AN_ROUTE_MALFORMED, NULL, NULL, ""},
    {"outside the base path", AN_GET, NULL, AN_ROUTE_NONE, NULL, NULL, ""},
};

static void test_find(void **state)
{
    (void)state;
    const struct an_routes *const tables[] = {&own_table, &common_table};
    struct an_arena *a = an_arena_new(4096);
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        struct an_route_match m;
        enum an_route_result got = an_route_find(tables, 2, a, cases[i].method, an_str(cases[i].path), &m);
        const char *route = m.route == NULL ? NULL : m.route->path;
        bool same_route = route == NULL ? cases[i].route == NULL
                                        : cases[i].route != NULL && strcmp(route, cases[i].route) == 0;
        bool same_arg = an_str_equal(m.arg, an_str(cases[i].arg));
        if (got != cases[i].result || !same_route || !same_arg || strcmp(m.allow, cases[i].allow) != 0)
            fail_msg("%s: result %d, route %s, arg '%.*s', allow '%s'", cases[i].why, (int)got,
                     route == NULL ? "none" : route, AN_STR_ARG(m.arg), m.allow);
    }
    an_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
