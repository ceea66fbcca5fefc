/* SPDX-License-Identifier: Apache-2.0 */
/* The socket that web servers connect to, and the wait for a connection. One a worker.
 *
 * A signal would break a read halfway: HUP, INT, TERM and USR1 are held back from the making of the
 * listener on, and let in only while it waits for a connection. */
#ifndef AN_HTTP_LISTENER_H
#define AN_HTTP_LISTENER_H

#include "an.h"
#include "base/err.h"

struct an_listener;

/* listen_fd is borrowed, and made non-blocking. io_timeout_ms: the longest wait for one read or write of
 * a peer. */
struct an_listener *an_listener_new(int listen_fd, int64_t io_timeout_ms) AN_MUST_CHECK;
void an_listener_free(struct an_listener *l); /* accepts NULL */

/* The next connection, for the caller to close; waits for it where `wait` is set. AN_EAGAIN: none this
 * time (or a signal came: look at an_stopping). AN_EBACKEND: the socket cannot be used any more. */
int an_listener_accept(struct an_listener *l, bool wait, int *fd, struct an_err *err) AN_MUST_CHECK;

#endif
