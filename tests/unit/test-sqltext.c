/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/params.h"
#include "search/sqltext.h"

#define JSON "EXISTS (SELECT FROM json_array_elements(e.document -> 'entities') AS x WHERE x ->> "
#define PAIR "EXISTS (SELECT FROM annals.event_entities AS x WHERE x.tenant_id = $1 AND "
#define SAME "x.\"timestamp\" = e.\"timestamp\" AND x.event_id = e.id"

static struct an_arena *arena;
static struct an_sqltext q;

static void parse(const char *query, enum an_filter_kind kind, struct an_filter *f)
{
    struct an_param *params;
    struct an_faults faults;
    an_arena_reset(arena);
    an_faults_init(&faults, arena, 1);
    assert_int_equal(an_params_parse(arena, an_str(query), &params, NULL), AN_OK);
    if (!an_filter_parse(params, kind, 50, 1000, f, &faults))
        fail_msg("%s: %s", query, faults.first->detail);
    an_sqltext_release(&q);
    an_sqltext_init(&q, arena);
}

/* The parameters from number `from` on, with blanks between them. */
static const char *params_from(size_t from)
{
    static char out[1024];
    int n = 0;
    for (size_t i = from - 1; i < q.count; i++)
        n += snprintf(out + n, sizeof out - (size_t)n, "%s%.*s", i >= from ? " " : "",
                      AN_STR_ARG(q.params[i].value));
    return n == 0 ? "" : out;
}

#define WHERE_KEPT "WHERE e.tenant_id = $1 AND e.\"timestamp\" >= annals.kept_from()"

/* A filter alone, read by time: $1 is the tenant, $2 the limit. */
static const struct {
    const char *query, *where, *params;
} conditions[] = {
    {"", "", ""},
    {"action=a.b", " AND (e.action = $3)", "a.b"},
    {"action=a&action=b", " AND (e.action = ANY ($3::text[]))", "{\"a\",\"b\"}"},
    {"action=doc.*", " AND ((e.action >= $3 AND e.action < $4))", "doc. doc/"},
    {"action=doc.*&action=a", " AND (e.action = $3 OR (e.action >= $4 AND e.action < $5))",
     "a doc. doc/"},
    {"action=!a&action=!b.*", " AND NOT (e.action = $3) AND NOT ((e.action >= $4 AND e.action < $5))",
     "a b. b/"},
    {"action=a&action=!b", " AND (e.action = $3) AND NOT (e.action = $4)", "a b"},
    {"actor=u", " AND (e.actor_id = $3)", "u"},
    {"actor=t:u", " AND ((e.actor_type = $3 AND e.actor_id = $4))", "t u"},
    {"actor=v&actor=t:u", " AND (e.actor_id = $3 OR (e.actor_type = $4 AND e.actor_id = $5))", "v t u"},
    {"actor=!t:u", " AND NOT ((e.actor_type = $3 AND e.actor_id = $4))", "t u"},
    {"actor_id=t:u", " AND (e.actor_id = $3)", "t:u"},
    {"actor_type=t", " AND (e.actor_type = $3)", "t"},
    {"outcome=success&outcome=failure", " AND (e.outcome = ANY ($3::text[]))",
     "{\"failure\",\"success\"}"},
    {"entity=t:i", " AND (" PAIR "x.entity_type = $3 AND x.entity_id = $4 AND " SAME " OFFSET 0))",
     "t i"},
    {"entity=!t:i", " AND NOT (" PAIR "x.entity_type = $3 AND x.entity_id = $4 AND " SAME " OFFSET 0))",
     "t i"},
    {"entity=t", " AND (" JSON "'type' = $3))", "t"},
    {"entity_type=t&entity_type=s", " AND (" JSON "'type' = ANY ($3::text[])))", "{\"s\",\"t\"}"},
    {"entity_type=!t", " AND NOT (" JSON "'type' = $3))", "t"},
    {"entity_id=i", " AND (" JSON "'id' = $3))", "i"},
    {"ip=10.0.0.0/8", " AND (e.source_ip <<= $3::inet)", "10.0.0.0/8"},
    {"ip=!10.0.0.0/8", " AND (e.source_ip <<= $3::inet) IS NOT TRUE", "10.0.0.0/8"},
    {"metadata.a.b=1", " AND ((e.document #>> $3::text[] = $4))", "{\"metadata\",\"a\",\"b\"} 1"},
    {"metadata.a=!1", " AND ((e.document #>> $3::text[] = $4)) IS NOT TRUE", "{\"metadata\",\"a\"} 1"},
    {"metadata.a={}",
     " AND ((e.document #>> $3::text[] = $4 AND json_typeof(e.document #> $3::text[]) = 'string'))",
     "{\"metadata\",\"a\"} {}"},
    {"id=019a0000-0000-7000-8000-000000000001",
     " AND ((e.\"timestamp\" >= $3::timestamptz AND e.\"timestamp\" < $4::timestamptz AND e.id = "
     "$5::uuid))",
     "2025-10-20T05:03:11.360000Z 2025-10-20T05:03:11.361000Z 019a0000-0000-7000-8000-000000000001"},
    {"action=a&actor_id=u", " AND (e.action = $3) AND (e.actor_id = $4)", "a u"},
};

static void test_conditions(void **state)
{
    (void)state;
    static const struct an_plan by_time = {.drive = AN_DRIVE_TIME};
    for (size_t i = 0; i < AN_COUNT(conditions); i++) {
        struct an_filter f;
        parse(conditions[i].query, AN_FILTER_SEARCH, &f);
        assert_true(an_sqltext_page(&q, &f, &by_time, an_str("acme"), NULL, 51));
        const char *where = strstr(q.text.data, WHERE_KEPT);
        const char *end = strstr(q.text.data, "\nORDER BY");
        assert_non_null(where);
        where += strlen(WHERE_KEPT);
        if ((size_t)(end - where) != strlen(conditions[i].where) ||
            memcmp(where, conditions[i].where, (size_t)(end - where)) != 0)
            fail_msg("%s: %s", conditions[i].query, where);
        assert_string_equal(params_from(3), conditions[i].params);
        assert_true(an_str_is(q.params[0].value, "acme") && an_str_is(q.params[1].value, "51"));
    }
}

#define COLUMNS "e.document, e.\"timestamp\", e.received_at, e.id"

static void test_bounds_and_order(void **state)
{
    (void)state;
    static const struct an_plan by_time = {.drive = AN_DRIVE_TIME};
    struct an_position after = {.timestamp_us = 0};
    struct an_filter f;
    parse("from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z&order=asc", AN_FILTER_SEARCH, &f);
    assert_true(an_sqltext_page(&q, &f, &by_time, an_str("acme"), &after, 51));
    assert_string_equal(q.text.data,
                        "SELECT " COLUMNS "\nFROM annals.events AS e\nWHERE e.tenant_id = $1"
                        " AND e.\"timestamp\" >= greatest($2::timestamptz, annals.kept_from())"
                        " AND e.\"timestamp\" < $3::timestamptz"
                        " AND e.\"timestamp\" >= $4::timestamptz"
                        " AND (e.\"timestamp\", e.id) > ($4::timestamptz, $5::uuid)"
                        "\nORDER BY e.\"timestamp\" ASC, e.id ASC\nLIMIT $6::bigint");
    assert_string_equal(params_from(1),
                        "acme 2026-11-01T00:00:00.000000Z 2026-12-01T00:00:00.000000Z"
                        " 1970-01-01T00:00:00.000000Z 00000000-0000-0000-0000-000000000000 51");
}

/* What the tenant keeps bounds the rows in a form that suits the other bounds. */
static void test_lower_bound(void **state)
{
    (void)state;
    static const char plain[] = " AND e.\"timestamp\" >= annals.kept_from()",
                      later[] = " AND e.\"timestamp\" >= greatest($2::timestamptz, annals.kept_from())",
                      rows[] = " AND (e.\"timestamp\", e.id) >= (annals.kept_from(), '0";
    static const struct {
        const char *query;
        enum an_drive drive;
        bool after;
        const char *bound; /* NULL: the index is entered by something else */
    } cases[] = {
        {"", AN_DRIVE_TIME, false, plain},
        {"order=asc", AN_DRIVE_TIME, false, plain},
        {"from=2026-11-01T00:00:00Z", AN_DRIVE_TIME, true, later},
        {"to=2026-12-01T00:00:00Z", AN_DRIVE_TIME, false, rows},
        {"to=2026-12-01T00:00:00Z&order=asc", AN_DRIVE_TIME, false, rows},
        {"", AN_DRIVE_TIME, true, rows},
        {"order=asc", AN_DRIVE_TIME, true, NULL},
        {"id=019a0000-0000-7000-8000-000000000001&to=2026-12-01T00:00:00Z", AN_DRIVE_IDS, false, NULL},
    };
    struct an_position after = {.timestamp_us = 0};
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        struct an_filter f;
        parse(cases[i].query, AN_FILTER_SEARCH, &f);
        struct an_plan plan = {.drive = cases[i].drive, .group = f.terms, .count = f.terms != NULL};
        assert_true(an_sqltext_page(&q, &f, &plan, an_str("acme"), cases[i].after ? &after : NULL, 51));
        const char *bound = cases[i].bound == NULL ? "kept_from" : cases[i].bound;
        if ((strstr(q.text.data, bound) != NULL) != (cases[i].bound != NULL))
            fail_msg("%zu: %s", i, q.text.data);
    }
}

/* The same list drives in five ways. */
static void test_branches(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        enum an_drive drive;
        const char *from, *condition;
    } cases[] = {
        {"action=a&action=b", AN_DRIVE_ACTIONS, "unnest($3::text[]) AS v (value)",
         "AND e.action = v.value\n"},
        {"actor_id=a&actor_id=b", AN_DRIVE_ACTORS, "unnest($3::text[]) AS v (value)",
         "AND e.actor_id = v.value\n"},
        {"actor=t:a&actor=b", AN_DRIVE_ACTORS, "unnest($3::text[]) AS v (value)",
         "AND e.actor_id = v.value AND (e.actor_id = $4 OR (e.actor_type = $5 AND e.actor_id = $6))\n"},
        {"entity=t:a&entity=t:b", AN_DRIVE_PAIRS, "unnest($4::text[], $3::text[]) AS v (type, id)",
         "WHERE k.tenant_id = $1 AND k.\"timestamp\" >= annals.kept_from()"
         " AND k.entity_type = v.type AND k.entity_id = v.id\n"},
        {"entity_type=a&entity_type=b", AN_DRIVE_TYPES,
         "(SELECT DISTINCT k.\"timestamp\", k.event_id FROM annals.event_entities AS k\n"
         "      WHERE k.tenant_id = $1 AND k.\"timestamp\" >= annals.kept_from() AND k.entity_type = ANY "
         "($3::text[])) AS v",
         "AND v.\"timestamp\" = e.\"timestamp\" AND v.event_id = e.id\n"},
        {"id=019a0000-0000-7000-8000-000000000001&id=019a0000-0000-7000-8000-000000000002", AN_DRIVE_IDS,
         "unnest($3::timestamptz[], $4::timestamptz[], $5::uuid[]) AS v (low, high, id)",
         "AND e.\"timestamp\" >= v.low AND e.\"timestamp\" < v.high AND e.id = v.id\n"},
    };
    struct an_str values[] = {AN_STR("a"), AN_STR("b")}, types[] = {AN_STR("t"), AN_STR("t")};
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        struct an_filter f;
        parse(cases[i].query, AN_FILTER_SEARCH, &f);
        struct an_plan plan = {
            .drive = cases[i].drive, .group = f.terms, .values = values, .types = types, .count = 2};
        assert_true(an_sqltext_page(&q, &f, &plan, an_str("acme"), NULL, 51));
        if (strstr(q.text.data, cases[i].from) == NULL || strstr(q.text.data, cases[i].condition) == NULL)
            fail_msg("%s", q.text.data);
        assert_non_null(strstr(q.text.data, "SELECT DISTINCT ON (e.\"timestamp\", e.id)"));
        assert_non_null(strstr(q.text.data, "LIMIT $2::bigint) AS e\nORDER BY"));
    }
}

/* One value needs no branch, and each of its rows leads to one event. */
static void test_one_pair(void **state)
{
    (void)state;
    struct an_str value = AN_STR("i"), type = AN_STR("t");
    struct an_filter f;
    parse("entity=t:i&actor_id=u&from=2026-11-01T00:00:00Z", AN_FILTER_SEARCH, &f);
    const struct an_term *group = f.terms;
    while (group->field != AN_F_ENTITY)
        group = group->next;
    struct an_plan plan = {
        .drive = AN_DRIVE_PAIRS, .group = group, .values = &value, .types = &type, .count = 1};
    assert_true(an_sqltext_page(&q, &f, &plan, an_str("acme"), NULL, 51));
    assert_string_equal(
        q.text.data,
        "SELECT " COLUMNS "\nFROM annals.event_entities AS k\nCROSS JOIN LATERAL ("
        "\nSELECT e.document, e.\"timestamp\", e.received_at, e.id\nFROM annals.events AS e"
        "\nWHERE e.tenant_id = $1 AND k.\"timestamp\" = e.\"timestamp\" AND k.event_id = e.id"
        " AND (e.actor_id = $4)\nLIMIT 1) AS e"
        "\nWHERE k.tenant_id = $1 AND k.\"timestamp\" >= greatest($2::timestamptz, annals.kept_from())"
        " AND k.entity_type = $5 AND k.entity_id = $6"
        "\nORDER BY k.\"timestamp\" DESC, k.event_id DESC\nLIMIT $3::bigint");
}

/* A prefix that one action has is that action, for a range is in no order. */
static void test_one_action(void **state)
{
    (void)state;
    struct an_str value = AN_STR("a.b");
    struct an_filter f;
    parse("action=a.*", AN_FILTER_SEARCH, &f);
    struct an_plan plan = {.drive = AN_DRIVE_ACTIONS, .group = f.terms, .values = &value, .count = 1};
    assert_true(an_sqltext_page(&q, &f, &plan, an_str("acme"), NULL, 51));
    assert_string_equal(q.text.data, "SELECT " COLUMNS "\nFROM annals.events AS e"
                                     "\n" WHERE_KEPT " AND e.action = $3"
                                     "\nORDER BY e.\"timestamp\" DESC, e.id DESC\nLIMIT $2::bigint");
    assert_string_equal(params_from(3), "a.b");
}

/* A prefix that no action has: nothing is read, and nothing is an error. */
static void test_no_value(void **state)
{
    (void)state;
    struct an_filter f;
    parse("action=a.*", AN_FILTER_SEARCH, &f);
    struct an_plan plan = {.drive = AN_DRIVE_ACTIONS, .group = f.terms, .count = 0};
    assert_true(an_sqltext_page(&q, &f, &plan, an_str("acme"), NULL, 51));
    assert_string_equal(params_from(3), "{}");
}

#define KEPT                                                                                            \
    "CASE WHEN t.kept_days IS NOT NULL THEN least(now() - t.kept_days * interval '24 hours', t.held_from) END"
#define NONE "'00000000-0000-0000-0000-000000000000'::uuid"
#define ALL "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"

/* All tenants: how far a page reaches, from the first rows of each, then the page. */
static void test_across(void **state)
{
    (void)state;
    static const struct an_plan by_time = {.drive = AN_DRIVE_TIME};
    struct an_filter f;
    parse("outcome=denied&to=2026-12-01T00:00:00Z", AN_FILTER_SEARCH, &f);
    assert_true(an_sqltext_page_across(&q, &f, &by_time, NULL, 51));
#define FOUND                                                                                           \
    "\nFROM annals.events AS e\nWHERE e.tenant_id = v.tenant_id AND e.\"timestamp\" < $1::timestamptz"    \
    " AND (e.\"timestamp\", e.id) > (r.low_at, r.low_id) AND (e.outcome = $3)"                          \
    "\nORDER BY e.\"timestamp\" DESC"
    assert_string_equal(
        q.text.data,
        "WITH streams AS MATERIALIZED (\nSELECT t.tenant_id, t.low_at, " NONE " AS low_id"
        "\nFROM (SELECT t.tenant_id, greatest('-infinity', " KEPT
        ") AS low_at\nFROM annals.tenants AS t) AS t)"
        ", shape AS MATERIALIZED (\nSELECT s.deep, ($4::bigint - 1) / s.deep AS before_last\nFROM (SELECT 1 +"
        " ($4::bigint - 1) / greatest(count(*) / 4, 1) AS deep FROM streams) AS s)"
        ", heads AS MATERIALIZED (\nSELECT v.*, h.first_at, h.last_at\nFROM streams AS v"
        "\nCROSS JOIN LATERAL (SELECT v.low_at, v.low_id, 'infinity'::timestamptz AS high_at) AS r"
        "\nCROSS JOIN LATERAL ("
        "\nSELECT max(x.at) AS first_at, CASE count(*) WHEN (SELECT deep FROM shape) THEN "
        "min(x.at) END AS last_at"
        "\nFROM (SELECT e.\"timestamp\" AS at" FOUND "\nLIMIT (SELECT deep FROM shape)) AS x) AS h)"
        ", edge AS MATERIALIZED (\nSELECT coalesce((SELECT h.last_at FROM heads AS h WHERE "
        "h.last_at IS NOT NULL"
        " ORDER BY h.last_at DESC OFFSET (SELECT before_last FROM shape) LIMIT 1), '-infinity') AS at)"
        "\nSELECT e.*\nFROM heads AS v\nCROSS JOIN edge\nCROSS JOIN LATERAL (SELECT"
        " greatest(v.low_at, edge.at) AS low_at, v.low_id, edge.at AS high_at) AS r"
        "\nCROSS JOIN LATERAL (\nSELECT " COLUMNS ", e.tenant_id" FOUND ", e.id DESC\nLIMIT $2::bigint) AS e"
        "\nWHERE v.first_at >= edge.at\nORDER BY e.\"timestamp\" DESC, e.id DESC\nLIMIT $2::bigint");
#undef FOUND
    assert_string_equal(params_from(1), "2026-12-01T00:00:00.000000Z 51 denied 51");
}

/* Oldest first a page begins behind the cursor or with what a tenant keeps, whichever is later, and has
 * an end. */
static void test_across_ascending(void **state)
{
    (void)state;
    struct an_str values[] = {AN_STR("a"), AN_STR("b")};
    struct an_position after = {.timestamp_us = 0};
    struct an_filter f;
    parse("actor_id=a&actor_id=b&from=2026-11-01T00:00:00Z&order=asc", AN_FILTER_SEARCH, &f);
    struct an_plan plan = {.drive = AN_DRIVE_ACTORS, .group = f.terms, .values = values, .count = 2};
    assert_true(an_sqltext_page_across(&q, &f, &plan, &after, 1001));
    static const char *const parts[] = {
        "SELECT t.tenant_id, t.low_at, CASE WHEN t.low_at = $2::timestamptz THEN $3::uuid ELSE " NONE
        " END AS low_id, v.*\n",
        "greatest('-infinity', $1::timestamptz, $2::timestamptz, " KEPT ") AS low_at\n",
        "AS t) AS t\nCROSS JOIN unnest($5::text[]) AS v (value))",
        "WHERE e.tenant_id = v.tenant_id AND e.\"timestamp\" >= $1::timestamptz"
        " AND (e.\"timestamp\", e.id) > (r.low_at, r.low_id) AND (e.\"timestamp\", e.id) "
        "<= (r.high_at, " ALL ")"
        " AND e.\"timestamp\" >= $2::timestamptz AND e.actor_id = v.value\nORDER BY e.\"timestamp\" ASC",
        ("SELECT min(x.at) AS first_at, CASE count(*) WHEN (SELECT deep FROM shape) THEN "
         "max(x.at) END AS last_at"),
        "ORDER BY h.last_at ASC OFFSET (SELECT before_last FROM shape) LIMIT 1), 'infinity') AS at)",
        "SELECT DISTINCT ON (e.\"timestamp\", e.id) e.*\nFROM heads",
        "(SELECT v.low_at, v.low_id, edge.at AS high_at) AS r",
        "ORDER BY e.\"timestamp\" ASC\nFETCH FIRST ($4::bigint) ROWS WITH TIES) AS e",
        "WHERE v.first_at <= edge.at\n",
    };
    for (size_t i = 0; i < AN_COUNT(parts); i++)
        if (strstr(q.text.data, parts[i]) == NULL)
            fail_msg("%s\nis not in\n%s", parts[i], q.text.data);
    assert_string_equal(params_from(4), "1001 {\"a\",\"b\"} 1001");
}

/* An event may have both entities: the edge is that of twice as many. */
static void test_across_pairs(void **state)
{
    (void)state;
    struct an_str values[] = {AN_STR("a"), AN_STR("b")}, types[] = {AN_STR("t"), AN_STR("t")};
    struct an_filter f;
    parse("entity=t:a&entity=t:b&action=x", AN_FILTER_SEARCH, &f);
    const struct an_term *group = f.terms->next;
    struct an_plan plan = {.drive = AN_DRIVE_PAIRS, .group = group, .values = values, .types = types,
                           .count = 2};
    assert_true(an_sqltext_page_across(&q, &f, &plan, NULL, 51));
    static const char *const parts[] = {
        "\nFROM annals.event_entities AS k\nCROSS JOIN LATERAL (\nSELECT " COLUMNS ", e.tenant_id"
        "\nFROM annals.events AS e\nWHERE e.tenant_id = k.tenant_id AND k.\"timestamp\" = e.\"timestamp\""
        " AND k.event_id = e.id AND (e.action = $2)\nLIMIT 1) AS e\nWHERE k.tenant_id = v.tenant_id"
        " AND (k.\"timestamp\", k.event_id) > (r.low_at, r.low_id) AND k.entity_type = v.type AND "
        "k.entity_id = v.id"
        "\nORDER BY k.\"timestamp\" DESC\nLIMIT (SELECT deep FROM shape)) AS x",
        "CROSS JOIN unnest($4::text[], $3::text[]) AS v (type, id))",
    };
    for (size_t i = 0; i < AN_COUNT(parts); i++)
        if (strstr(q.text.data, parts[i]) == NULL)
            fail_msg("%s\nis not in\n%s", parts[i], q.text.data);
    assert_string_equal(params_from(5), "102");
}

static void test_counts_across(void **state)
{
    (void)state;
    struct an_filter f;
    parse("by=tenant&from=2026-11-01T00:00:00Z&entity=t:i", AN_FILTER_COUNTS, &f);
    assert_true(an_sqltext_counts(&q, &f, (struct an_str){NULL, 0}, 10001));
    assert_string_equal(
        q.text.data,
        "SELECT (extract(epoch FROM c.start_at) * 1000000)::bigint, c.key, count(*)"
        "\nFROM (SELECT NULL::timestamptz AS start_at, e.tenant_id AS key"
        "\nFROM annals.tenants AS v\nCROSS JOIN annals.events AS e\nWHERE e.tenant_id = v.tenant_id"
        " AND e.\"timestamp\" >= $1::timestamptz AND (EXISTS (SELECT FROM annals.event_entities AS x"
        " WHERE x.tenant_id = e.tenant_id AND x.entity_type = $2 AND x.entity_id = $3 AND " SAME "))) AS c"
        "\nGROUP BY c.start_at, c.key\nORDER BY c.start_at, c.key COLLATE \"C\"\nLIMIT $4::bigint");
}

static void test_counts(void **state)
{
    (void)state;
    struct an_filter f;
    parse("by=action&interval=day&from=2026-11-01T00:00:00Z&entity_type=t", AN_FILTER_COUNTS, &f);
    assert_true(an_sqltext_counts(&q, &f, an_str("acme"), 10001));
    assert_string_equal(
        q.text.data,
        "SELECT (extract(epoch FROM c.start_at) * 1000000)::bigint, c.key, count(*)"
        "\nFROM (SELECT date_trunc('day', e.\"timestamp\", 'UTC') AS start_at, e.action AS key"
        "\nFROM annals.events AS e\nWHERE e.tenant_id = $1"
        " AND e.\"timestamp\" >= greatest($2::timestamptz, annals.kept_from())"
        " AND (" PAIR "x.\"timestamp\" >= greatest($2::timestamptz, annals.kept_from()) AND " SAME
        " AND x.entity_type = $3))) AS c"
        "\nGROUP BY c.start_at, c.key\nORDER BY c.start_at, c.key COLLATE \"C\"\nLIMIT $4::bigint");
    parse("", AN_FILTER_COUNTS, &f);
    assert_true(an_sqltext_counts(&q, &f, an_str("acme"), 10001));
    assert_non_null(strstr(q.text.data, "SELECT NULL::timestamptz AS start_at, NULL::text AS key\n"));
    parse("entity=t:i", AN_FILTER_COUNTS, &f);
    assert_true(an_sqltext_counts(&q, &f, an_str("acme"), 10001));
    assert_null(strstr(q.text.data, "OFFSET 0")); /* all rows are read: let the planner join */
}

/* Once an event, whatever number of its entities have the type; the events only where they are asked
 * about. */
static void test_counts_by_entity_type(void **state)
{
    (void)state;
    struct an_filter f;
    parse("by=entity_type", AN_FILTER_COUNTS, &f);
    assert_true(an_sqltext_counts(&q, &f, an_str("acme"), 10001));
    assert_string_equal(
        q.text.data,
        "SELECT (extract(epoch FROM c.start_at) * 1000000)::bigint, c.key, count(DISTINCT c.event_id)"
        "\nFROM (SELECT NULL::timestamptz AS start_at, k.entity_type AS key, k.event_id"
        "\nFROM annals.event_entities AS k\nWHERE k.tenant_id = $1 AND k.\"timestamp\" >= "
        "annals.kept_from()) AS c"
        "\nGROUP BY c.start_at, c.key\nORDER BY c.start_at, c.key COLLATE \"C\"\nLIMIT $2::bigint");
    parse("by=entity_type&action=a&interval=month", AN_FILTER_COUNTS, &f);
    assert_true(an_sqltext_counts(&q, &f, an_str("acme"), 10001));
    assert_non_null(strstr(q.text.data, "date_trunc('month', k.\"timestamp\", 'UTC') AS start_at"));
    assert_non_null(strstr(q.text.data, "\nJOIN annals.events AS e ON e.tenant_id = k.tenant_id"));
}

/* Nothing that a client sends is part of the text, whichever parameter it comes in. */
static void test_values_are_parameters(void **state)
{
    (void)state;
    static const struct an_plan by_time = {.drive = AN_DRIVE_TIME};
    static const char *const queries[] = {
        "action=m4rk",         "action=m4rk.*",    "actor=m4rk",         "actor=m4rk:m4rk",
        "actor_id='%3Bm4rk--", "actor_type='m4rk", "entity=m4rk",        "entity=m4rk:'m4rk",
        "entity_id=m4rk",      "entity_type=m4rk", "metadata.m4rk=m4rk", "metadata.a={m4rk",
        "actor_id=!$1m4rk",
    };
    for (size_t i = 0; i < AN_COUNT(queries); i++) {
        struct an_filter f;
        parse(queries[i], AN_FILTER_SEARCH, &f);
        assert_true(an_sqltext_page(&q, &f, &by_time, an_str("m4rk"), NULL, 51));
        assert_null(strstr(q.text.data, "m4rk"));
        an_sqltext_release(&q);
        an_sqltext_init(&q, arena);
        assert_true(an_sqltext_counts(&q, &f, an_str("m4rk"), 51));
        assert_null(strstr(q.text.data, "m4rk"));
        an_sqltext_release(&q);
        an_sqltext_init(&q, arena);
        assert_true(an_sqltext_page_across(&q, &f, &by_time, NULL, 51));
        assert_null(strstr(q.text.data, "m4rk"));
    }
}

static void test_array(void **state)
{
    (void)state;
    struct an_str values[] = {AN_STR("a b"), AN_STR("\"\\{},"), AN_STR("NULL"), AN_STR("")};
    struct an_str out = an_sqltext_array(arena, values, AN_COUNT(values));
    assert_true(an_str_is(out, "{\"a b\",\"\\\"\\\\{},\",\"NULL\",\"\"}"));
}

/* As many terms as a filter may have, each with two parameters, still make a statement. */
static void test_most_terms(void **state)
{
    (void)state;
    static const struct an_plan by_time = {.drive = AN_DRIVE_TIME};
    char query[32 * AN_TERMS_MAX];
    int n = 0;
    for (int i = 0; i < AN_TERMS_MAX; i++)
        n += snprintf(query + n, sizeof query - (size_t)n, "%sentity=!t:%d", i == 0 ? "" : "&", i);
    struct an_filter f;
    parse(query, AN_FILTER_SEARCH, &f);
    assert_true(an_sqltext_page(&q, &f, &by_time, an_str("acme"), NULL, 51));
    assert_int_equal(q.count, 2 + 2 * AN_TERMS_MAX);
    an_sqltext_release(&q);
    an_sqltext_init(&q, arena);
    assert_true(an_sqltext_page_across(&q, &f, &by_time, NULL, 51));
    assert_int_equal(q.count, 2 + 2 * AN_TERMS_MAX);
}

static int set_up(void **state)
{
    (void)state;
    arena = an_arena_new(1 << 16);
    an_sqltext_init(&q, arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    an_sqltext_release(&q);
    an_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_bounds_and_order),
        cmocka_unit_test(test_lower_bound),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_one_pair),
        cmocka_unit_test(test_one_action),
        cmocka_unit_test(test_no_value),
        cmocka_unit_test(test_across),
        cmocka_unit_test(test_across_ascending),
        cmocka_unit_test(test_across_pairs),
        cmocka_unit_test(test_counts_across),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_counts_by_entity_type),
        cmocka_unit_test(test_values_are_parameters),
        cmocka_unit_test(test_array),
        cmocka_unit_test(test_most_terms),
    };
    return cmocka_run_group_tests_name("sqltext", tests, set_up, tear_down);
}
