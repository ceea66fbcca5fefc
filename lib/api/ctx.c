/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/api.h"
#include "api/readiness.h"
#include "auth/keyfetch.h"
#include "auth/keyring.h"

void *an_api_share(const struct an_conf *c)
{
    (void)c; /* all of it, whatever is configured: a reload may bring the first provider */
    struct an_shared *shared = an_xcalloc(1, sizeof *shared);
    shared->keyring = an_keyring_new();
    shared->known = an_known_new();
    shared->health = an_health_share();
    return shared;
}

int an_ctx_open(struct an_ctx *ctx, const struct an_conf *c, const char *app, const struct an_shared *shared,
                struct an_err *err)
{
    *ctx = (struct an_ctx){.conf = c, .app = app};
    int rc = an_auth_open(c, shared->keyring, &ctx->auth, err);
    if (rc != AN_OK)
        return rc;
    ctx->router = an_router_new(c, shared->known, strcmp(app, "search") != 0);
    if (shared->combine == NULL) /* the combiner knows of its own which shards answer */
        an_router_share(ctx->router, shared->health);
    ctx->directory = an_router_default(ctx->router);
    ctx->writer = an_shard_writer(ctx->directory);
    ctx->readiness = an_readiness_new();
    ctx->ingest = an_ingest_new(c, ctx->router, shared->combine);
    return AN_OK;
}

void an_ctx_close(struct an_ctx *ctx)
{
    an_upkeep_metrics_release(&ctx->upkeep);
    an_ingest_free(ctx->ingest);
    an_readiness_free(ctx->readiness);
    an_router_free(ctx->router);
    an_auth_close(ctx->auth);
    *ctx = (struct an_ctx){.conf = NULL};
}

int an_api_check(const struct an_conf *c, const enum an_db_role *roles, size_t count, struct an_err *err)
{
    struct an_auth *auth = NULL;
    int rc = an_auth_open(c, NULL, &auth, err);
    an_auth_close(auth);
    if (rc == AN_OK)
        rc = an_shard_check(c, err);
    for (size_t i = 0; rc == AN_OK && i < count; i++)
        rc = an_db_check(c, roles[i], err);
    return rc;
}

/* The helper keeps the keys of identity providers. */
static bool wants_help(const struct an_conf *c)
{
    return an_keyfetch_wanted(c);
}

static int help(const struct an_conf *c, void *shared)
{
    struct an_keyring *ring = ((const struct an_shared *)shared)->keyring;
    if (ring == NULL)
        return 1;
    an_keyfetch_run(c, ring);
}

int an_api_main(const struct an_app *app, int argc, char **argv)
{
    struct an_app whole = *app;
    whole.wants_help = wants_help;
    whole.help = help;
    if (whole.share == NULL)
        whole.share = an_api_share;
    return an_prefork_main(&whole, argc, argv);
}
