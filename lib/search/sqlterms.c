/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/sqlterms.h"

#define GREATEST_ID "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"

unsigned an_sql_param(struct an_sql *b, struct an_str value)
{
    struct an_sqltext *q = b->q;
    if (q->count == AN_SQL_PARAMS_MAX) {
        q->text.overflow = true;
        return 0;
    }
    q->params[q->count++] = AN_DB_TEXT(value);
    return (unsigned)q->count;
}

unsigned an_sql_array(struct an_sql *b, const struct an_str *values, size_t count)
{
    return an_sql_param(b, an_sqltext_array(b->q->arena, values, count));
}

struct an_str an_sql_time(struct an_sql *b, int64_t us)
{
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    return an_str(an_arena_strdup(b->q->arena, text));
}

struct an_str an_sql_uuid(struct an_sql *b, const struct an_uuid *id)
{
    char text[AN_UUID_LEN + 1];
    an_uuid_format(id, text);
    return an_str(an_arena_strdup(b->q->arena, text));
}

void an_sql_add(struct an_sql *b, const char *text)
{
    an_buf_adds(&b->q->text, text);
}

void an_sql_begin(struct an_sql *b, struct an_str tenant)
{
    const struct an_filter *f = b->f;
    if (!b->across)
        b->tenant = an_sql_param(b, tenant);
    if (f->from_us > AN_TIME_MIN_US)
        b->from = an_sql_param(b, an_sql_time(b, f->from_us));
    if (f->to_us <= AN_TIME_MAX_US)
        b->to = an_sql_param(b, an_sql_time(b, f->to_us));
    if (b->after != NULL) {
        b->after_at = an_sql_param(b, an_sql_time(b, b->after->timestamp_us));
        b->after_id = an_sql_param(b, an_sql_uuid(b, &b->after->id));
    }
}

/* From where on rows are read: the later of what is asked for and what the tenant keeps. That no hidden
 * row is shown is up to the policy "kept", which is no bound of an index; this is, so that none is
 * read.
 *
 * A bound of our own beside an end of the time looks to the planner like a range, which it believes to
 * hold one row in two hundred where it does not know the values, and it reads by time what it should
 * read by another index. A comparison of rows is not paired so. But it prunes no partition, and of two
 * bounds the index is entered at this one, be it the earlier. */
static void add_lower_bound(struct an_sql *b, const char *alias, const char *id)
{
    struct an_buf *t = &b->q->text;
    if (b->from != 0)
        an_buf_addf(t, " AND %s.\"timestamp\" >= greatest($%u::timestamptz, annals.kept_from())", alias,
                    b->from);
    else if (b->counting || (b->to == 0 && b->after_at == 0))
        an_buf_addf(t, " AND %s.\"timestamp\" >= annals.kept_from()", alias);
    else if (!b->entered)
        an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) >= (annals.kept_from(), " AN_SQL_NO_ID ")", alias,
                    alias, id);
}

/* The tenant of the statement or, across tenants, of the row that leads to this one. */
void an_sql_tenant(struct an_sql *b, const char *alias, const char *leads)
{
    if (b->across)
        an_buf_addf(&b->q->text, "%s.tenant_id = %s.tenant_id", alias, leads);
    else
        an_buf_addf(&b->q->text, "%s.tenant_id = $%u", alias, b->tenant);
}

/* How far back a tenant is read and, oldest first, how far on. Comparisons of rows: two plain ones look
 * to the planner like a range, which it believes to be narrow. */
static void add_reach(struct an_sql *b, const char *alias, const char *id)
{
    struct an_buf *t = &b->q->text;
    an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) > (r.low_at, r.low_id)", alias, alias, id);
    if (b->f->ascending)
        an_buf_addf(t, " AND (%s.\"timestamp\", %s.%s) <= (r.high_at, " GREATEST_ID ")", alias, alias, id);
}

/* Tenant, time and the page's start. The start is said twice: partitions are pruned by the plain
 * comparison only. */
void an_sql_bounds(struct an_sql *b, const char *alias, const char *id)
{
    struct an_buf *t = &b->q->text;
    an_sql_tenant(b, alias, "v");
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
static bool add_equal_left(struct an_sql *b, const struct an_term *t)
{
    bool by_id = t->field == AN_F_ENTITY_ID;
    switch (t->field) {
    case AN_F_ACTION:
        an_sql_add(b, "e.action");
        return false;
    case AN_F_ACTOR_TYPE:
        an_sql_add(b, "e.actor_type");
        return false;
    case AN_F_OUTCOME:
        an_sql_add(b, "e.outcome");
        return false;
    case AN_F_ENTITY:
    case AN_F_ENTITY_ID:
    case AN_F_ENTITY_TYPE:
        break;
    default:
        an_sql_add(b, "e.actor_id");
        return false;
    }
    if (!b->counting) {
        an_sql_add(b, "EXISTS (SELECT FROM json_array_elements(e.document -> 'entities') AS x WHERE x ->> ");
        an_sql_add(b, by_id ? "'id'" : "'type'");
        return true;
    }
    an_sql_add(b, "EXISTS (SELECT FROM annals.event_entities AS x WHERE ");
    an_sql_bounds(b, "x", "event_id");
    an_sql_add(b, " AND " AN_SQL_SAME_EVENT("x") " AND ");
    an_sql_add(b, by_id ? "x.entity_id" : "x.entity_type");
    return true;
}

static void add_equal(struct an_sql *b, const struct an_term *t, const struct an_str *values, size_t count)
{
    bool bracket = add_equal_left(b, t);
    if (count == 1)
        an_buf_addf(&b->q->text, " = $%u", an_sql_param(b, values[0]));
    else
        an_buf_addf(&b->q->text, " = ANY ($%u::text[])", an_sql_array(b, values, count));
    if (bracket)
        an_sql_add(b, ")");
}

static void add_prefix(struct an_sql *b, struct an_str prefix)
{
    unsigned low = an_sql_param(b, prefix);
    unsigned high = an_sql_param(b, an_sqltext_prefix_end(b->q->arena, prefix));
    an_buf_addf(&b->q->text, "(e.action >= $%u AND e.action < $%u)", low, high);
}

/* On a page the primary key is asked for each row: OFFSET 0 keeps the planner from joining instead, which
 * it would, because it takes time and id of an entity to be independent and so expects to find nothing.
 */
static void add_pair(struct an_sql *b, struct an_str type, struct an_str id)
{
    unsigned t = an_sql_param(b, type), i = an_sql_param(b, id);
    an_sql_add(b, "EXISTS (SELECT FROM annals.event_entities AS x WHERE ");
    an_sql_tenant(b, "x", "e");
    an_buf_addf(&b->q->text,
                " AND x.entity_type = $%u AND x.entity_id = $%u AND " AN_SQL_SAME_EVENT("x") "%s)", t, i,
                b->counting ? "" : " OFFSET 0");
}

static void add_id(struct an_sql *b, const struct an_uuid *id)
{
    int64_t us = an_uuid7_us(id);
    unsigned low = an_sql_param(b, an_sql_time(b, us)), high = an_sql_param(b, an_sql_time(b, us + 1000));
    an_buf_addf(&b->q->text,
                "(e.\"timestamp\" >= $%u::timestamptz AND e.\"timestamp\" < $%u::timestamptz"
                " AND e.id = $%u::uuid)",
                low, high, an_sql_param(b, an_sql_uuid(b, id)));
}

/* Strings by content, numbers and booleans by spelling. The text of an object or array is its JSON, and
 * no value; it can only be met by a value that looks like it. */
static void add_metadata(struct an_sql *b, const struct an_term *t)
{
    struct an_str path[64];
    size_t len = 0;
    path[len] = AN_STR("metadata");
    len++;
    for (size_t i = 0; i < t->path_len && len < AN_COUNT(path); i++)
        path[len++] = t->path[i];
    unsigned p = an_sql_array(b, path, len), v = an_sql_param(b, t->value);
    an_buf_addf(&b->q->text, "(e.document #>> $%u::text[] = $%u", p, v);
    if (an_str_starts(t->value, "{") || an_str_starts(t->value, "["))
        an_buf_addf(&b->q->text, " AND json_typeof(e.document #> $%u::text[]) = 'string'", p);
    an_sql_add(b, ")");
}

static void add_single(struct an_sql *b, const struct an_term *t)
{
    if (is_equality(t)) {
        struct an_str value = equal_value(t);
        add_equal(b, t, &value, 1);
    } else if (t->field == AN_F_ACTION) {
        add_prefix(b, t->value);
    } else if (t->field == AN_F_ACTOR) {
        unsigned type = an_sql_param(b, t->type);
        an_buf_addf(&b->q->text, "(e.actor_type = $%u AND e.actor_id = $%u)", type,
                    an_sql_param(b, t->value));
    } else if (t->field == AN_F_ENTITY) {
        add_pair(b, t->type, t->value);
    } else if (t->field == AN_F_IP) {
        an_buf_addf(&b->q->text, "e.source_ip <<= $%u::inet", an_sql_param(b, t->value));
    } else if (t->field == AN_F_ID) {
        add_id(b, &t->id);
    } else {
        add_metadata(b, t);
    }
}

/* One of the positives from `t` on must hold. */
static void add_positives(struct an_sql *b, const struct an_term *first)
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
        an_sql_add(b, before);
        add_equal(b, some, equal, count);
        before = " OR ";
    }
    for (t = first; t != NULL && !t->negative && an_term_together(first, t); t = t->next)
        if (!is_equality(t)) {
            an_sql_add(b, before);
            add_single(b, t);
            before = " OR ";
        }
    an_sql_add(b, ")");
}

/* An event that has no such member is taken in: where the member may be absent, unknown counts as not. */
static void add_negative(struct an_sql *b, const struct an_term *t)
{
    bool may_lack = t->field == AN_F_IP || t->field == AN_F_METADATA;
    an_sql_add(b, may_lack ? " AND (" : " AND NOT (");
    add_single(b, t);
    an_sql_add(b, may_lack ? ") IS NOT TRUE" : ")");
}

/* All terms but the positives of the group that starts at `driving`, which the plan takes care of. */
void an_sql_terms(struct an_sql *b, const struct an_term *driving)
{
    const struct an_term *before = NULL;
    for (const struct an_term *t = b->f->terms; t != NULL; before = t, t = t->next) {
        if (t->negative)
            add_negative(b, t);
        else if (t != driving && (before == NULL || !an_term_together(before, t)))
            add_positives(b, t);
    }
}
