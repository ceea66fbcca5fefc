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
    if (seen->through_us > AN_TIME_MIN_US)
        c.lag_ms = an_freshness_lag_ms(seen);
    return c;
}

int an_coverage_suits(const struct an_coverage *c, const struct an_filter *f, struct an_err *err)
{
    if (f->require_complete && !c->complete)
        return an_fail(err, AN_EAGAIN, "search: the hot tier is not complete at the moment");
    return AN_OK;
}

/* Which server of the shard answered. */
static void add_server(const struct an_coverage *c, struct an_buf *out)
{
    an_buf_addf(out, ",\"shard\":\"%s\",\"served\":\"%s\"", c->shard, c->by_replica ? "replica" : "primary");
    if (c->replica != NULL)
        an_buf_addf(out, ",\"replica\":\"%s\"", c->replica);
}

static void add_reach(const struct an_coverage *c, struct an_buf *out)
{
    add_time(out, "from", c->oldest_us);
    add_time(out, "through", c->through_us);
    an_buf_addf(out, ",\"lag_ms\":%lld", (long long)c->lag_ms);
}

static void add_shards(const struct an_coverage *c, struct an_buf *out)
{
    an_buf_adds(out, ",\"shards\":[");
    for (size_t i = 0; i < c->shard_count; i++) {
        const struct an_coverage *one = &c->shards[i];
        an_buf_addf(out, "%s{\"answered\":%s,\"complete\":%s", i == 0 ? "" : ",",
                    one->answered ? "true" : "false", one->complete ? "true" : "false");
        if (one->answered) {
            add_server(one, out);
            add_reach(one, out);
        } else {
            an_buf_addf(out, ",\"shard\":\"%s\"", one->shard);
        }
        an_buf_addc(out, '}');
    }
    an_buf_addc(out, ']');
}

void an_coverage_add(const struct an_coverage *c, struct an_buf *out)
{
    const char *complete = c->complete ? "true" : "false";
    an_buf_addf(out, "\"coverage\":{\"complete\":%s,\"tiers\":[{\"name\":\"hot\",\"complete\":%s", complete,
                complete);
    if (c->shard_count == 0)
        add_server(c, out);
    add_reach(c, out);
    an_buf_adds(out, "}]");
    if (c->shard_count > 0)
        add_shards(c, out);
    an_buf_addc(out, '}');
}
