/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "console/filters.h"
#include "event/event.h"

/* The fields of the form, by the parameter that each holds. A repeated parameter, or one without a field, is
 * kept as a hidden field. */
static const struct {
    const char *param, *value;
    bool more; /* stands in the part that is folded away */
} fields[] = {
    {"action", "f_action", false}, {"actor", "f_actor", false}, {"entity", "f_entity", false},
    {"ip", "f_ip", false},         {"id", "f_id", true},        {"limit", "f_limit", true},
    {"from", "f_from", false},     {"to", "f_to", false},       {"outcome", "f_outcome", false},
    {"order", "f_order", true},
};

/* What <input type=datetime-local> takes: no zone, no more than milliseconds. */
static struct an_str local_text(struct an_arena *a, struct an_str value)
{
    int64_t us;
    if (!an_time_parse(value, &us))
        return (struct an_str){NULL, 0};
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    return an_str(an_arena_printf(a, "%.*s", us % 1000000 == 0 ? 19 : 23, text));
}

static void keep(struct an_admin *a, const struct an_param *p)
{
    struct an_scope *item = an_scope_item(a->page, "kept");
    an_scope_text(item, "name", p->name);
    an_scope_text(item, "value", p->value);
}

static void fill_field(struct an_admin *a, size_t i, const struct an_param *p)
{
    bool is_time = an_str_is(p->name, "from") || an_str_is(p->name, "to");
    an_scope_text(a->page, fields[i].value, is_time ? local_text(a->arena, p->value) : p->value);
    if (fields[i].more)
        an_scope_flag(a->page, "more_open", true);
}

static void fill_form(struct an_admin *a)
{
    bool filled[AN_COUNT(fields)] = {false};
    for (const struct an_param *p = a->params; p != NULL; p = p->next) {
        size_t i = 0;
        while (i < AN_COUNT(fields) && !an_str_is(p->name, fields[i].param))
            i++;
        if (an_str_is(p->name, "cursor"))
            continue; /* another filter has other pages */
        if (i == AN_COUNT(fields) || filled[i]) {
            keep(a, p);
            continue;
        }
        filled[i] = true;
        fill_field(a, i, p);
    }
    if (a->platform && a->tenant.data != NULL)
        keep(a, &(struct an_param){.name = AN_STR("tenant"), .value = a->tenant});
    an_scope_textf(a->page, "page_default", "%d", (int)a->call->ctx->conf->page_default);
}

static void add_outcome(struct an_admin *a, struct an_str value, const char *label, struct an_str chosen)
{
    struct an_scope *item = an_scope_item(a->page, "f_outcomes");
    an_scope_text(item, "value", value);
    an_scope_text(item, "label", an_str(label));
    an_scope_flag(item, "selected", an_str_equal(value, chosen));
}

/* Each outcome, and "not success", which is what people look for. */
static void fill_outcomes(struct an_admin *a)
{
    const struct an_param *p = an_params_find(a->params, "outcome");
    struct an_str chosen = p == NULL ? AN_STR("") : p->value;
    add_outcome(a, AN_STR(""), "any", chosen);
    bool known = chosen.len == 0;
    for (int i = 0; i < AN_OUTCOME__COUNT; i++) {
        add_outcome(a, an_str(an_outcome_names[i]), an_outcome_names[i], chosen);
        known = known || an_str_is(chosen, an_outcome_names[i]);
    }
    add_outcome(a, AN_STR("!success"), "not success", chosen);
    if (!known && !an_str_is(chosen, "!success"))
        add_outcome(a, chosen, an_arena_printf(a->arena, "%.*s", AN_STR_ARG(chosen)), chosen);
}

static void add_presets(struct an_admin *a)
{
    static const struct {
        const char *last, *label;
    } presets[] = {{"15m", "15 minutes"}, {"24h", "24 hours"}, {"7d", "7 days"}, {"30d", "30 days"}};
    struct an_param *q = an_query_without(a->arena, a->params, "cursor");
    q = an_query_without(a->arena, q, "from");
    q = an_query_without(a->arena, q, "to");
    for (size_t i = 0; i < AN_COUNT(presets); i++) {
        struct an_scope *item = an_scope_item(a->page, "presets");
        struct an_param *one = an_query_with(a->arena, q, "last", an_str(presets[i].last));
        an_scope_text(item, "url", an_admin_url(a, "/admin/events", one));
        an_scope_text(item, "label", an_str(presets[i].label));
    }
}

/* A value as a person reads it: "!" has become "not", and an escape is gone. */
static struct an_str chip_value(struct an_str value, bool *negative)
{
    *negative = value.len > 1 && value.data[0] == '!';
    if (*negative || (value.len > 1 && value.data[0] == '\\')) {
        value.data++;
        value.len--;
    }
    return value;
}

static void add_chips(struct an_admin *a)
{
    bool any = false;
    struct an_param *all = an_query_without(a->arena, a->params, "cursor");
    for (const struct an_param *p = all; p != NULL; p = p->next) {
        if (an_str_is(p->name, "order") || an_str_is(p->name, "limit"))
            continue;
        bool negative;
        struct an_scope *chip = an_scope_item(a->page, "chips");
        struct an_str value = chip_value(p->value, &negative);
        an_scope_textf(chip, "name", "%.*s%s", AN_STR_ARG(p->name), negative ? " not" : "");
        an_scope_text(chip, "value", an_text_clip(a->arena, value, 120));
        an_scope_flag(chip, "negative", negative);
        an_scope_text(chip, "url", an_admin_url(a, "/admin/events", an_query_except(a->arena, all, p)));
        any = true;
    }
    an_scope_flag(a->page, "has_chips", any);
    an_scope_flag(a->page, "filtered", any);
    an_scope_text(a->page, "clear_url", an_admin_url(a, "/admin/events", NULL));
}

void an_admin_filters(struct an_admin *a)
{
    fill_form(a);
    fill_outcomes(a);
    add_presets(a);
    add_chips(a);
}
