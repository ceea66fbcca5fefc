/* SPDX-License-Identifier: Apache-2.0 */
/* Events into PostgreSQL: rows encoded once (binary COPY), one transaction for events, entities and
 * outbox.
 *
 * The transaction inserts its outbox rows first (one a tenant; the feed's order rests on it), then
 * INSERTs or COPYs events and entities. A unique violation, a missing partition, or a role that cannot
 * bypass row-level security redoes it by INSERT from arrays, where each item gets its own outcome. See
 * docs/design/ingest.md. */
#ifndef AN_DB_STORE_H
#define AN_DB_STORE_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"
#include "db/db.h"
#include "event/event.h"

enum an_stored {
    AN_STORED_NEW,       /* committed by this call */
    AN_STORED_DUPLICATE, /* the same event was there already (or earlier in this batch) */
    AN_STORED_CONFLICT,  /* the same identity with another content is there: nothing changed */
    AN_STORED_NO_PLACE,  /* no partition for its timestamp */
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

/* Commits the batch on the writer's connection. AN_OK: every item has its outcome in rows[].stored, and
 * what is NEW is durable. AN_EMOVED: nothing was stored, for the tenant does not live in this database (any
 * more). Anything else: the outcome is unknown, the same batch may be put again (ids make it safe for keyed
 * events).
 * atomic: where one item would be a CONFLICT or NO_PLACE, nothing is stored and the others are NOT.
 * *lsn: WAL position after the commit, for the write token; 0 where an atomic batch was refused. */
int an_store_put(struct an_db *db, struct an_rows *r, bool atomic, uint64_t *lsn,
                 struct an_err *err) AN_MUST_CHECK;

/* Several requests, also of several tenants, in one transaction: all are NEW, or nothing
 * is stored and the code tells why. AN_ECONFLICT, AN_ENOENT: one of them needs an_store_put().
 * AN_EMOVED: one of the tenants does not live here. */
int an_store_put_all(struct an_db *db, struct an_rows *const *parts, size_t count, uint64_t *lsn,
                     struct an_err *err) AN_MUST_CHECK;

/* While it is set, `stored` is told of each batch that both put whose rows are all in, so that only the
 * commit is left, which may yet fail. The slow way round a duplicate tells nobody. NULL: the end of it. */
void an_store_tell(struct an_db *db, void (*stored)(void *arg), void *arg);

/* What an_store_put() accepts: first and last instant that have a partition. Remembered for five
 * seconds, for it is asked by every batch that was sent for the wrong time. */
int an_store_window(struct an_db *db, int64_t *from_us, int64_t *to_us,
                    struct an_err *err) AN_MUST_CHECK;

#endif
