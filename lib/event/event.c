/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <assert.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "event/members.h"

const char *const an_outcome_names[AN_OUTCOME__COUNT] = {
    [AN_SUCCESS] = "success",
    [AN_FAILURE] = "failure",
    [AN_DENIED] = "denied",
    [AN_UNKNOWN] = "unknown",
};

/* Every name that a client may use. The true names come first, in the order of enum an_member. */
static const struct {
    struct an_str name;
    enum an_member member;
} names[] = {
    {AN_STR("action"), AN_M_ACTION},
    {AN_STR("actor"), AN_M_ACTOR},
    {AN_STR("entities"), AN_M_ENTITIES},
    {AN_STR("outcome"), AN_M_OUTCOME},
    {AN_STR("description"), AN_M_DESCRIPTION},
    {AN_STR("context"), AN_M_CONTEXT},
    {AN_STR("changes"), AN_M_CHANGES},
    {AN_STR("metadata"), AN_M_METADATA},
    {AN_STR("timestamp"), AN_M_TIMESTAMP},
    {AN_STR("idempotency_key"), AN_M_IDEMPOTENCY_KEY},
    {AN_STR("occurred_at"), AN_M_TIMESTAMP},
    {AN_STR("created"), AN_M_TIMESTAMP},
    {AN_STR("targets"), AN_M_ENTITIES},
    {AN_STR("target"), AN_M_ENTITIES},
    {AN_STR("source_ip"), AN_M_SOURCE_IP},
};

struct reader {
    struct an_arena *arena;
    struct an_faults *faults;
    const struct an_event_rules *rules;
    struct an_members members;
    struct an_event *out;
};

/* Where a value stands: made into a pointer only when there is something to say about it. */
struct place {
    const struct an_json *top; /* top-level member, under the name that was sent */
    const char *fallback;      /* its true name, where it was not sent */
    long item;                 /* index in its array; -1: not within one */
    const char *name;          /* member within; NULL: the value itself */
};

static const char *pointer(struct an_arena *a, const struct place *at)
{
    const char *p = at->top == NULL ? an_pointer(a, "", at->fallback, strlen(at->fallback))
                                    : an_pointer(a, "", at->top->name.data, at->top->name.len);
    if (at->item >= 0)
        p = an_arena_printf(a, "%s/%ld", p, at->item);
    return at->name == NULL ? p : an_pointer(a, p, at->name, strlen(at->name));
}

static void refuse(struct reader *r, const struct place *at, const char *code, const char *detail)
{
    an_fault_add(r->faults, AN_FAULT_POINTER, pointer(r->arena, at), code, "%s", detail);
}

static struct place at_top(const struct an_json *value)
{
    return (struct place){.top = value, .item = -1};
}

static bool is_type(struct reader *r, const struct place *at, const struct an_json *value,
                    enum an_json_type type, const char *detail)
{
    if (value->type == type)
        return true;
    refuse(r, at, "type", detail);
    return false;
}

/* A string of 1 to max bytes, or an absent one and a fault. */
static struct an_str take_text(struct reader *r, const struct place *at, const struct an_json *value,
                               size_t max)
{
    struct an_str none = {NULL, 0};
    if (!is_type(r, at, value, AN_JSON_STRING, "must be a string"))
        return none;
    struct an_str s = an_json_string(r->arena, value);
    if (s.len > 0 && s.len <= max)
        return s;
    if (s.len == 0)
        refuse(r, at, "empty", "must not be empty");
    else
        refuse(r, at, "too-long", an_arena_printf(r->arena, "must not be over %zu bytes", max));
    return none;
}

/* The same for a member that must be there. */
static struct an_str take_member(struct reader *r, struct place at, const struct an_json *object,
                                 const char *name, size_t max)
{
    at.name = name;
    const struct an_json *value = an_json_get(object, name);
    if (value != NULL)
        return take_text(r, &at, value, max);
    refuse(r, &at, "required", "is required");
    return (struct an_str){NULL, 0};
}

static void missing(struct reader *r, const char *name, const char *detail)
{
    refuse(r, &(struct place){.fallback = name, .item = -1}, "required", detail);
}

static void unknown_member(struct reader *r, const char *parent, struct an_str name,
                           const char *const *known, size_t count)
{
    const char *near = an_suggest(name, known, count);
    const char *detail = "is not a known member";
    if (near != NULL)
        detail = an_arena_printf(r->arena, "%s; did you mean \"%s\"?", detail, near);
    an_fault_add(r->faults, AN_FAULT_POINTER, an_pointer(r->arena, parent, name.data, name.len), "unknown",
                 "%s", detail);
}

static void unknown_top_member(struct reader *r, struct an_str name)
{
    const char *known[AN_M__COUNT]; /* never an alias */
    for (size_t i = 0; i < AN_COUNT(known); i++)
        known[i] = names[i].name.data;
    unknown_member(r, "", name, known, AN_COUNT(known));
}

/* Puts each member of the object into its slot. */
static void sort_members(struct reader *r, const struct an_json *object)
{
    r->members.sent_len = object->text.len;
    for (const struct an_json *m = object->child; m != NULL; m = m->next) {
        size_t i = 0;
        while (i < AN_COUNT(names) && !an_str_equal(m->name, names[i].name))
            i++;
        if (i == AN_COUNT(names)) {
            unknown_top_member(r, m->name);
            continue;
        }
        const struct an_json **slot = &r->members.slot[names[i].member];
        if (*slot == NULL) {
            *slot = m;
            continue;
        }
        struct place at = at_top(m);
        struct an_str other = (*slot)->name;
        const char *detail = an_arena_printf(r->arena, "says the same as \"%.*s\": send one of them",
                                             (int)other.len, other.data);
        refuse(r, &at, "duplicate", detail);
    }
}

static void take_action(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_ACTION];
    if (value == NULL) {
        missing(r, "action", "is required");
        return;
    }
    struct place at = at_top(value);
    r->out->action = take_text(r, &at, value, AN_ACTION_MAX);
    if (r->out->action.data != NULL && !an_action_valid(r->out->action))
        refuse(r, &at, "format", "must match [a-z0-9][a-z0-9_.:-]*");
}

static void take_actor(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_ACTOR];
    if (value == NULL) {
        missing(r, "actor", "is required");
        return;
    }
    struct place at = at_top(value);
    if (!is_type(r, &at, value, AN_JSON_OBJECT, "must be an object"))
        return;
    r->out->actor_type = take_member(r, at, value, "type", AN_TYPE_MAX);
    r->out->actor_id = take_member(r, at, value, "id", AN_ID_MAX);
}

static bool has_entity(const struct an_event *e, const struct an_entity *one)
{
    for (size_t i = 0; i < e->entity_count; i++)
        if (an_str_equal(e->entities[i].id, one->id) && an_str_equal(e->entities[i].type, one->type))
            return true;
    return false;
}

static void take_entity(struct reader *r, struct place at, const struct an_json *value)
{
    if (!is_type(r, &at, value, AN_JSON_OBJECT, "must be an object"))
        return;
    struct an_entity one;
    one.type = take_member(r, at, value, "type", AN_TYPE_MAX);
    one.id = take_member(r, at, value, "id", AN_ID_MAX);
    if (!has_entity(r->out, &one))
        r->out->entities[r->out->entity_count++] = one;
}

static void take_entities(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_ENTITIES];
    if (value == NULL)
        return;
    struct place at = at_top(value);
    if (value->type == AN_JSON_OBJECT && an_str_is(value->name, "target")) {
        r->out->entities = an_arena_alloc(r->arena, sizeof(struct an_entity));
        take_entity(r, at, value);
        return;
    }
    if (!is_type(r, &at, value, AN_JSON_ARRAY, "must be an array of objects") || value->count == 0)
        return;
    if (value->count > AN_ENTITIES_MAX) {
        refuse(r, &at, "too-many",
               an_arena_printf(r->arena, "must not have over %d items", AN_ENTITIES_MAX));
        return;
    }
    r->out->entities = an_arena_alloc(r->arena, value->count * sizeof(struct an_entity));
    at.item = 0;
    for (const struct an_json *item = value->child; item != NULL; item = item->next) {
        take_entity(r, at, item);
        at.item++;
    }
}

static void take_outcome(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_OUTCOME];
    r->out->outcome = AN_SUCCESS;
    if (value == NULL)
        return;
    struct place at = at_top(value);
    if (!is_type(r, &at, value, AN_JSON_STRING, "must be a string"))
        return;
    struct an_str s = an_json_string(r->arena, value);
    for (int i = 0; i < AN_OUTCOME__COUNT; i++) {
        if (an_str_is(s, an_outcome_names[i])) {
            r->out->outcome = (enum an_outcome)i;
            return;
        }
    }
    refuse(r, &at, "value", "must be one of success, failure, denied, unknown");
}

static void take_address(struct reader *r, const struct place *at, const struct an_json *value)
{
    if (!is_type(r, at, value, AN_JSON_STRING, "must be a string"))
        return;
    r->out->source_ip = an_json_string(r->arena, value);
    if (!an_ip_valid(r->out->source_ip, false))
        refuse(r, at, "format", "must be an IPv4 or IPv6 address");
}

static void take_context(struct reader *r)
{
    const struct an_json *context = r->members.slot[AN_M_CONTEXT];
    const struct an_json *alias = r->members.slot[AN_M_SOURCE_IP];
    const struct an_json *ip = an_json_get(context, "ip");
    if (context != NULL) {
        struct place at = at_top(context);
        (void)is_type(r, &at, context, AN_JSON_OBJECT, "must be an object");
        at.name = "ip";
        if (ip != NULL)
            take_address(r, &at, ip);
    }
    if (alias == NULL)
        return;
    struct place at = at_top(alias);
    if (ip != NULL)
        refuse(r, &at, "duplicate", "says the same as \"ip\" in \"context\": send one of them");
    else
        take_address(r, &at, alias);
}

static void check_change(struct reader *r, struct place at, const struct an_json *change)
{
    static const char *const known[] = {"path", "old", "new"};
    if (!is_type(r, &at, change, AN_JSON_OBJECT, "must be an object"))
        return;
    const struct an_json *path = an_json_get(change, "path");
    struct place at_path = at;
    at_path.name = "path";
    if (path == NULL)
        refuse(r, &at_path, "required", "is required");
    else
        (void)is_type(r, &at_path, path, AN_JSON_STRING, "must be a string");
    for (const struct an_json *m = change->child; m != NULL; m = m->next)
        if (!an_str_is(m->name, "path") && !an_str_is(m->name, "old") && !an_str_is(m->name, "new"))
            unknown_member(r, pointer(r->arena, &at), m->name, known, AN_COUNT(known));
}

static void check_changes(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_CHANGES];
    if (value == NULL)
        return;
    struct place at = at_top(value);
    if (!is_type(r, &at, value, AN_JSON_ARRAY, "must be an array of objects"))
        return;
    at.item = 0;
    for (const struct an_json *item = value->child; item != NULL; item = item->next) {
        check_change(r, at, item);
        at.item++;
    }
}

/* A member of which only the type is ours to say. */
static void check_type(struct reader *r, enum an_member which, enum an_json_type type,
                       const char *detail)
{
    const struct an_json *value = r->members.slot[which];
    if (value == NULL)
        return;
    struct place at = at_top(value);
    (void)is_type(r, &at, value, type, detail);
}

static bool outside_window(const struct an_event_rules *rules, int64_t us)
{
    return !rules->any_time &&
           (us < rules->now_us - rules->past_us || us > rules->now_us + rules->future_us);
}

static void take_timestamp(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_TIMESTAMP];
    r->out->timestamp_us = r->rules->now_us;
    if (value == NULL)
        return;
    struct place at = at_top(value);
    if (!is_type(r, &at, value, AN_JSON_STRING, "must be a string"))
        return;
    if (!an_time_parse(an_json_string(r->arena, value), &r->out->timestamp_us))
        refuse(r, &at, "format", "must be an RFC 3339 time, like 2026-01-31T12:00:00Z");
    else if (outside_window(r->rules, r->out->timestamp_us))
        refuse(r, &at, "window", "is outside the time window for new events");
}

static struct an_str take_key(struct reader *r)
{
    const struct an_json *value = r->members.slot[AN_M_IDEMPOTENCY_KEY];
    if (value == NULL)
        return (struct an_str){NULL, 0};
    struct place at = at_top(value);
    struct an_str key = take_text(r, &at, value, AN_ID_MAX);
    if (r->members.slot[AN_M_TIMESTAMP] == NULL)
        missing(r, "timestamp", "is required where idempotency_key is given");
    return key;
}

/* The bits that a retry must hit again: SHA-256 of tenant, NUL, key, NUL, and the microseconds as 8
 * big-endian bytes. Neither text holds a NUL, so no two identities share a spelling. */
static struct an_uuid derive_id(struct an_str tenant, struct an_str key, int64_t us)
{
    unsigned char text[AN_TENANT_MAX + 1 + AN_ID_MAX + 1 + 8], digest[AN_SHA256_LEN];
    unsigned char *p = text;
    memcpy(p, tenant.data, tenant.len);
    p += tenant.len;
    *p++ = '\0';
    memcpy(p, key.data, key.len);
    p += key.len;
    *p++ = '\0';
    for (int shift = 56; shift >= 0; shift -= 8)
        *p++ = (unsigned char)((uint64_t)us >> shift);
    an_sha256(text, (size_t)(p - text), digest);
    return an_uuid7(us, digest);
}

bool an_event_parse(const struct an_json *object, const struct an_event_rules *rules, struct an_event *out,
                    struct an_faults *faults)
{
    assert(an_tenant_valid(rules->tenant_id));
    size_t before = faults->count;
    struct reader r = {.arena = faults->arena, .faults = faults, .rules = rules, .out = out};
    *out = (struct an_event){.tenant_id = rules->tenant_id};
    if (object->type != AN_JSON_OBJECT) {
        an_fault_add(faults, AN_FAULT_POINTER, "", "type", "an event must be an object");
        return false;
    }
    sort_members(&r, object);
    take_timestamp(&r);
    struct an_str key = take_key(&r);
    take_action(&r);
    take_actor(&r);
    take_entities(&r);
    take_outcome(&r);
    take_context(&r);
    check_changes(&r);
    check_type(&r, AN_M_DESCRIPTION, AN_JSON_STRING, "must be a string");
    check_type(&r, AN_M_METADATA, AN_JSON_OBJECT, "must be an object");
    if (faults->count > before)
        return false;
    out->keyed = key.data != NULL;
    out->id = out->keyed ? derive_id(out->tenant_id, key, out->timestamp_us)
                         : an_uuid7_random(out->timestamp_us);
    an_event_make_document(r.arena, &r.members, out);
    return true;
}
