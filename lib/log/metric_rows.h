/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/log: what is measured of the servers that are read from, a row for each, by name. Part
 * of the memory that metrics.c maps; processes may die at any instruction. */
#ifndef AN_LOG_METRIC_ROWS_H
#define AN_LOG_METRIC_ROWS_H

#include <stdatomic.h>

#include "an.h"
#include "base/buf.h"
#include "log/metrics.h"

#define AN_METRIC_ROWS 64
#define AN_METRIC_NAME_MAX 63

struct an_metric_row {
    _Atomic uint32_t state; /* private */
    char shard[AN_METRIC_NAME_MAX + 1], server[AN_METRIC_NAME_MAX + 1];
    _Atomic int64_t set_us; /* when a gauge was set last */
    _Atomic uint64_t value[AN_SM__COUNT];
};

/* The row of that name, made where it is new; NULL where there is no room. */
struct an_metric_row *an_metric_row(struct an_metric_row rows[AN_METRIC_ROWS], const char *shard,
                                    const char *server);

/* Head of the metric's family, where it is the first of it. */
void an_metric_rows_head(enum an_server_metric m, struct an_buf *out);
/* One line for each row of a program. Gauges that nobody has set for five minutes are left out: that
 * server is not asked any more, or not there any more. */
void an_metric_rows_lines(const struct an_metric_row rows[AN_METRIC_ROWS], enum an_server_metric m,
                          const char *app, struct an_buf *out);

#endif
