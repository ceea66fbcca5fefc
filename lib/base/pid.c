/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <pthread.h>
#include <unistd.h>

#include "base/pid.h"

static pid_t known; /* 0: not asked yet */

static void forget(void)
{
    known = 0;
}

pid_t an_pid(void)
{
    static bool watching;
    if (known == 0) {
        if (!watching && pthread_atfork(NULL, NULL, forget) != 0)
            return getpid();
        watching = true; /* children inherit the handler */
        known = getpid();
    }
    return known;
}
