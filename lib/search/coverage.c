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

void an_coverage_add(const struct an_coverage *c, struct an_buf *out)
{
    const char *complete = c->complete ? "true" : "false";
    an_buf_addf(out, "\"coverage\":{\"complete\":%s,\"tiers\":[{\"name\":\"hot\",\"complete\":%s",
                complete, complete);
    add_time(out, "from", c->oldest_us);
    add_time(out, "through", c->through_us);
    an_buf_addf(out, ",\"lag_ms\":%lld}]}", (long long)c->lag_ms);
}
