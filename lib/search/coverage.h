/* SPDX-License-Identifier: Apache-2.0 */
/* Which tiers were asked, and up to when each is complete. */
#ifndef AN_SEARCH_COVERAGE_H
#define AN_SEARCH_COVERAGE_H

#include "an.h"
#include "search/search.h"

/* Begins the transaction of one search; to be ended with an_db_end() where this is AN_OK. AN_EAGAIN: no
 * database, or one that has not reached s->seen_lsn. */
int an_coverage_begin(struct an_search *s, struct an_err *err) AN_MUST_CHECK;
/* Asks within the open transaction, before the search itself. AN_EAGAIN: complete is required and it is
 * not. */
int an_coverage_read(struct an_search *s, const struct an_filter *f, struct an_coverage *out,
                     struct an_err *err) AN_MUST_CHECK;
/* Appends the `coverage` member, from its name on. */
void an_coverage_add(const struct an_coverage *c, struct an_buf *out);

#endif
