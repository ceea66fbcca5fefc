/* SPDX-License-Identifier: Apache-2.0 */
/* FastCGI through libfcgi; the only includer of fcgiapp.h.
 *
 * What libfcgi leaves to us: it has no timeouts (a socket timeout is set on every accepted connection), does not
 * compare Content-Length with what came, and keep-alive connections would starve a prefork pool (refused). */
#ifndef AN_HTTP_FCGI_H
#define AN_HTTP_FCGI_H

#include "an.h"
#include "base/err.h"
#include "base/text.h"

struct an_fcgi;

/* One a worker. io_timeout_ms: the longest wait for one read or write of the peer. */
struct an_fcgi *an_fcgi_new(int listen_fd, int64_t io_timeout_ms) AN_MUST_CHECK;
void an_fcgi_free(struct an_fcgi *f); /* accepts NULL */

/* Waits for the next request. AN_EAGAIN: interrupted by a signal (look at an_stopping). */
int an_fcgi_accept(struct an_fcgi *f, struct an_err *err) AN_MUST_CHECK;
/* A parameter of the running request ("REQUEST_URI", "HTTP_AUTHORIZATION"); absent where unset or empty. */
struct an_str an_fcgi_param(const struct an_fcgi *f, const char *name);
/* Up to len body bytes into out; *got 0 at the end. AN_EINVAL: cut off. AN_ETIMEOUT: stalled. */
int an_fcgi_read(struct an_fcgi *f, char *out, size_t len, size_t *got, struct an_err *err) AN_MUST_CHECK;
/* AN_EAGAIN: the peer is gone or stalled. */
int an_fcgi_write(struct an_fcgi *f, const char *data, size_t len, struct an_err *err) AN_MUST_CHECK;
int an_fcgi_flush(struct an_fcgi *f, struct an_err *err) AN_MUST_CHECK;
void an_fcgi_finish(struct an_fcgi *f);

#endif
