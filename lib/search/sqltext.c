/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/sqlterms.h"

#define TEXT_MAX ((size_t)256 << 10)
#define US(time) "(extract(epoch FROM " time ") * 1000000)::bigint"
#define LEAST_ID AN_SQL_NO_ID "::uuid"

void an_sqltext_init(struct an_sqltext *q, struct an_arena *arena)
{
    q->arena = arena;
    q->count = 0;
    an_buf_init(&q->text, TEXT_MAX);
}

void an_sqltext_release(struct an_sqltext *q)
{
    an_buf_release(&q->text);
}

struct an_str an_sqltext_array(struct an_arena *arena, const struct an_str *values, size_t count)
{
    size_t room = 3;
    for (size_t i = 0; i < count; i++)
        room += 2 * values[i].len + 3;
    char *out = an_arena_alloc(arena, room), *p = out;
    *p++ = '{';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *p++ = ',';
        *p++ = '"';
        for (size_t k = 0; k < values[i].len; k++) {
            char c = values[i].data[k];
            if (c == '"' || c == '\\')
                *p++ = '\\';
            *p++ = c;
        }
        *p++ = '"';
    }
    *p++ = '}';
    return (struct an_str){out, (size_t)(p - out)};
}

struct an_str an_sqltext_prefix_end(struct an_arena *arena, struct an_str prefix)
{
    char *end = an_arena_strndup(arena, prefix.data, prefix.len);
    end[prefix.len - 1]++; /* '.' -> '/' */
    return (struct an_str){end, prefix.len};
}

/* Does each value get a scan of its own, merged afterwards? One value alone goes into the conditions. */
static bool has_branches(const struct an_plan *plan)
{
    return plan->drive == AN_DRIVE_TYPES || (plan->drive != AN_DRIVE_TIME && plan->count != 1);
}

/* Values of the plan as a row source `v`. */
static void add_branches(struct an_sql *b, const struct an_plan *plan)
{
    struct an_buf *t = &b->q->text;
    unsigned values = plan->drive == AN_DRIVE_IDS ? 0 : an_sql_array(b, plan->values, plan->count);
    if (plan->drive == AN_DRIVE_IDS) {
        struct an_str low[AN_TERMS_MAX], high[AN_TERMS_MAX], id[AN_TERMS_MAX];
        size_t n = 0;
        for (const struct an_term *term = plan->group; n < plan->count; term = term->next, n++) {
            int64_t us = an_uuid7_us(&term->id);
            low[n] = an_sql_time(b, us);
            high[n] = an_sql_time(b, us + 1000);
            id[n] = an_sql_uuid(b, &term->id);
        }
        unsigned l = an_sql_array(b, low, n), h = an_sql_array(b, high, n);
        an_buf_addf(t, "unnest($%u::timestamptz[], $%u::timestamptz[], $%u::uuid[]) AS v (low, high, id)",
                    l, h, an_sql_array(b, id, n));
    } else if (plan->drive == AN_DRIVE_TYPES) {
        an_sql_add(b,
            "(SELECT DISTINCT k.\"timestamp\", k.event_id FROM annals.event_entities AS k\n      WHERE ");
        an_sql_bounds(b, "k", "event_id");
        an_buf_addf(t, " AND k.entity_type = ANY ($%u::text[])) AS v", values);
    } else if (plan->drive == AN_DRIVE_PAIRS) {
        unsigned types = an_sql_array(b, plan->types, plan->count);
        an_buf_addf(t, "unnest($%u::text[], $%u::text[]) AS v (type, id)", types, values);
    } else {
        an_buf_addf(t, "unnest($%u::text[]) AS v (value)", values);
    }
}

/* How a row of events belongs to its branch. The one action that a prefix stands for is named: of a range of
 * actions no index has the order of the page. */
static void add_drive(struct an_sql *b, const struct an_plan *plan)
{
    if (!has_branches(plan)) {
        if (plan->drive == AN_DRIVE_ACTIONS)
            an_buf_addf(&b->q->text, " AND e.action = $%u", an_sql_param(b, plan->values[0]));
        return;
    }
    if (plan->drive == AN_DRIVE_IDS)
        an_sql_add(b, " AND e.\"timestamp\" >= v.low AND e.\"timestamp\" < v.high AND e.id = v.id");
    else if (plan->drive == AN_DRIVE_TYPES)
        an_sql_add(b, " AND " AN_SQL_SAME_EVENT("v"));
    else if (plan->drive == AN_DRIVE_ACTORS)
        an_sql_add(b, " AND e.actor_id = v.value");
    else if (plan->drive == AN_DRIVE_ACTIONS)
        an_sql_add(b, " AND e.action = v.value");
}

static bool has_typed_actor(const struct an_term *group)
{
    for (const struct an_term *t = group; t != NULL && an_term_together(group, t) && !t->negative;
         t = t->next)
        if (t->field == AN_F_ACTOR && t->type.data != NULL)
            return true;
    return false;
}

/* The driving terms that need no condition of their own beside the drive. */
static const struct an_term *covered(const struct an_plan *plan)
{
    if (plan->drive == AN_DRIVE_PAIRS || plan->drive == AN_DRIVE_ACTIONS)
        return plan->group;
    return has_branches(plan) && !has_typed_actor(plan->group) ? plan->group : NULL;
}

static void add_order(struct an_sql *b, const char *alias, const char *id, unsigned rows)
{
    const char *way = b->f->ascending ? "ASC" : "DESC";
    an_buf_addf(&b->q->text, "\nORDER BY %s.\"timestamp\" %s, %s.%s %s\nLIMIT $%u::bigint", alias, way,
                alias, id, way, rows);
}

static void add_columns(struct an_sql *b)
{
    an_sql_add(b, "SELECT e.document, e.\"timestamp\", e.received_at, e.id");
    if (b->across)
        an_sql_add(b, ", e.tenant_id");
}

static void add_events(struct an_sql *b, const struct an_plan *plan)
{
    an_sql_add(b, "\nFROM annals.events AS e\nWHERE ");
    an_sql_bounds(b, "e", "id");
    add_drive(b, plan);
    an_sql_terms(b, covered(plan));
}

/* Entities in the order of their index, each leading to one event. The inner LIMIT keeps the planner from
 * joining the tables as a whole; see add_pair(). */
static void add_pair_events(struct an_sql *b, const struct an_plan *plan)
{
    an_sql_add(b, "\nFROM annals.event_entities AS k\nCROSS JOIN LATERAL (\n");
    add_columns(b);
    an_sql_add(b, "\nFROM annals.events AS e\nWHERE ");
    an_sql_tenant(b, "e", "k");
    an_sql_add(b, " AND " AN_SQL_SAME_EVENT("k"));
    an_sql_terms(b, covered(plan));
    an_sql_add(b, "\nLIMIT 1) AS e\nWHERE ");
    an_sql_bounds(b, "k", "event_id");
    if (has_branches(plan)) {
        an_sql_add(b, " AND k.entity_type = v.type AND k.entity_id = v.id");
    } else {
        unsigned type = an_sql_param(b, plan->types[0]);
        an_buf_addf(&b->q->text, " AND k.entity_type = $%u AND k.entity_id = $%u", type,
                    an_sql_param(b, plan->values[0]));
    }
}

static void add_found(struct an_sql *b, const struct an_plan *plan)
{
    if (plan->drive == AN_DRIVE_PAIRS)
        add_pair_events(b, plan);
    else
        add_events(b, plan);
}

static void add_found_order(struct an_sql *b, const struct an_plan *plan, unsigned rows)
{
    bool pairs = plan->drive == AN_DRIVE_PAIRS;
    add_order(b, pairs ? "k" : "e", pairs ? "event_id" : "id", rows);
}

static void add_rows(struct an_sql *b, const struct an_plan *plan, unsigned rows)
{
    add_columns(b);
    add_found(b, plan);
    add_found_order(b, plan, rows);
}

static unsigned number_param(struct an_sql *b, int64_t number)
{
    return an_sql_param(b, an_str(an_arena_printf(b->q->arena, "%lld", (long long)number)));
}

bool an_sqltext_page(struct an_sqltext *q, const struct an_filter *f, const struct an_plan *plan,
                     struct an_str tenant, const struct an_position *after, int64_t rows)
{
    struct an_sql b = {.q = q, .f = f, .after = after};
    b.entered = plan->drive == AN_DRIVE_IDS || (after != NULL && f->ascending);
    an_sql_begin(&b, tenant);
    unsigned limit = number_param(&b, rows);
    if (!has_branches(plan)) {
        add_rows(&b, plan, limit);
        return !q->text.overflow;
    }
    /* An event may be found by two of the values. */
    an_sql_add(&b, "SELECT DISTINCT ON (e.\"timestamp\", e.id)"
                   " e.document, e.\"timestamp\", e.received_at, e.id\nFROM ");
    add_branches(&b, plan);
    an_sql_add(&b, "\nCROSS JOIN LATERAL (\n");
    add_rows(&b, plan, limit);
    an_sql_add(&b, ") AS e");
    add_order(&b, "e", "id", limit);
    return !q->text.overflow;
}

/* ---- a page across tenants ---- */

/* A stream is a tenant, or a tenant and one of the values that drive; it is read from behind (low_at,
 * low_id), which is where the tenant's events begin that it still keeps: the policy hides the rest, but
 * would read all of it. */
static void add_streams(struct an_sql *b, const struct an_plan *plan)
{
    bool behind = b->after_at != 0 && b->f->ascending;
    struct an_buf *t = &b->q->text;
    an_sql_add(b, "WITH streams AS MATERIALIZED (\nSELECT t.tenant_id, t.low_at, ");
    if (behind)
        an_buf_addf(t, "CASE WHEN t.low_at = $%u::timestamptz THEN $%u::uuid ELSE " LEAST_ID " END",
                    b->after_at, b->after_id);
    else
        an_sql_add(b, LEAST_ID);
    an_sql_add(b, has_branches(plan) ? " AS low_id, v.*" : " AS low_id");
    an_sql_add(b, "\nFROM (SELECT t.tenant_id, greatest('-infinity'");
    if (b->from != 0)
        an_buf_addf(t, ", $%u::timestamptz", b->from);
    if (behind)
        an_buf_addf(t, ", $%u::timestamptz", b->after_at);
    an_sql_add(b, ", CASE WHEN t.kept_days IS NOT NULL"
           " THEN least(now() - t.kept_days * interval '24 hours', t.held_from) END) AS low_at"
           "\nFROM annals.tenants AS t) AS t");
    if (has_branches(plan)) {
        an_sql_add(b, "\nCROSS JOIN ");
        add_branches(b, plan);
    }
    an_sql_add(b, ")");
}

/* The first `deep` rows of each stream are looked at. The page has no event beyond the last of these
 * rows in the many-th stream, in order of these: that many streams have deep rows each before it, in
 * all as many as the page has. A quarter of the streams is taken to be as busy as that. found: from
 * FROM on. */
static void add_edge(struct an_sql *b, const struct an_plan *plan, struct an_str found, int64_t rows)
{
    bool asc = b->f->ascending;
    const char *way = asc ? "ASC" : "DESC";
    /* An event may be in as many streams as it has entities. */
    unsigned need = number_param(b, plan->drive == AN_DRIVE_PAIRS ? rows * (int64_t)plan->count : rows);
    struct an_buf *t = &b->q->text;
    an_buf_addf(t,
                ", shape AS MATERIALIZED (\nSELECT s.deep, ($%u::bigint - 1) / s.deep AS before_last"
                "\nFROM (SELECT 1 + ($%u::bigint - 1) / greatest(count(*) / 4, 1) AS deep"
                " FROM streams) AS s)",
                need, need);
    an_sql_add(b, ", heads AS MATERIALIZED (\nSELECT v.*, h.first_at, h.last_at\nFROM streams AS v"
           "\nCROSS JOIN LATERAL (SELECT v.low_at, v.low_id, 'infinity'::timestamptz AS high_at) AS r"
           "\nCROSS JOIN LATERAL (");
    an_buf_addf(t,
                "\nSELECT %s(x.at) AS first_at,"
                " CASE count(*) WHEN (SELECT deep FROM shape) THEN %s(x.at) END AS last_at",
                asc ? "min" : "max", asc ? "max" : "min");
    an_sql_add(b, "\nFROM (SELECT e.\"timestamp\" AS at");
    (void)an_buf_add(t, found.data, found.len);
    an_buf_addf(t, "\nORDER BY %s.\"timestamp\" %s\nLIMIT (SELECT deep FROM shape)) AS x) AS h)",
                plan->drive == AN_DRIVE_PAIRS ? "k" : "e", way);
    an_buf_addf(t,
                ", edge AS MATERIALIZED (\nSELECT coalesce((SELECT h.last_at FROM heads AS h"
                " WHERE h.last_at IS NOT NULL ORDER BY h.last_at %s"
                " OFFSET (SELECT before_last FROM shape) LIMIT 1), '%sinfinity') AS at)",
                way, asc ? "" : "-");
}

/* What is read in each stream: made once, since it stands in the statement twice and its values are
 * parameters. */
static struct an_str make_found(struct an_sql *b, const struct an_plan *plan)
{
    struct an_buf *t = &b->q->text;
    add_found(b, plan);
    struct an_str found = {an_arena_strndup(b->q->arena, t->data, t->len), t->len};
    bool overflow = t->overflow;
    an_buf_clear(t);
    t->overflow = overflow;
    return found;
}

/* The indexes of actions and actors have no id. In a stream, which is short for the planner, it would
 * rather test all rows of the tenant than sort these by it; so they come by time alone, and those of
 * the last instant all together. */
static void add_stream_order(struct an_sql *b, const struct an_plan *plan, unsigned rows)
{
    if (plan->drive == AN_DRIVE_ACTORS || plan->drive == AN_DRIVE_ACTIONS)
        an_buf_addf(&b->q->text, "\nORDER BY e.\"timestamp\" %s\nFETCH FIRST ($%u::bigint) ROWS WITH TIES",
                    b->f->ascending ? "ASC" : "DESC", rows);
    else
        add_found_order(b, plan, rows);
}

/* All tenants by time is in the order of no index. Merging a page of each tenant would read tenants x
 * page: so it is first found how far the page reaches, from few rows of each; then only those tenants
 * are read that reach it. */
bool an_sqltext_page_across(struct an_sqltext *q, const struct an_filter *f, const struct an_plan *plan,
                            const struct an_position *after, int64_t rows)
{
    struct an_sql b = {.q = q, .f = f, .after = after, .across = true};
    an_sql_begin(&b, (struct an_str){NULL, 0});
    unsigned limit = number_param(&b, rows);
    struct an_str found = make_found(&b, plan);
    add_streams(&b, plan);
    add_edge(&b, plan, found, rows);
    an_sql_add(&b, has_branches(plan) ? "\nSELECT DISTINCT ON (e.\"timestamp\", e.id) e.*" : "\nSELECT e.*");
    an_sql_add(&b, "\nFROM heads AS v\nCROSS JOIN edge\nCROSS JOIN LATERAL (SELECT ");
    an_sql_add(&b, f->ascending ? "v.low_at" : "greatest(v.low_at, edge.at) AS low_at");
    an_sql_add(&b, ", v.low_id, edge.at AS high_at) AS r\nCROSS JOIN LATERAL (\n");
    add_columns(&b);
    (void)an_buf_add(&q->text, found.data, found.len);
    add_stream_order(&b, plan, limit);
    an_sql_add(&b, ") AS e\nWHERE v.first_at ");
    an_sql_add(&b, f->ascending ? "<= edge.at" : ">= edge.at");
    add_order(&b, "e", "id", limit);
    return !q->text.overflow;
}

static const struct choice {
    const char *name, *sql;
} keys[] =
    {
        {"action", "e.action"},
        {"actor", "e.actor_type || ':' || e.actor_id"},
        {"outcome", "e.outcome"},
        {"tenant", "e.tenant_id"},
},
  units[] = {{"minute", "'minute'"}, {"hour", "'hour'"}, {"day", "'day'"}, {"month", "'month'"}};

static const char *choose(const struct choice *list, size_t count, struct an_str name, const char *absent)
{
    for (size_t i = 0; i < count; i++)
        if (an_str_is(name, list[i].name))
            return list[i].sql;
    return absent;
}

static void add_start(struct an_sql *b, const char *alias)
{
    const char *unit = choose(units, AN_COUNT(units), b->f->interval, NULL);
    if (unit == NULL)
        an_sql_add(b, "NULL::timestamptz");
    else
        an_buf_addf(&b->q->text, "date_trunc(%s, %s.\"timestamp\", 'UTC')", unit, alias);
}

/* No index begins with the time. Through the tenants, the one that begins with them serves a short time. */
static void add_counted_tenants(struct an_sql *b)
{
    an_sql_add(b, b->across ? "annals.tenants AS v\nCROSS JOIN " : "");
}

/* An event that has two entities of a type counts once. Without conditions events need not be read. */
static void add_counted_entities(struct an_sql *b)
{
    bool alone = b->f->terms == NULL;
    add_start(b, "k");
    an_sql_add(b, " AS start_at, k.entity_type AS key, k.event_id\nFROM ");
    add_counted_tenants(b);
    an_sql_add(b, "annals.event_entities AS k");
    if (!alone)
        an_sql_add(b, "\nJOIN annals.events AS e ON e.tenant_id = k.tenant_id AND " AN_SQL_SAME_EVENT("k"));
    an_sql_add(b, "\nWHERE ");
    an_sql_bounds(b, "k", "event_id");
    if (alone)
        return;
    an_sql_add(b, " AND ");
    an_sql_bounds(b, "e", "id");
    an_sql_terms(b, NULL);
}

static void add_counted_events(struct an_sql *b)
{
    add_start(b, "e");
    an_buf_addf(&b->q->text, " AS start_at, %s AS key\nFROM ",
                choose(keys, AN_COUNT(keys), b->f->by, "NULL::text"));
    add_counted_tenants(b);
    an_sql_add(b, "annals.events AS e\nWHERE ");
    an_sql_bounds(b, "e", "id");
    an_sql_terms(b, NULL);
}

bool an_sqltext_counts(struct an_sqltext *q, const struct an_filter *f, struct an_str tenant,
                       int64_t rows)
{
    struct an_sql b = {.q = q, .f = f, .counting = true, .across = tenant.data == NULL};
    bool entities = an_str_is(f->by, "entity_type");
    an_sql_begin(&b, tenant);
    an_buf_addf(&q->text, "SELECT " US("c.start_at") ", c.key, count(%s)\nFROM (SELECT ",
                entities ? "DISTINCT c.event_id" : "*");
    if (entities)
        add_counted_entities(&b);
    else
        add_counted_events(&b);
    an_buf_addf(
        &q->text,
        ") AS c\nGROUP BY c.start_at, c.key\nORDER BY c.start_at, c.key COLLATE \"C\"\nLIMIT $%u::bigint",
        an_sql_param(&b, an_str(an_arena_printf(q->arena, "%lld", (long long)rows))));
    return !q->text.overflow;
}
