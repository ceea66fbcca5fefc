/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
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

/* A row of the outbox: the ids of all parts of one tenant. */
struct feed_row {
    struct an_buf ids;
    struct an_db_param params[2];
};

static bool same_tenant(const struct an_rows *a, const struct an_rows *b)
{
    return strcmp(a->tenant, b->tenant) == 0;
}

static bool seen_before(struct an_rows *const *parts, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_tenant(parts[i], parts[at]))
            return true;
    return false;
}

/* Gathers what parts[first] and the later parts of its tenant hold; false where that is too much. */
static bool feed_row_fill(struct feed_row *f, struct an_rows *const *parts, size_t first, size_t count)
{
    size_t events = 0;
    an_buf_init(&f->ids, IDS_LIMIT);
    an_array_start(&f->ids, AN_OID_UUID);
    for (size_t i = first; i < count; i++) {
        const struct an_rows *r = parts[i];
        if (!same_tenant(r, parts[first]))
            continue;
        for (size_t k = 0; k < r->count; k++)
            an_rows_add_uuid(&f->ids, &r->rows[k].id);
        events += r->count;
    }
    f->params[0] = AN_DB_TEXT(an_str(parts[first]->tenant));
    f->params[1] = an_array_finish(&f->ids, events);
    return !f->ids.overflow;
}

static int begin_with_outbox(struct an_db *db, struct an_rows *const *parts, size_t count,
                             struct an_err *err)
{
    struct feed_row *feed = an_xcalloc(count, sizeof *feed);
    struct an_db_step *steps = an_xcalloc(count, sizeof *steps);
    size_t tenants = 0;
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        if (seen_before(parts, i))
            continue;
        struct feed_row *f = &feed[tenants];
        fits = feed_row_fill(f, parts, i, count) && fits;
        steps[tenants++] = (struct an_db_step){AN_STMT_OUTBOX_PUT, f->params, AN_COUNT(f->params)};
    }
    int rc = fits ? an_db_begin_write(db, an_str(parts[0]->tenant), steps, tenants, err)
                  : an_fail(err, AN_ETOOBIG, "db: too many events in one batch");
    for (size_t i = 0; i < tenants; i++)
        an_buf_release(&feed[i].ids);
    free(feed);
    free(steps);
    return rc;
}

/* An event and its bytes. */
struct placed {
    const struct an_row *row;
    struct an_str tuple;
};

static int compare_placed(const void *x, const void *y)
{
    return an_rows_compare(((const struct placed *)x)->row, ((const struct placed *)y)->row);
}

/* Tuples of all events in key order, as all writers send them: two with the same events then never wait
 * for each other in a circle. free() it. */
static struct an_str *tuples_in_order(struct an_rows *const *parts, size_t count, size_t events)
{
    struct placed *list = an_xcalloc(events, sizeof *list);
    struct an_str *tuples = an_xcalloc(events, sizeof *tuples);
    size_t n = 0;
    bool sorted = true;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i]->count; k++, n++) {
            const struct an_row *row = &parts[i]->rows[k];
            list[n] = (struct placed){row, {parts[i]->events.data + row->event_at, row->event_len}};
            sorted = sorted && (n == 0 || compare_placed(&list[n - 1], &list[n]) <= 0);
        }
    if (!sorted)
        qsort(list, n, sizeof *list, compare_placed);
    for (size_t i = 0; i < n; i++)
        tuples[i] = list[i].tuple;
    free(list);
    return tuples;
}

static int copy_events(struct an_db *db, struct an_rows *const *parts, size_t count, struct an_err *err)
{
    size_t events = 0;
    for (size_t i = 0; i < count; i++)
        events += parts[i]->count;
    struct an_str *tuples = tuples_in_order(parts, count, events);
    int rc = an_db_copy(db, AN_STMT_COPY_EVENTS, tuples, events, err);
    free(tuples);
    return rc;
}

/* In any order: whoever has the event has its entities to itself. */
static int copy_entities(struct an_db *db, struct an_rows *const *parts, size_t count,
                         struct an_err *err)
{
    struct an_str *pieces = an_xcalloc(count, sizeof *pieces);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        pieces[i] = (struct an_str){parts[i]->entities.data, parts[i]->entities.len};
        bytes += pieces[i].len;
    }
    int rc = bytes == 0 ? AN_OK : an_db_copy(db, AN_STMT_COPY_ENTITIES, pieces, count, err);
    free(pieces);
    return rc;
}

static int put_by_copy(struct an_db *db, struct an_rows *const *parts, size_t count, uint64_t *lsn,
                       struct an_err *err)
{
    int rc = begin_with_outbox(db, parts, count, err);
    if (rc != AN_OK)
        return rc;
    rc = copy_events(db, parts, count, err);
    if (rc == AN_OK)
        rc = copy_entities(db, parts, count, err);
    if (rc == AN_OK)
        rc = an_store_commit(db, lsn, err);
    else if (strcmp(db->sqlstate, SQLSTATE_COPY_REFUSED) == 0) {
        db->copy_refused = true;
        an_log_warn("db",
                    "the writer's role has no BYPASSRLS: events are written by INSERT, which is slower");
    }
    if (rc != AN_OK)
        return an_db_abandon(db, rc, err);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i]->count; k++)
            parts[i]->rows[k].stored = AN_STORED_NEW;
    return AN_OK;
}

static int put_by_merge(struct an_db *db, struct an_rows *r, bool atomic, bool look_for_place,
                        uint64_t *lsn, struct an_err *err)
{
    an_metric_add(AN_M_STAGED, 1);
    int rc = an_merge(db, r, atomic, look_for_place, lsn, err);
    if (rc == AN_ENOENT && !look_for_place)
        rc = an_merge(db, r, atomic, true, lsn, err);
    return rc;
}

int an_store_put(struct an_db *db, struct an_rows *r, bool atomic, uint64_t *lsn, struct an_err *err)
{
    *lsn = 0;
    if (r->count == 0)
        return AN_OK;
    if (r->events.overflow || r->entities.overflow)
        return an_fail(err, AN_ETOOBIG, "db: a batch of more than %zu bytes", r->events.limit);
    if (db->copy_refused)
        return put_by_merge(db, r, atomic, false, lsn, err);
    int rc = put_by_copy(db, &r, 1, lsn, err);
    if (rc == AN_ECONFLICT || rc == AN_ENOENT || (rc == AN_EBACKEND && db->copy_refused))
        return put_by_merge(db, r, atomic, rc == AN_ENOENT, lsn, err);
    return rc;
}

int an_store_put_all(struct an_db *db, struct an_rows *const *parts, size_t count, uint64_t *lsn,
                     struct an_err *err)
{
    *lsn = 0;
    if (db->copy_refused)
        return an_fail(err, AN_ECONFLICT, "db: the writer's role cannot COPY");
    return put_by_copy(db, parts, count, lsn, err);
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
    else if (rc == AN_OK &&
             (!an_result_int(res, 0, 0, from_us) || !an_result_int(res, rows - 1, 1, to_us)))
        rc = an_fail(err, AN_EBACKEND, "db: partition_places: not a number");
    an_result_free(res);
    return rc;
}
