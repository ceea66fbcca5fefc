/* SPDX-License-Identifier: Apache-2.0 */
/* A job: a program that does a round of work, once or every interval. Common options: --config FILE,
 * --once (default) | --loop INTERVAL, --dry-run, --help, --version. TERM ends the round after its step. */
#ifndef AN_PROC_JOB_H
#define AN_PROC_JOB_H

#include "an.h"
#include "conf/conf.h"
#include "proc/prefork.h"

struct an_job {
    const char *name;    /* "partition" */
    const char *summary; /* for --help */
    /* Could this configuration work? Asked at the start, and before another one is taken. */
    int (*check)(const struct an_conf *c, struct an_err *err);
    /* One round. A failed round is logged; in a loop the next one follows after the interval. */
    int (*round)(const struct an_conf *c, bool dry_run, struct an_err *err);
};

/* Exit status: 0, 1 failed, 2 usage, 75 try again later (AN_EAGAIN), 78 configuration. */
int an_job_main(const struct an_job *job, int argc, char **argv);

/* Sleeps; false as soon as an_stopping is set. */
bool an_job_sleep_ms(int64_t ms);

#endif
