/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that depend on the filter: the only SQL outside of sql/queries. The text is put together
 * from constants; every value is a parameter. Each statement names the tenant in every table, whatever
 * row-level security adds. */
#ifndef AN_SEARCH_SQLTEXT_H
#define AN_SEARCH_SQLTEXT_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "db/db.h"
#include "search/filter.h"
#include "search/plan.h"

#define AN_SQL_PARAMS_MAX 250

struct an_sqltext {
    struct an_arena *arena; /* holds the parameters */
    struct an_buf text;
    struct an_db_param params[AN_SQL_PARAMS_MAX];
    size_t count;
};

/* Where a page begins: behind this event, in the order of the page. */
struct an_position {
    int64_t timestamp_us;
    struct an_uuid id;
};

void an_sqltext_init(struct an_sqltext *q, struct an_arena *arena);
void an_sqltext_release(struct an_sqltext *q);

/* Up to `rows` events: document, timestamp, received_at, id; for the binary format. after NULL: from the
 * start. False: more parameters than a statement may have. */
bool an_sqltext_page(struct an_sqltext *q, const struct an_filter *f, const struct an_plan *plan,
                     struct an_str tenant, const struct an_position *after, int64_t rows) AN_MUST_CHECK;

/* The same across all tenants of a database, for annals_platform; with tenant_id as a fifth column. Of
 * the plans AN_DRIVE_TYPES is not for this. */
bool an_sqltext_page_across(struct an_sqltext *q, const struct an_filter *f, const struct an_plan *plan,
                            const struct an_position *after, int64_t rows) AN_MUST_CHECK;

/* Up to `rows` buckets in order: start in microseconds (NULL without interval), key (NULL without by),
 * count. tenant absent: of all tenants, for annals_platform. */
bool an_sqltext_counts(struct an_sqltext *q, const struct an_filter *f, struct an_str tenant,
                       int64_t rows) AN_MUST_CHECK;

/* The first text behind all that begin with the prefix ("document." <= x < "document/"), in the arena.
 * The prefix is of an action's characters, none of which is the last there is. */
struct an_str an_sqltext_prefix_end(struct an_arena *arena, struct an_str prefix);

/* A PostgreSQL array literal of text, in the arena. */
struct an_str an_sqltext_array(struct an_arena *arena, const struct an_str *values, size_t count);

#endif
