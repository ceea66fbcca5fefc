/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/mem.h"
#include "db/array.h"
#include "db/internal.h"
#include "db/merge.h"
#include "db/rows.h"
#include "db/store.h"
#include "log/log.h"
#include "log/metrics.h"

#define IDS_LIMIT ((size_t)4 << 20)
#define WINDOW_FRESH_US INT64_C(5000000)
#define STEPS_BEHIND 4 /* the feed: events, entities, commit, position */

/* Up to here, INSERT from arrays in one round trip beats COPY in three (bench/README.md). */
#define FEW_EVENTS 256
#define FEW_BYTES ((size_t)256 << 10)

/* How the server refuses a role to which row-level security applies: COPY at all (feature_not_supported),
 * INSERT of several tenants at once (insufficient_privilege). The same are said of other things. */
#define SQLSTATE_COPY_REFUSED "0A000"
#define SQLSTATE_ROW_REFUSED "42501"

static int read_position(const struct an_result *res, uint64_t *lsn, struct an_err *err)
{
    int64_t position = 0;
    if (!an_result_int(res, 0, 0, &position))
        return an_fail(err, AN_EBACKEND, "db: wal_position: not a number");
    *lsn = (uint64_t)position;
    an_metric_add(AN_M_COMMITS, 1);
    return AN_OK;
}

int an_store_commit(struct an_db *db, uint64_t *lsn, struct an_err *err)
{
    static const struct an_db_step steps[] = {{.stmt = AN_STMT_COMMIT}, {.stmt = AN_STMT_WAL_POSITION}};
    struct an_result *res = NULL;
    int rc = an_db_commit(db, steps, AN_COUNT(steps), &res, err);
    if (rc == AN_OK)
        rc = read_position(res, lsn, err);
    an_result_free(res);
    return rc;
}

/* What one transaction stores: the rows of one or more requests. */
struct batch {
    struct an_rows *const *parts;
    size_t count, events, event_bytes, entity_bytes;
    struct an_str *tuples;    /* of the events, in key order */
    struct feed_row *feed;    /* one a tenant */
    struct an_db_step *steps; /* that put the feed; room for a few behind them */
    size_t tenants;
};

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

static int batch_feed(struct batch *b, struct an_err *err)
{
    bool fits = true;
    for (size_t i = 0; i < b->count; i++) {
        if (seen_before(b->parts, i))
            continue;
        struct feed_row *f = &b->feed[b->tenants];
        fits = feed_row_fill(f, b->parts, i, b->count) && fits;
        b->steps[b->tenants++] = (struct an_db_step){
            .stmt = AN_STMT_OUTBOX_PUT, .params = f->params, .count = AN_COUNT(f->params)};
    }
    return fits ? AN_OK : an_fail(err, AN_ETOOBIG, "db: too many events in one batch");
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

static int batch_make(struct batch *b, struct an_rows *const *parts, size_t count, struct an_err *err)
{
    *b = (struct batch){.parts = parts, .count = count};
    for (size_t i = 0; i < count; i++) {
        b->events += parts[i]->count;
        b->event_bytes += parts[i]->events.len;
        b->entity_bytes += parts[i]->entities.len;
    }
    b->feed = an_xcalloc(count, sizeof *b->feed);
    b->steps = an_xcalloc(count + STEPS_BEHIND, sizeof *b->steps);
    b->tuples = tuples_in_order(parts, count, b->events);
    return batch_feed(b, err);
}

static void batch_release(struct batch *b)
{
    for (size_t i = 0; i < b->tenants; i++)
        an_buf_release(&b->feed[i].ids);
    free(b->feed);
    free(b->steps);
    free(b->tuples);
}

/* Entities in any order: whoever has the event has its entities to itself. */
static int fill_columns(struct an_db *db, const struct batch *b, struct an_db_param *events,
                        struct an_db_param *entities, struct an_err *err)
{
    an_columns_events(&db->events);
    for (size_t i = 0; i < b->events; i++)
        an_columns_add(&db->events, b->tuples[i]);
    an_columns_entities(&db->entities);
    for (size_t i = 0; i < b->count; i++)
        an_columns_add(&db->entities, (struct an_str){b->parts[i]->entities.data, b->parts[i]->entities.len});
    int rc = an_columns_params(&db->events, events, err);
    return rc == AN_OK ? an_columns_params(&db->entities, entities, err) : rc;
}

/* The whole transaction in one round trip. */
static int put_by_insert(struct an_db *db, const struct batch *b, uint64_t *lsn, struct an_err *err)
{
    struct an_db_param events[AN_EVENT_FIELDS], entities[AN_ENTITY_FIELDS];
    struct an_result *res = NULL;
    int rc = fill_columns(db, b, events, entities, err);
    if (rc == AN_OK) {
        struct an_db_step *end = b->steps + b->tenants;
        *end++ = (struct an_db_step){.stmt = AN_STMT_PUT_EVENTS, .params = events, .count = AN_COUNT(events)};
        if (b->entity_bytes > 0)
            *end++ = (struct an_db_step){
                .stmt = AN_STMT_PUT_ENTITIES, .params = entities, .count = AN_COUNT(entities)};
        end[-1].done = db->stored;
        end[-1].arg = db->stored_arg;
        *end++ = (struct an_db_step){.stmt = AN_STMT_COMMIT};
        *end++ = (struct an_db_step){.stmt = AN_STMT_WAL_POSITION};
        rc = an_db_begin_write(db, an_str(b->parts[0]->tenant), b->steps, (size_t)(end - b->steps), &res,
                               err);
    }
    if (rc == AN_OK)
        rc = read_position(res, lsn, err);
    an_result_free(res);
    an_columns_trim(&db->events);
    an_columns_trim(&db->entities);
    return rc;
}

static int copy_entities(struct an_db *db, const struct batch *b, struct an_err *err)
{
    struct an_str *pieces = an_xcalloc(b->count, sizeof *pieces);
    for (size_t i = 0; i < b->count; i++)
        pieces[i] = (struct an_str){b->parts[i]->entities.data, b->parts[i]->entities.len};
    int rc = an_db_copy(db, AN_STMT_COPY_ENTITIES, pieces, b->count, err);
    free(pieces);
    return rc;
}

static int put_by_copy(struct an_db *db, const struct batch *b, uint64_t *lsn, struct an_err *err)
{
    int rc = an_db_begin_write(db, an_str(b->parts[0]->tenant), b->steps, b->tenants, NULL, err);
    if (rc != AN_OK)
        return rc;
    rc = an_db_copy(db, AN_STMT_COPY_EVENTS, b->tuples, b->events, err);
    if (rc == AN_OK && b->entity_bytes > 0)
        rc = copy_entities(db, b, err);
    if (rc == AN_OK && db->stored != NULL)
        db->stored(db->stored_arg);
    if (rc == AN_OK)
        rc = an_store_commit(db, lsn, err);
    return rc == AN_OK ? AN_OK : an_db_abandon(db, rc, err);
}

/* A right that is missing looks like it: the server is asked what it is. */
static bool refused_by_rls(struct an_db *db)
{
    if (strcmp(db->sqlstate, SQLSTATE_COPY_REFUSED) != 0 && strcmp(db->sqlstate, SQLSTATE_ROW_REFUSED) != 0)
        return false;
    struct an_result *res = NULL;
    bool active = an_db_exec(db, AN_STMT_ROW_SECURITY, NULL, 0, &res, NULL) == AN_OK &&
                  an_result_rows(res) == 1 && an_result_true(res, 0, 0);
    an_result_free(res);
    return active;
}

/* All of it or nothing. AN_ECONFLICT also where row-level security refuses, which is found by trying; what it
 * lets pass is an INSERT for one tenant. */
static int put_whole(struct an_db *db, struct an_rows *const *parts, size_t count, uint64_t *lsn,
                     struct an_err *err)
{
    struct batch b;
    int rc = batch_make(&b, parts, count, err);
    bool few = b.events <= FEW_EVENTS && b.event_bytes + b.entity_bytes <= FEW_BYTES;
    if (rc == AN_OK && db->under_rls && !(few && b.tenants == 1))
        rc = an_fail(err, AN_ECONFLICT, "db: the writer's role has no BYPASSRLS");
    if (rc == AN_OK)
        rc = few ? put_by_insert(db, &b, lsn, err) : put_by_copy(db, &b, lsn, err);
    batch_release(&b);
    if (rc == AN_EBACKEND && refused_by_rls(db)) {
        db->under_rls = true;
        an_log_warn("db", "the writer's role has no BYPASSRLS: events are written in a slower way");
        return an_fail(err, AN_ECONFLICT, "db: the writer's role has no BYPASSRLS");
    }
    for (size_t i = 0; i < count && rc == AN_OK; i++)
        for (size_t k = 0; k < parts[i]->count; k++)
            parts[i]->rows[k].stored = AN_STORED_NEW;
    return rc;
}

/* What a failure makes us doubt of the batch. */
static unsigned doubts_of(const struct an_db *db, int rc)
{
    bool unfit;
    if (rc == AN_ENOENT)
        return AN_MERGE_PLACES;
    return rc == AN_EBACKEND && an_db_blames_rows(db, &unfit) ? AN_MERGE_ROWS : 0;
}

static int put_by_merge(struct an_db *db, struct an_rows *r, bool atomic, unsigned doubts, uint64_t *lsn,
                        struct an_err *err)
{
    an_metric_add(AN_M_CONFLICT_PATH, 1);
    for (;;) {
        int rc = an_merge(db, r, atomic, doubts, lsn, err);
        unsigned more = doubts_of(db, rc) & ~doubts;
        if (rc == AN_OK || more == 0)
            return rc;
        doubts |= more;
    }
}

int an_store_put(struct an_db *db, struct an_rows *r, bool atomic, uint64_t *lsn, struct an_err *err)
{
    *lsn = 0;
    if (r->count == 0)
        return AN_OK;
    if (r->events.overflow || r->entities.overflow)
        return an_fail(err, AN_ETOOBIG, "db: a batch of more than %zu bytes", r->events.limit);
    int rc = put_whole(db, &r, 1, lsn, err);
    unsigned doubts = doubts_of(db, rc);
    return rc == AN_ECONFLICT || doubts != 0 ? put_by_merge(db, r, atomic, doubts, lsn, err) : rc;
}

int an_store_put_all(struct an_db *db, struct an_rows *const *parts, size_t count, uint64_t *lsn,
                     struct an_err *err)
{
    *lsn = 0;
    return put_whole(db, parts, count, lsn, err);
}

bool an_store_shares(const struct an_db *db)
{
    return !db->under_rls;
}

void an_store_tell(struct an_db *db, void (*stored)(void *arg), void *arg)
{
    db->stored = stored;
    db->stored_arg = arg;
}

static int find_window(struct an_db *db, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_PARTITION_PLACES, NULL, 0, &res, err);
    size_t rows = an_result_rows(res);
    if (rc == AN_OK && rows == 0)
        rc = an_fail(err, AN_ENOENT, "db: there is no partition of annals.events: run annals-partition");
    else if (rc == AN_OK && (!an_result_int(res, 0, 0, &db->window_from_us) ||
                             !an_result_int(res, rows - 1, 1, &db->window_to_us)))
        rc = an_fail(err, AN_EBACKEND, "db: partition_places: not a number");
    an_result_free(res);
    return rc;
}

int an_store_window(struct an_db *db, int64_t *from_us, int64_t *to_us, struct an_err *err)
{
    if (an_clock_mono_us() >= db->window_until_us) {
        int rc = find_window(db, err);
        if (rc != AN_OK)
            return rc;
        db->window_until_us = an_clock_mono_us() + WINDOW_FRESH_US;
    }
    *from_us = db->window_from_us;
    *to_us = db->window_to_us;
    return AN_OK;
}
