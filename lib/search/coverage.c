/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/coverage.h"

static int check_reached(struct an_search *s, struct an_err *err)
{
    char lsn[24];
    (void)snprintf(lsn, sizeof lsn, "%X/%X", (unsigned)(s->seen_lsn >> 32), (unsigned)s->seen_lsn);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(lsn))};
    struct an_result *res = NULL;
    int rc = an_db_exec(s->db, AN_STMT_SEARCH_REACHED, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && !an_str_is(an_result_get(res, 0, 0), "t"))
        rc = an_fail(err, AN_EAGAIN, "search: the replica has not reached the caller's last write");
    an_result_free(res);
    return rc;
}

int an_coverage_begin(struct an_search *s, struct an_err *err)
{
    int rc = an_db_begin_tenant(s->db, s->tenant, s->timeout_ms, err);
    if (rc != AN_OK || s->seen_lsn == 0)
        return rc;
    rc = check_reached(s, err);
    if (rc != AN_OK)
        (void)an_db_end(s->db, false, NULL);
    return rc;
}

int an_coverage_read(struct an_search *s, const struct an_filter *f, struct an_coverage *out,
                     struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(s->db, AN_STMT_SEARCH_COVERAGE, NULL, 0, &res, err);
    if (rc != AN_OK)
        return rc;
    *out = (struct an_coverage){.complete = true};
    /* A replica that has replayed nothing yet knows no time. */
    if (!an_result_int(res, 0, 0, &out->through_us) || !an_result_int(res, 0, 1, &out->lag_ms))
        *out = (struct an_coverage){.through_us = AN_TIME_MIN_US};
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
