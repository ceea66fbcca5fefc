/* SPDX-License-Identifier: Apache-2.0 */
/* A master and its workers.
 *
 * The master binds (or inherits: fd 0 being a listening socket, or LISTEN_FDS) the socket, maps the
 * metrics, forks the workers, and opens nothing else. HUP: load the configuration again, keep the old one
 * where the new is bad, replace workers one by one. TERM, INT: for process.drain_delay serve on, not
 * ready any more (the signal again: at once); then no new requests, finish the running ones, leave
 * within process.drain_timeout (TERM to the workers is repeated each second: a signal may slip between
 * check and accept). QUIT: at once. A worker that dies is replaced at once, with back-off (doubling to
 * 30 s) when it dies young. Workers recycle themselves after max_requests. sd_notify: READY, RELOADING,
 * STOPPING, STATUS, WATCHDOG. Writes <run_dir>/<app>.pid. */
#ifndef AN_PROC_PREFORK_H
#define AN_PROC_PREFORK_H

#include <signal.h>

#include "an.h"
#include "conf/conf.h"

struct an_app {
    const char *name; /* "ingest": section of the configuration, name of pid and metrics files */
    const struct an_conf_app *(*section)(const struct an_conf *c);
    /* In the master, before the fork (first start and reload): AN_OK, or why this configuration cannot
     * work. */
    int (*check)(const struct an_conf *c, struct an_err *err);
    /* Memory that workers share, made before the fork; NULL where none is needed. Kept over reloads. */
    void *(*share)(const struct an_conf *c);
    /* In the worker: serves requests from listen_fd until an_stopping, then returns its exit status. Wait
     * for connections with TERM unblocked, and block it while a request runs: it would break a read
     * halfway.
     * index: unique among the living; 0 .. workers, one more than there are, because while workers
     * are replaced one successor lives beside the old ones. */
    int (*work)(const struct an_conf *c, int listen_fd, unsigned index, void *shared);
    /* One process beside the workers, for what no request should wait for; NULL: there is none. It runs while
     * wants_help() says so of the configuration, is started again where it ends, and is killed without being
     * asked at a reload and at the end: it must be able to die at any instruction. */
    bool (*wants_help)(const struct an_conf *c);
    int (*help)(const struct an_conf *c, void *shared);
};

/* Set by TERM and INT in workers and jobs; handlers are installed without SA_RESTART, so waits end with
 * EINTR. */
extern volatile sig_atomic_t an_stopping;

/* True in master and workers from the signal to stop on: balancers should be told to send nothing more. */
bool an_draining(void);

/* Called by a worker after each request: true when it has served its share and should return. */
bool an_worker_spent(void);

/* Parses the command line (--config FILE, --check-config, --help, --version), runs, returns the exit
 * status: 0, 1, 2 for usage, 78 for a bad configuration. */
int an_prefork_main(const struct an_app *app, int argc, char **argv);

#endif
