/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's binary format, and one-dimensional arrays in it, as parameters. */
#ifndef AN_DB_ARRAY_H
#define AN_DB_ARRAY_H

#include "an.h"
#include "base/buf.h"
#include "db/db.h"

/* Types by their number in the server's catalogue, which never changes. */
enum an_oid {
    AN_OID_BYTEA = 17,
    AN_OID_TEXT = 25,
    AN_OID_JSON = 114,
    AN_OID_INET = 869,
    AN_OID_TIMESTAMPTZ = 1184,
    AN_OID_UUID = 2950
};

/* Where its clock begins, in microseconds of ours: 2000-01-01. */
#define AN_PG_EPOCH_US INT64_C(946684800000000)

/* Empties b and begins an array; its elements follow, each as length (-1: NULL) and bytes. */
void an_array_start(struct an_buf *b, enum an_oid type);
/* Says how many elements there are. The parameter borrows b. */
struct an_db_param an_array_finish(struct an_buf *b, size_t count) AN_MUST_CHECK;

#endif
