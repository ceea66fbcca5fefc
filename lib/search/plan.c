/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/plan.h"
#include "search/reading.h"
#include "search/sqltext.h"

struct planner {
    struct an_search *s;
    const struct an_filter *f;
    struct an_plan *plan;
    struct an_str from, to; /* as timestamptz */
    bool looks;             /* look-ups may be run */
};

/* One way to drive the search: AN_OK with *taken where it fits the filter. */
typedef int way(struct planner *p, bool *taken, struct an_err *err);

static struct an_str time_or(struct planner *p, int64_t us, const char *infinite)
{
    if (us <= AN_TIME_MIN_US || us > AN_TIME_MAX_US)
        return an_str(infinite);
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    return an_str(an_arena_strdup(p->s->arena, text));
}

/* First positive term of the field, or NULL; those of the same group follow it. */
static const struct an_term *positives(const struct an_filter *f, enum an_field field)
{
    const struct an_term *t = f->terms;
    while (t != NULL && t->field != field)
        t = t->next;
    return t == NULL || t->negative ? NULL : t;
}

static const struct an_term *next_positive(const struct an_term *t)
{
    const struct an_term *next = t->next;
    return next == NULL || next->negative || !an_term_together(t, next) ? NULL : next;
}

static void begin(struct planner *p, enum an_drive drive, const struct an_term *group, size_t room)
{
    *p->plan = (struct an_plan){.drive = drive, .group = group};
    p->plan->values = an_arena_alloc(p->s->arena, (room + 1) * sizeof *p->plan->values);
    p->plan->types = an_arena_alloc(p->s->arena, (room + 1) * sizeof *p->plan->types);
}

static void add(struct an_plan *plan, struct an_str type, struct an_str value)
{
    plan->types[plan->count] = type;
    plan->values[plan->count] = value;
    plan->count++;
}

/* Adds where it is not there yet; lists here are short (AN_TERMS_MAX, AN_BRANCHES_MAX). */
static void add_once(struct an_plan *plan, struct an_str value)
{
    for (size_t i = 0; i < plan->count; i++)
        if (an_str_equal(plan->values[i], value))
            return;
    add(plan, (struct an_str){NULL, 0}, value);
}

static bool over_branches(const struct planner *p)
{
    return p->plan->count > AN_BRANCHES_MAX;
}

static int by_ids(struct planner *p, bool *taken, struct an_err *err)
{
    (void)err;
    const struct an_term *group = positives(p->f, AN_F_ID);
    if (group == NULL)
        return AN_OK;
    *p->plan = (struct an_plan){.drive = AN_DRIVE_IDS, .group = group};
    for (const struct an_term *t = group; t != NULL; t = next_positive(t))
        p->plan->count++;
    *taken = true;
    return AN_OK;
}

static bool take_types(struct planner *p, enum an_field field)
{
    const struct an_term *group = positives(p->f, field);
    if (group == NULL)
        return false;
    begin(p, AN_DRIVE_TYPES, group, AN_TERMS_MAX);
    for (const struct an_term *t = group; t != NULL; t = next_positive(t)) {
        if (field == AN_F_ENTITY && t->value.data != NULL)
            return false;
        add_once(p->plan, field == AN_F_ENTITY ? t->type : t->value);
    }
    return true;
}

static struct an_str text_of(struct planner *p, int64_t number)
{
    return an_str(an_arena_printf(p->s->arena, "%lld", (long long)number));
}

static int look_up(struct planner *p, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                   struct an_result **out, struct an_err *err)
{
    struct an_db_step step = {.stmt = stmt, .params = params, .count = count};
    return an_reading_ask(p->s, AN_PLAN_IN_ORDER, &step, false, out, err);
}

/* Are there at most AN_RARE_MAX rows? The statement counts up to one more. */
static int are_rare(struct planner *p, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                    bool *rare, struct an_err *err)
{
    struct an_result *res = NULL;
    int64_t rows;
    int rc = look_up(p, stmt, params, count, &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, &rows))
        rc = an_fail(err, AN_EBACKEND, "search: a count of rows without a number");
    if (rc == AN_OK)
        *rare = rows <= AN_RARE_MAX;
    an_result_free(res);
    return rc;
}

static int are_rare_types(struct planner *p, bool *rare, struct an_err *err)
{
    struct an_str types = an_sqltext_array(p->s->arena, p->plan->values, p->plan->count);
    const struct an_db_param params[] = {AN_DB_TEXT(p->s->tenant), AN_DB_TEXT(types), AN_DB_TEXT(p->from),
                                         AN_DB_TEXT(p->to), AN_DB_TEXT(text_of(p, AN_RARE_MAX + 1))};
    return are_rare(p, AN_STMT_SEARCH_TYPE_ROWS, params, AN_COUNT(params), rare, err);
}

static int are_rare_pairs(struct planner *p, bool *rare, struct an_err *err)
{
    struct an_str types = an_sqltext_array(p->s->arena, p->plan->types, p->plan->count);
    struct an_str ids = an_sqltext_array(p->s->arena, p->plan->values, p->plan->count);
    const struct an_db_param params[] = {
        AN_DB_TEXT(p->s->tenant), AN_DB_TEXT(types), AN_DB_TEXT(ids),
        AN_DB_TEXT(p->from),      AN_DB_TEXT(p->to), AN_DB_TEXT(text_of(p, AN_RARE_MAX + 1))};
    return are_rare(p, AN_STMT_SEARCH_PAIR_ROWS, params, AN_COUNT(params), rare, err);
}

static int by_rare_types(struct planner *p, bool *taken, struct an_err *err)
{
    static const enum an_field fields[] = {AN_F_ENTITY_TYPE, AN_F_ENTITY};
    for (size_t i = 0; i < AN_COUNT(fields) && !*taken; i++) {
        if (!take_types(p, fields[i]))
            continue;
        int rc = are_rare_types(p, taken, err);
        if (rc != AN_OK)
            return rc;
    }
    return AN_OK;
}

static bool has_actors(const struct an_filter *f)
{
    return positives(f, AN_F_ACTOR_ID) != NULL || positives(f, AN_F_ACTOR) != NULL;
}

/* Could exact actors or actions drive as well? */
static bool has_rival(const struct planner *p)
{
    if (has_actors(p->f))
        return true;
    const struct an_term *t = positives(p->f, AN_F_ACTION);
    while (t != NULL && !t->prefix)
        t = next_positive(t);
    return t == NULL && positives(p->f, AN_F_ACTION) != NULL;
}

/* Some entities are part of almost every event (the organisation): then an actor or an action finds less.
 */
static int choose_pairs(struct planner *p, bool *taken, struct an_err *err)
{
    *taken = true;
    return p->looks && has_rival(p) ? are_rare_pairs(p, taken, err) : AN_OK;
}

static int by_pairs(struct planner *p, bool *taken, struct an_err *err)
{
    const struct an_term *group = positives(p->f, AN_F_ENTITY);
    if (group == NULL)
        return AN_OK;
    begin(p, AN_DRIVE_PAIRS, group, AN_TERMS_MAX);
    for (const struct an_term *t = group; t != NULL; t = next_positive(t)) {
        if (t->value.data == NULL)
            return AN_OK;
        add(p->plan, t->type, t->value);
    }
    return choose_pairs(p, taken, err);
}

static int by_actors(struct planner *p, bool *taken, struct an_err *err)
{
    (void)err;
    const struct an_term *group = positives(p->f, AN_F_ACTOR_ID);
    if (group == NULL)
        group = positives(p->f, AN_F_ACTOR);
    if (group == NULL)
        return AN_OK;
    begin(p, AN_DRIVE_ACTORS, group, AN_TERMS_MAX);
    for (const struct an_term *t = group; t != NULL; t = next_positive(t))
        add_once(p->plan, t->value);
    *taken = true;
    return AN_OK;
}

/* Strings of the first column, copied; more than AN_BRANCHES_MAX only show that there are too many. */
static int list(struct planner *p, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                struct an_str *out, size_t *out_count, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = look_up(p, stmt, params, count, &res, err);
    if (rc != AN_OK)
        return rc;
    *out_count = an_result_rows(res);
    for (size_t i = 0; i < *out_count; i++) {
        struct an_str v = an_result_get(res, i, 0);
        out[i] = (struct an_str){an_arena_strndup(p->s->arena, v.data, v.len), v.len};
    }
    an_result_free(res);
    return AN_OK;
}

/* An entity's id without its type: the tenant's types are few, each with the id is a pair. */
static int by_entity_ids(struct planner *p, bool *taken, struct an_err *err)
{
    const struct an_term *group = positives(p->f, AN_F_ENTITY_ID);
    if (group == NULL)
        return AN_OK;
    const struct an_db_param params[] = {AN_DB_TEXT(p->s->tenant), AN_DB_TEXT(p->from), AN_DB_TEXT(p->to),
                                         AN_DB_TEXT(text_of(p, AN_BRANCHES_MAX + 1))};
    struct an_str types[AN_BRANCHES_MAX + 1];
    size_t count;
    int rc = list(p, AN_STMT_SEARCH_TYPES, params, AN_COUNT(params), types, &count, err);
    if (rc != AN_OK)
        return rc;
    begin(p, AN_DRIVE_PAIRS, group, AN_TERMS_MAX * count);
    for (const struct an_term *t = group; t != NULL; t = next_positive(t))
        for (size_t i = 0; i < count; i++)
            add(p->plan, types[i], t->value);
    return over_branches(p) ? AN_OK : choose_pairs(p, taken, err);
}

static int add_actions(struct planner *p, struct an_str prefix, struct an_err *err)
{
    struct an_str end = an_sqltext_prefix_end(p->s->arena, prefix);
    const struct an_db_param params[] = {
        AN_DB_TEXT(p->s->tenant), AN_DB_TEXT(prefix), AN_DB_TEXT(end),
        AN_DB_TEXT(p->from),      AN_DB_TEXT(p->to),  AN_DB_TEXT(text_of(p, AN_BRANCHES_MAX + 1))};
    struct an_str actions[AN_BRANCHES_MAX + 1];
    size_t count;
    int rc = list(p, AN_STMT_SEARCH_ACTIONS, params, AN_COUNT(params), actions, &count, err);
    for (size_t i = 0; rc == AN_OK && i < count; i++)
        add_once(p->plan, actions[i]);
    return rc;
}

static int by_actions(struct planner *p, bool *taken, struct an_err *err)
{
    const struct an_term *group = positives(p->f, AN_F_ACTION);
    if (group == NULL)
        return AN_OK;
    begin(p, AN_DRIVE_ACTIONS, group, AN_TERMS_MAX + 2 * AN_BRANCHES_MAX);
    for (const struct an_term *t = group; t != NULL && !over_branches(p); t = next_positive(t)) {
        int rc = AN_OK;
        if (t->prefix && !p->looks)
            return AN_OK;
        if (t->prefix)
            rc = add_actions(p, t->value, err);
        else
            add_once(p->plan, t->value);
        if (rc != AN_OK)
            return rc;
    }
    *taken = !over_branches(p);
    return AN_OK;
}

int an_plan_make(struct an_search *s, const struct an_filter *f, struct an_plan *out, struct an_err *err)
{
    /* What finds least comes first. Across tenants nothing is looked up. Of one actor and one action the
     * planner may prefer either, by its statistics. */
    static const struct {
        way *take;
        bool looks;
    } ways[] = {{by_ids, false},       {by_rare_types, true}, {by_pairs, false},
                {by_entity_ids, true}, {by_actors, false},    {by_actions, false}};
    struct planner p = {.s = s, .f = f, .plan = out, .looks = s->shard_count == 0};
    p.from = time_or(&p, f->from_us, "-infinity");
    p.to = time_or(&p, f->to_us, "infinity");
    for (size_t i = 0; i < AN_COUNT(ways); i++) {
        bool taken = false;
        int rc = ways[i].looks && !p.looks ? AN_OK : ways[i].take(&p, &taken, err);
        if (rc != AN_OK || taken)
            return rc;
    }
    *out = (struct an_plan){.drive = AN_DRIVE_TIME};
    return AN_OK;
}

bool an_plan_suits_any(const struct an_plan *plan, const struct an_filter *f)
{
    /* Types were counted and found rare, which the planner would not know. An actor and an action have an
     * index each. All else leaves it one index that has the order of the page. */
    return plan->drive != AN_DRIVE_TYPES && !(has_actors(f) && positives(f, AN_F_ACTION) != NULL);
}
