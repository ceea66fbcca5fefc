/* SPDX-License-Identifier: Apache-2.0 */
/* Searches across tenants (struct an_search with shards): all shards are asked at once, and what they
 * answer becomes one list. A shard that fails, or has not answered at the time limit, is left out and
 * told in the coverage; only where none is left the search fails: AN_ETIMEOUT where all of them took
 * too long. Where the directory has changed meanwhile, all are asked once more. */
#ifndef AN_SEARCH_ACROSS_H
#define AN_SEARCH_ACROSS_H

#include "an.h"
#include "search/search.h"
#include "search/sqltext.h"

/* As an_search_each(), behind `after` (NULL: from the start). The same event on two shards, which
 * happens while its tenant moves, is given once. */
int an_across_page(struct an_search *s, const struct an_filter *f, const struct an_position *after,
                   an_search_row *each, void *arg, struct an_buf *next, struct an_coverage *coverage,
                   struct an_err *err) AN_MUST_CHECK;
/* As an_search_counts_each(). */
int an_across_counts(struct an_search *s, const struct an_filter *f, an_search_bucket *bucket, void *arg,
                     struct an_coverage *coverage, struct an_err *err) AN_MUST_CHECK;

#endif
