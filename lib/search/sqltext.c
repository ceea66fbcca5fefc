/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/sqltext.h"

#define TEXT_MAX ((size_t)256 << 10)
#define US(time) "(extract(epoch FROM " time ") * 1000000)::bigint"
#define NO_UUID "'00000000-0000-0000-0000-000000000000'"
#define LEAST_ID NO_UUID "::uuid"
#define GREATEST_ID "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"
#define SAME_EVENT(alias) alias ".\"timestamp\" = e.\"timestamp\" AND " alias ".event_id = e.id"

struct build {
    struct an_sqltext *q;
    const struct an_filter *f;
    const struct an_position *after;               /* NULL: from the start */
    unsigned tenant, from, to, after_at, after_id; /* numbers of parameters; 0: not there */
    bool entered; /* something else says where an index is entered: an id, a cursor that ascends */
    bool across;   /* all tenants: each is a row of `v`, and `r` says how far it is read */
    bool counting; /* every row is read anyway: entities are joined. Else what no index orders is read in
                      the row */
};

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

static unsigned param(struct build *b, struct an_str value)
{
    struct an_sqltext *q = b->q;
    if (q->count == AN_SQL_PARAMS_MAX) {
        q->text.overflow = true;
        return 0;
    }
    q->params[q->count++] = AN_DB_TEXT(value);
    return (unsigned)q->count;
}

static unsigned array_param(struct build *b, const struct an_str *values, size_t count)
{
    return param(b, an_sqltext_array(b->q->arena, values, count));
}

static struct an_str time_text(struct build *b, int64_t us)
{
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    return an_str(an_arena_strdup(b->q->arena, text));
}

static struct an_str uuid_text(struct build *b, const struct an_uuid *id)
{
    char text[AN_UUID_LEN + 1];
    an_uuid_format(id, text);
    return an_str(an_arena_strdup(b->q->arena, text));
}

static void add(struct build *b, const char *text)
{
    an_buf_adds(&b->q->text, text);
}

static void begin(struct build *b, struct an_str tenant)
{
    const struct an_filter *f = b->f;
    if (!b->across)
        b->tenant = param(b, tenant);
    if (f->from_us > AN_TIME_MIN_US)
        b->from = param(b, time_text(b, f->from_us));
    if (f->to_us <= AN_TIME_MAX_US)
        b->to = param(b, time_text(b, f->to_us));
    if (b->after != NULL) {
        b->after_at = param(b, time_text(b, b->after->timestamp_us));
        b->after_id = param(b, uuid_text(b, &b->after->id));
    }
}

/* From where on rows are read: the later of what is asked for and what the tenant keeps. That no hidden row is
 * shown is up to the policy "kept", which is no bound of an index; this is, so that none is read.
 *
 * A bound of our own beside an end of the time looks to the planner like a range, which it believes to hold one
 * row in two hundred where it does not know the values, and it reads by time what it should read by another
 * index. A comparison of rows is not paired so. But it prunes no partition, and of two bounds the index is
 * entered at this one, be it the earlier. */
static void add_lower_bound(struct build *b, const char *alias, const char *id)
{
    struct an_buf *t = &b->q->text;
    if (b->from != 0)
        an_buf_addf(t, " AND %s.\"timestamp\" >= greatest($%u::timestamptz, annals.kept_from())", alias, b->from);
    else if (b->counting || (b->to == 0 && b->after_at == 0))
        an_buf_addf(t, " AND %s.\"timestamp\" >= annals.kept_from()", alias);
    else if (!b->entered)
        an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) >= (annals.kept_from(), " NO_UUID ")", alias, alias, id);
}

/* The tenant of the statement or, across tenants, of the row that leads to this one. */
static void add_tenant(struct build *b, const char *alias, const char *leads)
{
    if (b->across)
        an_buf_addf(&b->q->text, "%s.tenant_id = %s.tenant_id", alias, leads);
    else
        an_buf_addf(&b->q->text, "%s.tenant_id = $%u", alias, b->tenant);
}

/* How far back a tenant is read and, oldest first, how far on. Comparisons of rows: two plain ones look to the planner
 * like a range, which it believes to be narrow. */
static void add_reach(struct build *b, const char *alias, const char *id)
{
    struct an_buf *t = &b->q->text;
    an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) > (r.low_at, r.low_id)", alias, alias, id);
    if (b->f->ascending)
        an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) <= (r.high_at, " GREATEST_ID ")", alias, alias, id);
}

/* Tenant, time and the page's start. The start is said twice: partitions are pruned by the plain
 * comparison only. */
static void add_bounds(struct build *b, const char *alias, const char *id)
{
    struct an_buf *t = &b->q->text;
    add_tenant(b, alias, "v");
    if (!b->across)
        add_lower_bound(b, alias, id);
    else if (b->from != 0)
        an_buf_addf(t, " AND %s.\"timestamp\" >= $%u::timestamptz", alias, b->from);
    if (b->to != 0)
        an_buf_addf(t, " AND %s.\"timestamp\" < $%u::timestamptz", alias, b->to);
    if (b->across && !b->counting)
        add_reach(b, alias, id);
    if (b->after_at == 0)
        return;
    char past = b->f->ascending ? '>' : '<';
    an_buf_addf(t, " AND %s.\"timestamp\" %c= $%u::timestamptz", alias, past, b->after_at);
    if (!b->across || !b->f->ascending) /* else r begins there */
        an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) %c ($%u::timestamptz, $%u::uuid)", alias, alias, id,
                    past, b->after_at, b->after_id);
}

/* Does the term ask for one value of one column, so that several of them make a list? */
static bool is_equality(const struct an_term *t)
{
    switch (t->field) {
    case AN_F_ACTION:
        return !t->prefix;
    case AN_F_ACTOR:
        return t->type.data == NULL;
    case AN_F_ENTITY:
        return t->value.data == NULL;
    case AN_F_ACTOR_ID:
    case AN_F_ACTOR_TYPE:
    case AN_F_ENTITY_ID:
    case AN_F_ENTITY_TYPE:
    case AN_F_OUTCOME:
        return true;
    case AN_F_IP:
    case AN_F_ID:
    case AN_F_METADATA:
        break;
    }
    return false;
}

static struct an_str equal_value(const struct an_term *t)
{
    return t->field == AN_F_ENTITY ? t->type : t->value;
}

/* Left side of the comparison, up to the operator; true where a bracket is to be closed behind it. */
static bool add_equal_left(struct build *b, const struct an_term *t)
{
    bool by_id = t->field == AN_F_ENTITY_ID;
    switch (t->field) {
    case AN_F_ACTION:
        add(b, "e.action");
        return false;
    case AN_F_ACTOR_TYPE:
        add(b, "e.actor_type");
        return false;
    case AN_F_OUTCOME:
        add(b, "e.outcome");
        return false;
    case AN_F_ENTITY:
    case AN_F_ENTITY_ID:
    case AN_F_ENTITY_TYPE:
        break;
    default:
        add(b, "e.actor_id");
        return false;
    }
    if (!b->counting) {
        add(b, "EXISTS (SELECT FROM json_array_elements(e.document -> 'entities') AS x WHERE x ->> ");
        add(b, by_id ? "'id'" : "'type'");
        return true;
    }
    add(b, "EXISTS (SELECT FROM annals.event_entities AS x WHERE ");
    add_bounds(b, "x", "event_id");
    add(b, " AND " SAME_EVENT("x") " AND ");
    add(b, by_id ? "x.entity_id" : "x.entity_type");
    return true;
}

static void add_equal(struct build *b, const struct an_term *t, const struct an_str *values, size_t count)
{
    bool bracket = add_equal_left(b, t);
    if (count == 1)
        an_buf_addf(&b->q->text, " = $%u", param(b, values[0]));
    else
        an_buf_addf(&b->q->text, " = ANY ($%u::text[])", array_param(b, values, count));
    if (bracket)
        add(b, ")");
}

struct an_str an_sqltext_prefix_end(struct an_arena *arena, struct an_str prefix)
{
    char *end = an_arena_strndup(arena, prefix.data, prefix.len);
    end[prefix.len - 1]++; /* '.' -> '/' */
    return (struct an_str){end, prefix.len};
}

static void add_prefix(struct build *b, struct an_str prefix)
{
    unsigned low = param(b, prefix), high = param(b, an_sqltext_prefix_end(b->q->arena, prefix));
    an_buf_addf(&b->q->text, "(e.action >= $%u AND e.action < $%u)", low, high);
}

/* On a page the primary key is asked for each row: OFFSET 0 keeps the planner from joining instead, which
 * it would, because it takes time and id of an entity to be independent and so expects to find nothing.
 */
static void add_pair(struct build *b, struct an_str type, struct an_str id)
{
    unsigned t = param(b, type), i = param(b, id);
    add(b, "EXISTS (SELECT FROM annals.event_entities AS x WHERE ");
    add_tenant(b, "x", "e");
    an_buf_addf(&b->q->text, " AND x.entity_type = $%u AND x.entity_id = $%u AND " SAME_EVENT("x") "%s)", t, i,
                b->counting ? "" : " OFFSET 0");
}

static void add_id(struct build *b, const struct an_uuid *id)
{
    int64_t us = an_uuid7_us(id);
    unsigned low = param(b, time_text(b, us)), high = param(b, time_text(b, us + 1000));
    an_buf_addf(&b->q->text,
                "(e.\"timestamp\" >= $%u::timestamptz AND e.\"timestamp\" < $%u::timestamptz"
                " AND e.id = $%u::uuid)",
                low, high, param(b, uuid_text(b, id)));
}

/* Strings by content, numbers and booleans by spelling. The text of an object or array is its JSON, and
 * no value; it can only be met by a value that looks like it. */
static void add_metadata(struct build *b, const struct an_term *t)
{
    struct an_str path[64];
    size_t len = 0;
    path[len] = AN_STR("metadata");
    len++;
    for (size_t i = 0; i < t->path_len && len < AN_COUNT(path); i++)
        path[len++] = t->path[i];
    unsigned p = array_param(b, path, len), v = param(b, t->value);
    an_buf_addf(&b->q->text, "(e.document #>> $%u::text[] = $%u", p, v);
    if (an_str_starts(t->value, "{") || an_str_starts(t->value, "["))
        an_buf_addf(&b->q->text, " AND json_typeof(e.document #> $%u::text[]) = 'string'", p);
    add(b, ")");
}

static void add_single(struct build *b, const struct an_term *t)
{
    if (is_equality(t)) {
        struct an_str value = equal_value(t);
        add_equal(b, t, &value, 1);
    } else if (t->field == AN_F_ACTION) {
        add_prefix(b, t->value);
    } else if (t->field == AN_F_ACTOR) {
        unsigned type = param(b, t->type);
        an_buf_addf(&b->q->text, "(e.actor_type = $%u AND e.actor_id = $%u)", type, param(b, t->value));
    } else if (t->field == AN_F_ENTITY) {
        add_pair(b, t->type, t->value);
    } else if (t->field == AN_F_IP) {
        an_buf_addf(&b->q->text, "e.source_ip <<= $%u::inet", param(b, t->value));
    } else if (t->field == AN_F_ID) {
        add_id(b, &t->id);
    } else {
        add_metadata(b, t);
    }
}

/* One of the positives from `t` on must hold. */
static void add_positives(struct build *b, const struct an_term *first)
{
    struct an_str equal[AN_TERMS_MAX];
    size_t count = 0;
    const struct an_term *some = NULL, *t;
    for (t = first; t != NULL && !t->negative && an_term_together(first, t); t = t->next)
        if (is_equality(t)) {
            some = t;
            equal[count++] = equal_value(t);
        }
    const char *before = " AND (";
    if (count > 0) {
        add(b, before);
        add_equal(b, some, equal, count);
        before = " OR ";
    }
    for (t = first; t != NULL && !t->negative && an_term_together(first, t); t = t->next)
        if (!is_equality(t)) {
            add(b, before);
            add_single(b, t);
            before = " OR ";
        }
    add(b, ")");
}

/* An event that has no such member is taken in: where the member may be absent, unknown counts as not. */
static void add_negative(struct build *b, const struct an_term *t)
{
    bool may_lack = t->field == AN_F_IP || t->field == AN_F_METADATA;
    add(b, may_lack ? " AND (" : " AND NOT (");
    add_single(b, t);
    add(b, may_lack ? ") IS NOT TRUE" : ")");
}

/* All terms but the positives of the group that starts at `driving`, which the plan takes care of. */
static void add_terms(struct build *b, const struct an_term *driving)
{
    const struct an_term *before = NULL;
    for (const struct an_term *t = b->f->terms; t != NULL; before = t, t = t->next) {
        if (t->negative)
            add_negative(b, t);
        else if (t != driving && (before == NULL || !an_term_together(before, t)))
            add_positives(b, t);
    }
}

/* Does each value get a scan of its own, merged afterwards? One value alone goes into the conditions. */
static bool has_branches(const struct an_plan *plan)
{
    return plan->drive == AN_DRIVE_TYPES || (plan->drive != AN_DRIVE_TIME && plan->count != 1);
}

/* Values of the plan as a row source `v`. */
static void add_branches(struct build *b, const struct an_plan *plan)
{
    struct an_buf *t = &b->q->text;
    unsigned values = plan->drive == AN_DRIVE_IDS ? 0 : array_param(b, plan->values, plan->count);
    if (plan->drive == AN_DRIVE_IDS) {
        struct an_str low[AN_TERMS_MAX], high[AN_TERMS_MAX], id[AN_TERMS_MAX];
        size_t n = 0;
        for (const struct an_term *term = plan->group; n < plan->count; term = term->next, n++) {
            int64_t us = an_uuid7_us(&term->id);
            low[n] = time_text(b, us);
            high[n] = time_text(b, us + 1000);
            id[n] = uuid_text(b, &term->id);
        }
        unsigned l = array_param(b, low, n), h = array_param(b, high, n);
        an_buf_addf(t, "unnest($%u::timestamptz[], $%u::timestamptz[], $%u::uuid[]) AS v (low, high, id)",
                    l, h, array_param(b, id, n));
    } else if (plan->drive == AN_DRIVE_TYPES) {
        add(b,
            "(SELECT DISTINCT k.\"timestamp\", k.event_id FROM annals.event_entities AS k\n      WHERE ");
        add_bounds(b, "k", "event_id");
        an_buf_addf(t, " AND k.entity_type = ANY ($%u::text[])) AS v", values);
    } else if (plan->drive == AN_DRIVE_PAIRS) {
        unsigned types = array_param(b, plan->types, plan->count);
        an_buf_addf(t, "unnest($%u::text[], $%u::text[]) AS v (type, id)", types, values);
    } else {
        an_buf_addf(t, "unnest($%u::text[]) AS v (value)", values);
    }
}

/* How a row of events belongs to its branch. The one action that a prefix stands for is named: of a range of
 * actions no index has the order of the page. */
static void add_drive(struct build *b, const struct an_plan *plan)
{
    if (!has_branches(plan)) {
        if (plan->drive == AN_DRIVE_ACTIONS)
            an_buf_addf(&b->q->text, " AND e.action = $%u", param(b, plan->values[0]));
        return;
    }
    if (plan->drive == AN_DRIVE_IDS)
        add(b, " AND e.\"timestamp\" >= v.low AND e.\"timestamp\" < v.high AND e.id = v.id");
    else if (plan->drive == AN_DRIVE_TYPES)
        add(b, " AND " SAME_EVENT("v"));
    else if (plan->drive == AN_DRIVE_ACTORS)
        add(b, " AND e.actor_id = v.value");
    else if (plan->drive == AN_DRIVE_ACTIONS)
        add(b, " AND e.action = v.value");
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

static void add_order(struct build *b, const char *alias, const char *id, unsigned rows)
{
    const char *way = b->f->ascending ? "ASC" : "DESC";
    an_buf_addf(&b->q->text, "\nORDER BY %s.\"timestamp\" %s, %s.%s %s\nLIMIT $%u::bigint", alias, way,
                alias, id, way, rows);
}

static void add_columns(struct build *b)
{
    add(b, "SELECT e.document, e.\"timestamp\", e.received_at, e.id");
    if (b->across)
        add(b, ", e.tenant_id");
}

static void add_events(struct build *b, const struct an_plan *plan)
{
    add(b, "\nFROM annals.events AS e\nWHERE ");
    add_bounds(b, "e", "id");
    add_drive(b, plan);
    add_terms(b, covered(plan));
}

/* Entities in the order of their index, each leading to one event. The inner LIMIT keeps the planner from
 * joining the tables as a whole; see add_pair(). */
static void add_pair_events(struct build *b, const struct an_plan *plan)
{
    add(b, "\nFROM annals.event_entities AS k\nCROSS JOIN LATERAL (\n");
    add_columns(b);
    add(b, "\nFROM annals.events AS e\nWHERE ");
    add_tenant(b, "e", "k");
    add(b, " AND " SAME_EVENT("k"));
    add_terms(b, covered(plan));
    add(b, "\nLIMIT 1) AS e\nWHERE ");
    add_bounds(b, "k", "event_id");
    if (has_branches(plan)) {
        add(b, " AND k.entity_type = v.type AND k.entity_id = v.id");
    } else {
        unsigned type = param(b, plan->types[0]);
        an_buf_addf(&b->q->text, " AND k.entity_type = $%u AND k.entity_id = $%u", type,
                    param(b, plan->values[0]));
    }
}

static void add_found(struct build *b, const struct an_plan *plan)
{
    if (plan->drive == AN_DRIVE_PAIRS)
        add_pair_events(b, plan);
    else
        add_events(b, plan);
}

static void add_found_order(struct build *b, const struct an_plan *plan, unsigned rows)
{
    bool pairs = plan->drive == AN_DRIVE_PAIRS;
    add_order(b, pairs ? "k" : "e", pairs ? "event_id" : "id", rows);
}

static void add_rows(struct build *b, const struct an_plan *plan, unsigned rows)
{
    add_columns(b);
    add_found(b, plan);
    add_found_order(b, plan, rows);
}

static unsigned number_param(struct build *b, int64_t number)
{
    return param(b, an_str(an_arena_printf(b->q->arena, "%lld", (long long)number)));
}

bool an_sqltext_page(struct an_sqltext *q, const struct an_filter *f, const struct an_plan *plan,
                     struct an_str tenant, const struct an_position *after, int64_t rows)
{
    struct build b = {.q = q, .f = f, .after = after};
    b.entered = plan->drive == AN_DRIVE_IDS || (after != NULL && f->ascending);
    begin(&b, tenant);
    unsigned limit = number_param(&b, rows);
    if (!has_branches(plan)) {
        add_rows(&b, plan, limit);
        return !q->text.overflow;
    }
    /* An event may be found by two of the values. */
    add(&b, "SELECT DISTINCT ON (e.\"timestamp\", e.id) e.document, e.\"timestamp\", e.received_at, e.id\nFROM ");
    add_branches(&b, plan);
    add(&b, "\nCROSS JOIN LATERAL (\n");
    add_rows(&b, plan, limit);
    add(&b, ") AS e");
    add_order(&b, "e", "id", limit);
    return !q->text.overflow;
}

/* ---- a page across tenants ---- */

/* A stream is a tenant, or a tenant and one of the values that drive; it is read from behind (low_at, low_id), which is
 * where the tenant's events begin that it still keeps: the policy hides the rest, but would read all of it. */
static void add_streams(struct build *b, const struct an_plan *plan)
{
    bool behind = b->after_at != 0 && b->f->ascending;
    struct an_buf *t = &b->q->text;
    add(b, "WITH streams AS MATERIALIZED (\nSELECT t.tenant_id, t.low_at, ");
    if (behind)
        an_buf_addf(t, "CASE WHEN t.low_at = $%u::timestamptz THEN $%u::uuid ELSE " LEAST_ID " END", b->after_at,
                    b->after_id);
    else
        add(b, LEAST_ID);
    add(b, has_branches(plan) ? " AS low_id, v.*" : " AS low_id");
    add(b, "\nFROM (SELECT t.tenant_id, greatest('-infinity'");
    if (b->from != 0)
        an_buf_addf(t, ", $%u::timestamptz", b->from);
    if (behind)
        an_buf_addf(t, ", $%u::timestamptz", b->after_at);
    add(b, ", CASE WHEN t.kept_days IS NOT NULL"
           " THEN least(now() - t.kept_days * interval '24 hours', t.held_from) END) AS low_at"
           "\nFROM annals.tenants AS t) AS t");
    if (has_branches(plan)) {
        add(b, "\nCROSS JOIN ");
        add_branches(b, plan);
    }
    add(b, ")");
}

/* The first `deep` rows of each stream are looked at. The page has no event beyond the last of these rows in the
 * many-th stream, in order of these: that many streams have deep rows each before it, in all as many as the page has.
 * A quarter of the streams is taken to be as busy as that. found: from FROM on. */
static void add_edge(struct build *b, const struct an_plan *plan, struct an_str found, int64_t rows)
{
    bool asc = b->f->ascending;
    const char *way = asc ? "ASC" : "DESC";
    /* An event may be in as many streams as it has entities. */
    unsigned need = number_param(b, plan->drive == AN_DRIVE_PAIRS ? rows * (int64_t)plan->count : rows);
    struct an_buf *t = &b->q->text;
    an_buf_addf(t,
                ", shape AS MATERIALIZED (\nSELECT s.deep, ($%u::bigint - 1) / s.deep AS before_last\nFROM (SELECT 1 +"
                " ($%u::bigint - 1) / greatest(count(*) / 4, 1) AS deep FROM streams) AS s)",
                need, need);
    add(b, ", heads AS MATERIALIZED (\nSELECT v.*, h.first_at, h.last_at\nFROM streams AS v"
           "\nCROSS JOIN LATERAL (SELECT v.low_at, v.low_id, 'infinity'::timestamptz AS high_at) AS r"
           "\nCROSS JOIN LATERAL (");
    an_buf_addf(t, "\nSELECT %s(x.at) AS first_at, CASE count(*) WHEN (SELECT deep FROM shape) THEN %s(x.at) END AS last_at",
                asc ? "min" : "max", asc ? "max" : "min");
    add(b, "\nFROM (SELECT e.\"timestamp\" AS at");
    (void)an_buf_add(t, found.data, found.len);
    an_buf_addf(t, "\nORDER BY %s.\"timestamp\" %s\nLIMIT (SELECT deep FROM shape)) AS x) AS h)",
                plan->drive == AN_DRIVE_PAIRS ? "k" : "e", way);
    an_buf_addf(t,
                ", edge AS MATERIALIZED (\nSELECT coalesce((SELECT h.last_at FROM heads AS h WHERE h.last_at IS NOT NULL"
                " ORDER BY h.last_at %s OFFSET (SELECT before_last FROM shape) LIMIT 1), '%sinfinity') AS at)",
                way, asc ? "" : "-");
}

/* What is read in each stream: made once, since it stands in the statement twice and its values are parameters. */
static struct an_str make_found(struct build *b, const struct an_plan *plan)
{
    struct an_buf *t = &b->q->text;
    add_found(b, plan);
    struct an_str found = {an_arena_strndup(b->q->arena, t->data, t->len), t->len};
    bool overflow = t->overflow;
    an_buf_clear(t);
    t->overflow = overflow;
    return found;
}

/* The indexes of actions and actors have no id. In a stream, which is short for the planner, it would rather test all rows
 * of the tenant than sort these by it; so they come by time alone, and those of the last instant all together. */
static void add_stream_order(struct build *b, const struct an_plan *plan, unsigned rows)
{
    if (plan->drive == AN_DRIVE_ACTORS || plan->drive == AN_DRIVE_ACTIONS)
        an_buf_addf(&b->q->text, "\nORDER BY e.\"timestamp\" %s\nFETCH FIRST ($%u::bigint) ROWS WITH TIES",
                    b->f->ascending ? "ASC" : "DESC", rows);
    else
        add_found_order(b, plan, rows);
}

/* All tenants by time is in the order of no index. Merging a page of each tenant would read tenants x page: so it is
 * first found how far the page reaches, from few rows of each; then only those tenants are read that reach it. */
bool an_sqltext_page_across(struct an_sqltext *q, const struct an_filter *f, const struct an_plan *plan,
                            const struct an_position *after, int64_t rows)
{
    struct build b = {.q = q, .f = f, .after = after, .across = true};
    begin(&b, (struct an_str){NULL, 0});
    unsigned limit = number_param(&b, rows);
    struct an_str found = make_found(&b, plan);
    add_streams(&b, plan);
    add_edge(&b, plan, found, rows);
    add(&b, has_branches(plan) ? "\nSELECT DISTINCT ON (e.\"timestamp\", e.id) e.*" : "\nSELECT e.*");
    add(&b, "\nFROM heads AS v\nCROSS JOIN edge\nCROSS JOIN LATERAL (SELECT ");
    add(&b, f->ascending ? "v.low_at" : "greatest(v.low_at, edge.at) AS low_at");
    add(&b, ", v.low_id, edge.at AS high_at) AS r\nCROSS JOIN LATERAL (\n");
    add_columns(&b);
    (void)an_buf_add(&q->text, found.data, found.len);
    add_stream_order(&b, plan, limit);
    add(&b, ") AS e\nWHERE v.first_at ");
    add(&b, f->ascending ? "<= edge.at" : ">= edge.at");
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

static void add_start(struct build *b, const char *alias)
{
    const char *unit = choose(units, AN_COUNT(units), b->f->interval, NULL);
    if (unit == NULL)
        add(b, "NULL::timestamptz");
    else
        an_buf_addf(&b->q->text, "date_trunc(%s, %s.\"timestamp\", 'UTC')", unit, alias);
}

/* No index begins with the time. Through the tenants, the one that begins with them serves a short time. */
static void add_counted_tenants(struct build *b)
{
    add(b, b->across ? "annals.tenants AS v\nCROSS JOIN " : "");
}

/* An event that has two entities of a type counts once. Without conditions events need not be read. */
static void add_counted_entities(struct build *b)
{
    bool alone = b->f->terms == NULL;
    add_start(b, "k");
    add(b, " AS start_at, k.entity_type AS key, k.event_id\nFROM ");
    add_counted_tenants(b);
    add(b, "annals.event_entities AS k");
    if (!alone)
        add(b, "\nJOIN annals.events AS e ON e.tenant_id = k.tenant_id AND " SAME_EVENT("k"));
    add(b, "\nWHERE ");
    add_bounds(b, "k", "event_id");
    if (alone)
        return;
    add(b, " AND ");
    add_bounds(b, "e", "id");
    add_terms(b, NULL);
}

static void add_counted_events(struct build *b)
{
    add_start(b, "e");
    an_buf_addf(&b->q->text, " AS start_at, %s AS key\nFROM ",
                choose(keys, AN_COUNT(keys), b->f->by, "NULL::text"));
    add_counted_tenants(b);
    add(b, "annals.events AS e\nWHERE ");
    add_bounds(b, "e", "id");
    add_terms(b, NULL);
}

bool an_sqltext_counts(struct an_sqltext *q, const struct an_filter *f, struct an_str tenant,
                       int64_t rows)
{
    struct build b = {.q = q, .f = f, .counting = true, .across = tenant.data == NULL};
    bool entities = an_str_is(f->by, "entity_type");
    begin(&b, tenant);
    an_buf_addf(&q->text, "SELECT " US("c.start_at") ", c.key, count(%s)\nFROM (SELECT ",
                entities ? "DISTINCT c.event_id" : "*");
    if (entities)
        add_counted_entities(&b);
    else
        add_counted_events(&b);
    an_buf_addf(
        &q->text,
        ") AS c\nGROUP BY c.start_at, c.key\nORDER BY c.start_at, c.key COLLATE \"C\"\nLIMIT $%u::bigint",
        param(&b, an_str(an_arena_printf(q->arena, "%lld", (long long)rows))));
    return !q->text.overflow;
}
