/* SPDX-License-Identifier: Apache-2.0 */
/* Events into PostgreSQL: one transaction for events, entities and outbox, of rows that were encoded once
 * (rows.h).
 *
 * The transaction inserts its outbox rows first (one a tenant; the feed's order rests on it), then
 * INSERTs or COPYs events and entities. A unique violation, a missing partition, or a role that cannot
 * bypass row-level security redoes it by INSERT from arrays, where each item gets its own outcome. See
 * docs/design/ingest.md. */
#ifndef AN_DB_STORE_H
#define AN_DB_STORE_H

#include "an.h"
#include "base/err.h"
#include "db/db.h"
#include "db/rows.h"

/* Commits the batch on the writer's connection. AN_OK: every item has its outcome in rows[].stored, and
 * what is NEW is durable. AN_EMOVED: nothing was stored, for the tenant does not live in this database (any
 * more). Anything else: the outcome is unknown, the same batch may be put again (ids make it safe for keyed
 * events).
 * atomic: where one item would be none of NEW and DUPLICATE, nothing is stored and the others are NOT.
 * *lsn: WAL position after the commit, for the write token; 0 where an atomic batch was refused. */
int an_store_put(struct an_db *db, struct an_rows *r, bool atomic, uint64_t *lsn,
                 struct an_err *err) AN_MUST_CHECK;

/* Several requests, also of several tenants, in one transaction: all are NEW, or nothing
 * is stored and the code tells why. AN_ECONFLICT, AN_ENOENT: one of them needs an_store_put().
 * AN_EMOVED: one of the tenants does not live here. */
int an_store_put_all(struct an_db *db, struct an_rows *const *parts, size_t count, uint64_t *lsn,
                     struct an_err *err) AN_MUST_CHECK;

/* May requests of several tenants share a transaction? False where row-level security is known to apply to
 * the writer's role: an_store_put_all() of them then fails at once, with AN_ECONFLICT. */
bool an_store_shares(const struct an_db *db) AN_MUST_CHECK;

/* While it is set, `stored` is told of each batch that both put whose rows are all in, so that only the
 * commit is left, which may yet fail. The slow way round a duplicate tells nobody. NULL: the end of it. */
void an_store_tell(struct an_db *db, void (*stored)(void *arg), void *arg);

/* The end of a transaction that stores: COMMIT and the WAL position behind it, in one round trip. */
int an_store_commit(struct an_db *db, uint64_t *lsn, struct an_err *err) AN_MUST_CHECK;

/* What an_store_put() accepts: first and last instant that have a partition. Remembered for five
 * seconds, for it is asked by every batch that was sent for the wrong time. */
int an_store_window(struct an_db *db, int64_t *from_us, int64_t *to_us,
                    struct an_err *err) AN_MUST_CHECK;

#endif
