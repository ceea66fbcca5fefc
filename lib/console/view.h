/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of the console share: one request with its session, layout, errors, and the look of values.
 */
#ifndef AN_CONSOLE_VIEW_H
#define AN_CONSOLE_VIEW_H

#include "an.h"
#include "api/api.h"
#include "console/query.h"
#include "console/session.h"
#include "html/template.h"

/* One request of the console. */
struct an_admin {
    struct an_call *call;
    struct an_arena *arena;
    struct an_session session; /* subject absent: nobody is signed in */
    bool platform;             /* the session may look at any tenant */
    struct an_str tenant;      /* whose events; absent while a platform principal has not chosen one */
    struct an_param *params;   /* the query without `tenant` */
    struct an_scope *page;     /* the values of the template */
};

/* Fills *a for a request without a session, and sets the header fields that every page has. */
void an_admin_init(struct an_admin *a, struct an_call *call);

/* Renders the template with the frame's values added. */
int an_admin_render(struct an_admin *a, const char *template, struct an_str title,
                    struct an_err *err) AN_MUST_CHECK;

/* The reply is an error page; what the body held is dropped. detail: a sentence, or NULL for the usual one.
 */
int an_admin_error(struct an_admin *a, int status, const char *detail, struct an_err *err) AN_MUST_CHECK;
/* The same for a code that a function returned; what is ours to mend is logged. */
int an_admin_failed(struct an_admin *a, int rc, const struct an_err *why, struct an_err *err) AN_MUST_CHECK;

/* 303 to a path of the console ("/admin/events?..."). */
int an_admin_redirect(struct an_admin *a, const char *path);

/* Path with http.base_path in front and, for a platform principal with a tenant, `tenant` before the other
 * parameters. path: "/admin/events". In the arena. */
struct an_str an_admin_url(struct an_admin *a, const char *path, const struct an_param *query);

/* "2026-11-23 09:30:00.123" with so many digits (0 to 6) of the second's fraction; in the arena. */
struct an_str an_view_time(struct an_arena *a, int64_t us, unsigned digits);
/* RFC 3339, for <time datetime>. */
struct an_str an_view_rfc3339(struct an_arena *a, int64_t us);
/* "12,345" */
struct an_str an_view_count(struct an_arena *a, int64_t n);
/* "1.2 GiB" */
struct an_str an_view_bytes(struct an_arena *a, int64_t n);

/* The sign that stands beside an outcome, so that colour is never alone. */
const char *an_outcome_glyph(struct an_str outcome);

#endif
