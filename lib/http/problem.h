/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents (RFC 9457), application/problem+json: type, title, status, detail, request_id, and where
 * they apply errors (errors_omitted: how many more there were), limit, actual, and members of the
 * caller's own. The types are one table in problem.c; docs/api explains each. */
#ifndef AN_HTTP_PROBLEM_H
#define AN_HTTP_PROBLEM_H

#include "an.h"
#include "base/err.h"
#include "base/fault.h"
#include "http/reply.h"

enum an_problem_type {
    AN_P_MALFORMED,           /* 400 /problems/malformed */
    AN_P_INVALID_JSON,        /* 400 /problems/invalid-json */
    AN_P_INVALID_PARAMETER,   /* 400 /problems/invalid-parameter */
    AN_P_INVALID_CURSOR,      /* 400 /problems/invalid-cursor */
    AN_P_UNAUTHENTICATED,     /* 401 /problems/unauthenticated; sets WWW-Authenticate */
    AN_P_FORBIDDEN,           /* 403 /problems/forbidden */
    AN_P_NOT_FOUND,           /* 404 /problems/not-found */
    AN_P_METHOD_NOT_ALLOWED,  /* 405 /problems/method-not-allowed; the caller sets Allow */
    AN_P_NOT_ACCEPTABLE,      /* 406 /problems/not-acceptable */
    AN_P_CONFLICT,            /* 409 /problems/idempotency-conflict */
    AN_P_TOO_LARGE,           /* 413 /problems/too-large */
    AN_P_UNSUPPORTED_TYPE,    /* 415 /problems/unsupported-media-type */
    AN_P_INVALID_EVENT,       /* 422 /problems/invalid-event */
    AN_P_OUTSIDE_WINDOW,      /* 422 /problems/outside-window */
    AN_P_BATCH_REJECTED,      /* 422 /problems/batch-rejected: atomic */
    AN_P_INTERNAL,            /* 500 /problems/internal */
    AN_P_SEARCH_ENGINE_REQUIRED, /* 501 /problems/search-engine-required */
    AN_P_NOT_CONFIGURED,      /* 501 /problems/not-configured */
    AN_P_UNAVAILABLE,         /* 503 /problems/unavailable; sets Retry-After: 1 */
    AN_P_QUERY_TIMEOUT,       /* 504 /problems/query-timeout */
    AN_P__COUNT
};

struct an_problem {
    enum an_problem_type type;
    const char *detail;             /* a sentence; never a value of an event */
    const struct an_faults *faults; /* NULL: no `errors` */
    bool has_limit;                 /* then these two are members */
    uint64_t limit, actual;
    /* Appends further members, each with a comma in front of it; NULL: there are none. */
    void (*add_members)(struct an_buf *out, const void *members_of);
    const void *members_of;
};

int an_problem_status(enum an_problem_type type);
/* "invalid-event": tests hold the documents of the API to these. */
const char *an_problem_slug(enum an_problem_type type);

/* Appends the object. request_id NULL: left out (problems of items in a batch). */
void an_problem_add(struct an_buf *out, const struct an_problem *p, const char *request_id);
/* Makes it the reply: drops the body and the fields that described it (ETag, Cache-Control, ...), sets
 * status, type and fields of its own; others stay. Not after a flush. */
void an_problem_reply(struct an_reply *rep, const struct an_problem *p, const char *request_id);
/* The usual translation of an error code that a handler returns. */
enum an_problem_type an_problem_of(enum an_rc rc);

#endif
