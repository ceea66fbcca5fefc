/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/futex.h"

void an_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t us)
{
    struct timespec limit = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)syscall(SYS_futex, word, FUTEX_WAIT, expected, &limit, NULL, 0);
}

void an_futex_wake(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
