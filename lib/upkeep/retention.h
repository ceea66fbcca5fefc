/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of retention. Those of the directory count; every shard has a copy, beside what its tenants'
 * searches may see: docs/design/partitions.md. */
#ifndef AN_UPKEEP_RETENTION_H
#define AN_UPKEEP_RETENTION_H

#include "an.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/db.h"

/* Makes the classes of a shard those of the directory, and what its tenants see follow; db: of AN_DB_JOB,
 * on the shard;
 * home: it is the directory's own. May be repeated, also while classes change. */
int an_retention_bring(const struct an_conf *c, struct an_db *db, bool home,
                       struct an_err *err) AN_MUST_CHECK;

#endif
