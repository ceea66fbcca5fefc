/* SPDX-License-Identifier: Apache-2.0 */
/* The steps by which a partition goes, or comes back: docs/design/partitions.md. Each may be stopped at
 * any point and repeated; none makes writers wait. AN_EAGAIN: a lock could not be had in
 * partition.retries tries. */
#ifndef AN_UPKEEP_PARTITION_REMOVE_H
#define AN_UPKEEP_PARTITION_REMOVE_H

#include "an.h"
#include "upkeep/partition.h"

/* Keeps other rounds from taking partitions away, until the connection is closed. keeper: one of
 * AN_DB_KEEPER that no pooler shares. What was decided before is to be decided again. */
int an_partition_claim(struct an_db *keeper, const struct an_conf *c, struct an_err *err) AN_MUST_CHECK;
/* Makes it a table of its own: no statement sees it any more, and no event can come into it. Finishes
 * what was interrupted, and does nothing where it is detached. While one of a table is interrupted,
 * PostgreSQL detaches no other of it. */
int an_partition_detach(struct an_db *db, struct an_db *keeper, const struct an_conf *c,
                        const struct an_partition *p, struct an_err *err) AN_MUST_CHECK;
/* Drops what was detached. *dropped is false where a legal hold came in the meantime. */
int an_partition_drop(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                      bool *dropped, struct an_err *err) AN_MUST_CHECK;
/* Puts what was detached back into its table. */
int an_partition_attach(struct an_db *db, const struct an_conf *c, const struct an_partition *p,
                        struct an_err *err) AN_MUST_CHECK;

#endif
