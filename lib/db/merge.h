/* SPDX-License-Identifier: Apache-2.0 */
/* The conflict path of an_store_put(): INSERT ... ON CONFLICT DO NOTHING from arrays, in key order, and
 * an outcome for each item. For batches that the normal path, INSERT or COPY, refused. */
#ifndef AN_DB_MERGE_H
#define AN_DB_MERGE_H

#include "an.h"
#include "db/rows.h"

/* look_for_place: the batch may hold timestamps that no partition takes; find them first. Without it,
 * AN_ENOENT says that there is one. Otherwise as an_store_put(). */
int an_merge(struct an_db *db, struct an_rows *r, bool atomic, bool look_for_place, uint64_t *lsn,
             struct an_err *err) AN_MUST_CHECK;

#endif
