/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "event/event.h"
#include "search/across.h"
#include "search/coverage.h"
#include "search/cursor.h"
#include "search/plan.h"
#include "search/reading.h"
#include "search/row.h"
#include "search/sqltext.h"

static int query_page(struct an_search *s, const struct an_filter *f, const struct an_plan *plan,
                      struct an_sqltext *q, struct an_result **out, struct an_err *err)
{
    const struct an_db_step step = {
        .sql = q->text.data, .params = q->params, .count = q->count, .binary = true};
    bool any = an_plan_suits_any(plan, f);
    return an_reading_ask(s, any ? AN_PLAN_FOR_ANY : AN_PLAN_IN_ORDER, &step, true, out, err);
}

/* One row more than the page shows, to know whether another page follows. */
static int read_page(struct an_search *s, const struct an_filter *f, const struct an_position *after,
                     struct an_result **out, struct an_err *err)
{
    struct an_plan plan;
    int rc = an_plan_make(s, f, &plan, err);
    if (rc == AN_OK) {
        struct an_sqltext q;
        an_sqltext_init(&q, s->arena);
        if (an_sqltext_page(&q, f, &plan, s->tenant, after, f->limit + 1))
            rc = query_page(s, f, &plan, &q, out, err);
        else
            rc = an_fail(err, AN_ETOOBIG, "search: more conditions than one statement can have");
        an_sqltext_release(&q);
    }
    return rc;
}

/* A page on its way: the question, the answer. */
struct asked_page {
    const struct an_filter *f;
    const struct an_position *after; /* NULL: the first */
    struct an_result *res;
    struct an_coverage *coverage;
};

static int ask_page(struct an_search *s, void *arg, struct an_err *err)
{
    struct asked_page *p = arg;
    int rc = read_page(s, p->f, p->after, &p->res, err);
    if (rc == AN_OK)
        rc = an_reading_coverage(s, p->coverage, err);
    if (rc != AN_OK) {
        an_result_free(p->res);
        p->res = NULL;
    }
    return rc;
}

static int give_rows(struct an_search *s, const struct an_filter *f, const struct an_result *res,
                     an_search_row *each, void *arg, struct an_buf *next, struct an_err *err)
{
    struct an_found event = {.head.tenant_id = s->tenant};
    size_t rows = an_result_rows(res);
    bool more = rows > (size_t)f->limit;
    for (size_t i = 0; i < rows - more; i++) {
        int rc = an_row_event(res, i, &event, err);
        if (rc == AN_OK)
            rc = each(arg, &event);
        if (rc != AN_OK)
            return rc;
    }
    struct an_position last = {.timestamp_us = event.head.timestamp_us, .id = event.head.id};
    if (more && !an_cursor_add(s, f, &last, next))
        return an_fail(err, AN_ETOOBIG, "search: the filter is too long for a cursor");
    return AN_OK;
}

int an_search_each(struct an_search *s, const struct an_filter *f, an_search_row *each, void *arg,
                   struct an_buf *next, struct an_coverage *coverage, struct an_err *err)
{
    struct an_position after;
    bool first = f->cursor.data == NULL;
    if (!first && !an_cursor_read(s, f, &after))
        return an_fail(err, AN_EINVAL, "search: the cursor is not for this tenant, filter and order");
    if (s->shard_count > 0)
        return an_across_page(s, f, first ? NULL : &after, each, arg, next, coverage, err);
    struct asked_page asked = {.f = f, .after = first ? NULL : &after, .coverage = coverage};
    int rc = an_reading_run(s, ask_page, &asked, err);
    if (rc == AN_OK)
        rc = an_coverage_suits(coverage, f, err);
    if (rc == AN_OK)
        rc = give_rows(s, f, asked.res, each, arg, next, err);
    an_result_free(asked.res);
    return rc;
}

struct page {
    struct an_buf *out;
    bool begun;
};

static int add_event(void *arg, const struct an_found *event)
{
    struct page *page = arg;
    if (page->begun)
        an_buf_addc(page->out, ',');
    page->begun = true;
    bool fits = an_event_add_served(page->out, &event->head, event->stored, event->received_us);
    return fits ? AN_OK : AN_ETOOBIG;
}

int an_search_page(struct an_search *s, const struct an_filter *f, struct an_buf *out,
                   struct an_buf *next, struct an_err *err)
{
    struct page page = {.out = out};
    struct an_coverage coverage;
    an_buf_adds(out, "\"events\":[");
    int rc = an_search_each(s, f, add_event, &page, next, &coverage, err);
    if (rc == AN_OK && next->len > 0)
        an_buf_addf(out, "],\"next_cursor\":\"%s\",", next->data);
    else
        an_buf_adds(out, "],\"next_cursor\":null,");
    if (rc == AN_OK)
        an_coverage_add(&coverage, out);
    if (out->overflow)
        rc = an_fail(err, AN_ETOOBIG, "search: the page is over %zu bytes", out->limit);
    return rc;
}

struct asked_event {
    const struct an_uuid *id;
    struct an_result *res;
};

static int ask_event(struct an_search *s, void *arg, struct an_err *err)
{
    struct asked_event *e = arg;
    const struct an_uuid *id = e->id;
    char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1], uuid[AN_UUID_LEN + 1];
    an_time_format(an_uuid7_us(id), from);
    an_time_format(an_uuid7_us(id) + 1000, to);
    an_uuid_format(id, uuid);
    const struct an_db_param params[] = {AN_DB_TEXT(s->tenant), AN_DB_TEXT(an_str(from)),
                                         AN_DB_TEXT(an_str(to)), AN_DB_TEXT(an_str(uuid))};
    const struct an_db_step step = {
        .stmt = AN_STMT_SEARCH_EVENT, .params = params, .count = AN_COUNT(params), .binary = true};
    return an_reading_ask(s, AN_PLAN_FOR_ANY, &step, true, &e->res, err);
}

int an_search_event(struct an_search *s, const struct an_uuid *id, struct an_found *found,
                    unsigned char digest[AN_SHA256_LEN], struct an_result **holder, struct an_err *err)
{
    struct asked_event asked = {.id = id};
    int rc = an_reading_run(s, ask_event, &asked, err);
    if (rc == AN_OK && an_result_rows(asked.res) == 0 && an_shard_may_lack(s->server)) {
        an_result_free(asked.res);
        asked.res = NULL;
        s->need.primary = true;
        rc = an_reading_run(s, ask_event, &asked, err);
    }
    struct an_result *res = asked.res;
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_ENOENT, "search: no such event");
    found->head.tenant_id = s->tenant;
    if (rc == AN_OK)
        rc = an_row_event(res, 0, found, err);
    if (rc == AN_OK && an_result_get(res, 0, 4).len != AN_SHA256_LEN)
        rc = an_fail(err, AN_EBACKEND, "search: a row without its digest");
    if (rc != AN_OK) {
        an_result_free(res);
        return rc;
    }
    memcpy(digest, an_result_get(res, 0, 4).data, AN_SHA256_LEN);
    *holder = res; /* the caller's now */
    return AN_OK;
}
