/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/array.h"
#include "db/columns.h"

#define COLUMN_LIMIT ((size_t)8 << 20)
#define COLUMN_KEEP ((size_t)64 << 10)

void an_columns_init(struct an_columns *c)
{
    for (size_t i = 0; i < AN_COUNT(c->column); i++)
        an_buf_init(&c->column[i], COLUMN_LIMIT);
    c->fields = c->rows = 0;
}

void an_columns_release(struct an_columns *c)
{
    for (size_t i = 0; i < AN_COUNT(c->column); i++)
        an_buf_release(&c->column[i]);
}

void an_columns_trim(struct an_columns *c)
{
    for (size_t i = 0; i < AN_COUNT(c->column); i++) {
        an_buf_clear(&c->column[i]);
        an_buf_trim(&c->column[i], COLUMN_KEEP);
    }
}

static void start(struct an_columns *c, const enum an_oid *types, size_t fields)
{
    c->fields = fields;
    c->rows = 0;
    for (size_t i = 0; i < fields; i++)
        an_array_start(&c->column[i], types[i]);
}

void an_columns_events(struct an_columns *c)
{
    static const enum an_oid types[AN_EVENT_FIELDS] = {
        AN_OID_TEXT, AN_OID_TIMESTAMPTZ, AN_OID_UUID, AN_OID_TIMESTAMPTZ, AN_OID_TEXT, AN_OID_TEXT,
        AN_OID_TEXT, AN_OID_TEXT,        AN_OID_INET, AN_OID_BYTEA,       AN_OID_JSON};
    start(c, types, AN_EVENT_FIELDS);
}

void an_columns_entities(struct an_columns *c)
{
    static const enum an_oid types[AN_ENTITY_FIELDS] = {AN_OID_TEXT, AN_OID_TIMESTAMPTZ, AN_OID_UUID,
                                                        AN_OID_TEXT, AN_OID_TEXT};
    start(c, types, AN_ENTITY_FIELDS);
}

void an_columns_add(struct an_columns *c, struct an_str tuples)
{
    for (; tuples.len > 0; c->rows++) {
        an_rows_tuple(&tuples);
        for (size_t i = 0; i < c->fields; i++) {
            struct an_str field = an_rows_field(&tuples);
            (void)an_buf_add(&c->column[i], field.data, field.len);
        }
    }
}

int an_columns_params(struct an_columns *c, struct an_db_param *params, struct an_err *err)
{
    for (size_t i = 0; i < c->fields; i++) {
        if (c->column[i].overflow)
            return an_fail(err, AN_ETOOBIG, "db: an event of more than %zu bytes", c->column[i].limit);
        params[i] = an_array_finish(&c->column[i], c->rows);
    }
    return AN_OK;
}
