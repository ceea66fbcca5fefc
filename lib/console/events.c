/* SPDX-License-Identifier: Apache-2.0 */
/* GET /admin/events: the list. Its parameters are those of GET /v1/events, and `tenant` for a platform
 * principal. */
#include "an.h"

#include "api/platform.h"
#include "base/clock.h"
#include "console/audit.h"
#include "console/document.h"
#include "console/filters.h"
#include "console/guard.h"
#include "console/histogram.h"
#include "console/pages.h"
#include "console/search.h"

#define ENTITIES_SHOWN 2
#define NAME_SHOWN_BYTES 80
#define FAULTS_MAX 20
#define SCRATCH_KEEP_BYTES ((size_t)256 << 10)

/* The rows of a page. Documents are parsed one at a time in `scratch`; what is shown of them is copied. */
struct rows {
    struct an_admin *a;
    struct an_arena *scratch;
    size_t count;
    struct an_err *err;
};

static void add_actor(struct rows *r, struct an_scope *row, const struct an_json *actor)
{
    struct an_str name = an_document_text(r->scratch, actor, "name");
    struct an_str type = an_document_text(r->scratch, actor, "type");
    struct an_str id = an_document_text(r->scratch, actor, "id");
    struct an_arena *a = r->a->arena;
    an_scope_text(row, "actor_label", an_text_clip(a, name.len > 0 ? name : id, NAME_SHOWN_BYTES));
    struct an_str sub = type;
    if (name.len > 0)
        sub = an_str(an_arena_printf(r->scratch, "%.*s:%.*s", AN_STR_ARG(type), AN_STR_ARG(id)));
    an_scope_text(row, "actor_sub", an_text_clip(a, sub, NAME_SHOWN_BYTES));
}

static void add_entities(struct rows *r, struct an_scope *row, const struct an_json *entities)
{
    const struct an_json *e = entities == NULL ? NULL : entities->child;
    for (int i = 0; e != NULL && i < ENTITIES_SHOWN; i++, e = e->next) {
        struct an_scope *item = an_scope_item(row, "entities");
        struct an_str name = an_document_text(r->scratch, e, "name");
        struct an_str id = an_document_text(r->scratch, e, "id");
        an_scope_text(item, "type",
                      an_text_clip(r->a->arena, an_document_text(r->scratch, e, "type"), NAME_SHOWN_BYTES));
        an_scope_text(item, "label", an_text_clip(r->a->arena, name.len > 0 ? name : id, NAME_SHOWN_BYTES));
    }
    if (entities != NULL && entities->count > ENTITIES_SHOWN)
        an_scope_textf(row, "more_entities", "%u", (unsigned)(entities->count - ENTITIES_SHOWN));
}

/* In a list of all tenants each event leads to its own. */
static struct an_str row_url(struct rows *r, const struct an_found *event)
{
    char id[AN_UUID_LEN + 1];
    an_uuid_format(&event->head.id, id);
    struct an_admin of = *r->a;
    if (an_platform_asked(of.call))
        of.tenant = event->head.tenant_id;
    return an_admin_url(&of, an_arena_printf(r->scratch, "/admin/events/%s", id), NULL);
}

static int add_row(void *arg, const struct an_found *event)
{
    struct rows *r = arg;
    struct an_arena *a = r->a->arena;
    const struct an_json *root;
    an_arena_reset(r->scratch);
    int rc = an_document_read(r->scratch, event->stored, &root, r->err);
    if (rc != AN_OK)
        return rc;
    struct an_scope *row = an_scope_item(r->a->page, "rows");
    an_scope_text(row, "url", row_url(r, event));
    an_scope_text(row, "event_tenant", an_text_clip(a, event->head.tenant_id, AN_TENANT_MAX));
    an_scope_text(row, "time", an_view_rfc3339(a, event->head.timestamp_us));
    an_scope_text(row, "time_text", an_view_time(a, event->head.timestamp_us, 3));
    an_scope_text(row, "action",
                  an_text_clip(a, an_document_text(r->scratch, root, "action"), AN_ACTION_MAX));
    struct an_str outcome = an_text_clip(a, an_document_text(r->scratch, root, "outcome"), AN_TYPE_MAX);
    an_scope_text(row, "outcome", outcome);
    an_scope_text(row, "outcome_glyph", an_str(an_outcome_glyph(outcome)));
    struct an_str ip = an_document_text(r->scratch, an_json_get(root, "context"), "ip");
    an_scope_text(row, "ip", an_text_clip(a, ip, AN_TYPE_MAX));
    add_actor(r, row, an_json_get(root, "actor"));
    add_entities(r, row, an_json_get(root, "entities"));
    r->count++;
    return AN_OK;
}

static int list(struct an_admin *a, struct an_search *s, const struct an_filter *f, struct an_buf *next,
                struct an_coverage *coverage, size_t *count, struct an_err *err)
{
    struct rows r = {.a = a, .scratch = an_arena_new(SCRATCH_KEEP_BYTES), .err = err};
    int rc = an_search_each(s, f, add_row, &r, next, coverage, err);
    an_arena_free(r.scratch);
    *count = r.count;
    return rc;
}

/* ---- the page around the rows ---- */

static void add_order(struct an_admin *a, const struct an_filter *f)
{
    struct an_param *q = an_query_without(a->arena, a->params, "cursor");
    q = an_query_without(a->arena, q, "order");
    if (!f->ascending)
        q = an_query_with(a->arena, q, "order", AN_STR("asc"));
    struct an_scope *p = a->page;
    an_scope_flag(p, "ascending", f->ascending);
    an_scope_text(p, "order_url", an_admin_url(a, "/admin/events", q));
    an_scope_text(p, "order_text", f->ascending ? AN_STR("oldest first") : AN_STR("newest first"));
    an_scope_text(p, "order_arrow", f->ascending ? AN_STR("\xE2\x86\x91") : AN_STR("\xE2\x86\x93"));
    an_scope_text(p, "order_hint", f->ascending ? AN_STR("show newest first") : AN_STR("show oldest first"));
    an_scope_text(p, "aria_sort", f->ascending ? AN_STR("ascending") : AN_STR("descending"));
}

static void add_paging(struct an_admin *a, const struct an_filter *f, const struct an_buf *next)
{
    struct an_param *q = an_query_without(a->arena, a->params, "cursor");
    if (f->cursor.data != NULL)
        an_scope_text(a->page, "first_url", an_admin_url(a, "/admin/events", q));
    if (next->len == 0)
        return;
    struct an_str cursor = {an_arena_strndup(a->arena, next->data, next->len), next->len};
    an_scope_text(a->page, "next_url",
                  an_admin_url(a, "/admin/events", an_query_with(a->arena, q, "cursor", cursor)));
}

static void add_result(struct an_admin *a, const struct an_filter *f, size_t count,
                       const struct an_coverage *coverage)
{
    struct an_scope *p = a->page;
    an_scope_flag(p, "searched", true);
    an_scope_flag(p, "has_rows", count > 0);
    an_scope_textf(p, "shown", "%zu %s, %s.", count, count == 1 ? "event" : "events",
                   f->ascending ? "oldest first" : "newest first");
    if (!coverage->complete && coverage->through_us > AN_TIME_MIN_US) {
        an_scope_text(p, "through", an_view_rfc3339(a->arena, coverage->through_us));
        an_scope_text(p, "through_text", an_view_time(a->arena, coverage->through_us, 0));
    }
    if (coverage->oldest_us > AN_TIME_MIN_US) {
        an_scope_text(p, "oldest", an_view_rfc3339(a->arena, coverage->oldest_us));
        an_scope_text(p, "oldest_text", an_view_time(a->arena, coverage->oldest_us, 0));
    }
    an_scope_text(p, "curl", an_admin_curl(a, "/v1/events", an_query_without(a->arena, a->params, "cursor")));
    an_scope_text(p, "curl_first", an_admin_curl_first(a));
}

static void add_missing(struct an_admin *a, const struct an_coverage *coverage)
{
    for (size_t i = 0; i < coverage->shard_count; i++)
        if (!coverage->shards[i].answered)
            an_scope_text(an_scope_item(a->page, "missing"), "shard", an_str(coverage->shards[i].shard));
}

static int search(struct an_admin *a, const struct an_filter *f, struct an_err *err)
{
    struct an_search s;
    int rc = an_admin_audit_look(a, "search", (struct an_str){NULL, 0}, err);
    if (rc == AN_OK)
        rc = an_admin_search(a, &s, err);
    if (rc != AN_OK)
        return rc;
    struct an_buf next;
    struct an_coverage coverage;
    size_t count;
    an_buf_init(&next, 4096);
    rc = list(a, &s, f, &next, &coverage, &count, err);
    if (rc == AN_OK) {
        add_order(a, f);
        add_paging(a, f, &next);
        add_result(a, f, count, &coverage);
        add_missing(a, &coverage);
    }
    an_buf_release(&next);
    if (rc != AN_OK)
        return rc;
    rc = an_admin_histogram(a, &s, f, an_clock_us(), err);
    if (rc == AN_ETIMEOUT || rc == AN_ETOOBIG) {
        an_scope_flag(a->page, "histogram_slow", true);
        rc = AN_OK;
    }
    return rc == AN_OK ? an_admin_render(a, "events", AN_STR("Events"), err) : rc;
}

static int refuse(struct an_admin *a, const struct an_faults *faults, struct an_err *err)
{
    a->call->rep->status = 400;
    an_scope_flag(a->page, "has_faults", true);
    for (const struct an_fault *f = faults->first; f != NULL; f = f->next) {
        struct an_scope *item = an_scope_item(a->page, "faults");
        an_scope_text(item, "where", an_str(f->where));
        an_scope_text(item, "detail", an_str(f->detail));
    }
    return an_admin_render(a, "events", AN_STR("Events"), err);
}

static int events_page(struct an_admin *a, struct an_err *err)
{
    const struct an_conf *conf = a->call->ctx->conf;
    if (a->tenant.data == NULL) {
        an_scope_flag(a->page, "choose_tenant", true);
        return an_admin_render(a, "events", AN_STR("Choose a tenant"), err);
    }
    if (an_platform_asked(a->call) && !an_platform_is_on(a->call))
        return an_admin_error(a, 501, "Reading across tenants is off: database.platform names no connection.",
                              err);
    an_scope_flag(a->page, "across", an_platform_asked(a->call));
    bool changed;
    a->params = an_query_tidy(a->arena, a->params, an_clock_us(), &changed);
    if (changed)
        return an_admin_redirect(a, an_admin_url(a, "/admin/events", a->params).data);
    an_scope_flag(a->page, "listing", true);
    an_scope_flag(a->page, "at_events", true);
    an_admin_filters(a);
    struct an_filter f;
    struct an_faults faults;
    an_faults_init(&faults, a->arena, FAULTS_MAX);
    if (!an_filter_parse(a->params, AN_FILTER_SEARCH, conf->page_default, conf->page_max, &f, &faults))
        return refuse(a, &faults, err);
    if (f.q.data != NULL)
        return an_admin_error(a, 501, NULL, err);
    return search(a, &f, err);
}

int an_admin_events(struct an_call *call, struct an_err *err)
{
    return an_admin_serve(call, AN_SCOPE_READ | AN_SCOPE_ADMIN, events_page, err);
}
