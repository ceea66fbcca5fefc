/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of retention. Those of the directory count; every shard has a copy, beside what its tenants'
 * searches may see: docs/design/partitions.md. */
#ifndef AN_UPKEEP_RETENTION_H
#define AN_UPKEEP_RETENTION_H

#include "an.h"
#include "base/err.h"
#include "db/db.h"

/* Makes the classes of a shard those of the directory. Both connections are of AN_DB_JOB. May be repeated,
 * also while classes change. */
int an_retention_copy(struct an_db *directory, struct an_db *db, struct an_err *err) AN_MUST_CHECK;
/* The same, and what its tenants see follows. directory NULL: the shard is the directory. */
int an_retention_bring(struct an_db *directory, struct an_db *db, struct an_err *err) AN_MUST_CHECK;

#endif
