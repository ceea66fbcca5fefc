/* SPDX-License-Identifier: Apache-2.0 */
/* Page cursors: the last event of a page, signed together with tenant, filter and order. */
#ifndef AN_SEARCH_CURSOR_H
#define AN_SEARCH_CURSOR_H

#include "an.h"
#include "base/buf.h"
#include "search/search.h"
#include "search/sqltext.h"

/* Appends the cursor of the page behind `last`; false where the filter is too long to be signed. */
bool an_cursor_add(const struct an_search *s, const struct an_filter *f, const struct an_position *last,
                   struct an_buf *out) AN_MUST_CHECK;
/* False: not made by us for this tenant, filter and order. */
bool an_cursor_read(const struct an_search *s, const struct an_filter *f,
                    struct an_position *out) AN_MUST_CHECK;

#endif
