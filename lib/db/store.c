/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "db/array.h"
#include "db/internal.h"
#include "db/merge.h"
#include "db/rows.h"
#include "db/store.h"
#include "log/log.h"
#include "log/metrics.h"

#define IDS_LIMIT ((size_t)4 << 20)

/* feature_not_supported: COPY into a table whose row-level security applies to the role. */
#define SQLSTATE_COPY_REFUSED "0A000"

int an_store_commit(struct an_db *db, uint64_t *lsn, struct an_err *err)
{
    static const struct an_db_step steps[] = {{.stmt = AN_STMT_COMMIT}, {.stmt = AN_STMT_WAL_POSITION}};
    struct an_result *res = NULL;
    int64_t position = 0;
    int rc = an_db_pipeline(db, steps, AN_COUNT(steps), &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, &position))
        rc = an_fail(err, AN_EBACKEND, "db: wal_position: not a number");
    an_result_free(res);
    *lsn = (uint64_t)position;
    if (rc == AN_OK)
        an_metric_add(AN_M_COMMITS, 1);
    return rc;
}

static int begin_with_outbox(struct an_db *db, const struct an_rows *r, struct an_err *err)
{
    struct an_buf ids;
    an_buf_init(&ids, IDS_LIMIT);
    an_array_start(&ids, AN_OID_UUID);
    for (size_t i = 0; i < r->count; i++)
        an_rows_add_uuid(&ids, &r->rows[i].id);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(r->tenant)), an_array_finish(&ids, r->count)};
    const struct an_db_step outbox = {AN_STMT_OUTBOX_PUT, params, AN_COUNT(params)};
    int rc = ids.overflow ? an_fail(err, AN_ETOOBIG, "db: %zu events in one batch", r->count)
                          : an_db_begin_write(db, an_str(r->tenant), &outbox, err);
    an_buf_release(&ids);
    return rc;
}

static int put_by_copy(struct an_db *db, struct an_rows *r, uint64_t *lsn, struct an_err *err)
{
    const struct an_str events = {r->events.data, r->events.len};
    const struct an_str entities = {r->entities.data, r->entities.len};
    int rc = begin_with_outbox(db, r, err);
    if (rc != AN_OK)
        return rc;
    rc = an_db_copy(db, AN_STMT_COPY_EVENTS, &events, 1, err);
    if (rc == AN_OK && entities.len > 0)
        rc = an_db_copy(db, AN_STMT_COPY_ENTITIES, &entities, 1, err);
    if (rc == AN_OK)
        return an_store_commit(db, lsn, err);
    if (strcmp(db->sqlstate, SQLSTATE_COPY_REFUSED) == 0) {
        db->copy_refused = true;
        an_log_warn("db", "the writer's role has no BYPASSRLS: events are written by INSERT, which is slower");
    }
    (void)an_db_end(db, false, NULL);
    return rc;
}

static int put_by_merge(struct an_db *db, struct an_rows *r, bool atomic, bool look_for_place, uint64_t *lsn,
                        struct an_err *err)
{
    an_metric_add(AN_M_STAGED, 1);
    int rc = an_merge(db, r, atomic, look_for_place, lsn, err);
    if (rc == AN_ENOENT && !look_for_place)
        rc = an_merge(db, r, atomic, true, lsn, err);
    return rc;
}

static int put(struct an_db *db, struct an_rows *r, bool atomic, uint64_t *lsn, struct an_err *err)
{
    if (db->copy_refused)
        return put_by_merge(db, r, atomic, false, lsn, err);
    int rc = put_by_copy(db, r, lsn, err);
    if (rc == AN_ECONFLICT || rc == AN_ENOENT || (rc != AN_OK && db->copy_refused))
        return put_by_merge(db, r, atomic, rc == AN_ENOENT, lsn, err);
    for (size_t i = 0; i < r->count && rc == AN_OK; i++)
        r->rows[i].stored = AN_STORED_NEW;
    return rc;
}

int an_store_put(struct an_db *db, struct an_rows *r, bool atomic, uint64_t *lsn, struct an_err *err)
{
    *lsn = 0;
    if (r->count == 0)
        return AN_OK;
    if (r->events.overflow || r->entities.overflow)
        return an_fail(err, AN_ETOOBIG, "db: a batch of more than %zu bytes", r->events.limit);
    int64_t started_us = an_clock_mono_us();
    int rc = put(db, r, atomic, lsn, err);
    if (rc == AN_OK)
        an_histogram_add(AN_H_COMMIT_SECONDS, an_clock_mono_us() - started_us);
    return rc;
}

/* AN_ENOENT: not known. */
static int find_tenant(struct an_db *db, struct an_str tenant, struct an_err *err)
{
    struct an_result *res = NULL;
    const struct an_db_param params[] = {AN_DB_TEXT(tenant)};
    int rc = an_db_exec(db, AN_STMT_TENANT_FIND, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_ENOENT, "tenant is not known");
    else if (rc == AN_OK && an_str_is(an_result_get(res, 0, 0), "t"))
        rc = an_fail(err, AN_EDENIED, "tenant is suspended");
    an_result_free(res);
    return rc;
}

int an_store_tenant(struct an_db *db, struct an_str tenant, bool auto_create, struct an_err *err)
{
    if (an_tenants_has(&db->known, tenant))
        return AN_OK;
    int rc = find_tenant(db, tenant, err);
    if (rc == AN_ENOENT && !auto_create)
        return an_fail(err, AN_EDENIED, "tenant is not known, and tenants.auto_create is off");
    if (rc == AN_ENOENT) {
        const struct an_db_param params[] = {AN_DB_TEXT(tenant), AN_DB_TEXT(AN_STR(""))};
        rc = an_db_exec(db, AN_STMT_TENANT_ADD, params, AN_COUNT(params), NULL, err);
    }
    if (rc == AN_OK)
        an_tenants_add(&db->known, tenant);
    return rc;
}

int an_store_window(struct an_db *db, int64_t *from_us, int64_t *to_us, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_PARTITION_PLACES, NULL, 0, &res, err);
    size_t rows = an_result_rows(res);
    if (rc == AN_OK && rows == 0)
        rc = an_fail(err, AN_ENOENT, "db: there is no partition of annals.events: run annals-partition");
    else if (rc == AN_OK && (!an_result_int(res, 0, 0, from_us) || !an_result_int(res, rows - 1, 1, to_us)))
        rc = an_fail(err, AN_EBACKEND, "db: partition_places: not a number");
    an_result_free(res);
    return rc;
}
