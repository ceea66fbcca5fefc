/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/coverage.h"

int an_coverage_read(struct an_search *s, const struct an_filter *f, struct an_coverage *out,
                     struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(s->db, AN_STMT_SEARCH_COVERAGE, NULL, 0, &res, err);
    if (rc != AN_OK)
        return rc;
    *out = (struct an_coverage){.complete = true};
    if (!an_result_int(res, 0, 0, &out->through_us) || !an_result_int(res, 0, 1, &out->lag_ms)) {
        *out = (struct an_coverage){.through_us =
                                        AN_TIME_MIN_US}; /* a replica that has replayed nothing yet */
    }
    if (!an_result_int(res, 0, 2, &out->oldest_us))
        out->oldest_us = AN_TIME_MIN_US; /* no partition */
    an_result_free(res);
    if (f->require_complete && !out->complete)
        return an_fail(err, AN_EAGAIN, "search: the hot tier is not complete at the moment");
    return AN_OK;
}

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
