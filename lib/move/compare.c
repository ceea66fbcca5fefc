/* SPDX-License-Identifier: Apache-2.0 */
/* Two sides have the same rows where, range by range, they have as many, and the same sum of digests over all
 * columns. A range is what the source has in CHUNK_ROWS rows, so no statement takes long. What stands behind
 * our position in the feed is left out on the source; nobody has brought it to the target. */
#include "an.h"

#include "base/clock.h"
#include "db/stmt.h"
#include "move/parts.h"

#define CHUNK_ROWS 5000
#define FOLLOW_US  INT64_C(1000000)
#define TEXT_BYTES 512 /* of a type or an id; limits are 128 and 256 */

/* A place in a table. type and name: of entities, whose key begins with them. */
struct place {
    struct an_move_key event;
    char type[TEXT_BYTES], name[TEXT_BYTES];
};

/* What one side has of a range. */
struct range {
    int64_t rows;
    char digest[TEXT_BYTES]; /* a number, of more digits than an integer has */
    struct place last;
};

/* One table of one partition. Columns of both statements: rows, digest, then the last key. */
struct table {
    enum an_stmt stmt;
    bool entities;
    const struct an_partition *partition;
    int64_t end_us; /* of what is compared; the partition's, or earlier */
};

enum { ROWS, DIGEST, KEY };
#define PARAMS_MAX 14

struct params {
    struct an_db_param list[PARAMS_MAX];
    size_t count;
    struct an_move_text texts[PARAMS_MAX];
};

static void add_place(struct params *p, const struct table *t, const struct place *place)
{
    if (t->entities) {
        p->list[p->count++] = place == NULL ? AN_MOVE_NULL : AN_DB_TEXT(an_str(place->type));
        p->list[p->count++] = place == NULL ? AN_MOVE_NULL : AN_DB_TEXT(an_str(place->name));
    }
    struct an_move_text *at = &p->texts[p->count];
    p->list[p->count++] = place == NULL ? AN_MOVE_NULL : an_move_time(at, place->event.us);
    struct an_move_text *id = &p->texts[p->count];
    p->list[p->count++] = place == NULL ? AN_MOVE_NULL : an_move_uuid(id, &place->event.id);
}

static void add_time(struct params *p, int64_t us)
{
    struct an_move_text *t = &p->texts[p->count];
    p->list[p->count++] = an_move_time(t, us);
}

/* Of the source a chunk up to our position, of the target what lies in the same range. */
static void add_limits(struct params *p, const struct an_move *m, bool source)
{
    struct an_move_text *t = &p->texts[p->count];
    p->list[p->count++] = source ? an_move_number(&t[0], CHUNK_ROWS) : AN_MOVE_NULL;
    p->list[p->count++] = source ? an_move_xid(&t[1], m->position.xid) : AN_MOVE_NULL;
    p->list[p->count++] = source ? an_move_number(&t[2], m->position.id) : AN_MOVE_NULL;
}

static void copy_text(struct an_str s, char out[TEXT_BYTES])
{
    (void)snprintf(out, TEXT_BYTES, "%.*s", AN_STR_ARG(s));
}

static bool take_range(const struct table *t, const struct an_result *res, struct range *out)
{
    size_t key = t->entities ? KEY + 2 : KEY;
    if (!an_result_int(res, 0, ROWS, &out->rows))
        return false;
    copy_text(an_result_get(res, 0, DIGEST), out->digest);
    if (out->rows == 0)
        return true;
    if (t->entities) {
        copy_text(an_result_get(res, 0, KEY), out->last.type);
        copy_text(an_result_get(res, 0, KEY + 1), out->last.name);
    }
    return an_result_int(res, 0, key, &out->last.event.us) &&
           an_uuid_parse(an_result_get(res, 0, key + 1), &out->last.event.id);
}

/* What stands behind `after`, up to `until` (NULL: to the end of the partition). */
static int read_range(struct an_move *m, bool source, const struct table *t, const struct place *after,
                      const struct place *until, struct range *out, struct an_err *err)
{
    struct params p = {.count = 0};
    p.list[p.count++] = an_move_tenant(m);
    if (t->entities) /* of events, the time of the key is where they begin, and picks the partition */
        add_time(&p, t->partition->from_us);
    add_place(&p, t, after);
    add_time(&p, t->end_us);
    add_place(&p, t, until);
    add_limits(&p, m, source);
    const struct an_db_step step = {.stmt = t->stmt, .params = p.list, .count = p.count};
    struct an_result *res = NULL;
    int rc = an_move_query(m, source ? m->source : m->target, &step, &res, err);
    *out = (struct range){.rows = 0};
    if (rc == AN_OK && !take_range(t, res, out))
        rc = an_fail(err, AN_EBACKEND, "db: %s: not a range", an_stmt_texts[t->stmt].name);
    an_result_free(res);
    return rc;
}

static int refuse(const struct an_move *m, const struct table *t, const struct range *source,
                  const struct range *target, struct an_err *err)
{
    return an_fail(err, AN_ECONFLICT,
                   "annals.%s: shards '%s' and '%s' have not the same %s: %lld and %lld in one range",
                   t->partition->name, m->s.source, m->s.target, t->entities ? "entities" : "events",
                   (long long)source->rows, (long long)target->rows);
}

/* So that little stands behind our position. */
static int follow_seldom(struct an_move *m, int64_t *next_us, struct an_err *err)
{
    int64_t now_us = an_clock_mono_us();
    if (now_us < *next_us)
        return AN_OK;
    *next_us = now_us + FOLLOW_US;
    int rc = an_move_follow(m, err);
    return rc == AN_OK ? an_move_save_seldom(m, err) : rc;
}

static int compare_table(struct an_move *m, const struct table *t, int64_t *next_us, struct an_err *err)
{
    struct place after = {.event = {.us = t->partition->from_us}};
    struct range source, target;
    do {
        int rc = read_range(m, true, t, &after, NULL, &source, err);
        bool more = source.rows == CHUNK_ROWS;
        if (rc == AN_OK)
            rc = read_range(m, false, t, &after, more ? &source.last : NULL, &target, err);
        if (rc == AN_OK && (source.rows != target.rows || strcmp(source.digest, target.digest) != 0))
            rc = refuse(m, t, &source, &target, err);
        if (rc == AN_OK)
            rc = follow_seldom(m, next_us, err);
        if (rc != AN_OK)
            return rc;
        m->s.compared += t->entities ? 0 : source.rows;
        after = source.last;
    } while (source.rows == CHUNK_ROWS);
    return AN_OK;
}

/* Where events are written faster than they are compared, the end of a partition would never be reached. So
 * of the current one, what is there now is compared; what comes is compared as it is followed. */
static int find_end(struct an_move *m, const struct an_partition *p, int64_t *end_us, struct an_err *err)
{
    struct an_move_text from, to;
    const struct an_db_param params[] = {an_move_tenant(m), an_move_time(&from, p->from_us),
                                         an_move_time(&to, p->to_us)};
    const struct an_db_step step = {.stmt = AN_STMT_MOVE_NEWEST, .params = params, .count = AN_COUNT(params)};
    struct an_result *res = NULL;
    int64_t newest_us;
    int rc = an_move_query(m, m->source, &step, &res, err);
    *end_us = p->to_us;
    if (rc == AN_OK && !an_result_int(res, 0, 0, &newest_us))
        rc = an_fail(err, AN_EBACKEND, "db: move_newest: not a time");
    else if (rc == AN_OK && newest_us >= p->from_us && newest_us < p->to_us)
        *end_us = newest_us + 1;
    an_result_free(res);
    return rc;
}

static int compare_partition(struct an_move *m, const struct an_partition *p, int64_t *next_us,
                             struct an_err *err)
{
    struct table events = {.stmt = AN_STMT_MOVE_COMPARE_EVENTS, .partition = p};
    int rc = find_end(m, p, &events.end_us, err);
    struct table entities = events;
    entities.stmt = AN_STMT_MOVE_COMPARE_ENTITIES;
    entities.entities = true;
    if (rc == AN_OK)
        rc = compare_table(m, &events, next_us, err);
    return rc == AN_OK ? compare_table(m, &entities, next_us, err) : rc;
}

int an_move_compare(struct an_move *m, struct an_err *err)
{
    int64_t next_us = 0;
    int rc = AN_OK;
    for (size_t i = 0; i < m->partition_count && rc == AN_OK; i++)
        rc = compare_partition(m, &m->partitions[i], &next_us, err);
    return rc == AN_OK ? an_move_save(m, err) : rc;
}
