/* SPDX-License-Identifier: Apache-2.0 */
/* Which tiers were asked, and up to when each is complete. */
#ifndef AN_SEARCH_COVERAGE_H
#define AN_SEARCH_COVERAGE_H

#include "an.h"
#include "search/search.h"

/* What the hot tier covers where the server is so fresh. Where its partitions begin is not known yet. */
struct an_coverage an_coverage_of(const struct an_server *server, const struct an_freshness *seen);

/* AN_EAGAIN: the filter requires a complete answer, and this is none. */
int an_coverage_suits(const struct an_coverage *c, const struct an_filter *f,
                      struct an_err *err) AN_MUST_CHECK;

/* Appends the `coverage` member, from its name on. */
void an_coverage_add(const struct an_coverage *c, struct an_buf *out);

#endif
