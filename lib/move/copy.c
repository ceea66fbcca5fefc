/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "db/array.h"
#include "db/rows.h"
#include "log/log.h"
#include "move/parts.h"

/* A batch: one transaction on each side. */
#define BATCH_ROWS  1000
#define BATCH_BYTES 4194304
/* What a statement of the slow path takes, so that no array grows too large. */
#define SLICE_BYTES ((size_t)1 << 20)

/* How the server refuses COPY to a role under row-level security. */
#define SQLSTATE_COPY_REFUSED "0A000"

/* Of copy_events. */
enum { TIMESTAMP = 1, ID = 2, DOCUMENT = 10 };

/* ---- reading ---- */

/* Rows in the binary format are the fields of COPY's tuples. */
static void add_tuples(struct an_buf *out, const struct an_result *res, size_t fields)
{
    for (size_t i = 0; i < an_result_rows(res); i++) {
        (void)an_buf_add_u16(out, (uint16_t)fields);
        for (size_t k = 0; k < fields; k++) {
            struct an_str v = an_result_get(res, i, k);
            (void)an_buf_add_u32(out, v.data == NULL ? UINT32_MAX : (uint32_t)v.len);
            (void)an_buf_add(out, v.data, v.len);
        }
    }
}

static void add_key(struct an_move *m, const struct an_move_key *key)
{
    an_rows_add_time(&m->times, key->us);
    an_rows_add_uuid(&m->ids, &key->id);
}

/* Takes the events of a batch; *last is the key of the last one. */
static int take_events(struct an_move *m, const struct an_result *res, struct an_move_key *last,
                       struct an_err *err)
{
    an_buf_clear(&m->events);
    an_array_start(&m->times, AN_OID_TIMESTAMPTZ);
    an_array_start(&m->ids, AN_OID_UUID);
    m->rows = an_result_rows(res);
    for (size_t i = 0; i < m->rows; i++) {
        if (!an_result_time(res, i, TIMESTAMP, &last->us) || !an_result_uuid(res, i, ID, &last->id))
            return an_fail(err, AN_EBACKEND, "db: move_events: not a key");
        if (an_result_get(res, i, DOCUMENT).data == NULL)
            return an_fail(err, AN_EBACKEND,
                           "an event has its document outside of the database: this move cannot take it");
        add_key(m, last);
    }
    add_tuples(&m->events, res, AN_EVENT_FIELDS);
    return AN_OK;
}

/* The parameters of statements about the batch. */
static void keys_of(struct an_move *m, struct an_db_param params[3])
{
    params[0] = an_move_tenant(m);
    params[1] = an_array_finish(&m->times, m->rows);
    params[2] = an_array_finish(&m->ids, m->rows);
}

static int take_entities(struct an_move *m, struct an_err *err)
{
    struct an_db_param params[3];
    keys_of(m, params);
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_ENTITIES, .params = params, .count = AN_COUNT(params), .binary = true};
    struct an_result *res = NULL;
    int rc = an_move_query(m, m->source, &step, &res, err);
    an_buf_clear(&m->entities);
    if (rc == AN_OK)
        add_tuples(&m->entities, res, AN_ENTITY_FIELDS);
    an_result_free(res);
    return rc;
}

/* ---- writing ---- */

static int begin(struct an_move *m, struct an_err *err)
{
    const struct an_db_step none = {.stmt = AN_STMT_COMMIT};
    return an_db_begin_write(m->target_writer, an_str(m->s.tenant), &none, 0, NULL, err);
}

static int put_by_copy(struct an_move *m, struct an_err *err)
{
    struct an_db *db = m->target_writer;
    struct an_str events = {m->events.data, m->events.len}, entities = {m->entities.data, m->entities.len};
    int rc = begin(m, err);
    if (rc != AN_OK)
        return rc;
    rc = an_db_copy(db, AN_STMT_COPY_EVENTS, &events, 1, err);
    if (rc == AN_OK && entities.len > 0)
        rc = an_db_copy(db, AN_STMT_COPY_ENTITIES, &entities, 1, err);
    return rc == AN_OK ? an_db_end(db, true, err) : an_db_abandon(db, rc, err);
}

/* Takes a slice of whole tuples off the front. */
static struct an_str take_slice(struct an_str *tuples, size_t fields)
{
    struct an_str slice = {.data = tuples->data};
    while (tuples->len > 0 && slice.len < SLICE_BYTES) {
        an_rows_tuple(tuples);
        slice.len += 2;
        for (size_t i = 0; i < fields; i++)
            slice.len += an_rows_field(tuples).len;
    }
    return slice;
}

/* *added: rows that were not there, where the statement tells. */
static int merge(struct an_move *m, enum an_stmt stmt, const struct an_buf *tuples, size_t *added,
                 struct an_err *err)
{
    struct an_columns *c = &m->columns;
    struct an_str rest = {tuples->data, tuples->len};
    struct an_db_param params[AN_EVENT_FIELDS];
    size_t fields = stmt == AN_STMT_MERGE_EVENTS ? AN_EVENT_FIELDS : AN_ENTITY_FIELDS;
    int rc = AN_OK;
    for (*added = 0; rest.len > 0 && rc == AN_OK;) {
        struct an_result *res = NULL;
        if (stmt == AN_STMT_MERGE_EVENTS)
            an_columns_events(c);
        else
            an_columns_entities(c);
        an_columns_add(c, take_slice(&rest, fields));
        rc = an_columns_params(c, params, err);
        if (rc == AN_OK)
            rc = an_db_exec(m->target_writer, stmt, params, fields, &res, err);
        *added += an_result_rows(res);
        an_result_free(res);
    }
    an_columns_trim(c);
    return rc;
}

/* For what is there already, in part. */
static int put_by_merge(struct an_move *m, struct an_err *err)
{
    struct an_db *db = m->target_writer;
    size_t events = 0, entities;
    int rc = begin(m, err);
    if (rc != AN_OK)
        return rc;
    rc = merge(m, AN_STMT_MERGE_EVENTS, &m->events, &events, err);
    if (rc == AN_OK)
        rc = merge(m, AN_STMT_MOVE_MERGE_ENTITIES, &m->entities, &entities, err);
    m->merges = events < m->rows;
    return rc == AN_OK ? an_db_end(db, true, err) : an_db_abandon(db, rc, err);
}

/* COPY, unless the batch before this one had rows that were there. */
static int put(struct an_move *m, struct an_err *err)
{
    int rc = AN_ECONFLICT;
    if (m->events.overflow || m->entities.overflow)
        return an_fail(err, AN_ETOOBIG, "db: a batch of more than %zu bytes", m->events.limit);
    if (!m->copy_refused && !m->merges)
        rc = put_by_copy(m, err);
    if (rc == AN_EBACKEND && strcmp(an_db_sqlstate(m->target_writer), SQLSTATE_COPY_REFUSED) == 0) {
        m->copy_refused = true;
        an_log_warn("move",
                    "the writer's role has no BYPASSRLS on shard %s: events are copied in a slower way",
                    m->s.target);
        rc = AN_ECONFLICT;
    }
    if (rc == AN_ECONFLICT)
        rc = put_by_merge(m, err);
    if (rc == AN_ENOENT)
        rc = an_fail(err, AN_EAGAIN, "a partition of shard '%s' has gone meanwhile", m->s.target);
    return rc;
}

/* ---- all of them ---- */

/* *done: there are no more. */
static int copy_batch(struct an_move *m, bool *done, struct an_err *err)
{
    struct an_move_text at, id, rows, bytes;
    const struct an_db_param params[] = {
        an_move_tenant(m), an_move_time(&at, m->s.copied_to.us), an_move_uuid(&id, &m->s.copied_to.id),
        an_move_number(&rows, BATCH_ROWS), an_move_number(&bytes, BATCH_BYTES)};
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_EVENTS, .params = params, .count = AN_COUNT(params), .binary = true};
    struct an_move_key last = m->s.copied_to;
    struct an_result *res = NULL;
    int rc = an_move_query(m, m->source, &step, &res, err);
    *done = an_result_rows(res) == 0;
    if (rc == AN_OK && !*done)
        rc = take_events(m, res, &last, err);
    an_result_free(res);
    if (rc != AN_OK || *done)
        return rc;
    rc = take_entities(m, err);
    if (rc == AN_OK)
        rc = put(m, err);
    if (rc != AN_OK)
        return rc;
    m->s.copied_to = last;
    m->s.copied += (int64_t)m->rows;
    return AN_OK;
}

int an_move_copy_all(struct an_move *m, struct an_err *err)
{
    bool done = false;
    int rc = AN_OK;
    while (rc == AN_OK && !done) {
        rc = copy_batch(m, &done, err);
        if (rc == AN_OK)
            rc = an_move_save_seldom(m, err);
    }
    return rc == AN_OK ? an_move_save(m, err) : rc;
}

/* ---- those that the feed names ---- */

/* The batch as that side has it: two numbers of rows and two sums. */
static int look(struct an_move *m, struct an_db *db, struct an_result **out, struct an_err *err)
{
    struct an_db_param params[3];
    keys_of(m, params);
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_COMPARE_NAMED, .params = params, .count = AN_COUNT(params)};
    return an_move_query(m, db, &step, out, err);
}

static int compare_batch(struct an_move *m, struct an_err *err)
{
    enum { COLUMNS = 4 };
    struct an_result *source = NULL, *target = NULL;
    int rc = look(m, m->source, &source, err);
    if (rc == AN_OK)
        rc = look(m, m->target, &target, err);
    for (size_t i = 0; i < COLUMNS && rc == AN_OK; i++)
        if (!an_str_equal(an_result_get(source, 0, i), an_result_get(target, 0, i)))
            rc = an_fail(err, AN_ECONFLICT, "of %zu events, shards '%s' and '%s' have not the same", m->rows,
                         m->s.source, m->s.target);
    an_result_free(source);
    an_result_free(target);
    return rc;
}

static int read_named(struct an_move *m, const char *ids, size_t count, struct an_err *err)
{
    an_array_start(&m->ids, AN_OID_UUID);
    (void)an_buf_add(&m->ids, ids, count * (4 + sizeof(struct an_uuid)));
    const struct an_db_param params[] = {an_move_tenant(m), an_array_finish(&m->ids, count)};
    const struct an_db_step step = {
        .stmt = AN_STMT_MOVE_EVENTS_NAMED, .params = params, .count = AN_COUNT(params), .binary = true};
    struct an_move_key last;
    struct an_result *res = NULL;
    int rc = an_move_query(m, m->source, &step, &res, err);
    if (rc == AN_OK && an_result_rows(res) != count)
        rc = an_fail(err, AN_EBACKEND, "the feed of shard '%s' names %zu events, of which it has %zu",
                     m->s.source, count, an_result_rows(res));
    if (rc == AN_OK)
        rc = take_events(m, res, &last, err);
    an_result_free(res);
    return rc == AN_OK ? take_entities(m, err) : rc;
}

int an_move_copy_named(struct an_move *m, const char *ids, size_t count, struct an_err *err)
{
    int rc = read_named(m, ids, count, err);
    if (rc == AN_OK)
        rc = put(m, err);
    return rc == AN_OK && m->s.step >= AN_MOVE_COMPARE ? compare_batch(m, err) : rc;
}
