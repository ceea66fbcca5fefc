/* SPDX-License-Identifier: Apache-2.0 */
/* The request loop of the three applications: accept, find the route, authenticate, authorise, call the
 * handler, answer, log one line. Nothing before the handler trusts anything but the token. */
#ifndef AN_API_API_H
#define AN_API_API_H

#include "an.h"
#include "api/upkeep_metrics.h"
#include "auth/auth.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "db/db.h"
#include "db/health.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/request.h"
#include "ingest/ingest.h"
#include "proc/prefork.h"
#include "search/search.h"
#include "shard/router.h"
#include "shard/shard.h"

/* Memory that the processes of an application share, made before the fork. */
struct an_shared {
    struct an_keyring *keyring; /* keys of identity providers */
    struct an_known *known;     /* what workers know of the directory */
    struct an_health *health;   /* which servers answer */
    void *combine;              /* of an_combine_share(), in annals-ingest; NULL */
};
/* struct an_app, share. */
void *an_api_share(const struct an_conf *c);

/* What a worker owns; made after the fork, shared by all its requests. */
struct an_ctx {
    const struct an_conf *conf;
    const char *app;          /* "ingest" */
    struct an_auth *auth;
    struct an_router *router;   /* where tenants live; no shard is connected until used */
    struct an_shard *directory; /* the default shard */
    struct an_db *writer;       /* of the directory */
    struct an_ingest *ingest;
    struct an_readiness *readiness; /* what /readyz remembers */
    const struct an_secret *signing_key; /* of the router; NULL until a handler has asked for it */
    struct an_upkeep_metrics upkeep;
};

/* Opens nothing but the issuers' key files. AN_EINVAL: those cannot be used. */
int an_ctx_open(struct an_ctx *ctx, const struct an_conf *c, const char *app, const struct an_shared *shared,
                struct an_err *err) AN_MUST_CHECK;
void an_ctx_close(struct an_ctx *ctx); /* accepts a zeroed one */

/* One request on its way through a handler. */
struct an_call {
    struct an_ctx *ctx;
    struct an_request *req;
    struct an_reply *rep;
    struct an_arena *arena;
    const struct an_principal *who; /* NULL on open routes */
    /* whose data; absent on open routes; "*": everybody's, where the route says so */
    struct an_str tenant;
    struct an_str arg;              /* what stood for {id} in the path, decoded; absent where there is none */
    /* what a handler keeps for `finish` (struct an_routes); NULL: the reply is filled */
    void *held;
    /* set with `held`: it is large, so nothing more should be held beside it */
    bool last;
};

enum an_access {
    AN_OPEN,    /* anybody */
    AN_MONITOR, /* http.monitor_from only, else 404 */
    AN_TOKEN,   /* bearer token with `scopes` */
    AN_ACROSS,  /* the same; a token of the platform may ask it of all tenants, as the tenant "*" */
    AN_SESSION  /* the console: its own middleware (console/guard.h) */
};

struct an_route {
    enum an_method method; /* AN_GET serves HEAD too */
    const char *path;      /* "/v1/events/{id}": one {…} segment at most */
    enum an_access access;
    unsigned scopes;       /* any of these bits suffices; admin includes read */
    /* AN_OK: the reply is filled (perhaps with a problem). Else the loop answers with the usual problem for
     * the code and logs err; its text is shown to the client for AN_EINVAL and AN_ETOOBIG alone.
     * NULL: another application serves it behind the same path (the web server splits by method); the route
     * stands here so that Allow names its method. */
    int (*handle)(struct an_call *call, struct an_err *err);
};

struct an_routes {
    const struct an_route *routes;
    size_t count;
    /* Shows what the loop itself refuses (no such path, wrong method, bad query, a handler that failed)
     * in a way of its own; false: a problem document will do. NULL: always that. */
    bool (*refuse)(struct an_call *call, const struct an_problem *p);
    /* Requests that are cheaper to answer together. A handler that sets call->held leaves its reply to
     * `finish`; up to `together` requests that came at the same time are held so, then comes `commit`
     * once, then `finish` for each, whose result is as that of a handler. NULL and 0: each request is
     * answered before the next is taken. */
    void (*commit)(struct an_ctx *ctx);
    int (*finish)(struct an_call *call, struct an_err *err);
    bool (*late)(const struct an_call *call); /* `finish` will take its time: after the others */
    size_t together;
};
extern const struct an_routes an_ingest_routes, an_search_routes;

/* The reply is this problem. Detail: a sentence, or NULL. Returns AN_OK, for handlers to return. */
int an_call_problem(struct an_call *call, enum an_problem_type type, const char *detail);

/* For struct an_app, check: could this configuration work, for a program that connects as these roles? */
int an_api_check(const struct an_conf *c, const enum an_db_role *roles, size_t count,
                 struct an_err *err) AN_MUST_CHECK;

/* The main() of an application. app: its name, section, check and work, and share where that is more than
 * an_api_share(); what all applications have in common is filled in here. Returns the exit status. */
int an_api_main(const struct an_app *app, int argc, char **argv);

/* The work function of an application: returns the worker's exit status. */
int an_api_work(const struct an_conf *c, const char *app, const struct an_routes *routes, int listen_fd,
                unsigned index, void *shared);

/* Routes that all three serve, beside their own: /healthz /readyz /metrics; in common.c. */
extern const struct an_routes an_common_routes;
/* What the API is: /v1/limits and /v1/openapi.json; in meta_routes.c. All can answer; the web server
 * asks search. */
extern const struct an_routes an_meta_routes;

#endif
