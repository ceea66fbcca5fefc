/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "log/log.h"
#include "search/across.h"
#include "search/coverage.h"
#include "search/cursor.h"
#include "search/plan.h"
#include "search/reading.h"
#include "search/row.h"

#define SLACK_MS 500 /* how much longer than the servers' own limit we wait for their answers */

/* What a shard was asked, and how far its answer has been given out. */
struct part {
    struct an_search search;
    struct an_reading_sent sent;
    struct an_result *rows; /* NULL: it gave none */
    size_t at;
    bool again; /* a conflict with the replay has cancelled it: once is bad luck */
    int rc;
    struct an_err err;
};

struct parts {
    struct part *list;
    size_t count;
};

static void release(struct parts *p)
{
    for (size_t i = 0; i < p->count; i++)
        an_result_free(p->list[i].rows);
}

/* Has the part a row that was not given yet? */
static bool has_row(const struct part *p)
{
    return p->at < an_result_rows(p->rows);
}

static void note_failure(struct part *p, int rc)
{
    p->rc = rc;
    an_log_warn("search", "shard %s is missing in an answer across tenants: %s",
                an_shard_name(p->search.shard), p->err.text);
}

int an_search_all_shards(struct an_search *s, struct an_err *err)
{
    struct an_shard *const *list;
    int rc = an_router_shards(s->router, &list, &s->shard_count, err);
    if (rc != AN_OK)
        return rc;
    struct an_shard **copy = an_arena_alloc(s->arena, s->shard_count * sizeof *copy);
    memcpy(copy, list, s->shard_count * sizeof *copy); /* the router's own is good until its next call */
    s->shards = copy;
    return AN_OK;
}

/* ---- asking ---- */

static void send_all(struct an_search *s, struct parts *p, enum an_planning planning,
                     const struct an_db_step *step)
{
    for (size_t i = 0; i < p->count; i++) {
        struct part *part = &p->list[i];
        part->search = *s;
        part->search.shard = s->shards[i];
        int rc = an_reading_send(&part->search, planning, step, &part->sent, &part->err);
        if (rc != AN_OK)
            note_failure(part, rc);
    }
}

static void take(struct part *part, int64_t until_us)
{
    int rc = an_reading_take(&part->search, &part->sent, until_us, &part->rows, &part->err);
    part->again = rc == AN_EAGAIN && !part->again && an_reading_conflicted(&part->search);
    if (rc != AN_OK && !part->again)
        note_failure(part, rc);
}

static void take_all(struct parts *p, int64_t until_us)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].rc == AN_OK)
            take(&p->list[i], until_us);
}

static void send_again(struct parts *p, enum an_planning planning, const struct an_db_step *step)
{
    for (size_t i = 0; i < p->count; i++) {
        struct part *part = &p->list[i];
        if (!part->again)
            continue;
        int rc = an_reading_send_again(&part->search, planning, step, &part->sent, &part->err);
        part->again = rc == AN_OK;
        if (rc != AN_OK)
            note_failure(part, rc);
    }
}

static void take_again(struct parts *p, int64_t until_us)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].again)
            take(&p->list[i], until_us);
}

/* Adds what a shard covers to the whole, which is the worst of all. */
static void add_one(struct an_coverage *all, const struct an_coverage *one)
{
    all->complete = all->complete && one->complete;
    if (!one->answered)
        return;
    if (one->through_us < all->through_us)
        all->through_us = one->through_us;
    if (one->oldest_us > all->oldest_us)
        all->oldest_us = one->oldest_us;
    if (one->lag_ms > all->lag_ms)
        all->lag_ms = one->lag_ms;
}

/* A replica that has not replayed all from before the directory's last change may not show yet who came
 * then. */
static void cover(struct part *part, int64_t changed_us, struct an_coverage *out)
{
    int rc = part->rc == AN_OK ? an_reading_coverage(&part->search, out, &part->err) : AN_OK;
    if (rc == AN_EAGAIN && an_reading_conflicted(&part->search))
        rc = an_reading_coverage(&part->search, out, &part->err);
    if (rc != AN_OK)
        note_failure(part, rc);
    out->answered = part->rc == AN_OK;
    if (out->by_replica && out->through_us < changed_us)
        out->complete = false;
    if (out->answered)
        return;
    *out = (struct an_coverage){.shard = an_shard_name(part->search.shard)};
    an_result_free(part->rows);
    part->rows = NULL;
}

static void cover_all(struct an_search *s, struct parts *p, int64_t changed_us, struct an_coverage *out)
{
    struct an_coverage *shards = an_arena_zalloc(s->arena, p->count * sizeof *shards);
    *out = (struct an_coverage){.through_us = AN_TIME_MAX_US,
                                .oldest_us = AN_TIME_MIN_US,
                                .complete = true,
                                .shards = shards,
                                .shard_count = p->count};
    for (size_t i = 0; i < p->count; i++) {
        cover(&p->list[i], changed_us, &shards[i]);
        add_one(out, &shards[i]);
    }
}

/* Where no shard has answered: what the first says that has not just been slow. */
static int failure(const struct parts *p, struct an_err *err)
{
    const struct part *says = NULL;
    for (size_t i = 0; i < p->count; i++) {
        if (p->list[i].rc == AN_OK)
            return AN_OK;
        if (says == NULL || (says->rc == AN_ETIMEOUT && p->list[i].rc != AN_ETIMEOUT))
            says = &p->list[i];
    }
    if (says == NULL)
        return an_fail(err, AN_EAGAIN, "search: there is no shard");
    *err = says->err;
    return says->rc;
}

static void ask_once(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                     struct parts *p)
{
    p->count = s->shard_count;
    p->list = an_arena_zalloc(s->arena, p->count * sizeof *p->list);
    send_all(s, p, planning, step);
    take_all(p, an_clock_mono_us() + (s->timeout_ms + SLACK_MS) * 1000);
    send_again(p, planning, step);
    take_again(p, an_clock_mono_us() + (s->timeout_ms + SLACK_MS) * 1000);
}

/* Shards do not answer at the same instant. A tenant that moves meanwhile may be missing on both of its
 * shards: where the directory has changed, all are asked once more. false: it has again, or cannot be
 * asked. */
static bool ask_all(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                    struct parts *p, struct an_directory_mark *mark)
{
    struct an_directory_mark before;
    struct an_err ignored;
    bool known = an_router_look(s->router, &before, &ignored) == AN_OK, same = false;
    for (int times = 0; times < 2 && !same; times++) {
        release(p);
        if (known)
            known = an_search_all_shards(s, &ignored) == AN_OK;
        ask_once(s, planning, step, p);
        known = known && an_router_look(s->router, mark, &ignored) == AN_OK;
        if (!known)
            return false;
        same = mark->version == before.version;
        before = *mark;
    }
    return same;
}

/* Sends the statement to all shards, then takes their answers. p is to be released in any case. */
static int ask(struct an_search *s, const struct an_filter *f, enum an_planning planning,
               const struct an_sqltext *q, bool binary, struct parts *p, struct an_coverage *coverage,
               struct an_err *err)
{
    const struct an_db_step step = {
        .sql = q->text.data, .params = q->params, .count = q->count, .binary = binary};
    struct an_directory_mark mark = {.changed_us = AN_TIME_MIN_US};
    bool settled = ask_all(s, planning, &step, p, &mark);
    cover_all(s, p, mark.changed_us, coverage);
    coverage->complete = coverage->complete && settled;
    int rc = failure(p, err);
    return rc == AN_OK ? an_coverage_suits(coverage, f, err) : rc;
}

/* ---- a page ---- */

static int ask_page(struct an_search *s, const struct an_filter *f, const struct an_position *after,
                    struct parts *p, struct an_coverage *coverage, struct an_err *err)
{
    struct an_plan plan;
    int rc = an_plan_make(s, f, &plan, err);
    if (rc != AN_OK)
        return rc;
    struct an_sqltext q;
    an_sqltext_init(&q, s->arena);
    enum an_planning planning = an_plan_suits_any(&plan, f) ? AN_PLAN_FOR_ANY : AN_PLAN_IN_ORDER;
    if (an_sqltext_page_across(&q, f, &plan, after, f->limit + 1))
        rc = ask(s, f, planning, &q, true, p, coverage, err);
    else
        rc = an_fail(err, AN_ETOOBIG, "search: more conditions than one statement can have");
    an_sqltext_release(&q);
    return rc;
}

/* In the order of pages that ascend. */
static int compare_events(const struct an_found *a, const struct an_found *b)
{
    if (a->head.timestamp_us != b->head.timestamp_us)
        return a->head.timestamp_us < b->head.timestamp_us ? -1 : 1;
    return memcmp(a->head.id.bytes, b->head.id.bytes, sizeof a->head.id.bytes);
}

static int read_event(const struct part *p, struct an_found *out, struct an_err *err)
{
    out->head.tenant_id = an_result_get(p->rows, p->at, 4);
    return an_row_event(p->rows, p->at, out, err);
}

/* The next event of all parts, once; *found false at their end. */
static int next_event(struct parts *p, bool ascending, struct an_found *out, bool *found, struct an_err *err)
{
    struct an_found event;
    *found = false;
    for (size_t i = 0; i < p->count; i++) {
        if (!has_row(&p->list[i]))
            continue;
        int rc = read_event(&p->list[i], &event, err);
        if (rc != AN_OK)
            return rc;
        int order = *found ? compare_events(&event, out) : 0;
        if (!*found || (ascending ? order < 0 : order > 0))
            *out = event;
        *found = true;
    }
    for (size_t i = 0; *found && i < p->count; i++) {
        if (!has_row(&p->list[i]))
            continue;
        int rc = read_event(&p->list[i], &event, err);
        if (rc != AN_OK)
            return rc;
        if (compare_events(&event, out) == 0)
            p->list[i].at++;
    }
    return AN_OK;
}

static int give_events(struct an_search *s, const struct an_filter *f, struct parts *p, an_search_row *each,
                       void *arg, struct an_buf *next, struct an_err *err)
{
    struct an_position last = {.timestamp_us = 0};
    bool found = true;
    for (int64_t given = 0;; given++) {
        struct an_found event = {.received_us = 0};
        int rc = next_event(p, f->ascending, &event, &found, err);
        if (rc != AN_OK || !found)
            return rc;
        if (given == f->limit)
            break;
        rc = each(arg, &event);
        if (rc != AN_OK)
            return rc;
        last = (struct an_position){.timestamp_us = event.head.timestamp_us, .id = event.head.id};
    }
    if (!an_cursor_add(s, f, &last, next))
        return an_fail(err, AN_ETOOBIG, "search: the filter is too long for a cursor");
    return AN_OK;
}

int an_across_page(struct an_search *s, const struct an_filter *f, const struct an_position *after,
                   an_search_row *each, void *arg, struct an_buf *next, struct an_coverage *coverage,
                   struct an_err *err)
{
    struct parts p = {.list = NULL};
    int rc = ask_page(s, f, after, &p, coverage, err);
    if (rc == AN_OK)
        rc = give_events(s, f, &p, each, arg, next, err);
    release(&p);
    return rc;
}

/* ---- counts ---- */

static int ask_counts(struct an_search *s, const struct an_filter *f, struct parts *p,
                      struct an_coverage *coverage, struct an_err *err)
{
    struct an_sqltext q;
    int rc;
    an_sqltext_init(&q, s->arena);
    if (an_sqltext_counts(&q, f, (struct an_str){NULL, 0}, AN_BUCKETS_MAX + 1))
        rc = ask(s, f, AN_PLAN_FREELY, &q, false, p, coverage, err);
    else
        rc = an_fail(err, AN_EBACKEND, "search: more conditions than one statement can have");
    an_sqltext_release(&q);
    return rc;
}

/* As the statement orders them: by start, then by the bytes of the key. */
static int compare_buckets(const struct an_bucket *a, const struct an_bucket *b)
{
    if (a->start_us != b->start_us)
        return a->start_us < b->start_us ? -1 : 1;
    size_t common = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = common == 0 ? 0 : memcmp(a->key.data, b->key.data, common);
    return order != 0 ? order : (a->key.len > b->key.len) - (a->key.len < b->key.len);
}

/* The next bucket, with the sum of all parts. */
static int next_bucket(struct parts *p, struct an_bucket *out, bool *found, struct an_err *err)
{
    struct an_bucket bucket;
    *found = false;
    for (size_t i = 0; i < p->count; i++) {
        if (!has_row(&p->list[i]))
            continue;
        int rc = an_row_bucket(p->list[i].rows, p->list[i].at, &bucket, err);
        if (rc != AN_OK)
            return rc;
        if (!*found || compare_buckets(&bucket, out) < 0)
            *out = bucket;
        *found = true;
    }
    out->count = 0;
    for (size_t i = 0; *found && i < p->count; i++) {
        if (!has_row(&p->list[i]))
            continue;
        int rc = an_row_bucket(p->list[i].rows, p->list[i].at, &bucket, err);
        if (rc != AN_OK)
            return rc;
        if (compare_buckets(&bucket, out) != 0)
            continue;
        out->count += bucket.count;
        p->list[i].at++;
    }
    return AN_OK;
}

static int give_buckets(struct parts *p, an_search_bucket *give, void *arg, struct an_err *err)
{
    for (int64_t given = 0;; given++) {
        struct an_bucket bucket = {.count = 0};
        bool found;
        int rc = next_bucket(p, &bucket, &found, err);
        if (rc != AN_OK || !found)
            return rc;
        if (given == AN_BUCKETS_MAX)
            return an_fail(err, AN_ETOOBIG, "search: more than %d buckets", AN_BUCKETS_MAX);
        rc = give(arg, bucket.start_us, bucket.key, bucket.count);
        if (rc != AN_OK)
            return rc;
    }
}

int an_across_counts(struct an_search *s, const struct an_filter *f, an_search_bucket *bucket, void *arg,
                     struct an_coverage *coverage, struct an_err *err)
{
    struct parts p = {.list = NULL};
    int rc = ask_counts(s, f, &p, coverage, err);
    if (rc == AN_OK)
        rc = give_buckets(&p, bucket, arg, err);
    release(&p);
    return rc;
}
