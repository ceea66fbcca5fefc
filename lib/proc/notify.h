/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: what a service manager is told (the protocol of sd_notify(3)). */
#ifndef AN_PROC_NOTIFY_H
#define AN_PROC_NOTIFY_H

#include "an.h"

/* Sends one datagram, "READY=1\nSTATUS=...", to $NOTIFY_SOCKET; does nothing where that is not set. */
void an_notify(const char *fmt, ...) AN_PRINTF(1, 2);

/* How often WATCHDOG=1 is due: half of $WATCHDOG_USEC; 0 where no watchdog waits for this process. */
int64_t an_notify_watchdog_us(void);

#endif
