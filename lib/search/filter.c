/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/suggest.h"
#include "event/event.h"
#include "search/filter.h"

#define PATH_MAX_DEPTH 31 /* the deepest member below metadata that an event can have */
#define METADATA "metadata."

enum { SEARCH = 1, COUNTS = 2, BOTH = SEARCH | COUNTS };

struct parser {
    struct an_filter *out;
    struct an_faults *faults;
    const char *name; /* of the parameter at hand */
    int64_t page_max;
    uint32_t seen; /* one bit a row of specs */
    size_t terms;
};

struct spec {
    const char *name;
    unsigned where;
    bool once; /* a second one is a fault; the others are repeated for OR */
    enum an_field field;
    void (*take)(struct parser *p, const struct spec *spec, struct an_str value);
};

static void fault(struct parser *p, const char *code, const char *detail)
{
    an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, code, "%s", detail);
}

/* Takes the leading '!' and the escape off; false after a fault. */
static bool unescape(struct parser *p, struct an_str *value, bool *negative)
{
    *negative = an_str_starts(*value, "!");
    if (*negative) {
        value->data++;
        value->len--;
    }
    if (an_str_starts(*value, "!")) {
        fault(p, "format", "a value that itself begins with ! needs a \\ in front: \\!");
        return false;
    }
    if (an_str_starts(*value, "\\")) {
        value->data++;
        value->len--;
        if (!an_str_starts(*value, "!") && !an_str_starts(*value, "\\")) {
            fault(p, "format", "a value that itself begins with \\ needs another \\ in front: \\\\");
            return false;
        }
    }
    if (value->len == 0)
        fault(p, "empty", "must not be empty");
    return value->len > 0;
}

static bool fits(struct parser *p, const char *what, struct an_str s, size_t max)
{
    if (s.len > 0 && s.len <= max)
        return true;
    an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, s.len == 0 ? "empty" : "too-long",
                 "%s must have 1 to %zu bytes", what, max);
    return false;
}

static int compare_str(struct an_str a, struct an_str b)
{
    int order = (a.data != NULL) - (b.data != NULL);
    if (order != 0)
        return order;
    size_t common = a.len < b.len ? a.len : b.len;
    order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_path(const struct an_term *a, const struct an_term *b)
{
    for (size_t i = 0; i < a->path_len && i < b->path_len; i++) {
        int order = compare_str(a->path[i], b->path[i]);
        if (order != 0)
            return order;
    }
    return (a->path_len > b->path_len) - (a->path_len < b->path_len);
}

/* Terms that belong together stand together, positives first. */
static int compare(const struct an_term *a, const struct an_term *b)
{
    if (a->field != b->field)
        return a->field < b->field ? -1 : 1;
    int order = compare_path(a, b);
    if (order == 0)
        order = a->negative - b->negative;
    if (order == 0)
        order = a->prefix - b->prefix;
    if (order == 0)
        order = compare_str(a->type, b->type);
    if (order == 0)
        order = compare_str(a->value, b->value);
    return order != 0 ? order : memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
}

bool an_term_together(const struct an_term *a, const struct an_term *b)
{
    return a->field == b->field && compare_path(a, b) == 0;
}

static void add_term(struct parser *p, const struct an_term *term)
{
    p->terms++;
    if (p->terms > AN_TERMS_MAX) {
        if (p->terms == AN_TERMS_MAX + 1)
            an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, "too-many",
                         "a search may have %d conditions", AN_TERMS_MAX);
        return;
    }
    struct an_term **at = &p->out->terms;
    while (*at != NULL && compare(*at, term) < 0)
        at = &(*at)->next;
    if (*at != NULL && compare(*at, term) == 0)
        return;
    struct an_term *copy = an_arena_alloc(p->faults->arena, sizeof *copy);
    *copy = *term;
    copy->next = *at;
    *at = copy;
}

static void take_action(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative))
        return;
    struct an_str word = value;
    term.prefix = value.len > 2 && memcmp(value.data + value.len - 2, ".*", 2) == 0;
    if (term.prefix) {
        value.len -= 1;
        word.len -= 2;
    }
    if (!an_action_valid(word)) {
        fault(p, "format",
              "an action has lower-case letters, digits and _ . : -; a trailing .* asks for a prefix");
        return;
    }
    term.value = value;
    add_term(p, &term);
}

static void take_actor(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative))
        return;
    struct an_str id, type = an_str_split(value, ':', &id);
    if (id.data == NULL) {
        id = type;
        type = (struct an_str){NULL, 0};
    }
    if ((type.data != NULL && !fits(p, "the type before the colon", type, AN_TYPE_MAX)) ||
        !fits(p, "an actor's id", id, AN_ID_MAX))
        return;
    term.type = type;
    term.value = id;
    add_term(p, &term);
}

static void take_entity(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative))
        return;
    term.type = an_str_split(value, ':', &term.value);
    if (!fits(p, "an entity's type", term.type, AN_TYPE_MAX) ||
        (term.value.data != NULL && !fits(p, "the id behind the colon", term.value, AN_ID_MAX)))
        return;
    add_term(p, &term);
}

static void take_type(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative) || !fits(p, "a type", value, AN_TYPE_MAX))
        return;
    term.value = value;
    add_term(p, &term);
}

static void take_id_text(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative) || !fits(p, "an id", value, AN_ID_MAX))
        return;
    term.value = value;
    add_term(p, &term);
}

/* Is the value one of the words? Else a fault with the list, or the nearest of them. */
static bool one_of(struct parser *p, struct an_str value, const char *const *words, size_t count)
{
    char list[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (an_str_is(value, words[i]))
            return true;
        int n = snprintf(list + len, sizeof list - len, "%s%s", i == 0 ? "" : ", ", words[i]);
        len += n > 0 && (size_t)n < sizeof list - len ? (size_t)n : 0;
    }
    const char *near = an_suggest(value, words, count);
    if (near != NULL)
        an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, "format", "did you mean %s?", near);
    else
        an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, "format", "must be one of: %s", list);
    return false;
}

static void take_outcome(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative) || !one_of(p, value, an_outcome_names, AN_OUTCOME__COUNT))
        return;
    term.value = value;
    add_term(p, &term);
}

static void take_ip(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative))
        return;
    if (!an_ip_valid(value, true)) {
        fault(p, "format", "an IPv4 or IPv6 address, or a block of them such as 10.0.0.0/8");
        return;
    }
    term.value = value;
    add_term(p, &term);
}

static void take_uuid(struct parser *p, const struct spec *spec, struct an_str value)
{
    struct an_term term = {.field = spec->field};
    if (!unescape(p, &value, &term.negative))
        return;
    if (!an_uuid_parse(value, &term.id)) {
        fault(p, "format", "an event's id is a UUID of 36 characters");
        return;
    }
    add_term(p, &term);
}

/* "a.b" -> a, b; a backslash takes the next character as it is, so that a name may hold a dot. */
static bool split_path(struct parser *p, struct an_str text, struct an_term *term)
{
    struct an_str part[PATH_MAX_DEPTH];
    size_t count = 0;
    char *out = an_arena_alloc(p->faults->arena, text.len + 1);
    for (size_t i = 0, start = 0, len = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '.') {
            if (text.data[i] == '\\' && ++i == text.len)
                return false;
            out[start + len++] = text.data[i];
            continue;
        }
        if (len == 0 || count == PATH_MAX_DEPTH)
            return false;
        part[count++] = (struct an_str){out + start, len};
        start += len;
        len = 0;
    }
    term->path = an_arena_alloc(p->faults->arena, count * sizeof part[0]);
    memcpy(term->path, part, count * sizeof part[0]);
    term->path_len = count;
    return true;
}

static void take_metadata(struct parser *p, struct an_str name, struct an_str value)
{
    struct an_term term = {.field = AN_F_METADATA};
    size_t skip = sizeof METADATA - 1;
    if (!split_path(p, (struct an_str){name.data + skip, name.len - skip}, &term)) {
        fault(p, "format", "names of members are joined by dots; a dot within a name is written \\.");
        return;
    }
    if (!unescape(p, &value, &term.negative))
        return;
    term.value = value;
    add_term(p, &term);
}

static void parse_time(struct parser *p, struct an_str value, int64_t *us)
{
    if (!an_time_parse(value, us))
        fault(p, "format", "must be an RFC 3339 time such as 2026-11-23T09:30:00Z; a + is sent as %2B");
}

static void take_from(struct parser *p, const struct spec *spec, struct an_str value)
{
    (void)spec;
    parse_time(p, value, &p->out->from_us);
}

static void take_to(struct parser *p, const struct spec *spec, struct an_str value)
{
    (void)spec;
    parse_time(p, value, &p->out->to_us);
}

static void take_limit(struct parser *p, const struct spec *spec, struct an_str value)
{
    (void)spec;
    if (!an_parse_i64(value, 1, p->page_max, &p->out->limit))
        an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, "range",
                     "must be a whole number from 1 to %lld", (long long)p->page_max);
}

static void take_order(struct parser *p, const struct spec *spec, struct an_str value)
{
    static const char *const words[] = {"desc", "asc"};
    (void)spec;
    p->out->ascending = one_of(p, value, words, AN_COUNT(words)) && an_str_is(value, "asc");
}

static void take_require(struct parser *p, const struct spec *spec, struct an_str value)
{
    static const char *const words[] = {"complete"};
    (void)spec;
    p->out->require_complete = one_of(p, value, words, AN_COUNT(words));
}

static void take_engine(struct parser *p, const struct spec *spec, struct an_str value)
{
    static const char *const words[] = {"auto", "postgres"};
    (void)spec;
    if (one_of(p, value, words, AN_COUNT(words)))
        p->out->engine = value;
}

static void take_by(struct parser *p, const struct spec *spec, struct an_str value)
{
    static const char *const words[] = {"action", "actor", "entity_type", "outcome", "tenant"};
    (void)spec;
    if (one_of(p, value, words, AN_COUNT(words)))
        p->out->by = value;
}

static void take_interval(struct parser *p, const struct spec *spec, struct an_str value)
{
    static const char *const words[] = {"minute", "hour", "day", "month"};
    (void)spec;
    if (one_of(p, value, words, AN_COUNT(words)))
        p->out->interval = value;
}

static void take_q(struct parser *p, const struct spec *spec, struct an_str value)
{
    (void)spec;
    p->out->q = value;
}

static void take_cursor(struct parser *p, const struct spec *spec, struct an_str value)
{
    (void)spec;
    p->out->cursor = value;
}

static const struct spec specs[] = {
    {"action", BOTH, false, AN_F_ACTION, take_action},
    {"actor", BOTH, false, AN_F_ACTOR, take_actor},
    {"actor_id", BOTH, false, AN_F_ACTOR_ID, take_id_text},
    {"actor_type", BOTH, false, AN_F_ACTOR_TYPE, take_type},
    {"by", COUNTS, true, 0, take_by},
    {"cursor", SEARCH, true, 0, take_cursor},
    {"engine", BOTH, true, 0, take_engine},
    {"entity", BOTH, false, AN_F_ENTITY, take_entity},
    {"entity_id", BOTH, false, AN_F_ENTITY_ID, take_id_text},
    {"entity_type", BOTH, false, AN_F_ENTITY_TYPE, take_type},
    {"from", BOTH, true, 0, take_from},
    {"id", BOTH, false, AN_F_ID, take_uuid},
    {"interval", COUNTS, true, 0, take_interval},
    {"ip", BOTH, false, AN_F_IP, take_ip},
    {"limit", SEARCH, true, 0, take_limit},
    {"order", SEARCH, true, 0, take_order},
    {"outcome", BOTH, false, AN_F_OUTCOME, take_outcome},
    {"q", BOTH, true, 0, take_q},
    {"require", BOTH, true, 0, take_require},
    {"to", BOTH, true, 0, take_to},
};

static const struct spec *find_spec(struct an_str name, unsigned where)
{
    for (size_t i = 0; i < AN_COUNT(specs); i++)
        if ((specs[i].where & where) != 0 && an_str_is(name, specs[i].name))
            return &specs[i];
    return NULL;
}

static void unknown(struct parser *p, struct an_str name, unsigned where)
{
    const char *known[AN_COUNT(specs)];
    size_t count = 0;
    for (size_t i = 0; i < AN_COUNT(specs); i++)
        if ((specs[i].where & where) != 0)
            known[count++] = specs[i].name;
    const char *near = an_suggest(name, known, count);
    if (an_str_is(name, "metadata"))
        near = METADATA "<path>";
    if (near != NULL)
        an_fault_add(p->faults, AN_FAULT_PARAMETER, p->name, "unknown", "did you mean %s?", near);
    else
        fault(p, "unknown", "this call has no such parameter");
}

static void take_param(struct parser *p, const struct an_param *param, unsigned where)
{
    p->name = an_arena_strndup(p->faults->arena, param->name.data, param->name.len);
    const struct spec *spec = find_spec(param->name, where);
    bool metadata = an_str_starts(param->name, METADATA);
    if (spec == NULL && !metadata) {
        unknown(p, param->name, where);
        return;
    }
    if (param->value.len == 0) {
        fault(p, "empty", "must not be empty");
        return;
    }
    if (metadata) {
        take_metadata(p, param->name, param->value);
        return;
    }
    uint32_t bit = UINT32_C(1) << (spec - specs);
    if (spec->once && (p->seen & bit) != 0)
        fault(p, "duplicate", "may be given once");
    else
        spec->take(p, spec, param->value);
    p->seen |= bit;
}

bool an_filter_parse(const struct an_param *params, enum an_filter_kind kind, int64_t page_default,
                     int64_t page_max, struct an_filter *out, struct an_faults *faults)
{
    *out = (struct an_filter){.from_us = AN_TIME_MIN_US,
                              .to_us = AN_TIME_MAX_US + 1,
                              .limit = page_default,
                              .engine = AN_STR("auto")};
    struct parser p = {.out = out, .faults = faults, .page_max = page_max};
    size_t before = faults->count;
    for (const struct an_param *param = params; param != NULL; param = param->next)
        take_param(&p, param, kind == AN_FILTER_COUNTS ? COUNTS : SEARCH);
    if (out->from_us > out->to_us) {
        p.name = "to";
        fault(&p, "range", "must not be earlier than from");
    }
    return faults->count == before;
}

/* A length before each part, so that no two filters share a spelling. */
static void add_part(struct an_buf *out, struct an_str s)
{
    if (s.data == NULL)
        an_buf_adds(out, "-,");
    else
        an_buf_addf(out, "%zu:%.*s,", s.len, AN_STR_ARG(s));
}

void an_filter_add_canonical(const struct an_filter *f, struct an_buf *out)
{
    an_buf_addf(out, "%lld,%lld,%s\n", (long long)f->from_us, (long long)f->to_us,
                f->ascending ? "asc" : "desc");
    add_part(out, f->q);
    for (const struct an_term *t = f->terms; t != NULL; t = t->next) {
        char id[AN_UUID_LEN + 1];
        an_uuid_format(&t->id, id);
        an_buf_addf(out, "\n%d%s%s,", (int)t->field, t->negative ? "!" : "", t->prefix ? "*" : "");
        for (size_t i = 0; i < t->path_len; i++)
            add_part(out, t->path[i]);
        an_buf_addc(out, ';');
        add_part(out, t->type);
        add_part(out, t->value);
        if (t->field == AN_F_ID)
            an_buf_adds(out, id);
    }
}
