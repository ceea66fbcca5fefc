/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of an event are named in several statements, typed in columns.c, and written in rows.c: in
 * one order. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "db/array.h"
#include "db/columns.h"
#include "db/rows.h"
#include "db/stmt.h"

#define COLUMNS_MAX 16
#define TYPE_AT 8 /* of a binary array: number of its elements' type */

struct list {
    struct an_str names[COLUMNS_MAX];
    size_t count;
};

/* What stands in the parentheses behind `after`. */
static struct list list_of(enum an_stmt stmt, const char *after)
{
    struct list l = {.count = 0};
    const char *start = strstr(an_stmt_texts[stmt].sql, after);
    assert_non_null(start);
    start += strlen(after);
    struct an_str rest = {start, strcspn(start, ")")};
    while (rest.len > 0) {
        assert_true(l.count < COLUMNS_MAX);
        size_t space = strspn(rest.data, " \n");
        struct an_str name = {rest.data + space, rest.len - space};
        l.names[l.count++] = an_str_split(name, ',', &rest);
    }
    return l;
}

static void assert_same_columns(enum an_stmt one, enum an_stmt other)
{
    struct list a = list_of(one, " ("), b = list_of(other, " (");
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++)
        if (!an_str_equal(a.names[i], b.names[i]))
            fail_msg("column %zu is %.*s and %.*s", i, AN_STR_ARG(a.names[i]), AN_STR_ARG(b.names[i]));
}

static void test_statements_agree(void **state)
{
    (void)state;
    assert_same_columns(AN_STMT_COPY_EVENTS, AN_STMT_PUT_EVENTS);
    assert_same_columns(AN_STMT_COPY_EVENTS, AN_STMT_MERGE_EVENTS);
    assert_same_columns(AN_STMT_COPY_ENTITIES, AN_STMT_PUT_ENTITIES);
    assert_int_equal(list_of(AN_STMT_COPY_EVENTS, " (").count, AN_EVENT_FIELDS);
    assert_int_equal(list_of(AN_STMT_COPY_ENTITIES, " (").count, AN_ENTITY_FIELDS);
}

static uint32_t type_of(const struct an_buf *array)
{
    const unsigned char *p = (const unsigned char *)array->data + TYPE_AT;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Parameter n of the statement is cast to what columns.c sends. */
static void assert_types(enum an_stmt stmt, const struct an_columns *c)
{
    static const struct {
        enum an_oid oid;
        const char *name;
    } types[] = {{AN_OID_BYTEA, "bytea"}, {AN_OID_TEXT, "text"},               {AN_OID_JSON, "json"},
                 {AN_OID_INET, "inet"},   {AN_OID_TIMESTAMPTZ, "timestamptz"}, {AN_OID_UUID, "uuid"}};
    struct list casts = list_of(stmt, "unnest(");
    assert_int_equal(casts.count, c->fields);
    for (size_t i = 0; i < casts.count; i++) {
        char expected[32] = "";
        for (size_t k = 0; k < AN_COUNT(types); k++)
            if (types[k].oid == type_of(&c->column[i]))
                (void)snprintf(expected, sizeof expected, "$%zu::%s[]", i + 1, types[k].name);
        if (!an_str_is(casts.names[i], expected))
            fail_msg("parameter %zu is %.*s, not %s", i + 1, AN_STR_ARG(casts.names[i]), expected);
    }
}

static void test_types_agree(void **state)
{
    (void)state;
    struct an_columns c;
    an_columns_init(&c);
    an_columns_events(&c);
    assert_types(AN_STMT_PUT_EVENTS, &c);
    assert_types(AN_STMT_MERGE_EVENTS, &c);
    an_columns_entities(&c);
    assert_types(AN_STMT_PUT_ENTITIES, &c);
    an_columns_release(&c);
}

static const unsigned char second[] = {0, 0, 0, 0, 0, 0x0f, 0x42, 0x40}; /* microseconds */
static const unsigned char address[] = {2, 32, 0, 4, 192, 0, 2, 7};
static struct an_entity entity = {.type = AN_STR("entity_type"), .id = AN_STR("entity_id")};

/* Each text says which column it is for. */
static struct an_event labelled(void)
{
    struct an_event ev = {.tenant_id = AN_STR("tenant_id"),
                          .timestamp_us = AN_PG_EPOCH_US + 1000000,
                          .action = AN_STR("action"),
                          .actor_type = AN_STR("actor_type"),
                          .actor_id = AN_STR("actor_id"),
                          .outcome = AN_DENIED,
                          .source_ip = AN_STR("192.0.2.7"),
                          .entities = &entity,
                          .entity_count = 1,
                          .document = AN_STR("{\"document\":1}")};
    memset(ev.id.bytes, 'i', sizeof ev.id.bytes);
    memset(ev.digest, 'd', sizeof ev.digest);
    return ev;
}

static struct an_str expected_of(struct an_str column, const struct an_event *ev)
{
    static const unsigned char epoch[8];
    const struct {
        const char *column;
        struct an_str bytes;
    } odd[] = {{"\"timestamp\"", {(const char *)second, sizeof second}},
               {"received_at", {(const char *)epoch, sizeof epoch}},
               {"id", {(const char *)ev->id.bytes, sizeof ev->id.bytes}},
               {"event_id", {(const char *)ev->id.bytes, sizeof ev->id.bytes}},
               {"outcome", AN_STR("denied")},
               {"source_ip", {(const char *)address, sizeof address}},
               {"digest", {(const char *)ev->digest, sizeof ev->digest}},
               {"document", ev->document}};
    for (size_t i = 0; i < AN_COUNT(odd); i++)
        if (an_str_is(column, odd[i].column))
            return odd[i].bytes;
    return column;
}

static void assert_fields(enum an_stmt stmt, const struct an_buf *tuples, const struct an_event *ev)
{
    struct list columns = list_of(stmt, " (");
    struct an_str rest = {tuples->data, tuples->len};
    an_rows_tuple(&rest);
    for (size_t i = 0; i < columns.count; i++) {
        struct an_str field = an_rows_field(&rest), expected = expected_of(columns.names[i], ev);
        field = (struct an_str){field.data + 4, field.len - 4}; /* its length */
        if (!an_str_equal(field, expected))
            fail_msg("column %.*s has other bytes", AN_STR_ARG(columns.names[i]));
    }
    assert_int_equal(rest.len, 0);
}

static void test_fields_agree(void **state)
{
    (void)state;
    struct an_rows rows;
    an_rows_init(&rows);
    struct an_event ev = labelled();
    an_rows_add(&rows, &ev, AN_PG_EPOCH_US);
    assert_fields(AN_STMT_COPY_EVENTS, &rows.events, &ev);
    assert_fields(AN_STMT_COPY_ENTITIES, &rows.entities, &ev);
    an_rows_release(&rows);
}

/* A worker has 32 of them. */
static void test_a_large_batch_leaves_little(void **state)
{
    (void)state;
    enum { KEPT = 32 << 10 };
    struct an_rows rows;
    an_rows_init(&rows);
    struct an_event ev = labelled();
    for (int i = 0; i < 10000; i++)
        an_rows_add(&rows, &ev, AN_PG_EPOCH_US);
    an_rows_clear(&rows);
    assert_in_range(rows.events.alloc, 0, KEPT);
    assert_in_range(rows.entities.alloc, 0, KEPT);
    assert_in_range(rows.alloc * sizeof *rows.rows, 0, KEPT);
    an_rows_release(&rows);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_statements_agree),
                                              cmocka_unit_test(test_types_agree),
                                              cmocka_unit_test(test_fields_agree),
                                              cmocka_unit_test(test_a_large_batch_leaves_little)};
    return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
