/* SPDX-License-Identifier: Apache-2.0 */
/* Numbered migrations (sql/migrations/NNNN_name.sql, embedded), each in its own transaction under one
 * advisory lock, and behind them the functions, all in one; safe to repeat and to start twice. See
 * sql/README.md. */
#ifndef AN_DB_MIGRATE_H
#define AN_DB_MIGRATE_H

#include "an.h"
#include "db/db.h"

/* Room for all that a build may have. */
#define AN_MIGRATIONS_MAX 256

struct an_migration {
    unsigned number;  /* 0: the functions, which come last */
    const char *name; /* of the file, or "functions" */
    bool applied;
    char applied_at[32]; /* RFC 3339; empty where it is not applied, and for the functions */
};

/* Number of the newest migration in this build. */
unsigned an_migration_latest(void);
/* Fills up to `room` entries in order; *count is how many there are. */
int an_migrate_status(struct an_db *db, struct an_migration *list, size_t room, size_t *count,
                      struct an_err *err) AN_MUST_CHECK;
/* How many of this build's are not applied. */
int an_migrate_missing(struct an_db *db, size_t *missing, struct an_err *err) AN_MUST_CHECK;
/* Applies what is missing; each one is reported through `progress` after its commit. */
int an_migrate(struct an_db *db, void (*progress)(const struct an_migration *m, void *arg), void *arg,
               struct an_err *err) AN_MUST_CHECK;

#endif
