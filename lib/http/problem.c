/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/json.h"
#include "http/problem.h"

static const struct kind {
    const char *slug, *title;
    int status;
} kinds[AN_P__COUNT] = {
    [AN_P_MALFORMED] = {"malformed", "The request is malformed", 400},
    [AN_P_INVALID_JSON] = {"invalid-json", "The body is not valid JSON", 400},
    [AN_P_INVALID_PARAMETER] = {"invalid-parameter", "A parameter is unknown or invalid", 400},
    [AN_P_INVALID_CURSOR] = {"invalid-cursor", "The cursor does not belong to this search", 400},
    [AN_P_UNAUTHENTICATED] = {"unauthenticated", "A valid bearer token is required", 401},
    [AN_P_FORBIDDEN] = {"forbidden", "The token does not allow this", 403},
    [AN_P_NOT_FOUND] = {"not-found", "There is no such thing here", 404},
    [AN_P_METHOD_NOT_ALLOWED] = {"method-not-allowed", "The method is not allowed here", 405},
    [AN_P_NOT_ACCEPTABLE] = {"not-acceptable", "No acceptable representation exists", 406},
    [AN_P_CONFLICT] = {"idempotency-conflict", "The same key was used for another event", 409},
    [AN_P_TOO_LARGE] = {"too-large", "The request is over a limit", 413},
    [AN_P_UNSUPPORTED_TYPE] = {"unsupported-media-type", "The body's type is not supported", 415},
    [AN_P_INVALID_EVENT] = {"invalid-event", "The event is not valid", 422},
    [AN_P_OUTSIDE_WINDOW] = {"outside-window", "The timestamp is outside the accepted window", 422},
    [AN_P_BATCH_REJECTED] = {"batch-rejected", "The batch was rejected as a whole", 422},
    [AN_P_INTERNAL] = {"internal", "The server failed", 500},
    [AN_P_SEARCH_ENGINE_REQUIRED] = {"search-engine-required", "The search needs an engine", 501},
    [AN_P_NOT_CONFIGURED] = {"not-configured", "This installation is not configured for it", 501},
    [AN_P_UNAVAILABLE] = {"unavailable", "The service is not available at the moment", 503},
    [AN_P_QUERY_TIMEOUT] = {"query-timeout", "The query took too long", 504},
};

int an_problem_status(enum an_problem_type type)
{
    return kinds[type].status;
}

const char *an_problem_slug(enum an_problem_type type)
{
    return kinds[type].slug;
}

static void add_member(struct an_buf *out, const char *name, const char *value)
{
    an_buf_addf(out, ",\"%s\":", name);
    an_json_add_string(out, an_str(value));
}

static void add_faults(struct an_buf *out, const struct an_faults *faults)
{
    static const char *const places[] = {
        [AN_FAULT_POINTER] = "pointer", [AN_FAULT_PARAMETER] = "parameter", [AN_FAULT_HEADER] = "header"};
    an_buf_adds(out, ",\"errors\":[");
    size_t named = 0;
    for (const struct an_fault *f = faults->first; f != NULL; f = f->next, named++) {
        an_buf_addf(out, "%s{\"%s\":", f == faults->first ? "" : ",", places[f->place]);
        an_json_add_string(out, an_str(f->where));
        add_member(out, "code", f->code);
        add_member(out, "detail", f->detail);
        an_buf_addc(out, '}');
    }
    an_buf_addc(out, ']');
    if (faults->count > named)
        an_buf_addf(out, ",\"errors_omitted\":%zu", faults->count - named);
}

void an_problem_add(struct an_buf *out, const struct an_problem *p, const char *request_id)
{
    const struct kind *k = &kinds[p->type];
    an_buf_addf(out, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%d", k->slug, k->title,
                k->status);
    if (p->detail != NULL)
        add_member(out, "detail", p->detail);
    if (request_id != NULL)
        add_member(out, "request_id", request_id);
    if (p->faults != NULL && p->faults->count > 0)
        add_faults(out, p->faults);
    if (p->has_limit)
        an_buf_addf(out, ",\"limit\":%llu,\"actual\":%llu", (unsigned long long)p->limit,
                    (unsigned long long)p->actual);
    if (p->add_members != NULL)
        p->add_members(out, p->members_of);
    an_buf_addc(out, '}');
}

/* Fields that described the body which the problem replaces. */
static void drop_fields(struct an_reply *rep)
{
    static const char *const gone[] = {"Cache-Control", "Content-Disposition", "ETag", "Last-Modified",
                                       "Location"};
    for (struct an_header **at = &rep->headers; *at != NULL;) {
        bool drop = false;
        for (size_t i = 0; i < AN_COUNT(gone); i++)
            drop = drop || an_str_case_is(an_str((*at)->name), gone[i]);
        if (drop)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

void an_problem_reply(struct an_reply *rep, const struct an_problem *p, const char *request_id)
{
    an_buf_clear(&rep->body);
    drop_fields(rep);
    rep->status = kinds[p->type].status;
    an_reply_type(rep, "application/problem+json");
    if (p->type == AN_P_UNAUTHENTICATED)
        an_reply_header(rep, "WWW-Authenticate", AN_STR("Bearer"));
    if (p->type == AN_P_UNAVAILABLE)
        an_reply_header(rep, "Retry-After", AN_STR("1"));
    an_problem_add(&rep->body, p, request_id);
}

enum an_problem_type an_problem_of(enum an_rc rc)
{
    switch (rc) {
    case AN_EINVAL:
        return AN_P_MALFORMED;
    case AN_EAUTH:
        return AN_P_UNAUTHENTICATED;
    case AN_EAGAIN:
    case AN_EMOVED:
        return AN_P_UNAVAILABLE;
    case AN_ETOOBIG:
        return AN_P_TOO_LARGE;
    case AN_ENOENT:
        return AN_P_NOT_FOUND;
    case AN_EDENIED:
        return AN_P_FORBIDDEN;
    case AN_ETIMEOUT:
        return AN_P_QUERY_TIMEOUT;
    case AN_ECONFLICT:
        return AN_P_CONFLICT;
    case AN_EBACKEND:
    case AN_OK:
        break;
    }
    return AN_P_INTERNAL;
}
