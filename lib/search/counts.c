/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/json.h"
#include "search/across.h"
#include "search/coverage.h"
#include "search/reading.h"
#include "search/row.h"
#include "search/sqltext.h"

struct asked {
    const struct an_filter *f;
    struct an_result *res;
    struct an_coverage *coverage;
};

static int query_counts(struct an_search *s, const struct an_filter *f, struct an_result **out,
                        struct an_err *err)
{
    struct an_sqltext q;
    an_sqltext_init(&q, s->arena);
    int rc;
    if (an_sqltext_counts(&q, f, s->tenant, AN_BUCKETS_MAX + 1)) {
        struct an_db_step step = {.sql = q.text.data, .params = q.params, .count = q.count};
        rc = an_reading_ask(s, AN_PLAN_FREELY, &step, true, out, err);
    } else {
        rc = an_fail(err, AN_EBACKEND, "search: more conditions than one statement can have");
    }
    an_sqltext_release(&q);
    return rc;
}

static int ask_counts(struct an_search *s, void *arg, struct an_err *err)
{
    struct asked *asked = arg;
    int rc = query_counts(s, asked->f, &asked->res, err);
    if (rc == AN_OK)
        rc = an_reading_coverage(s, asked->coverage, err);
    if (rc != AN_OK) {
        an_result_free(asked->res);
        asked->res = NULL;
    }
    return rc;
}

int an_search_counts_each(struct an_search *s, const struct an_filter *f, an_search_bucket *bucket,
                          void *arg, struct an_coverage *coverage, struct an_err *err)
{
    if (s->shard_count > 0)
        return an_across_counts(s, f, bucket, arg, coverage, err);
    struct asked asked = {.f = f, .coverage = coverage};
    int rc = an_reading_run(s, ask_counts, &asked, err);
    if (rc == AN_OK)
        rc = an_coverage_suits(coverage, f, err);
    const struct an_result *res = asked.res;
    if (rc == AN_OK && an_result_rows(res) > AN_BUCKETS_MAX)
        rc = an_fail(err, AN_ETOOBIG, "search: more than %d buckets", AN_BUCKETS_MAX);
    for (size_t i = 0; rc == AN_OK && i < an_result_rows(res); i++) {
        struct an_bucket b;
        rc = an_row_bucket(res, i, &b, err);
        if (rc == AN_OK)
            rc = bucket(arg, b.start_us, b.key, b.count);
    }
    an_result_free(asked.res);
    return rc;
}

struct list {
    struct an_buf *out;
    bool begun;
};

static int add_bucket(void *arg, int64_t start_us, struct an_str key, int64_t count)
{
    struct list *list = arg;
    struct an_buf *out = list->out;
    an_buf_adds(out, list->begun ? ",{\"start\":" : "{\"start\":");
    list->begun = true;
    if (start_us > AN_TIME_MIN_US) {
        char text[AN_TIME_LEN + 1];
        an_time_format(start_us, text);
        an_buf_addf(out, "\"%s\"", text);
    } else {
        an_buf_adds(out, "null");
    }
    an_buf_adds(out, ",\"key\":");
    if (key.data == NULL)
        an_buf_adds(out, "null");
    else
        an_json_add_string(out, key);
    an_buf_addf(out, ",\"count\":%lld}", (long long)count);
    return AN_OK;
}

int an_search_counts(struct an_search *s, const struct an_filter *f, struct an_buf *out,
                     struct an_err *err)
{
    struct list list = {.out = out};
    struct an_coverage coverage;
    an_buf_adds(out, "\"buckets\":[");
    int rc = an_search_counts_each(s, f, add_bucket, &list, &coverage, err);
    if (rc != AN_OK)
        return rc;
    an_buf_adds(out, "],");
    an_coverage_add(&coverage, out);
    return out->overflow ? an_fail(err, AN_ETOOBIG, "search: the answer is over %zu bytes", out->limit)
                         : AN_OK;
}
