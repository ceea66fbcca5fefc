/* SPDX-License-Identifier: Apache-2.0 */
/* Which process this is, without asking the kernel each time: a request wants to know it three times, for log
 * lines and ids. */
#ifndef AN_BASE_PID_H
#define AN_BASE_PID_H

#include <sys/types.h>

#include "an.h"

/* As getpid(); right in a child too, if it was made by fork(). */
pid_t an_pid(void);

#endif
