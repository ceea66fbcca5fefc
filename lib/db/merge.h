/* SPDX-License-Identifier: Apache-2.0 */
/* The conflict path of an_store_put(): INSERT ... ON CONFLICT DO NOTHING from arrays, in key order, and
 * an outcome for each item. For batches that the normal path, INSERT or COPY, refused. */
#ifndef AN_DB_MERGE_H
#define AN_DB_MERGE_H

#include "an.h"
#include "db/rows.h"

/* What may be wrong with a batch, so that it is looked for. */
enum an_merge_doubts {
    AN_MERGE_PLACES = 1, /* timestamps that no partition takes; without it AN_ENOENT says that there is one */
    AN_MERGE_ROWS = 2    /* events that the database refuses; without it AN_EBACKEND says so */
};

/* doubts: any of an_merge_doubts. Otherwise as an_store_put(). */
int an_merge(struct an_db *db, struct an_rows *r, bool atomic, unsigned doubts, uint64_t *lsn,
             struct an_err *err) AN_MUST_CHECK;

#endif
