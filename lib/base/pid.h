/* SPDX-License-Identifier: Apache-2.0 */
/* Which process this is, without asking the kernel each time: log lines and ids want to know it some times a request. */
#ifndef AN_BASE_PID_H
#define AN_BASE_PID_H

#include <sys/types.h>

#include "an.h"

/* As getpid(); right in a child too, if it was made by fork(). */
pid_t an_pid(void);

#endif
