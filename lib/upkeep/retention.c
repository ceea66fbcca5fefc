/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "upkeep/retention.h"

/* Columns of retention_list. */
enum { NAME, DAYS };

static int read_classes(struct an_db *directory, struct an_result **out, struct an_err *err)
{
    return an_db_exec(directory, AN_STMT_RETENTION_LIST, NULL, 0, out, err);
}

static int put_classes(const struct an_result *classes, struct an_db *db, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < an_result_rows(classes) && rc == AN_OK; i++) {
        const struct an_db_param params[] = {AN_DB_TEXT(an_result_get(classes, i, NAME)),
                                             AN_DB_TEXT(an_result_get(classes, i, DAYS))};
        rc = an_db_exec(db, AN_STMT_RETENTION_SET, params, AN_COUNT(params), NULL, err);
    }
    return rc;
}

static bool same_days(struct an_str a, struct an_str b)
{
    return a.data == NULL || b.data == NULL ? a.data == b.data : an_str_equal(a, b);
}

static bool same_classes(const struct an_result *a, const struct an_result *b)
{
    if (a == NULL || an_result_rows(a) != an_result_rows(b))
        return false;
    for (size_t i = 0; i < an_result_rows(a); i++)
        if (!an_str_equal(an_result_get(a, i, NAME), an_result_get(b, i, NAME)) ||
            !same_days(an_result_get(a, i, DAYS), an_result_get(b, i, DAYS)))
            return false;
    return true;
}

/* Until what was put is what the directory says afterwards: a change of the operator is made there
 * first, and then on the shards, so that an older one which was put over it shows here. */
int an_retention_copy(struct an_db *directory, struct an_db *db, struct an_err *err)
{
    struct an_result *put = NULL, *now = NULL;
    int rc = read_classes(directory, &now, err);
    while (rc == AN_OK && !same_classes(put, now)) {
        an_result_free(put);
        put = now; /* ours to free from here on */
        now = NULL;
        rc = put_classes(put, db, err);
        if (rc == AN_OK)
            rc = read_classes(directory, &now, err);
    }
    an_result_free(put);
    an_result_free(now);
    return rc;
}

int an_retention_bring(struct an_db *directory, struct an_db *db, struct an_err *err)
{
    int rc = directory == NULL ? AN_OK : an_retention_copy(directory, db, err);
    return rc == AN_OK ? an_db_exec(db, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err) : rc;
}
