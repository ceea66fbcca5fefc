/* SPDX-License-Identifier: Apache-2.0 */
/* What workers of one host tell each other of servers: a small number for each, and whether it answers. In
 * memory that the master made before the fork. A server that does not answer costs whoever tries it a time
 * limit; so once somebody has met that, one worker at a time tries again, and the others have their hands
 * free for what other servers have. */
#ifndef AN_DB_HEALTH_H
#define AN_DB_HEALTH_H

#include <pthread.h>
#include <stdatomic.h>

#include "an.h"

#define AN_HEALTH_SERVERS 1024
#define AN_HEALTH_NAME_MAX 159

/* Members are private. */
struct an_health_server {
    char name[AN_HEALTH_NAME_MAX + 1];
    _Atomic int64_t away_until_us; /* by the clock for waiting, the same for all processes; 0: it answers */
};

struct an_health {
    pthread_mutex_t lock; /* robust; to add one */
    _Atomic uint32_t count;
    struct an_health_server list[AN_HEALTH_SERVERS];
};

/* In the master: memory of its own, for as long as the processes live. NULL: there is none, which is
 * logged. */
struct an_health *an_health_share(void);
void an_health_init(struct an_health *h); /* of zeroed memory that is shared already */

/* The number of the server, which is given at its first use and holds as long as the memory;
 * AN_HEALTH_SERVERS: there are no more. */
uint32_t an_health_number(struct an_health *h, const char *name) AN_MUST_CHECK;
/* Has it failed to answer when it was tried last? */
bool an_health_suspects(const struct an_health *h, uint32_t number) AN_MUST_CHECK;
/* True: it did not answer a moment ago, so do not try. Once in a while the caller is the one who is to
 * try. */
bool an_health_away(struct an_health *h, uint32_t number) AN_MUST_CHECK;
/* How a try goes, and how long it has taken so far. A quick refusal costs nobody anything and is not
 * remembered, nor is any where only one name is known: its work has nothing to make room for. */
void an_health_tried(struct an_health *h, uint32_t number, bool answered, int64_t took_us);

#endif
