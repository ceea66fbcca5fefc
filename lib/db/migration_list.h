/* SPDX-License-Identifier: Apache-2.0 */
/* sql/migrations and sql/functions as they were built in. */
#ifndef AN_DB_MIGRATION_LIST_H
#define AN_DB_MIGRATION_LIST_H

#include "an.h"
#include "base/embedded.h"

extern const struct an_embedded an_migration_files[], an_function_files[];
extern const size_t an_migration_files_count, an_function_files_count;

#endif
