/* SPDX-License-Identifier: Apache-2.0 */
/* Which tiers were asked, and up to when each is complete. */
#ifndef AN_SEARCH_COVERAGE_H
#define AN_SEARCH_COVERAGE_H

#include "an.h"
#include "search/search.h"

/* Appends the `coverage` member, from its name on. */
void an_coverage_add(const struct an_coverage *c, struct an_buf *out);

#endif
