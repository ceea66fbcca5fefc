/* SPDX-License-Identifier: Apache-2.0 */
/* Encoded rows as columns: the array parameters of INSERT ... SELECT FROM unnest(...). A field of a COPY
 * tuple and an element of a binary array are the same bytes, so a column is put together by copying. */
#ifndef AN_DB_COLUMNS_H
#define AN_DB_COLUMNS_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"
#include "db/db.h"
#include "db/rows.h"

struct an_columns {
    struct an_buf column[AN_EVENT_FIELDS];
    size_t fields, rows;
};

void an_columns_init(struct an_columns *c); /* allocates nothing */
void an_columns_release(struct an_columns *c);
void an_columns_trim(struct an_columns *c); /* empties it, keeps a little memory */

/* Empties it and begins with the columns of copy_events.sql, or of copy_entities.sql. */
void an_columns_events(struct an_columns *c);
void an_columns_entities(struct an_columns *c);

/* Any number of tuples of that table, one behind the other. */
void an_columns_add(struct an_columns *c, struct an_str tuples);

/* Fills params[0 .. c->fields), which borrow c. AN_ETOOBIG: a column over 8 MiB. */
int an_columns_params(struct an_columns *c, struct an_db_param *params, struct an_err *err) AN_MUST_CHECK;

#endif
