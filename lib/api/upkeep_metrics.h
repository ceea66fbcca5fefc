/* SPDX-License-Identifier: Apache-2.0 */
/* How each shard is kept up, for /metrics: what annals-partition did there, and until when there are
 * partitions. Read from the shards themselves, so it shows wherever that job runs, and also where it
 * does not run any more. */
#ifndef AN_API_UPKEEP_METRICS_H
#define AN_API_UPKEEP_METRICS_H

#include "an.h"
#include "base/buf.h"
#include "shard/router.h"

/* What a worker said last; begins zeroed. */
struct an_upkeep_metrics {
    struct an_buf text;
    int64_t until_us; /* it is said again before this instant of the monotonic clock */
};

/* Appends the lines of all shards, at most five seconds old. One that does not answer shows as
 * annals_shard_up 0, and with nothing else. */
void an_upkeep_metrics_add(struct an_upkeep_metrics *m, struct an_router *router, struct an_buf *out);
void an_upkeep_metrics_release(struct an_upkeep_metrics *m);

#endif
