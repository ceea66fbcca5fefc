/* SPDX-License-Identifier: Apache-2.0 */
/* docs/api describes what the programs do: routes, parameters, members of events and problems. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/openapi.h"
#include "base/file.h"
#include "base/json.h"
#include "event/event.h"
#include "search/filter.h"

static struct an_arena *arena;
static struct an_json *doc;

static int setup(void **state)
{
    (void)state;
    struct an_json_limits limits = {.depth = 32, .values = 100000};
    struct an_json_fault fault;
    arena = an_arena_new(1 << 20);
    if (an_json_parse(arena, an_str(an_openapi_files[0].data), &limits, &doc, &fault))
        return 0;
    print_error("openapi.yaml: %s at byte %zu\n", fault.detail, fault.offset);
    return 1;
}

static int teardown(void **state)
{
    (void)state;
    an_arena_free(arena);
    return 0;
}

/* "#/components/schemas/Event"; no name in this document needs escapes. NULL: leads nowhere. */
static struct an_json *follow(struct an_str pointer)
{
    struct an_json *at = doc;
    struct an_str rest, name = an_str_split(pointer, '/', &rest);
    if (!an_str_is(name, "#"))
        return NULL;
    while (at != NULL && rest.data != NULL) {
        name = an_str_split(rest, '/', &rest);
        at = an_json_get(at, an_arena_strndup(arena, name.data, name.len));
    }
    return at;
}

static void check_references(const struct an_json *v)
{
    struct an_str to = an_json_string(arena, an_json_get(v, "$ref"));
    if (to.data != NULL && follow(to) == NULL)
        fail_msg("%.*s leads nowhere", AN_STR_ARG(to));
    for (const struct an_json *c = v->child; c != NULL; c = c->next)
        check_references(c);
}

static void test_references(void **state)
{
    (void)state;
    assert_string_equal(an_openapi_files[0].name, "openapi.yaml");
    assert_int_equal(an_openapi_files_count, 1);
    check_references(doc);
}

static const struct an_routes *const tables[] = {&an_ingest_routes, &an_search_routes, &an_common_routes,
                                                 &an_meta_routes};

static const char *method_name(enum an_method method)
{
    return method == AN_POST ? "post" : "get";
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    const struct an_json *paths = an_json_get(doc, "paths");
    for (size_t t = 0; t < AN_COUNT(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct an_route *route = &tables[t]->routes[i];
            const char *method = method_name(route->method);
            const struct an_json *operation = an_json_get(an_json_get(paths, route->path), method);
            if (operation == NULL)
                fail_msg("%s %s is not described", method, route->path);
            const struct an_json *security = an_json_get(operation, "security");
            if (security == NULL ||
                (security->count > 0) != (route->access == AN_TOKEN || route->access == AN_ACROSS))
                fail_msg("%s %s: a token is needed, or not", method, route->path);
        }
}

static bool has_route(struct an_str path, struct an_str method)
{
    for (size_t t = 0; t < AN_COUNT(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            if (an_str_is(path, tables[t]->routes[i].path) &&
                an_str_is(method, method_name(tables[t]->routes[i].method)))
                return true;
    return false;
}

static void test_every_description_has_a_route(void **state)
{
    (void)state;
    for (const struct an_json *path = an_json_get(doc, "paths")->child; path != NULL; path = path->next)
        for (const struct an_json *method = path->child; method != NULL; method = method->next)
            if (!has_route(path->name, method->name))
                fail_msg("%.*s %.*s has no route", AN_STR_ARG(method->name), AN_STR_ARG(path->name));
}

static bool has_fault(const struct an_faults *faults, const char *code)
{
    for (const struct an_fault *f = faults->first; f != NULL; f = f->next)
        if (strcmp(f->code, code) == 0)
            return true;
    return false;
}

static bool knows_parameter(struct an_str name, enum an_filter_kind kind)
{
    struct an_param param = {.name = name, .value = AN_STR("x")};
    if (an_str_is(name, "metadata"))
        param.name = AN_STR("metadata.x");
    struct an_filter filter;
    struct an_faults faults;
    an_faults_init(&faults, arena, 10);
    bool ok = an_filter_parse(&param, kind, 50, 1000, &filter, &faults);
    return ok || !has_fault(&faults, "unknown");
}

static void check_parameters(const char *path, enum an_filter_kind kind, int least)
{
    const struct an_json *get = an_json_get(an_json_get(an_json_get(doc, "paths"), path), "get");
    int count = 0;
    for (const struct an_json *p = an_json_get(get, "parameters")->child; p != NULL; p = p->next) {
        const struct an_json *one = follow(an_json_string(arena, an_json_get(p, "$ref")));
        struct an_str name = an_json_string(arena, an_json_get(one, "name"));
        if (!an_str_is(an_json_string(arena, an_json_get(one, "in")), "query"))
            continue;
        if (!knows_parameter(name, kind))
            fail_msg("%s does not know %.*s", path, AN_STR_ARG(name));
        count++;
    }
    assert_true(count >= least);
}

static void test_parameters(void **state)
{
    (void)state;
    assert_false(knows_parameter(AN_STR("nonsense"), AN_FILTER_SEARCH));
    check_parameters("/v1/events", AN_FILTER_SEARCH, 19);
    check_parameters("/v1/events/counts", AN_FILTER_COUNTS, 18);
}

static bool knows_member(struct an_str name)
{
    struct an_json_limits limits = {.depth = 4, .values = 10};
    struct an_event_rules rules = {.tenant_id = AN_STR("acme")};
    struct an_json_fault fault;
    struct an_json *v;
    struct an_event e;
    struct an_faults faults;
    an_faults_init(&faults, arena, 10);
    const char *text = an_arena_printf(arena, "{\"%.*s\":null}", AN_STR_ARG(name));
    assert_true(an_json_parse(arena, an_str(text), &limits, &v, &fault));
    assert_false(an_event_parse(v, &rules, &e, &faults));
    return !has_fault(&faults, "unknown");
}

static void test_event_members(void **state)
{
    (void)state;
    const struct an_json *event = follow(AN_STR("#/components/schemas/Event/properties"));
    assert_int_equal(event->count, 15);
    for (const struct an_json *p = event->child; p != NULL; p = p->next)
        if (!knows_member(p->name))
            fail_msg("events have no %.*s", AN_STR_ARG(p->name));
}

static void test_problems(void **state)
{
    (void)state;
    const char *srcdir = getenv("srcdir");
    const char *path = an_arena_printf(arena, "%s/docs/api/problems.md", srcdir == NULL ? "." : srcdir);
    struct an_buf text;
    struct an_err err;
    an_buf_init(&text, 1 << 20);
    if (an_file_read(path, &text, &err) != AN_OK)
        fail_msg("%s", err.text);
    const struct an_json *one = follow(AN_STR("#/components/schemas/Problem/properties/type/enum"))->child;
    for (int i = 0; i < AN_P__COUNT; i++) {
        enum an_problem_type problem = (enum an_problem_type)i;
        const char *slug = an_problem_slug(problem);
        struct an_str type = an_json_string(arena, one);
        if (!an_str_is(type, an_arena_printf(arena, "/problems/%s", slug)))
            fail_msg("openapi.yaml has \"%.*s\" where %s should stand", AN_STR_ARG(type), slug);
        const char *head = an_arena_printf(arena, "\n## %s\n\n%d", slug, an_problem_status(problem));
        if (strstr(text.data, head) == NULL)
            fail_msg("problems.md has no section on %s with its status", slug);
        one = one->next;
    }
    assert_null(one);
    an_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_every_description_has_a_route),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_event_members),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests_name("openapi", tests, setup, teardown);
}
