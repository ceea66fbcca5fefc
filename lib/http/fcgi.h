/* SPDX-License-Identifier: Apache-2.0 */
/* FastCGI through libfcgi; fcgi.c is the only includer of fcgiapp.h.
 *
 * What libfcgi leaves to us: it has no timeouts (listener.h accepts the connection and gives it some before a
 * byte is read), does not compare Content-Length with what came (an_request_body() does), and would let a
 * connection that is kept open starve a prefork pool (each one is closed after its request). */
#ifndef AN_HTTP_FCGI_H
#define AN_HTTP_FCGI_H

#include "an.h"
#include "base/err.h"
#include "base/text.h"

struct an_fcgi;

/* For one request at a time; a worker that answers several together has several. Ignores SIGPIPE from then
 * on.
 * io_timeout_ms: the longest time that is given to what is left of a body when the reply is out. */
struct an_fcgi *an_fcgi_new(int64_t io_timeout_ms) AN_MUST_CHECK;
void an_fcgi_free(struct an_fcgi *f); /* accepts NULL */

/* Is all of the request in the connection, so that reading it will not wait for the peer? False too for
 * one of more than 16 KiB. */
bool an_fcgi_is_whole(int fd) AN_MUST_CHECK;
/* Takes the connection over and reads the head of its request. AN_EAGAIN: the peer stalled or talked
 * nonsense, and is gone. */
int an_fcgi_begin(struct an_fcgi *f, int fd, struct an_err *err) AN_MUST_CHECK;
/* A parameter of the running request ("REQUEST_URI", "HTTP_AUTHORIZATION"); absent where unset or empty,
 * the first where sent twice. Borrowed until an_fcgi_finish(). */
struct an_str an_fcgi_param(const struct an_fcgi *f, const char *name);
/* The same, but absent where it was sent twice: "X_A" and "X-A" of a client become one name here, so
 * what only a proxy may say must not be read from the first of two. */
struct an_str an_fcgi_param_once(const struct an_fcgi *f, const char *name);
/* Up to len body bytes into out; *got 0 at the end. AN_EINVAL: cut off, or the peer stalled. */
int an_fcgi_read(struct an_fcgi *f, char *out, size_t len, size_t *got, struct an_err *err) AN_MUST_CHECK;
/* AN_EAGAIN: the peer is gone or stalled. */
int an_fcgi_write(struct an_fcgi *f, const char *data, size_t len, struct an_err *err) AN_MUST_CHECK;
int an_fcgi_flush(struct an_fcgi *f, struct an_err *err) AN_MUST_CHECK;
/* Ends the request; what is left of its body is read and dropped, for io_timeout at the most. */
void an_fcgi_finish(struct an_fcgi *f);
/* Ends the request without the record that says so: the web server then cuts the reply off, so that a
 * client cannot take half of it for the whole. */
void an_fcgi_abort(struct an_fcgi *f);

#endif
