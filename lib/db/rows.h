/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the encoded rows, for the store and its conflict path, the combiner and moves: a field of a COPY
 * tuple and an element of a binary array are the same bytes, so columns are put together by copying. */
#ifndef AN_DB_ROWS_H
#define AN_DB_ROWS_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/uuid.h"
#include "db/store.h"

/* Fields of a tuple; the first is tenant_id in both. */
enum { AN_EVENT_FIELDS = 11, AN_ENTITY_FIELDS = 5 };

/* Takes the start of a tuple, or its next field with the length in front, off our own well-formed bytes.
 */
void an_rows_tuple(struct an_str *tuples);
struct an_str an_rows_field(struct an_str *tuples) AN_MUST_CHECK;

/* By timestamp, then id: the order in which all writers insert, so that they never wait for each other
 * in a circle. */
int an_rows_compare(const struct an_row *a, const struct an_row *b) AN_MUST_CHECK;

/* Adds a value with its length in front. */
void an_rows_add_time(struct an_buf *b, int64_t us);
void an_rows_add_uuid(struct an_buf *b, const struct an_uuid *id);

#endif
