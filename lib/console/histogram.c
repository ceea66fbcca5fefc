/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "console/histogram.h"
#include "event/event.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define DEFAULT_RANGE_US (30 * DAY_US)
#define LONGEST_RANGE_US (15 * 366 * DAY_US)
#define BARS_MAX 200 /* no step for the range above makes more; the last ones would be left out */

/* Of the picture: a bar's slot is 10 wide, the picture 100 high. The tallest bar leaves room for its parts to
 * be seen even where one is a single event. */
#define SLOT 10
#define HEIGHT 100
#define TALLEST 92
#define LEAST 2

struct bar {
    int64_t start_us;
    int64_t count[AN_OUTCOME__COUNT];
    int64_t total;
};

struct chart {
    enum an_step step;
    int64_t from_us, to_us;
    struct bar bars[BARS_MAX];
    size_t count;
    int64_t total, highest;
};

static const struct {
    const char *name; /* as the search takes it */
    int64_t us;       /* 0: not of one length */
    int64_t range_us; /* the longest range that it is used for */
    unsigned shown;   /* characters of "2026-11-23 09:30" that say it */
} steps[] = {
    [AN_STEP_MINUTE] = {"minute", MINUTE_US, 3 * HOUR_US, 16},
    [AN_STEP_HOUR] = {"hour", HOUR_US, 7 * DAY_US, 16},
    [AN_STEP_DAY] = {"day", DAY_US, 185 * DAY_US, 10},
    [AN_STEP_MONTH] = {"month", 0, INT64_MAX, 7},
};

enum an_step an_step_for(int64_t range_us)
{
    enum an_step step = AN_STEP_MINUTE;
    while (range_us > steps[step].range_us)
        step++;
    return step;
}

static int64_t floor_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

int64_t an_step_floor(enum an_step step, int64_t us)
{
    if (step != AN_STEP_MONTH)
        return floor_to(us, steps[step].us);
    int64_t year;
    unsigned month, day;
    an_civil_from_days(floor_to(us, DAY_US) / DAY_US, &year, &month, &day);
    return an_days_from_civil(year, month, 1) * DAY_US;
}

int64_t an_step_next(enum an_step step, int64_t start_us)
{
    if (step != AN_STEP_MONTH)
        return start_us + steps[step].us;
    return an_step_floor(step, start_us + 31 * DAY_US);
}

static int add_bucket(void *arg, int64_t start_us, struct an_str key, int64_t count)
{
    struct chart *c = arg;
    size_t at = 0;
    while (at < c->count && c->bars[at].start_us != start_us)
        at++;
    if (at == c->count)
        return AN_OK;
    int outcome = AN_UNKNOWN;
    for (int i = 0; i < AN_OUTCOME__COUNT; i++)
        if (an_str_is(key, an_outcome_names[i]))
            outcome = i;
    c->bars[at].count[outcome] += count;
    c->bars[at].total += count;
    c->total += count;
    if (c->bars[at].total > c->highest)
        c->highest = c->bars[at].total;
    return AN_OK;
}

/* False: there is no stretch of time to draw. */
static bool plan(struct chart *c, const struct an_filter *f, int64_t now_us)
{
    int64_t to_us = f->to_us <= now_us + DAY_US ? f->to_us : now_us;
    int64_t from_us = f->from_us > AN_TIME_MIN_US ? f->from_us : to_us - DEFAULT_RANGE_US;
    if (from_us >= to_us)
        return false;
    if (to_us - from_us > LONGEST_RANGE_US)
        from_us = to_us - LONGEST_RANGE_US;
    c->step = an_step_for(to_us - from_us);
    c->from_us = from_us;
    c->to_us = to_us;
    for (int64_t at = an_step_floor(c->step, from_us); at < to_us && c->count < BARS_MAX;
         at = an_step_next(c->step, at))
        c->bars[c->count++] = (struct bar){.start_us = at};
    return true;
}

static struct an_str start_text(struct an_admin *a, const struct chart *c, int64_t us)
{
    struct an_str text = an_view_time(a->arena, us, 0);
    return (struct an_str){text.data, steps[c->step].shown};
}

/* The search of this page, narrowed to the bar. */
static struct an_str narrowed(struct an_admin *a, const struct chart *c, const struct bar *b)
{
    int64_t from_us = b->start_us > c->from_us ? b->start_us : c->from_us;
    int64_t next_us = an_step_next(c->step, b->start_us);
    int64_t to_us = next_us < c->to_us ? next_us : c->to_us;
    struct an_param *q = an_query_without(a->arena, a->params, "cursor");
    q = an_query_without(a->arena, q, "from");
    q = an_query_without(a->arena, q, "to");
    q = an_query_with(a->arena, q, "from", an_view_rfc3339(a->arena, from_us));
    q = an_query_with(a->arena, q, "to", an_view_rfc3339(a->arena, to_us));
    return an_admin_url(a, "/admin/events", q);
}

static void add_parts(struct an_scope *bin, const struct bar *b, int64_t highest)
{
    int64_t top = HEIGHT;
    for (int i = 0; i < AN_OUTCOME__COUNT; i++) {
        if (b->count[i] == 0)
            continue;
        int64_t height = b->count[i] * TALLEST / highest;
        if (height < LEAST)
            height = LEAST;
        top -= height;
        struct an_scope *part = an_scope_item(bin, "parts");
        an_scope_text(part, "class", an_str(an_outcome_names[i]));
        an_scope_textf(part, "y", "%lld", (long long)top);
        an_scope_textf(part, "height", "%lld", (long long)height);
    }
}

static void add_bars(struct an_admin *a, const struct chart *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct bar *b = &c->bars[i];
        int64_t bad = b->total - b->count[AN_SUCCESS];
        struct an_scope *bin = an_scope_item(a->page, "bins");
        an_scope_textf(bin, "x", "%zu", i * SLOT);
        an_scope_text(bin, "url", narrowed(a, c, b));
        an_scope_text(bin, "start", start_text(a, c, b->start_us));
        an_scope_text(bin, "count", an_view_count(a->arena, b->total));
        an_scope_flag(bin, "has_count", b->total > 0);
        if (bad > 0)
            an_scope_text(bin, "bad", an_view_count(a->arena, bad));
        add_parts(bin, b, c->highest);
    }
}

int an_admin_histogram(struct an_admin *a, struct an_search *s, const struct an_filter *f, int64_t now_us,
                       struct an_err *err)
{
    struct chart *c = an_arena_zalloc(a->arena, sizeof *c);
    struct an_coverage coverage;
    if (!plan(c, f, now_us))
        return AN_OK;
    struct an_filter counted = *f;
    counted.from_us = c->from_us;
    counted.to_us = c->to_us;
    counted.cursor = (struct an_str){NULL, 0};
    counted.by = AN_STR("outcome");
    counted.interval = an_str(steps[c->step].name);
    int rc = an_search_counts_each(s, &counted, add_bucket, c, &coverage, err);
    if (rc != AN_OK || c->total == 0)
        return rc;
    struct an_scope *p = a->page;
    an_scope_flag(p, "histogram", true);
    an_scope_text(p, "hist_total", an_view_count(a->arena, c->total));
    an_scope_text(p, "hist_noun", c->total == 1 ? AN_STR("event") : AN_STR("events"));
    an_scope_text(p, "hist_range",
                  f->from_us > AN_TIME_MIN_US ? AN_STR("in this range") : AN_STR("in 30 days"));
    an_scope_text(p, "hist_interval", an_str(steps[c->step].name));
    an_scope_textf(p, "hist_width", "%zu", c->count * SLOT);
    an_scope_text(p, "hist_first", start_text(a, c, c->from_us));
    an_scope_text(p, "hist_last", start_text(a, c, c->to_us));
    an_scope_text(p, "hist_max", an_view_count(a->arena, c->highest));
    add_bars(a, c);
    return AN_OK;
}
