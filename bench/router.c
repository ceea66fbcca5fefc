/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs a request to learn where its tenant lives, once the worker has met that tenant.
 * usage: router CONFIG TENANT...; prints {"us": N}. */
#include "an.h"

#include "base/clock.h"
#include "shard/router.h"

#define CALLS 2000000

static void stop_with(const char *why)
{
    (void)fprintf(stderr, "router: %s\n", why);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        stop_with("usage: router CONFIG TENANT...");
    struct an_buf problems;
    an_buf_init(&problems, 65536);
    struct an_conf *c = an_conf_load(argv[1], &problems);
    if (c == NULL)
        stop_with(problems.data);
    struct an_router *router = an_router_new(c, NULL, true);
    int64_t from_us = 0;
    for (int i = 0; i < 2 * CALLS; i++) {
        struct an_shard *shard;
        struct an_err err;
        if (i == CALLS) /* by now all are known */
            from_us = an_clock_mono_us();
        if (an_router_admit(router, an_str(argv[2 + i % (argc - 2)]), true, &shard, &err) != AN_OK)
            stop_with(err.text);
    }
    (void)printf("{\"us\": %.4f}\n", (double)(an_clock_mono_us() - from_us) / CALLS);
    an_router_free(router);
    an_conf_free(c);
    an_buf_release(&problems);
    return 0;
}
