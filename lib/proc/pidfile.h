/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: the file with the master's process id, which is also the lock against a second
 * master. */
#ifndef AN_PROC_PIDFILE_H
#define AN_PROC_PIDFILE_H

#include <limits.h>

#include "an.h"
#include "base/err.h"

struct an_pidfile {
    int fd; /* holds the lock as long as it is open in this process; forked ones do not have it */
    char path[PATH_MAX];
};

/* run_dir/<app>.pid. AN_ECONFLICT, naming the process, where another one holds it. */
int an_pidfile_open(const char *run_dir, const char *app, struct an_pidfile *out,
                    struct an_err *err) AN_MUST_CHECK;
void an_pidfile_close(struct an_pidfile *f); /* removes it */

#endif
