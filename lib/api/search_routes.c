/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of annals-search: pages, single events, counts. */
#include "an.h"

#include "api/api.h"
#include "api/platform.h"
#include "api/write_token.h"
#include "base/clock.h"
#include "base/codec.h"
#include "event/event.h"
#include "http/accept.h"
#include "http/params.h"
#include "search/search.h"

/* A field longer than this is cut or refused by some web servers; the cursor is in the body too. */
#define LINK_MAX 4096
#define WRITE_TOKEN "Annals-Write-Token"

static int refuse_parameters(struct an_call *call, const struct an_faults *faults)
{
    struct an_problem p = {.type = AN_P_INVALID_PARAMETER, .faults = faults};
    an_problem_reply(call->rep, &p, call->req->request_id);
    return AN_OK;
}

/* The problem with one fault. */
static int refuse(struct an_call *call, enum an_problem_type type, enum an_fault_place place,
                  const char *where, const char *code, const char *detail)
{
    struct an_faults faults;
    an_faults_init(&faults, call->arena, 1);
    an_fault_add(&faults, place, where, code, "%s", detail);
    struct an_problem p = {.type = type, .faults = &faults};
    an_problem_reply(call->rep, &p, call->req->request_id);
    return AN_OK;
}

static bool wants_json(struct an_call *call)
{
    if (an_accepts(an_request_header(call->req, "Accept"), "application/json"))
        return true;
    (void)an_call_problem(call, AN_P_NOT_ACCEPTABLE, "The answer is application/json.");
    return false;
}

/* False: the reply is the refusal. */
static bool read_filter(struct an_call *call, enum an_filter_kind kind, struct an_filter *f)
{
    const struct an_conf *c = call->ctx->conf;
    struct an_faults faults;
    an_faults_init(&faults, call->arena, 20);
    if (!wants_json(call))
        return false;
    if (!an_filter_parse(call->req->query, kind, c->page_default, c->page_max, f, &faults)) {
        (void)refuse_parameters(call, &faults);
        return false;
    }
    if (f->q.data != NULL) {
        (void)an_call_problem(call, AN_P_SEARCH_ENGINE_REQUIRED,
                              "Full text (q) needs a search engine, and none is configured.");
        return false;
    }
    return true;
}

/* AN_OK: *s can be used; or the reply is the refusal, and *refused. */
static int begin(struct an_call *call, struct an_search *s, bool *refused, struct an_err *err)
{
    *s = (struct an_search){.router = call->ctx->router,
                            .arena = call->arena,
                            .tenant = call->tenant,
                            .timeout_ms = call->ctx->conf->search_timeout_ms};
    *refused = an_platform_asked(call) && !an_platform_is_on(call);
    if (*refused)
        return an_call_problem(call, AN_P_NOT_CONFIGURED,
                               "Reading across tenants is off: database.platform names no connection.");
    int rc = an_router_key(call->ctx->router, &s->key, err);
    if (rc == AN_OK && an_platform_asked(call))
        rc = an_search_all_shards(s, err);
    struct an_str token = an_request_header(call->req, WRITE_TOKEN);
    if (rc != AN_OK || token.data == NULL || an_write_token_read(s->key, call->tenant, token, &s->need))
        return rc;
    *refused = true;
    return refuse(call, AN_P_MALFORMED, AN_FAULT_HEADER, WRITE_TOKEN, "invalid",
                  "send back what a write of the same tenant was answered with");
}

/* Who reads across tenants is in the log before anything is read. */
static int record(struct an_call *call, const char *what, struct an_err *err)
{
    return an_platform_asked(call) ? an_platform_record(call, what, err) : AN_OK;
}

/* The same query with the next cursor, relative to this resource. */
static void add_next_link(struct an_call *call, struct an_str cursor)
{
    struct an_buf link;
    an_buf_init(&link, LINK_MAX);
    an_buf_adds(&link, "<?");
    for (const struct an_param *p = call->req->query; p != NULL; p = p->next) {
        if (an_str_is(p->name, "cursor"))
            continue;
        an_percent_add(&link, p->name);
        an_buf_addc(&link, '=');
        an_percent_add(&link, p->value);
        an_buf_addc(&link, '&');
    }
    an_buf_addf(&link, "cursor=%.*s>; rel=\"next\"", AN_STR_ARG(cursor));
    if (!link.overflow)
        an_reply_header(call->rep, "Link", (struct an_str){link.data, link.len});
    an_buf_release(&link);
}

static int get_events(struct an_call *call, struct an_err *err)
{
    struct an_filter f;
    struct an_search s;
    bool refused;
    if (!read_filter(call, AN_FILTER_SEARCH, &f))
        return AN_OK;
    int rc = begin(call, &s, &refused, err);
    if (rc == AN_OK && !refused)
        rc = record(call, "search", err);
    if (rc != AN_OK || refused)
        return rc;
    struct an_buf next;
    an_buf_init(&next, AN_CURSOR_MAX);
    an_buf_addc(&call->rep->body, '{');
    rc = an_search_page(&s, &f, &call->rep->body, &next, err);
    if (rc == AN_OK) {
        an_buf_addc(&call->rep->body, '}');
        an_reply_type(call->rep, "application/json");
        an_reply_header(call->rep, "Cache-Control", AN_STR("no-store"));
        if (next.len > 0)
            add_next_link(call, (struct an_str){next.data, next.len});
    } else if (rc == AN_EINVAL && f.cursor.data != NULL) {
        rc = refuse(call, AN_P_INVALID_CURSOR, AN_FAULT_PARAMETER, "cursor", "invalid",
                    "send it along with the filters and the order of its page, as the same tenant");
    }
    an_buf_release(&next);
    return rc;
}

static int get_counts(struct an_call *call, struct an_err *err)
{
    struct an_filter f;
    struct an_search s;
    bool refused;
    if (!read_filter(call, AN_FILTER_COUNTS, &f))
        return AN_OK;
    if (an_platform_asked(call) && f.from_us <= AN_TIME_MIN_US)
        return refuse(call, AN_P_INVALID_PARAMETER, AN_FAULT_PARAMETER, "from", "required",
                      "counts of all tenants read all events from here on");
    int rc = begin(call, &s, &refused, err);
    if (rc == AN_OK && !refused)
        rc = record(call, "count", err);
    if (rc != AN_OK || refused)
        return rc;
    an_buf_addc(&call->rep->body, '{');
    rc = an_search_counts(&s, &f, &call->rep->body, err);
    if (rc == AN_ETOOBIG)
        return refuse(call, AN_P_INVALID_PARAMETER, AN_FAULT_PARAMETER,
                      f.interval.data != NULL ? "interval" : "by", "too-many",
                      "more than 10,000 buckets: ask for a shorter time, a longer interval or fewer keys");
    if (rc != AN_OK)
        return rc;
    an_buf_addc(&call->rep->body, '}');
    an_reply_type(call->rep, "application/json");
    an_reply_header(call->rep, "Cache-Control", AN_STR("no-store"));
    return AN_OK;
}

/* An event never changes, but who may see it does: caches keep it apart for each token and tenant. */
static void add_event_fields(struct an_call *call, const char *digest)
{
    an_reply_headerf(call->rep, "ETag", "\"%s\"", digest);
    an_reply_header(call->rep, "Cache-Control", AN_STR("private, max-age=31536000, immutable"));
    an_reply_header(call->rep, "Vary", AN_STR("Authorization, Annals-Tenant"));
}

static int reply_event(struct an_call *call, const struct an_uuid *id, struct an_err *err)
{
    struct an_search s;
    struct an_found found;
    struct an_result *holder = NULL;
    unsigned char digest[AN_SHA256_LEN];
    char tag[2 * AN_SHA256_LEN + 1];
    bool refused;
    int rc = begin(call, &s, &refused, err);
    if (rc != AN_OK || refused)
        return rc;
    rc = an_search_event(&s, id, &found, digest, &holder, err);
    if (rc != AN_OK)
        return rc;
    an_hex_encode(digest, sizeof digest, tag);
    add_event_fields(call, tag);
    if (an_etag_matches(an_request_header(call->req, "If-None-Match"), an_str(tag))) {
        call->rep->status = 304;
    } else {
        an_reply_type(call->rep, "application/json");
        (void)an_event_add_served(&call->rep->body, &found.head, found.stored, found.received_us);
    }
    an_result_free(holder);
    return AN_OK;
}

static int get_event(struct an_call *call, struct an_err *err)
{
    struct an_uuid id;
    struct an_faults faults;
    an_faults_init(&faults, call->arena, 20);
    if (!wants_json(call))
        return AN_OK;
    for (const struct an_param *p = call->req->query; p != NULL; p = p->next)
        an_fault_add(&faults, AN_FAULT_PARAMETER,
                     an_arena_strndup(call->arena, p->name.data, p->name.len), "unknown",
                     "a single event takes no parameters");
    if (faults.count > 0)
        return refuse_parameters(call, &faults);
    if (!an_uuid_parse(call->arg, &id))
        return an_call_problem(call, AN_P_NOT_FOUND, NULL);
    return reply_event(call, &id, err);
}

static const struct an_route routes[] = {
    {AN_GET, "/v1/events", AN_ACROSS, AN_SCOPE_READ, get_events},
    {AN_POST, "/v1/events", AN_TOKEN, AN_SCOPE_WRITE | AN_SCOPE_IMPORT, NULL}, /* annals-ingest */
    {AN_GET, "/v1/events/counts", AN_ACROSS, AN_SCOPE_READ, get_counts},
    {AN_GET, "/v1/events/{id}", AN_TOKEN, AN_SCOPE_READ, get_event},
};

const struct an_routes an_search_routes = {.routes = routes, .count = AN_COUNT(routes)};
