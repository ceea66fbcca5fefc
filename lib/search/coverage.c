/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/coverage.h"

static void add_time(struct an_buf *out, const char *name, int64_t us)
{
    char text[AN_TIME_LEN + 1];
    an_time_format(us, text);
    if (us <= AN_TIME_MIN_US)
        an_buf_addf(out, ",\"%s\":null", name);
    else
        an_buf_addf(out, ",\"%s\":\"%s\"", name, text);
}

struct an_coverage an_coverage_of(const struct an_server *server, const struct an_freshness *seen)
{
    struct an_coverage c = {.through_us = seen->through_us,
                            .complete = seen->through_us > AN_TIME_MIN_US && !server->far,
                            .shard = server->shard,
                            .replica = server->replica,
                            .by_replica = seen->replica};
    if (seen->through_us > AN_TIME_MIN_US && seen->now_us > seen->through_us)
        c.lag_ms = (seen->now_us - seen->through_us) / 1000;
    return c;
}

int an_coverage_suits(const struct an_coverage *c, const struct an_filter *f, struct an_err *err)
{
    if (f->require_complete && !c->complete)
        return an_fail(err, AN_EAGAIN, "search: the hot tier is not complete at the moment");
    return AN_OK;
}

void an_coverage_add(const struct an_coverage *c, struct an_buf *out)
{
    const char *complete = c->complete ? "true" : "false";
    an_buf_addf(out, "\"coverage\":{\"complete\":%s,\"tiers\":[{\"name\":\"hot\",\"complete\":%s", complete,
                complete);
    an_buf_addf(out, ",\"shard\":\"%s\",\"served\":\"%s\"", c->shard,
                c->by_replica ? "replica" : "primary");
    if (c->replica != NULL)
        an_buf_addf(out, ",\"replica\":\"%s\"", c->replica);
    add_time(out, "from", c->oldest_us);
    add_time(out, "through", c->through_us);
    an_buf_addf(out, ",\"lag_ms\":%lld}]}", (long long)c->lag_ms);
}
