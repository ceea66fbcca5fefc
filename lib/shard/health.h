/* SPDX-License-Identifier: Apache-2.0 */
/* What workers of one host tell each other of shards: a small number for each, and whether it answers. In
 * memory that the master made before the fork. A shard that cannot be reached costs whoever tries it a time
 * limit; so once somebody has met that, one worker at a time tries again, and the others have their hands
 * free for other shards. */
#ifndef AN_SHARD_HEALTH_H
#define AN_SHARD_HEALTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "an.h"
#include "shard/shard.h"

#define AN_HEALTH_SHARDS 64

/* Members are private. */
struct an_health_shard {
    char name[AN_SHARD_NAME_MAX + 1];
    _Atomic int64_t away_until_us; /* by the clock for waiting, the same for all processes; 0: it answers */
};

struct an_health {
    pthread_mutex_t lock; /* robust; to add one */
    _Atomic uint32_t count;
    struct an_health_shard list[AN_HEALTH_SHARDS];
};

void an_health_init(struct an_health *n); /* of zeroed memory */
/* The number of the shard, which is given at its first use and holds as long as the memory; AN_HEALTH_SHARDS:
 * there are no more. */
uint32_t an_health_number(struct an_health *n, const char *name) AN_MUST_CHECK;
/* True: it did not answer a moment ago, so do not try. Once in a while the caller is the one who is to
 * try. */
bool an_health_away(struct an_health *n, uint32_t number) AN_MUST_CHECK;
/* How a try went, and how long it took. A quick refusal costs nobody anything and is not remembered, nor is
 * any with a single shard, whose work has nothing to make room for. */
void an_health_tried(struct an_health *n, uint32_t number, bool answered, int64_t took_us);

#endif
