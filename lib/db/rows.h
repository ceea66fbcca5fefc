/* SPDX-License-Identifier: Apache-2.0 */
/* Events encoded for PostgreSQL, once: the tuples of binary COPY. A field of a tuple and an element of a
 * binary array are the same bytes, so columns are put together by copying (columns.h). */
#ifndef AN_DB_ROWS_H
#define AN_DB_ROWS_H

#include "an.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/uuid.h"
#include "event/event.h"

/* What an_store_put() made of an event. */
enum an_stored {
    AN_STORED_NEW,       /* committed by this call */
    AN_STORED_DUPLICATE, /* the same event was there already (or earlier in this batch) */
    AN_STORED_CONFLICT,  /* the same identity with another content is there: nothing changed */
    AN_STORED_NO_PLACE,  /* no partition for its timestamp */
    AN_STORED_UNFIT,     /* the database cannot hold its values (text that its encoding lacks) */
    AN_STORED_REFUSED,   /* the database refused it for a reason that the operator has to see; in the log */
    AN_STORED_NOT        /* left out because the batch is atomic and another item failed */
};

/* One item of a batch: what it takes to answer for it. Put into the batch by an_rows_add(). */
struct an_row {
    struct an_uuid id;
    int64_t timestamp_us, received_us; /* received_us: of the first acceptance, for a duplicate */
    unsigned char digest[AN_SHA256_LEN];
    enum an_stored stored;
    uint32_t event_at, event_len, entities_at, entities_len; /* private: its bytes in the two buffers */
};

/* Rows of one or more events of one tenant, ready to be sent. */
struct an_rows {
    struct an_buf events, entities; /* binary COPY tuples, without header and trailer */
    struct an_row *rows;
    size_t count, alloc;
    char tenant[AN_TENANT_MAX + 1];
};

void an_rows_init(struct an_rows *r); /* allocates nothing */
void an_rows_release(struct an_rows *r);
void an_rows_clear(struct an_rows *r); /* keeps up to 100 KiB of memory */
/* Encodes an event; afterwards the event's memory may go. All events of one batch have one tenant. */
void an_rows_add(struct an_rows *r, const struct an_event *ev, int64_t received_us);

/* ---- inside of the bytes: for the store, the combiner and moves ---- */

/* Fields of a tuple; the first is tenant_id in both. */
enum { AN_EVENT_FIELDS = 11, AN_ENTITY_FIELDS = 5 };

/* Takes the start of a tuple, or its next field with the length in front, off our own well-formed bytes. */
void an_rows_tuple(struct an_str *tuples);
struct an_str an_rows_field(struct an_str *tuples) AN_MUST_CHECK;

/* By timestamp, then id: the order in which all writers insert, so that they never wait for each other
 * in a circle. */
int an_rows_compare(const struct an_row *a, const struct an_row *b) AN_MUST_CHECK;

/* All rows in that order, equal ones as they came; free() it. */
struct an_row **an_rows_sorted(const struct an_rows *r) AN_MUST_CHECK;

/* Adds a value with its length in front. */
void an_rows_add_time(struct an_buf *b, int64_t us);
void an_rows_add_uuid(struct an_buf *b, const struct an_uuid *id);

#endif
