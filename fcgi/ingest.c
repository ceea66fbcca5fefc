/* SPDX-License-Identifier: Apache-2.0 */
/* annals-ingest takes events in; what it does is in lib/api and lib/ingest. */
#include "an.h"

#include "api/api.h"
#include "ingest/combine.h"

static const struct an_conf_app *section(const struct an_conf *c)
{
    return &c->ingest;
}

static void *share(const struct an_conf *c)
{
    struct an_shared *shared = an_api_share(c);
    shared->combine = an_combine_share(c);
    return shared;
}

static int check(const struct an_conf *c, struct an_err *err)
{
    static const enum an_db_role roles[] = {AN_DB_WRITER};
    return an_api_check(c, roles, AN_COUNT(roles), err);
}

static int work(const struct an_conf *c, int listen_fd, unsigned index, void *shared)
{
    return an_api_work(c, "ingest", &an_ingest_routes, listen_fd, index, shared);
}

int main(int argc, char **argv)
{
    static const struct an_app app = {.name = "ingest",
                                      .section = section,
                                      .check = check,
                                      .share = share,
                                      .work = work};
    return an_api_main(&app, argc, argv);
}
