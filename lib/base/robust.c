/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>

#include "base/robust.h"

void an_robust_init(pthread_mutex_t *m)
{
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0 ||
        pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0 ||
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0 || pthread_mutex_init(m, &attr) != 0)
        abort();
    (void)pthread_mutexattr_destroy(&attr);
}

static bool take(pthread_mutex_t *m, int rc, bool *dead)
{
    *dead = rc == EOWNERDEAD;
    if (*dead)
        rc = pthread_mutex_consistent(m);
    return rc == 0;
}

bool an_robust_try(pthread_mutex_t *m, bool *dead)
{
    return take(m, pthread_mutex_trylock(m), dead);
}

void an_robust_lock(pthread_mutex_t *m, bool *dead)
{
    if (!take(m, pthread_mutex_lock(m), dead))
        abort();
}

void an_robust_unlock(pthread_mutex_t *m)
{
    (void)pthread_mutex_unlock(m);
}
