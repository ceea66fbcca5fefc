/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: the command line that servers and jobs share. */
#ifndef AN_PROC_OPTIONS_H
#define AN_PROC_OPTIONS_H

#include "an.h"
#include "conf/conf.h"
#include "proc/exit.h"

enum an_program_kind { AN_PROGRAM_SERVER, AN_PROGRAM_JOB };

struct an_program {
    const char *name;    /* "annals-ingest" */
    const char *summary; /* for --help */
    enum an_program_kind kind;
};

struct an_options {
    const char *conf_path;
    bool check_only;
    int64_t workers;     /* 0: as configured */
    int64_t interval_ms; /* between rounds; 0: one round */
    bool dry_run;
};

/* -1: go on; else the exit status (help and version were printed, or what is wrong). */
int an_options_parse(const struct an_program *program, int argc, char **argv, struct an_options *out);

/* Loads the file; what is wrong goes to stderr line by line. NULL: leave with AN_EXIT_CONF. */
struct an_conf *an_options_load(const struct an_options *options) AN_MUST_CHECK;

/* Standard input, output and error are open from here on, and lines are logged as c wants. */
void an_options_log(const struct an_program *program, const struct an_conf *c);

#endif
