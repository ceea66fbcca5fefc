/* SPDX-License-Identifier: Apache-2.0 */
/* annals-search finds events again; everything it does is in lib/api. */
#include "an.h"

#include "api/api.h"
#include "proc/prefork.h"

static const struct an_conf_app *section(const struct an_conf *c)
{
    return &c->search;
}

static int work(const struct an_conf *c, int listen_fd, unsigned index, void *shared)
{
    return an_api_work(c, "search", &an_search_routes, listen_fd, index, shared);
}

int main(int argc, char **argv)
{
    static const struct an_app app = {.name = "search",
                                      .section = section,
                                      .check = an_api_check,
                                      .share = an_api_share,
                                      .work = work,
                                      .wants_help = an_api_wants_help,
                                      .help = an_api_help};
    return an_prefork_main(&app, argc, argv);
}
