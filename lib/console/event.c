/* SPDX-License-Identifier: Apache-2.0 */
/* GET /admin/events/{id}: one event, all of it. */
#include "an.h"

#include "api/platform.h"
#include "base/clock.h"
#include "base/codec.h"
#include "console/audit.h"
#include "console/diff.h"
#include "console/document.h"
#include "console/guard.h"
#include "console/pages.h"
#include "console/search.h"

#define AROUND_US (5 * 60 * INT64_C(1000000))
#define NAME_SHOWN_BYTES 200

/* The event on its way to the page. */
struct view {
    struct an_admin *a;
    struct an_buf document; /* whole; the values below borrow from it */
    const struct an_json *root;
    const struct an_json *actor, *entities, *context;
    int64_t timestamp_us;
};

/* ---- links to searches ---- */

/* A value that a filter takes as it stands: what would mean "not", or an escape, is escaped. */
static struct an_str literal(struct an_arena *a, struct an_str value)
{
    if (value.len > 0 && (value.data[0] == '!' || value.data[0] == '\\'))
        return an_str(an_arena_printf(a, "\\%.*s", AN_STR_ARG(value)));
    return value;
}

static struct an_str link_to(struct view *v, const char *name, struct an_str value)
{
    struct an_arena *a = v->a->arena;
    return an_admin_url(v->a, "/admin/events", an_query_with(a, NULL, name, literal(a, value)));
}

/* Types may hold a colon, so the two parts go in parameters of their own. */
static struct an_str link_to_pair(struct view *v, const char *type_name, const char *id_name,
                                  const struct an_json *thing)
{
    struct an_arena *a = v->a->arena;
    struct an_str type = literal(a, an_document_text(a, thing, "type"));
    struct an_str id = literal(a, an_document_text(a, thing, "id"));
    struct an_param *q = an_query_with(a, NULL, type_name, type);
    return an_admin_url(v->a, "/admin/events", an_query_with(a, q, id_name, id));
}

static struct an_str link_around(struct view *v)
{
    struct an_arena *a = v->a->arena;
    struct an_param *q = an_query_with(a, NULL, "from", an_view_rfc3339(a, v->timestamp_us - AROUND_US));
    q = an_query_with(a, q, "to", an_view_rfc3339(a, v->timestamp_us + AROUND_US));
    return an_admin_url(v->a, "/admin/events", q);
}

static void add_related(struct view *v, struct an_str url, const char *label)
{
    struct an_scope *item = an_scope_item(v->a->page, "related");
    an_scope_text(item, "url", url);
    an_scope_text(item, "label", an_str(label));
}

/* ---- parts of the page ---- */

static struct an_str shown(struct view *v, const struct an_json *value)
{
    if (value->type != AN_JSON_OBJECT && value->type != AN_JSON_ARRAY)
        return an_document_shown(v->a->arena, value);
    struct an_buf text;
    an_buf_init(&text, AN_REPLY_MAX);
    an_document_pretty(&text, value);
    struct an_str copy = {an_arena_strndup(v->a->arena, text.data, text.len), text.len};
    an_buf_release(&text);
    return copy;
}

static struct an_scope *add_field(struct view *v, struct an_str name, struct an_str value)
{
    struct an_scope *item = an_scope_item(v->a->page, "fields");
    an_scope_text(item, "name", name);
    an_scope_text(item, "value", value);
    return item;
}

static void add_link(struct an_scope *item, struct an_str url, const char *text)
{
    an_scope_text(item, "url", url);
    an_scope_text(item, "url_text", an_str(text));
}

/* Members of the object but those already shown, as "actor.email". */
static void add_members(struct view *v, const struct an_json *object, const char *prefix,
                        const char *skip_type, const char *skip_id)
{
    if (object == NULL)
        return;
    for (const struct an_json *m = object->child; m != NULL; m = m->next) {
        if (an_str_is(m->name, skip_type) || an_str_is(m->name, skip_id))
            continue;
        struct an_scope *item = add_field(v, (struct an_str){NULL, 0}, shown(v, m));
        an_scope_textf(item, "dotted", "%s.%.*s", prefix, AN_STR_ARG(m->name));
        an_scope_flag(item, "mono", m->type != AN_JSON_STRING);
    }
}

static void add_fields(struct view *v)
{
    struct an_arena *a = v->a->arena;
    struct an_str action = an_document_text(a, v->root, "action");
    struct an_str ip = an_document_text(a, v->context, "ip");
    struct an_scope *item = add_field(v, AN_STR("Action"), action);
    an_scope_flag(item, "mono", true);
    add_link(item, link_to(v, "action", action), "same action");
    struct an_str type = an_document_text(a, v->actor, "type");
    struct an_str id = an_document_text(a, v->actor, "id");
    item = add_field(v, AN_STR("Actor"),
                     an_str(an_arena_printf(a, "%.*s:%.*s", AN_STR_ARG(type), AN_STR_ARG(id))));
    an_scope_flag(item, "mono", true);
    add_link(item, link_to_pair(v, "actor_type", "actor_id", v->actor), "same actor");
    add_members(v, v->actor, "actor", "type", "id");
    if (ip.len > 0) {
        item = add_field(v, AN_STR("Address"), ip);
        an_scope_flag(item, "mono", true);
        add_link(item, link_to(v, "ip", ip), "same address");
    }
    add_members(v, v->context, "context", "ip", "ip");
}

static void add_entity(struct view *v, const struct an_json *e)
{
    struct an_arena *a = v->a->arena;
    struct an_scope *row = an_scope_item(v->a->page, "entity_rows");
    an_scope_text(row, "type", an_document_text(a, e, "type"));
    an_scope_text(row, "id", an_document_text(a, e, "id"));
    an_scope_text(row, "name", an_document_text(a, e, "name"));
    an_scope_text(row, "url", link_to_pair(v, "entity_type", "entity_id", e));
    for (const struct an_json *m = e->child; m != NULL; m = m->next) {
        if (an_str_is(m->name, "type") || an_str_is(m->name, "id") ||
            (an_str_is(m->name, "name") && m->type == AN_JSON_STRING))
            continue;
        struct an_scope *item = an_scope_item(row, "rest");
        an_scope_text(item, "key", m->name);
        an_scope_text(item, "value", shown(v, m));
    }
}

static void add_entities(struct view *v)
{
    if (v->entities == NULL || v->entities->child == NULL)
        return;
    an_scope_flag(v->a->page, "has_entities", true);
    for (const struct an_json *e = v->entities->child; e != NULL; e = e->next)
        add_entity(v, e);
}

/* A string is shown by its spelling, with its quotes: "1" and 1 are not the same change. */
static struct an_str spelling(struct view *v, const struct an_json *value)
{
    return value == NULL || value->type < AN_JSON_ARRAY
               ? (value == NULL ? (struct an_str){NULL, 0} : value->text)
               : shown(v, value);
}

static void add_side(struct an_scope *row, const char *has, const char *const names[3], struct an_diff d,
                     bool there)
{
    an_scope_flag(row, has, there);
    an_scope_text(row, names[0], d.head);
    an_scope_text(row, names[1], d.part);
    an_scope_text(row, names[2], d.tail);
}

static void add_changes(struct view *v)
{
    static const char *const old_names[] = {"old_head", "old_part", "old_tail"};
    static const char *const new_names[] = {"new_head", "new_part", "new_tail"};
    const struct an_json *changes = an_json_get(v->root, "changes");
    for (const struct an_json *c = changes == NULL ? NULL : changes->child; c != NULL; c = c->next) {
        const struct an_json *old_value = an_json_get(c, "old");
        const struct an_json *new_value = an_json_get(c, "new");
        struct an_str before = spelling(v, old_value);
        struct an_str after = spelling(v, new_value);
        struct an_diff old_diff = {.head = before};
        struct an_diff new_diff = {.head = after};
        if (old_value != NULL && new_value != NULL)
            an_diff_split(before, after, &old_diff, &new_diff);
        struct an_scope *row = an_scope_item(v->a->page, "changes");
        an_scope_text(row, "path", an_document_text(v->a->arena, c, "path"));
        add_side(row, "has_old", old_names, old_diff, old_value != NULL);
        add_side(row, "has_new", new_names, new_diff, new_value != NULL);
        an_scope_flag(v->a->page, "has_changes", true);
    }
}

/* A member whose name has a dot cannot be named in a filter, and an empty value cannot be asked for. */
static bool searchable(const struct an_json *m, struct an_str value)
{
    return m->type != AN_JSON_ARRAY && m->type != AN_JSON_OBJECT && m->type != AN_JSON_NULL &&
           value.len > 0 && m->name.len > 0 && memchr(m->name.data, '.', m->name.len) == NULL;
}

static void add_metadata(struct view *v)
{
    const struct an_json *metadata = an_json_get(v->root, "metadata");
    for (const struct an_json *m = metadata == NULL ? NULL : metadata->child; m != NULL; m = m->next) {
        struct an_str value = shown(v, m);
        struct an_scope *row = an_scope_item(v->a->page, "metadata");
        an_scope_text(row, "name", m->name);
        an_scope_text(row, "value", value);
        if (searchable(m, value)) {
            const char *name = an_arena_printf(v->a->arena, "metadata.%.*s", AN_STR_ARG(m->name));
            add_link(row, link_to(v, name, value), "same value");
        }
        an_scope_flag(v->a->page, "has_metadata", true);
    }
}

/* ---- the sentence ---- */

static void add_sentence(struct view *v)
{
    struct an_arena *a = v->a->arena;
    struct an_scope *p = v->a->page;
    struct an_str outcome = an_document_text(a, v->root, "outcome");
    struct an_str actor = an_document_text(a, v->actor, "name");
    bool tried = an_str_is(outcome, "failure") || an_str_is(outcome, "denied");
    if (actor.len == 0)
        actor = an_document_text(a, v->actor, "id");
    an_scope_text(p, "actor_label", an_text_clip(a, actor, NAME_SHOWN_BYTES));
    an_scope_text(p, "verb", tried ? AN_STR("tried") : AN_STR("performed"));
    an_scope_text(p, "action", an_document_text(a, v->root, "action"));
    an_scope_text(p, "outcome", outcome);
    an_scope_text(p, "outcome_glyph", an_str(an_outcome_glyph(outcome)));
    an_scope_text(p, "sentence_end",
                  an_str_is(outcome, "failure")   ? AN_STR(" and failed")
                  : an_str_is(outcome, "denied")  ? AN_STR(" and was denied")
                  : an_str_is(outcome, "unknown") ? AN_STR(", with a result that is not known")
                                                  : AN_STR(""));
    an_scope_text(p, "description", an_document_text(a, v->root, "description"));
    const struct an_json *first = v->entities == NULL ? NULL : v->entities->child;
    if (first == NULL)
        return;
    struct an_str name = an_document_text(a, first, "name");
    if (name.len == 0)
        name = an_document_text(a, first, "id");
    an_scope_text(p, "target", an_text_clip(a, name, NAME_SHOWN_BYTES));
    an_scope_text(p, "target_type", an_document_text(a, first, "type"));
    if (v->entities->count > 1)
        an_scope_textf(p, "target_more", "%u more", (unsigned)(v->entities->count - 1));
}

static void add_links(struct view *v)
{
    struct an_arena *a = v->a->arena;
    struct an_str ip = an_document_text(a, v->context, "ip");
    add_related(v, link_to_pair(v, "actor_type", "actor_id", v->actor), "Same actor");
    if (v->entities != NULL && v->entities->child != NULL)
        add_related(v, link_to_pair(v, "entity_type", "entity_id", v->entities->child), "Same entity");
    add_related(v, link_to(v, "action", an_document_text(a, v->root, "action")), "Same action");
    if (ip.len > 0)
        add_related(v, link_to(v, "ip", ip), "Same address");
    add_related(v, link_around(v), "Around this time (5 minutes either way)");
}

/* ---- the whole ---- */

static void add_record(struct view *v, struct an_str id, int64_t received_us, const unsigned char *digest)
{
    struct an_arena *a = v->a->arena;
    struct an_scope *p = v->a->page;
    char hex[2 * 32 + 1];
    struct an_buf pretty;
    an_hex_encode(digest, 32, hex);
    an_buf_init(&pretty, AN_REPLY_MAX);
    an_document_pretty(&pretty, v->root);
    an_scope_text(p, "pretty", (struct an_str){an_arena_strndup(a, pretty.data, pretty.len), pretty.len});
    an_buf_release(&pretty);
    an_scope_text(p, "id", id);
    an_scope_text(p, "event_tenant", an_document_text(a, v->root, "tenant_id"));
    an_scope_text(p, "time", an_view_rfc3339(a, v->timestamp_us));
    an_scope_text(p, "time_text", an_view_time(a, v->timestamp_us, 6));
    an_scope_text(p, "time_long", an_view_time(a, v->timestamp_us, 0));
    an_scope_text(p, "received", an_view_rfc3339(a, received_us));
    an_scope_text(p, "received_text", an_view_time(a, received_us, 6));
    an_scope_text(p, "digest", an_str(an_arena_strdup(a, hex)));
    an_scope_text(p, "curl",
                  an_admin_curl(v->a, an_arena_printf(a, "/v1/events/%.*s", AN_STR_ARG(id)), NULL));
}

static int fill(struct view *v, const struct an_found *found, struct an_err *err)
{
    if (!an_event_add_document(&v->document, &found->head, found->stored))
        return an_fail(err, AN_ETOOBIG, "stored document is over %zu bytes", v->document.limit);
    int rc = an_document_read(v->a->arena, (struct an_str){v->document.data, v->document.len}, &v->root, err);
    if (rc != AN_OK)
        return rc;
    v->timestamp_us = found->head.timestamp_us;
    v->actor = an_json_get(v->root, "actor");
    v->entities = an_json_get(v->root, "entities");
    v->context = an_json_get(v->root, "context");
    add_sentence(v);
    add_changes(v);
    add_fields(v);
    add_entities(v);
    add_metadata(v);
    add_links(v);
    return AN_OK;
}

static int event_page(struct an_admin *a, struct an_err *err)
{
    struct an_uuid id;
    char id_text[AN_UUID_LEN + 1];
    if (a->tenant.data == NULL || an_platform_asked(a->call)) /* an event is of one */
        return an_admin_redirect(a, an_admin_url(a, "/admin/events", NULL).data);
    if (!an_uuid_parse(a->call->arg, &id))
        return an_admin_error(a, 404, NULL, err);
    an_uuid_format(&id, id_text);
    struct an_search s;
    struct an_result *holder = NULL;
    struct an_found found;
    unsigned char digest[32];
    int rc = an_admin_search(a, &s, err);
    if (rc == AN_OK)
        rc = an_search_event(&s, &id, &found, digest, &holder, err);
    if (rc == AN_OK)
        rc = an_admin_audit_look(a, "read", an_str(id_text), err);
    struct view v = {.a = a};
    an_buf_init(&v.document, AN_REPLY_MAX);
    if (rc == AN_OK)
        rc = fill(&v, &found, err);
    if (rc == AN_OK) {
        add_record(&v, an_str(id_text), found.received_us, digest);
        rc = an_admin_render(a, "event", an_document_text(a->arena, v.root, "action"), err);
    }
    an_buf_release(&v.document);
    an_result_free(holder);
    return rc;
}

int an_admin_event(struct an_call *call, struct an_err *err)
{
    return an_admin_serve(call, AN_SCOPE_READ | AN_SCOPE_ADMIN, event_page, err);
}
