/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: the workers of a master. It says what should be, and an_pool_tend() moves what is
 * towards it: start what is missing, replace what is out of date one by one, press what should go. */
#ifndef AN_PROC_POOL_H
#define AN_PROC_POOL_H

#include <sys/types.h>

#include "an.h"
#include "conf/conf.h"
#include "proc/prefork.h"

/* A place for a worker; its number is the worker's index. */
struct an_slot {
    pid_t pid;           /* 0: free */
    unsigned generation; /* of its configuration */
    unsigned strikes;    /* workers of this place that died young, one after another */
    int64_t started_us;
    int64_t leave_us;    /* told to leave since then; 0: not told */
    int64_t next_us;     /* free: no start before then; leaving: TERM again then */
};

struct an_pool {
    const struct an_app *app;
    const struct an_conf *conf; /* for workers that start from now on */
    int listen_fd;
    void *shared;
    unsigned want;       /* workers to keep; 0: the program is stopping */
    unsigned generation; /* workers of an older one are replaced */
    /* One more than workers: a successor comes before the old one goes. */
    struct an_slot slot[AN_CONF_WORKERS_MAX + 1];
};

/* Starts, replaces and presses workers. Returns when it next has something to do, at the latest in a
 * minute. */
int64_t an_pool_tend(struct an_pool *p, int64_t now_us);
/* Frees the place of a worker that has ended; other processes are none of its business. */
void an_pool_bury(struct an_pool *p, pid_t pid, int status, int64_t now_us);
/* Tells all to leave. */
void an_pool_leave(struct an_pool *p, int64_t now_us);
/* Ends all without asking. */
void an_pool_kill(struct an_pool *p);
/* Workers that live, leaving ones too. */
unsigned an_pool_alive(const struct an_pool *p);
/* Has every worker the newest configuration? */
bool an_pool_settled(const struct an_pool *p);

#endif
