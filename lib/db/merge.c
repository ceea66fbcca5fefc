/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"
#include "base/mem.h"
#include "db/array.h"
#include "db/columns.h"
#include "db/internal.h"
#include "db/merge.h"
#include "db/rows.h"
#include "log/log.h"
#include "db/store.h"

/* A statement takes so many bytes of tuples, so that the batch is not in memory a second time. */
#define SLICE_BYTES ((size_t)1 << 20)
#define KEYS_LIMIT ((size_t)8 << 20)
/* So many events of a batch may be refused by the database; where there are more, it is not the events. */
#define REFUSED_MAX 100

struct merge {
    struct an_db *db;
    struct an_rows *r;
    struct an_row **order; /* all rows, sorted by key, equal keys in the order sent */
    struct an_row **asked; /* of each key the first, where there is a place for it: what is sent */
    size_t asked_count, refused;
    struct an_columns *columns;
    struct an_buf times, ids; /* arrays of keys */
};

/* Marks what no partition takes. Both lists are sorted by time. */
static int find_places(struct merge *m, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(m->db, AN_STMT_PARTITION_PLACES, NULL, 0, &res, err);
    size_t place = 0, places = an_result_rows(res);
    for (size_t i = 0; i < m->r->count && rc == AN_OK; i++) {
        int64_t at_us = m->order[i]->timestamp_us, from_us = INT64_MAX, to_us = INT64_MIN;
        while (place < places && (!an_result_int(res, place, 1, &to_us) || to_us <= at_us))
            place++;
        if (place == places || !an_result_int(res, place, 0, &from_us) || at_us < from_us)
            m->order[i]->stored = AN_STORED_NO_PLACE;
    }
    an_result_free(res);
    return rc;
}

static int arrange(struct merge *m, unsigned doubts, struct an_err *err)
{
    size_t n = m->r->count;
    m->asked = an_xcalloc(n, sizeof(struct an_row *));
    m->order = an_rows_sorted(m->r);
    for (size_t i = 0; i < n; i++)
        m->order[i]->stored = AN_STORED_NOT;
    int rc = (doubts & AN_MERGE_PLACES) != 0 ? find_places(m, err) : AN_OK;
    for (size_t i = 0; i < n && rc == AN_OK; i++)
        if (m->order[i]->stored != AN_STORED_NO_PLACE &&
            (i == 0 || an_rows_compare(m->order[i - 1], m->order[i]) != 0))
            m->asked[m->asked_count++] = m->order[i];
    return rc;
}

static struct an_str event_bytes(const struct merge *m, const struct an_row *row)
{
    return (struct an_str){m->r->events.data + row->event_at, row->event_len};
}

static struct an_str entity_bytes(const struct merge *m, const struct an_row *row)
{
    return (struct an_str){m->r->entities.data + row->entities_at, row->entities_len};
}

/* Runs the statement on the columns as they are. */
static int insert(struct merge *m, enum an_stmt stmt, struct an_result **out, struct an_err *err)
{
    struct an_db_param params[AN_EVENT_FIELDS];
    int rc = an_columns_params(m->columns, params, err);
    return rc != AN_OK ? rc : an_db_exec_inside(m->db, stmt, params, m->columns->fields, out, err);
}

/* The rows that came back are new. They come in the order sent. */
static int mark_new(struct an_row **sent, size_t count, const struct an_result *res, struct an_err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < an_result_rows(res); i++) {
        struct an_row key = {.stored = AN_STORED_NOT};
        if (!an_result_int(res, i, 0, &key.timestamp_us) ||
            !an_uuid_parse(an_result_get(res, i, 1), &key.id))
            return an_fail(err, AN_EBACKEND, "db: merge_events: not a key");
        while (at < count && an_rows_compare(sent[at], &key) != 0)
            at++;
        if (at == count)
            return an_fail(err, AN_EBACKEND, "db: merge_events: a key that was not sent");
        sent[at]->stored = AN_STORED_NEW;
    }
    return AN_OK;
}

/* What is asked, from `first` until the slice is full. */
static size_t slice_end(const struct merge *m, size_t first)
{
    size_t bytes = 0, next = first;
    for (; next < m->asked_count && bytes < SLICE_BYTES; next++)
        bytes += m->asked[next]->event_len + m->asked[next]->entities_len;
    return next;
}

static int insert_events(struct merge *m, size_t first, size_t next, struct an_err *err)
{
    an_columns_events(m->columns);
    for (size_t i = first; i < next; i++)
        an_columns_add(m->columns, event_bytes(m, m->asked[i]));
    struct an_result *res = NULL;
    int rc = insert(m, AN_STMT_MERGE_EVENTS, &res, err);
    if (rc == AN_OK)
        rc = mark_new(m->asked + first, next - first, res, err);
    an_result_free(res);
    return rc;
}

static int insert_entities(struct merge *m, size_t first, size_t next, struct an_err *err)
{
    an_columns_entities(m->columns);
    for (size_t i = first; i < next; i++)
        if (m->asked[i]->stored == AN_STORED_NEW)
            an_columns_add(m->columns, entity_bytes(m, m->asked[i]));
    return m->columns->rows == 0 ? AN_OK : insert(m, AN_STMT_PUT_ENTITIES, NULL, err);
}

/* Of what is asked, [first, next): the events, and the entities of those that are new. */
static int insert_range(struct merge *m, size_t first, size_t next, struct an_err *err)
{
    int rc = insert_events(m, first, next, err);
    return rc == AN_OK ? insert_entities(m, first, next, err) : rc;
}

static int step(struct merge *m, enum an_stmt stmt, struct an_err *err)
{
    return an_db_exec_inside(m->db, stmt, NULL, 0, NULL, err);
}

/* Undoes [first, next), of which the server said `why`; an event that was alone is the one. */
static int take_back(struct merge *m, size_t first, size_t next, const struct an_err *why, bool unfit,
                     struct an_err *err)
{
    int rc = step(m, AN_STMT_SAVEPOINT_RETURN, err);
    if (rc == AN_OK)
        rc = step(m, AN_STMT_SAVEPOINT_RELEASE, err);
    for (size_t i = first; i < next && rc == AN_OK; i++)
        m->asked[i]->stored = AN_STORED_NOT;
    if (rc != AN_OK || next - first > 1)
        return rc;
    if (++m->refused > REFUSED_MAX)
        return an_fail(err, AN_EBACKEND, "more than %d events refused: %s", REFUSED_MAX, why->text);
    if (m->refused == 1)
        an_log(unfit ? AN_LOG_WARN : AN_LOG_ERROR, "db", "an event of tenant %s is refused: %s", m->r->tenant,
               why->text);
    m->asked[first]->stored = unfit ? AN_STORED_UNFIT : AN_STORED_REFUSED;
    return AN_OK;
}

/* The same by halves, until each event that the server refuses is alone and left out. */
static int insert_by_halves(struct merge *m, size_t first, size_t next, struct an_err *err)
{
    struct an_err why;
    bool unfit;
    int rc = step(m, AN_STMT_SAVEPOINT, err);
    if (rc != AN_OK)
        return rc;
    rc = insert_range(m, first, next, &why);
    if (rc == AN_OK)
        return step(m, AN_STMT_SAVEPOINT_RELEASE, err);
    if (rc != AN_EBACKEND || !an_db_blames_rows(m->db, &unfit))
        return an_fail(err, rc, "%s", why.text);
    rc = take_back(m, first, next, &why, unfit, err);
    if (next - first == 1)
        return rc;
    size_t middle = first + (next - first) / 2;
    if (rc == AN_OK)
        rc = insert_by_halves(m, first, middle, err);
    return rc == AN_OK ? insert_by_halves(m, middle, next, err) : rc;
}

static int insert_all(struct merge *m, bool by_halves, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t first = 0, next; first < m->asked_count && rc == AN_OK; first = next) {
        next = slice_end(m, first);
        rc = by_halves ? insert_by_halves(m, first, next, err) : insert_range(m, first, next, err);
    }
    return rc;
}

/* Keys of the rows with this outcome, as arrays; returns how many. */
static size_t collect_keys(struct merge *m, enum an_stored stored)
{
    size_t count = 0;
    an_array_start(&m->times, AN_OID_TIMESTAMPTZ);
    an_array_start(&m->ids, AN_OID_UUID);
    for (size_t i = 0; i < m->r->count; i++)
        if (m->order[i]->stored == stored) {
            an_rows_add_time(&m->times, m->order[i]->timestamp_us);
            an_rows_add_uuid(&m->ids, &m->order[i]->id);
            count++;
        }
    return count;
}

static bool compare(struct an_row *row, const struct an_result *res, size_t at)
{
    unsigned char digest[AN_SHA256_LEN];
    int64_t received_us;
    if (!an_hex_decode(an_result_get(res, at, 1), digest, sizeof digest) ||
        !an_result_int(res, at, 2, &received_us))
        return false;
    bool same = memcmp(digest, row->digest, sizeof digest) == 0;
    row->stored = same ? AN_STORED_DUPLICATE : AN_STORED_CONFLICT;
    if (same)
        row->received_us = received_us;
    return true;
}

static bool is_bad(enum an_stored stored)
{
    return stored == AN_STORED_CONFLICT || stored == AN_STORED_NO_PLACE || stored == AN_STORED_UNFIT ||
           stored == AN_STORED_REFUSED;
}

/* What came twice shares the fate of the first. */
static void refuse_repeats(struct merge *m)
{
    for (size_t i = 1; i < m->r->count; i++)
        if (is_bad(m->order[i - 1]->stored) && an_rows_compare(m->order[i - 1], m->order[i]) == 0)
            m->order[i]->stored = m->order[i - 1]->stored;
}

/* Whatever was not inserted is there already, or came twice in this batch: with the same content, or
 * with another. */
static int look_up_known(struct merge *m, struct an_err *err)
{
    refuse_repeats(m);
    size_t count = collect_keys(m, AN_STORED_NOT);
    if (count == 0)
        return AN_OK;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(m->r->tenant)),
                                         an_array_finish(&m->times, count),
                                         an_array_finish(&m->ids, count)};
    struct an_result *res = NULL;
    int rc = an_db_exec_inside(m->db, AN_STMT_MERGE_KNOWN, params, AN_COUNT(params), &res, err);
    /* Fewer only where a partition was detached this very moment. */
    if (rc == AN_OK && an_result_rows(res) != count)
        rc = an_fail(err, AN_EAGAIN, "db: merge_known: %zu of %zu events", an_result_rows(res), count);
    for (size_t i = 0, at = 0; i < m->r->count && rc == AN_OK; i++)
        if (m->order[i]->stored == AN_STORED_NOT && !compare(m->order[i], res, at++))
            rc = an_fail(err, AN_EBACKEND, "db: merge_known: not a digest");
    an_result_free(res);
    return rc;
}

/* Of an atomic batch with an item that cannot be stored, nothing is: the others say so. */
static bool spoiled(struct an_rows *r)
{
    size_t bad = 0;
    for (size_t i = 0; i < r->count; i++)
        bad += is_bad(r->rows[i].stored);
    for (size_t i = 0; i < r->count && bad > 0; i++)
        if (!is_bad(r->rows[i].stored))
            r->rows[i].stored = AN_STORED_NOT;
    return bad > 0;
}

/* Where nothing is new, COMMIT must wait for standbys all the same: what was found may be here alone. */
static int add_outbox(struct merge *m, struct an_err *err)
{
    size_t count = collect_keys(m, AN_STORED_NEW);
    if (count == 0)
        return an_db_exec_inside(m->db, AN_STMT_MERGE_NOTHING, NULL, 0, NULL, err);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(m->r->tenant)),
                                         an_array_finish(&m->ids, count)};
    return an_db_exec_inside(m->db, AN_STMT_OUTBOX_ADD, params, AN_COUNT(params), NULL, err);
}

/* Inside the transaction; ends it. */
static int merge_rows(struct merge *m, bool atomic, unsigned doubts, uint64_t *lsn, struct an_err *err)
{
    int rc = insert_all(m, (doubts & AN_MERGE_ROWS) != 0, err);
    if (rc == AN_OK)
        rc = look_up_known(m, err);
    if (rc == AN_OK && atomic && spoiled(m->r))
        return an_db_end(m->db, false, err);
    if (rc == AN_OK)
        rc = add_outbox(m, err);
    if (rc == AN_OK)
        return an_store_commit(m->db, lsn, err);
    return an_db_abandon(m->db, rc, err);
}

/* The lock first: the order of the feed rests on it (docs/design/ingest.md), and so does what is asked
 * behind it: that the tenant lives here, until we end (docs/design/shards.md). */
static int begin(struct merge *m, struct an_err *err)
{
    struct an_str tenant = an_str(m->r->tenant);
    const struct an_db_param params[] = {AN_DB_TEXT(tenant)};
    const struct an_db_step steps[] = {{.stmt = AN_STMT_OUTBOX_LOCK},
                                       {.stmt = AN_STMT_TENANT_HERE,
                                        .params = params,
                                        .count = AN_COUNT(params)}};
    struct an_result *res = NULL;
    int rc = an_db_begin_write(m->db, tenant, steps, AN_COUNT(steps), &res, err);
    bool here = an_result_rows(res) == 1;
    an_result_free(res);
    if (rc != AN_OK || here)
        return rc;
    return an_db_abandon(m->db, an_fail(err, AN_EMOVED, "db: the tenant does not live on this shard"), err);
}

int an_merge(struct an_db *db, struct an_rows *r, bool atomic, unsigned doubts, uint64_t *lsn,
             struct an_err *err)
{
    struct merge m = {.db = db, .r = r, .columns = &db->events};
    an_buf_init(&m.times, KEYS_LIMIT);
    an_buf_init(&m.ids, KEYS_LIMIT);
    int rc = arrange(&m, doubts, err);
    if (rc == AN_OK)
        rc = begin(&m, err);
    if (rc == AN_OK)
        rc = merge_rows(&m, atomic, doubts, lsn, err);
    an_columns_trim(m.columns);
    an_buf_release(&m.times);
    an_buf_release(&m.ids);
    free(m.asked);
    free(m.order);
    return rc;
}
