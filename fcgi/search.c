/* SPDX-License-Identifier: Apache-2.0 */
/* annals-search finds events again; everything it does is in lib/api. */
#include "an.h"

#include "api/api.h"

static const struct an_conf_app *section(const struct an_conf *c)
{
    return &c->search;
}

static int check(const struct an_conf *c, struct an_err *err)
{
    static const enum an_db_role roles[] = {AN_DB_READER, AN_DB_PLATFORM, AN_DB_WRITER};
    return an_api_check(c, roles, AN_COUNT(roles), err);
}

static int work(const struct an_conf *c, int listen_fd, unsigned index, void *shared)
{
    return an_api_work(c, "search", &an_search_routes, listen_fd, index, shared);
}

int main(int argc, char **argv)
{
    static const struct an_app app = {.name = "search", .section = section, .check = check, .work = work};
    return an_api_main(&app, argc, argv);
}
