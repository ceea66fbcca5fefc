/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/reading.h"

/* Columns of search_begin. */
enum { REACHED = 2, THROUGH, NOW, PARTITIONS };

static int take_begun(struct an_search *s, const struct an_result *res, struct an_err *err)
{
    bool reached;
    int64_t now_us;
    if (!an_result_bool(res, 0, REACHED, &reached))
        return an_fail(err, AN_EBACKEND, "search: a transaction that does not tell what it sees");
    if (!reached)
        return an_fail(err, AN_EAGAIN, "search: the replica has not reached the caller's last write");
    s->seen = (struct an_coverage){.complete = true};
    /* A replica that has replayed nothing yet knows no time. */
    if (an_result_time(res, 0, THROUGH, &s->seen.through_us) && an_result_time(res, 0, NOW, &now_us))
        s->seen.lag_ms = (now_us - s->seen.through_us) / 1000;
    else
        s->seen = (struct an_coverage){.through_us = AN_TIME_MIN_US};
    struct an_str partitions = an_result_get(res, 0, PARTITIONS); /* absent: there is none */
    (void)snprintf(s->partitions, sizeof s->partitions, "%.*s", AN_STR_ARG(partitions));
    return AN_OK;
}

struct opening {
    char lsn[24], timeout[24];
    struct an_db_param params[3];
};

static struct an_db_step opening_step(const struct an_search *s, struct opening *o, struct an_result **out)
{
    (void)snprintf(o->lsn, sizeof o->lsn, "%X/%X", (unsigned)(s->seen_lsn >> 32), (unsigned)s->seen_lsn);
    (void)snprintf(o->timeout, sizeof o->timeout, "%lld", (long long)s->timeout_ms);
    o->params[0] = AN_DB_TEXT(s->tenant);
    o->params[1] = AN_DB_TEXT(an_str(o->timeout));
    o->params[2] = AN_DB_TEXT(an_str(s->seen_lsn == 0 ? NULL : o->lsn));
    return (struct an_db_step){.stmt = AN_STMT_SEARCH_BEGIN,
                               .params = o->params,
                               .count = AN_COUNT(o->params),
                               .binary = true,
                               .out = out};
}

/* A plan for any values is worth it only where it is kept; else it is made each time too, and knows less. */
static struct an_db_step order_step(bool any, struct an_db_param *mode)
{
    *mode = AN_DB_TEXT(an_str(any ? "force_generic_plan" : "auto"));
    return (struct an_db_step){.stmt = AN_STMT_SEARCH_IN_ORDER, .params = mode, .count = 1};
}

int an_reading_ask(struct an_search *s, enum an_planning planning, const struct an_db_step *step, bool last,
                   struct an_result **out, struct an_err *err)
{
    struct opening opening;
    struct an_db_param mode;
    struct an_result *begun = NULL;
    struct an_db_step own = *step, steps[3];
    size_t n = 0;
    *out = NULL;
    own.keep = planning == AN_PLAN_FOR_ANY;
    own.out = out;
    if (!s->reading)
        steps[n++] = opening_step(s, &opening, &begun);
    if (planning != AN_PLAN_FREELY)
        steps[n++] = order_step(own.keep && an_db_keeps(s->db, &own), &mode);
    steps[n++] = own;
    unsigned ends = (s->reading ? 0 : AN_DB_BEGIN) | (last ? AN_DB_COMMIT : 0);
    int rc = an_db_read(s->db, ends, s->timeout_ms, steps, n, err);
    s->reading = rc == AN_OK && !last;
    if (rc == AN_OK && begun != NULL)
        rc = take_begun(s, begun, err);
    an_result_free(begun);
    if (rc == AN_OK)
        return AN_OK;
    an_reading_abandon(s);
    an_result_free(*out);
    *out = NULL;
    return rc;
}

void an_reading_abandon(struct an_search *s)
{
    if (s->reading)
        (void)an_db_end(s->db, false, NULL);
    s->reading = false;
}

/* Where the oldest partition begins: asked for again when there are others than the last time. */
static int find_oldest(struct an_search *s, int64_t *oldest_us, struct an_err *err)
{
    struct an_hot *hot = s->hot;
    if (hot->partitions[0] == '\0' || strcmp(hot->partitions, s->partitions) != 0) {
        struct an_result *res = NULL;
        int rc = an_db_exec(s->db, AN_STMT_SEARCH_OLDEST, NULL, 0, &res, err);
        if (rc != AN_OK)
            return rc;
        if (!an_result_int(res, 0, 0, &hot->oldest_us))
            hot->oldest_us = AN_TIME_MIN_US; /* no partition */
        an_result_free(res);
        memcpy(hot->partitions, s->partitions, sizeof hot->partitions);
    }
    *oldest_us = hot->oldest_us;
    return AN_OK;
}

int an_reading_coverage(struct an_search *s, const struct an_filter *f, struct an_coverage *out,
                        struct an_err *err)
{
    *out = s->seen;
    if (f->require_complete && !out->complete)
        return an_fail(err, AN_EAGAIN, "search: the hot tier is not complete at the moment");
    return find_oldest(s, &out->oldest_us, err);
}
