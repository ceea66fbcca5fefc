/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that processes share: made before the fork, at the same address in all of them, and gone with
 * the last. */
#ifndef AN_BASE_SHARE_H
#define AN_BASE_SHARE_H

#include "an.h"

/* Zeroed. What is never touched takes no memory, and nothing of it gets into a core file: it holds keys
 * and parts of events. NULL: there is none, and errno says why. */
void *an_share_new(size_t size) AN_MUST_CHECK;
void an_share_free(void *p, size_t size); /* accepts NULL */

#endif
