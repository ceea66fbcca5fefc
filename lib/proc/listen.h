/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: the listening socket. */
#ifndef AN_PROC_LISTEN_H
#define AN_PROC_LISTEN_H

#include <sys/types.h>

#include "an.h"
#include "base/err.h"
#include "conf/conf.h"

struct an_listen_socket {
    int fd;
    char where[128]; /* for the log: path, address, or "inherited" */
    bool made;       /* a Unix socket at `where`, which we have to remove */
    dev_t device;    /* which file that is */
    ino_t inode;
};

/* Takes the socket that was handed over (standard input, or the one of LISTEN_FDS), else binds app->listen
 * with its mode and group. The socket of a dead program is replaced, that of a living one is not:
 * AN_ECONFLICT. */
int an_listen_open(const struct an_conf_app *app, struct an_listen_socket *out,
                   struct an_err *err) AN_MUST_CHECK;

/* Removes the path, unless another program has put its own there. */
void an_listen_close(struct an_listen_socket *l);

#endif
