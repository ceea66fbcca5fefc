/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/clock.h"
#include "search/filter.h"

static struct an_faults faults;

/* "a=1&b=2", not percent-decoded: that is the request's business. */
static struct an_param *params_of(const char *query)
{
    struct an_param *first = NULL, **last = &first;
    struct an_str rest = an_str(query);
    while (rest.data != NULL && rest.len > 0) {
        struct an_param *p = an_arena_zalloc(arena, sizeof *p);
        struct an_str pair = an_str_split(rest, '&', &rest);
        p->name = an_str_split(pair, '=', &p->value);
        *last = p;
        last = &p->next;
    }
    return first;
}

static bool parse(const char *query, enum an_filter_kind kind, struct an_filter *f)
{
    an_arena_reset(arena);
    an_faults_init(&faults, arena, 20);
    return an_filter_parse(params_of(query), kind, 50, 1000, f, &faults);
}

static const struct {
    const char *why, *query, *where, *code;
} refused[] = {
    {"unknown name", "colour=red", "colour", "unknown"},
    {"near miss", "acton=a.b", "acton", "unknown"},
    {"names have one spelling", "Action=a.b", "Action", "unknown"},
    {"metadata without a path", "metadata=x", "metadata", "unknown"},
    {"only counts group", "by=action", "by", "unknown"},
    {"empty value", "action=", "action", "empty"},
    {"no value at all", "action", "action", "empty"},
    {"nothing behind the mark", "actor_id=!", "actor_id", "empty"},
    {"two marks", "actor_id=!!a", "actor_id", "format"},
    {"escape of nothing that needs it", "actor_id=\\a", "actor_id", "format"},
    {"escape alone", "actor_id=\\", "actor_id", "format"},
    {"an action that cannot be stored", "action=Document.Read", "action", "format"},
    {"star in the middle", "action=a.*.b", "action", "format"},
    {"star without a dot", "action=doc*", "action", "format"},
    {"everything", "action=.*", "action", "format"},
    {"actor without an id", "actor=user:", "actor", "empty"},
    {"actor without a type", "actor=:7", "actor", "empty"},
    {"entity without an id", "entity=doc:", "entity", "empty"},
    {"outcome that is none", "outcome=succes", "outcome", "format"},
    {"ip with a port", "ip=10.0.0.1:80", "ip", "format"},
    {"too many bits", "ip=10.0.0.0/33", "ip", "format"},
    {"bits that PostgreSQL refuses", "ip=10.0.0.0/08", "ip", "format"},
    {"id that is no UUID", "id=17", "id", "format"},
    {"time without a zone", "from=2026-11-23T09:30:00", "from", "format"},
    {"time whose plus became a blank", "to=2026-11-23T09:30:00 01:00", "to", "format"},
    {"turned round", "from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z", "to", "range"},
    {"from twice", "from=2026-11-23T00:00:00Z&from=2026-11-23T00:00:00Z", "from", "duplicate"},
    {"limit of nothing", "limit=0", "limit", "range"},
    {"limit over the maximum", "limit=1001", "limit", "range"},
    {"limit that is no number", "limit=ten", "limit", "range"},
    {"limit with a plus", "limit=+5", "limit", "range"},
    {"order that is none", "order=up", "order", "format"},
    {"engine that is not there", "engine=opensearch", "engine", "format"},
    {"require that is none", "require=all", "require", "format"},
    {"path that ends in a dot", "metadata.a.=1", "metadata.a.", "format"},
    {"path of nothing", "metadata.=1", "metadata.", "format"},
    {"path that ends in an escape", "metadata.a\\=1", "metadata.a\\", "format"},
};

static void test_refuses_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(refused); i++) {
        struct an_filter f;
        if (parse(refused[i].query, AN_FILTER_SEARCH, &f))
            fail_msg("%s: accepted", refused[i].why);
        if (faults.count != 1 || faults.first->place != AN_FAULT_PARAMETER ||
            strcmp(faults.first->where, refused[i].where) != 0 ||
            strcmp(faults.first->code, refused[i].code) != 0)
            fail_msg("%s: %s %s (%zu faults)", refused[i].why, faults.first->where, faults.first->code,
                     faults.count);
    }
}

static void test_counts_take_what_pages_do_not(void **state)
{
    (void)state;
    struct an_filter f;
    assert_true(parse("by=actor&interval=day&action=a", AN_FILTER_COUNTS, &f));
    assert_true(an_str_is(f.by, "actor") && an_str_is(f.interval, "day"));
    static const char *const not_there[] = {"limit=1", "order=asc", "cursor=x", "by=colour",
                                            "interval=week"};
    for (size_t i = 0; i < AN_COUNT(not_there); i++)
        if (parse(not_there[i], AN_FILTER_COUNTS, &f))
            fail_msg("%s: accepted", not_there[i]);
}

static void test_all_faults_at_once(void **state)
{
    (void)state;
    struct an_filter f;
    assert_false(parse("limit=0&order=up&colour=red", AN_FILTER_SEARCH, &f));
    assert_int_equal(faults.count, 3);
    assert_string_equal(faults.first->where, "limit");
    assert_string_equal(faults.last->where, "colour");
}

static void test_suggests(void **state)
{
    (void)state;
    struct an_filter f;
    assert_false(parse("acton=a", AN_FILTER_SEARCH, &f));
    assert_string_equal(faults.first->detail, "did you mean action?");
    assert_false(parse("outcome=succes", AN_FILTER_SEARCH, &f));
    assert_string_equal(faults.first->detail, "did you mean success?");
}

static void test_defaults(void **state)
{
    (void)state;
    struct an_filter f;
    assert_true(parse("", AN_FILTER_SEARCH, &f));
    assert_true(f.from_us == AN_TIME_MIN_US && f.to_us == AN_TIME_MAX_US + 1);
    assert_true(f.limit == 50 && !f.ascending && !f.require_complete && f.terms == NULL);
    assert_true(f.q.data == NULL && f.cursor.data == NULL && an_str_is(f.engine, "auto"));
}

/* One term as text: field, !, *, path, type, value. */
static const char *show(const struct an_term *t)
{
    static char out[256];
    int n =
        snprintf(out, sizeof out, "%d%s%s", (int)t->field, t->negative ? "!" : "", t->prefix ? "*" : "");
    for (size_t i = 0; i < t->path_len; i++)
        n += snprintf(out + n, sizeof out - (size_t)n, "/%.*s", AN_STR_ARG(t->path[i]));
    if (t->type.data != NULL)
        n += snprintf(out + n, sizeof out - (size_t)n, " <%.*s>", AN_STR_ARG(t->type));
    if (t->value.data != NULL)
        n += snprintf(out + n, sizeof out - (size_t)n, " %.*s", AN_STR_ARG(t->value));
    return out;
}

static const struct {
    const char *query, *term;
} accepted[] = {
    {"action=document.read", "0 document.read"},
    {"action=document.*", "0* document."},
    {"action=!document.*", "0!* document."},
    {"actor=u1", "1 u1"},
    {"actor=user:u1", "1 <user> u1"},
    {"actor=user:a:b", "1 <user> a:b"},
    {"actor_id=a:b", "2 a:b"},
    {"actor_id=\\!a", "2 !a"},
    {"actor_id=\\\\a", "2 \\a"},
    {"actor_id=!\\!a", "2! !a"},
    {"actor_id=a!\\", "2 a!\\"},
    {"actor_id=100%_", "2 100%_"},
    {"actor_type=user", "3 user"},
    {"entity=doc", "4 <doc>"},
    {"entity=doc:7", "4 <doc> 7"},
    {"entity=!doc:7:8", "4! <doc> 7:8"},
    {"entity_id=7:8", "5 7:8"},
    {"entity_type=a:b", "6 a:b"},
    {"outcome=!failure", "7! failure"},
    {"ip=10.0.0.0/8", "8 10.0.0.0/8"},
    {"ip=2001:db8::1", "8 2001:db8::1"},
    {"metadata.a=1.10", "10/a 1.10"},
    {"metadata.a.b=!x", "10!/a/b x"},
    {"metadata.a\\.b.c\\\\=x", "10/a.b/c\\ x"},
};

static void test_terms(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(accepted); i++) {
        struct an_filter f;
        if (!parse(accepted[i].query, AN_FILTER_SEARCH, &f))
            fail_msg("%s: %s", accepted[i].query, faults.first->detail);
        if (f.terms->next != NULL || strcmp(show(f.terms), accepted[i].term) != 0)
            fail_msg("%s: %s", accepted[i].query, show(f.terms));
    }
}

static void test_terms_stand_together_once(void **state)
{
    (void)state;
    static const char *const order[] = {"0 a", "0 b", "0! c", "2 u", "10/x 1", "10/x 2", "10/y 1"};
    struct an_filter f;
    assert_true(
        parse("metadata.x=2&action=b&metadata.y=1&action=!c&actor_id=u&action=a&metadata.x=1&action=b",
              AN_FILTER_SEARCH, &f));
    const struct an_term *t = f.terms;
    for (size_t i = 0; i < AN_COUNT(order); i++, t = t->next)
        assert_string_equal(show(t), order[i]);
    assert_null(t);
    assert_true(an_term_together(f.terms, f.terms->next));
    assert_false(an_term_together(f.terms, f.terms->next->next->next));
}

static void test_too_many_terms(void **state)
{
    (void)state;
    char query[16 * (AN_TERMS_MAX + 5)];
    int n = 0;
    for (int i = 0; i < AN_TERMS_MAX; i++)
        n += snprintf(query + n, sizeof query - (size_t)n, "%sactor_id=u%d", i == 0 ? "" : "&", i);
    struct an_filter f;
    assert_true(parse(query, AN_FILTER_SEARCH, &f));
    (void)snprintf(query + n, sizeof query - (size_t)n, "&actor_id=v&actor_id=w");
    assert_false(parse(query, AN_FILTER_SEARCH, &f));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.first->code, "too-many");
}

static void canonical(const char *query, char *out, size_t room)
{
    struct an_filter f;
    struct an_buf b;
    an_buf_init(&b, room - 1);
    assert_true(parse(query, AN_FILTER_SEARCH, &f));
    an_filter_add_canonical(&f, &b);
    assert_false(b.overflow);
    memcpy(out, b.data, b.len + 1);
    an_buf_release(&b);
}

static void test_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {
        {"action=a&action=b", "action=b&action=a&action=a", true},
        {"action=a&limit=7&cursor=x", "action=a", true},
        {"action=a&require=complete", "action=a", true},
        {"action=a&order=asc", "action=a", false},
        {"action=a.*", "action=a.b", false},
        {"action=a", "action=!a", false},
        {"actor=u", "actor_id=u", false},
        {"actor=a:u", "actor_id=a:u", false},
        {"entity=a:u", "entity=a", false},
        {"metadata.a.b=x", "metadata.a\\.b=x", false},
        {"metadata.a=b2:x,", "metadata.a=b&metadata.a=x,", false},
        {"from=2026-11-23T00:00:00Z", "from=2026-11-23T01:00:00+01:00", true},
        {"from=2026-11-23T00:00:00Z", "to=2026-11-23T00:00:00Z", false},
        {"id=019a0000-0000-7000-8000-000000000001", "id=019A0000-0000-7000-8000-000000000001", true},
        {"id=019a0000-0000-7000-8000-000000000001", "id=019a0000-0000-7000-8000-000000000002", false},
    };
    for (size_t i = 0; i < AN_COUNT(pairs); i++) {
        char a[1024], b[1024];
        canonical(pairs[i].a, a, sizeof a);
        canonical(pairs[i].b, b, sizeof b);
        if ((strcmp(a, b) == 0) != pairs[i].same)
            fail_msg("%s\n%s\n%s\n%s", pairs[i].a, a, pairs[i].b, b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_by_name),
        cmocka_unit_test(test_counts_take_what_pages_do_not),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_suggests),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_terms_stand_together_once),
        cmocka_unit_test(test_too_many_terms),
        cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests_name("filter", tests, make_arena, free_arena);
}
