/* SPDX-License-Identifier: Apache-2.0 */
/* Private to sqltext.c and sqlterms.c: a statement that is being put together, and the conditions of
 * its rows. */
#ifndef AN_SEARCH_SQLTERMS_H
#define AN_SEARCH_SQLTERMS_H

#include "an.h"
#include "search/sqltext.h"

#define AN_SQL_NO_ID "'00000000-0000-0000-0000-000000000000'"
#define AN_SQL_SAME_EVENT(alias) alias ".\"timestamp\" = e.\"timestamp\" AND " alias ".event_id = e.id"

struct an_sql {
    struct an_sqltext *q;
    const struct an_filter *f;
    const struct an_position *after;               /* NULL: from the start */
    unsigned tenant, from, to, after_at, after_id; /* numbers of parameters; 0: not there */
    bool entered; /* something else says where an index is entered: an id, a cursor that ascends */
    bool across;   /* all tenants: each is a row of `v`, and `r` says how far it is read */
    bool counting; /* every row is read anyway: entities are joined. Else what no index orders is read in
                      the row */
};

/* Numbers of new parameters. Past AN_SQL_PARAMS_MAX the text has overflowed. */
unsigned an_sql_param(struct an_sql *b, struct an_str value);
unsigned an_sql_array(struct an_sql *b, const struct an_str *values, size_t count);
/* Values as text, in the arena. */
struct an_str an_sql_time(struct an_sql *b, int64_t us) AN_MUST_CHECK;
struct an_str an_sql_uuid(struct an_sql *b, const struct an_uuid *id) AN_MUST_CHECK;

void an_sql_add(struct an_sql *b, const char *text);
/* Makes the parameters of an_sql_bounds(). */
void an_sql_begin(struct an_sql *b, struct an_str tenant);
/* The tenant of the statement or, across tenants, of the row `leads` that leads to this one. */
void an_sql_tenant(struct an_sql *b, const char *alias, const char *leads);
/* Tenant, time and where the page starts; id: the column that orders events of one time. */
void an_sql_bounds(struct an_sql *b, const char *alias, const char *id);
/* All terms of the filter for a row `e` of events, each with " AND " in front, but the positives of the
 * group that starts at `driving`, which the plan takes care of; NULL: all. */
void an_sql_terms(struct an_sql *b, const struct an_term *driving);

#endif
