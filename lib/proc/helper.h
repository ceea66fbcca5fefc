/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: the one helper process of a master (struct an_app, help). It may be killed at any
 * instruction, so nothing here waits for it: at a reload and at the end it is killed. */
#ifndef AN_PROC_HELPER_H
#define AN_PROC_HELPER_H

#include <sys/types.h>

#include "an.h"
#include "conf/conf.h"
#include "proc/prefork.h"

struct an_helper {
    const struct an_app *app;
    void *shared;
    pid_t pid;       /* 0: none runs */
    bool killed;     /* that was us */
    int64_t next_us; /* no start before then */
};

/* Starts it where the configuration wants one and none runs. Returns when to call again, at the latest in
 * a minute. */
int64_t an_helper_tend(struct an_helper *h, const struct an_conf *c, int64_t now_us);
/* Was this ended process the helper? */
bool an_helper_bury(struct an_helper *h, pid_t pid, int status, int64_t now_us);
void an_helper_kill(struct an_helper *h);

#endif
