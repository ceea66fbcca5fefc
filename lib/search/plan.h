/* SPDX-License-Identifier: Apache-2.0 */
/* Which index a page is read from. Of the conditions of a filter one drives: its index gives the events
 * in the order of the page, so that no more is read than the page shows; the others test the rows that it
 * finds. Where the condition that should drive is not in the order of any index (a prefix, an entity's id
 * without its type), it is first looked up what exact values it stands for. See docs/design/search.md. */
#ifndef AN_SEARCH_PLAN_H
#define AN_SEARCH_PLAN_H

#include "an.h"
#include "base/err.h"
#include "search/filter.h"
#include "search/search.h"

enum an_drive {
    AN_DRIVE_TIME,   /* tenant and time; or a single value whose index the planner finds by itself */
    AN_DRIVE_IDS,    /* ids, each within the millisecond that it names */
    AN_DRIVE_TYPES,  /* entity types that few entities have: all of those, then the page */
    AN_DRIVE_PAIRS,  /* entities: type and id */
    AN_DRIVE_ACTORS, /* ids of actors */
    AN_DRIVE_ACTIONS
};

struct an_plan {
    enum an_drive drive;
    const struct an_term *group; /* first of the terms that drive; NULL: AN_DRIVE_TIME */
    /* The values that drive: each is read in order, then all are merged. No value: no event. */
    struct an_str *values, *types; /* types: AN_DRIVE_PAIRS, one for each value */
    size_t count;
};

/* More distinct values than this are not worth a scan each. */
#define AN_BRANCHES_MAX 256
/* Up to this many entities, it costs less to read them all than to look for them in all events. */
#define AN_RARE_MAX 5000

/* Runs the look-ups, which may leave the transaction open; none across tenants, where what only a
 * look-up would order is read by time. The plan lives in s->arena. */
int an_plan_make(struct an_search *s, const struct an_filter *f, struct an_plan *out,
                 struct an_err *err) AN_MUST_CHECK;

/* Is there one best way for PostgreSQL to read the page, whatever the values in the filter are? */
bool an_plan_suits_any(const struct an_plan *plan, const struct an_filter *f) AN_MUST_CHECK;

#endif
