/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the statements of sqltext.h and of search_event. Each fails with AN_EBACKEND only. */
#ifndef AN_SEARCH_ROW_H
#define AN_SEARCH_ROW_H

#include "an.h"
#include "search/search.h"

/* document, timestamp, received_at, id, in the binary format. head.tenant_id is left as it is. */
int an_row_event(const struct an_result *res, size_t row, struct an_found *out,
                 struct an_err *err) AN_MUST_CHECK;

struct an_bucket {
    int64_t start_us;  /* AN_TIME_MIN_US without an interval */
    struct an_str key; /* absent without `by` */
    int64_t count;
};
int an_row_bucket(const struct an_result *res, size_t row, struct an_bucket *out,
                  struct an_err *err) AN_MUST_CHECK;

#endif
