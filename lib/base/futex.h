/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for another process by a word of shared memory (futex(2)). Either call may come too early or
 * for nothing: the word says what is so, and whoever wakes up looks at it. */
#ifndef AN_BASE_FUTEX_H
#define AN_BASE_FUTEX_H

#include <stdatomic.h>

#include "an.h"

/* Sleeps while *word is `expected`, until it is woken, a signal comes, or us have passed. */
void an_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t us);
/* Wakes one that sleeps on it. */
void an_futex_wake(_Atomic uint32_t *word);

#endif
