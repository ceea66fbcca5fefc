/* SPDX-License-Identifier: Apache-2.0 */
/* A mutex in memory that processes share: one that dies leaves it to the next, who is told. */
#ifndef AN_BASE_ROBUST_H
#define AN_BASE_ROBUST_H

#include <pthread.h>

#include "an.h"

void an_robust_init(pthread_mutex_t *m);
/* True where it is ours now; *dead where its last holder died with it, and may have left things half done. */
bool an_robust_try(pthread_mutex_t *m, bool *dead) AN_MUST_CHECK;
/* The same, but waits. Only for what is held for a moment. */
void an_robust_lock(pthread_mutex_t *m, bool *dead);
void an_robust_unlock(pthread_mutex_t *m);

#endif
