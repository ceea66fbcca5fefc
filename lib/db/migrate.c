/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "db/internal.h"
#include "db/migrate.h"
#include "db/migration_list.h"

#define LIMIT_MS (60 * 60 * INT64_C(1000)) /* one migration */
#define WAIT_MS (60 * INT64_C(1000))       /* for another that is migrating */
#define LOCK_MS INT64_C(2000)              /* for any lock a migration takes */
#define FUNCTIONS "functions"
#define DIGEST_LEN (2 * AN_SHA256_LEN)

/* "0007_name.sql" -> 7 */
static unsigned number_of(const struct an_embedded *file)
{
    int64_t n;
    bool ok = an_parse_i64((struct an_str){file->name, strcspn(file->name, "_")}, 1, 9999, &n);
    return ok ? (unsigned)n : 0;
}

unsigned an_migration_latest(void)
{
    return number_of(&an_migration_files[an_migration_files_count - 1]);
}

static void functions_digest(char out[DIGEST_LEN + 1])
{
    unsigned char digest[AN_SHA256_LEN];
    struct an_sha256 *h = an_sha256_new();
    an_sha256_start(h);
    for (size_t i = 0; i < an_function_files_count; i++)
        an_sha256_add(h, an_function_files[i].data, strlen(an_function_files[i].data) + 1);
    an_sha256_finish(h, digest);
    an_sha256_free(h);
    an_hex_encode(digest, sizeof digest, out);
}

/* When was it applied? *at_us is 0 where it was not. */
static int applied_at(struct an_db *db, unsigned number, int64_t *at_us, struct an_err *err)
{
    struct an_result *res = NULL;
    *at_us = 0;
    int rc = an_db_exec(db, AN_STMT_MIGRATION_TABLE, NULL, 0, &res, err);
    bool any = rc == AN_OK && an_result_true(res, 0, 0);
    an_result_free(res);
    if (!any)
        return rc;
    res = NULL;
    rc = an_db_exec(db, AN_STMT_MIGRATION_LIST, NULL, 0, &res, err);
    for (size_t i = 0; i < an_result_rows(res); i++) {
        int64_t n;
        if (an_result_int(res, i, 0, &n) && n == number && !an_result_int(res, i, 1, at_us))
            rc = an_fail(err, AN_EBACKEND, "db: migration_list: not a time");
    }
    an_result_free(res);
    return rc;
}

/* Are the functions those of this build? No where there are no settings yet. */
static int functions_applied(struct an_db *db, bool *same, struct an_err *err)
{
    int64_t at_us;
    *same = false;
    int rc = applied_at(db, number_of(&an_migration_files[0]), &at_us, err);
    if (rc != AN_OK || at_us == 0)
        return rc;
    struct an_result *res = NULL;
    char digest[DIGEST_LEN + 1];
    functions_digest(digest);
    rc = an_db_exec(db, AN_STMT_FUNCTIONS_DIGEST, NULL, 0, &res, err);
    *same = rc == AN_OK && an_result_rows(res) == 1 && an_str_is(an_result_get(res, 0, 0), digest);
    an_result_free(res);
    return rc;
}

static int describe(struct an_db *db, size_t index, struct an_migration *out, struct an_err *err)
{
    if (index == an_migration_files_count) {
        *out = (struct an_migration){.name = FUNCTIONS};
        return functions_applied(db, &out->applied, err);
    }
    const struct an_embedded *file = &an_migration_files[index];
    *out = (struct an_migration){.number = number_of(file), .name = file->name};
    int64_t at_us;
    int rc = applied_at(db, out->number, &at_us, err);
    out->applied = at_us != 0;
    if (rc == AN_OK && out->applied)
        an_time_format(at_us, out->applied_at);
    return rc;
}

int an_migrate_status(struct an_db *db, struct an_migration *list, size_t room, size_t *count,
                      struct an_err *err)
{
    int rc = AN_OK;
    *count = an_migration_files_count + 1;
    for (size_t i = 0; i < *count && i < room && rc == AN_OK; i++)
        rc = describe(db, i, &list[i], err);
    return rc;
}

int an_migrate_missing(struct an_db *db, size_t *missing, struct an_err *err)
{
    struct an_migration one;
    int rc = AN_OK;
    *missing = 0;
    for (size_t i = 0; i <= an_migration_files_count && rc == AN_OK; i++) {
        rc = describe(db, i, &one, err);
        *missing += rc == AN_OK && !one.applied;
    }
    return rc;
}

static int note_migration(struct an_db *db, const struct an_migration *m, struct an_err *err)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%u", m->number);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(number)), AN_DB_TEXT(an_str(m->name))};
    return an_db_exec(db, AN_STMT_MIGRATION_ADD, params, AN_COUNT(params), NULL, err);
}

static int run_functions(struct an_db *db, struct an_err *err)
{
    char digest[DIGEST_LEN + 1];
    int rc = AN_OK;
    for (size_t i = 0; i < an_function_files_count && rc == AN_OK; i++)
        rc = an_db_script(db, an_function_files[i].name, an_function_files[i].data, err);
    functions_digest(digest);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(digest))};
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_FUNCTIONS_DIGEST_SET, params, AN_COUNT(params), NULL, err);
    return rc;
}

/* Under the lock: is it still missing? Then run it. */
static int apply_locked(struct an_db *db, size_t index, struct an_migration *m, bool *ran,
                        struct an_err *err)
{
    char statement_ms[24], lock_ms[24];
    (void)snprintf(statement_ms, sizeof statement_ms, "%lld", (long long)LIMIT_MS);
    (void)snprintf(lock_ms, sizeof lock_ms, "%lld", (long long)LOCK_MS);
    const struct an_db_param limits[] = {AN_DB_TEXT(an_str(statement_ms)), AN_DB_TEXT(an_str(lock_ms))};
    int rc = an_db_exec(db, AN_STMT_MIGRATION_LOCK, NULL, 0, NULL, err);
    if (rc == AN_OK)
        rc = describe(db, index, m, err);
    *ran = rc == AN_OK && !m->applied;
    if (rc != AN_OK || m->applied)
        return rc;
    rc = an_db_exec(db, AN_STMT_SET_LIMITS, limits, AN_COUNT(limits), NULL, err);
    if (rc != AN_OK)
        return rc;
    if (index == an_migration_files_count)
        return run_functions(db, err);
    rc = an_db_script(db, m->name, an_migration_files[index].data, err);
    return rc == AN_OK ? note_migration(db, m, err) : rc;
}

int an_migrate(struct an_db *db, void (*progress)(const struct an_migration *m, void *arg), void *arg,
               struct an_err *err)
{
    for (size_t i = 0; i <= an_migration_files_count; i++) {
        struct an_migration m;
        bool ran = false;
        int rc = describe(db, i, &m, err);
        if (rc != AN_OK)
            return rc;
        if (m.applied)
            continue;
        rc = an_db_begin_limited(db, LIMIT_MS, WAIT_MS, err);
        if (rc != AN_OK)
            return rc;
        rc = apply_locked(db, i, &m, &ran, err);
        int ended = an_db_end(db, rc == AN_OK, rc == AN_OK ? err : NULL);
        if (rc != AN_OK || ended != AN_OK)
            return rc != AN_OK ? rc : ended;
        if (ran && progress != NULL)
            progress(&m, arg);
    }
    return AN_OK;
}
