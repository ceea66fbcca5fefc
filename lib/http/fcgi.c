/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>

#include <fastcgi.h>
#include <fcgiapp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/fcgi.h"

/* "name=value", as libfcgi keeps it. */
struct parameter {
    const char *text;
    size_t name_len;
};

#define PEEK_MAX ((size_t)16 << 10)

struct an_fcgi {
    FCGX_Request request;
    int64_t io_timeout_ms;
    bool running; /* a request is */
    bool gone;    /* a write failed: nothing more can be said to this peer */
    /* Of the running request. Where names end is found once: a request is asked for a dozen of them. */
    struct parameter *parameters;
    size_t parameter_count, parameter_alloc;
};

struct an_fcgi *an_fcgi_new(int64_t io_timeout_ms)
{
    struct an_fcgi *f = an_xcalloc(1, sizeof *f);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* before libfcgi, which leaves handlers alone that it finds */
    if (FCGX_Init() != 0)
        abort();
    f->io_timeout_ms = io_timeout_ms;
    /* No listening socket for libfcgi: it then fails, where it would wait in a way of its own for the next
     * connection after a bad one. */
    (void)FCGX_InitRequest(&f->request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    return f;
}

void an_fcgi_free(struct an_fcgi *f)
{
    if (f == NULL)
        return;
    if (f->running)
        an_fcgi_abort(f);
    free(f->parameters);
    free(f);
}

/* Reads the head of a request (its parameters) from fd. */
static bool read_head(FCGX_Request *r, int fd)
{
    r->in = NULL;
    r->keepConnection = 1; /* FCGX_Accept_r() first finishes the last request: it must not close the new fd */
    r->ipcFd = fd;
    (void)FCGX_Detach(r); /* a bad peer's connection is closed at once, not after a wait for its last words */
    if (FCGX_Accept_r(r) != 0)
        return false;
    r->keepConnection = 0;
    if (FCGX_GetError(r->in) == 0)
        return true;
    FCGX_Free(r, 1); /* cut off between two parameters, which libfcgi takes for their end */
    return false;
}

static void index_parameters(struct an_fcgi *f)
{
    f->parameter_count = 0;
    for (char **entry = f->request.envp; *entry != NULL; entry++) {
        if (f->parameter_count == f->parameter_alloc) {
            f->parameter_alloc = f->parameter_alloc == 0 ? 64 : 2 * f->parameter_alloc;
            f->parameters = an_xrealloc(f->parameters, f->parameter_alloc * sizeof *f->parameters);
        }
        f->parameters[f->parameter_count++] = (struct parameter){*entry, strcspn(*entry, "=")};
    }
}

/* Walks over the records (FastCGI specification 3.3) up to the one that ends the body. */
bool an_fcgi_is_whole(int fd)
{
    unsigned char bytes[PEEK_MAX];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    size_t len = n > 0 ? (size_t)n : 0, at = 0;
    while (len - at >= FCGI_HEADER_LEN) {
        const unsigned char *head = bytes + at;
        size_t content = (size_t)head[4] << 8 | head[5], padding = head[6];
        if (head[1] == FCGI_STDIN && content == 0)
            return true;
        if (len - at < FCGI_HEADER_LEN + content + padding)
            return false;
        at += FCGI_HEADER_LEN + content + padding;
    }
    return false;
}

int an_fcgi_begin(struct an_fcgi *f, int fd, struct an_err *err)
{
    f->gone = false;
    if (!read_head(&f->request, fd))
        return an_fail(err, AN_EAGAIN, "fastcgi: a connection was dropped before its request was complete");
    index_parameters(f);
    f->running = true;
    return AN_OK;
}

static bool is_named(const struct parameter *p, const char *name, size_t len)
{
    return p->name_len == len && p->text[len] == '=' && memcmp(p->text, name, len) == 0;
}

static struct an_str value_of(const struct parameter *p)
{
    const char *value = p == NULL ? NULL : p->text + p->name_len + 1;
    return an_str(value != NULL && *value != '\0' ? value : NULL);
}

struct an_str an_fcgi_param(const struct an_fcgi *f, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < f->parameter_count; i++)
        if (is_named(&f->parameters[i], name, len))
            return value_of(&f->parameters[i]);
    return value_of(NULL);
}

struct an_str an_fcgi_param_once(const struct an_fcgi *f, const char *name)
{
    size_t len = strlen(name);
    const struct parameter *found = NULL;
    for (size_t i = 0; i < f->parameter_count; i++) {
        if (!is_named(&f->parameters[i], name, len))
            continue;
        if (found != NULL)
            return value_of(NULL);
        found = &f->parameters[i];
    }
    return value_of(found);
}

int an_fcgi_read(struct an_fcgi *f, char *out, size_t len, size_t *got, struct an_err *err)
{
    int n = FCGX_GetStr(out, len > INT_MAX ? INT_MAX : (int)len, f->request.in);
    int why = FCGX_GetError(f->request.in);
    *got = n > 0 ? (size_t)n : 0;
    if (why == EAGAIN || why == EWOULDBLOCK)
        return an_fail(err, AN_EINVAL, "the body stopped coming");
    if (why != 0)
        return an_fail(err, AN_EINVAL, "the body was cut off");
    return AN_OK;
}

static int peer_gone(struct an_fcgi *f, struct an_err *err)
{
    f->gone = true;
    int why = FCGX_GetError(f->request.out);
    bool stalled = why == EAGAIN || why == EWOULDBLOCK;
    return an_fail(err, AN_EAGAIN, "fastcgi: the web server %s",
                   stalled ? "takes no more of the reply" : "is gone");
}

int an_fcgi_write(struct an_fcgi *f, const char *data, size_t len, struct an_err *err)
{
    while (len > 0 && !f->gone) {
        int n = len > INT_MAX ? INT_MAX : (int)len;
        if (FCGX_PutStr(data, n, f->request.out) != n)
            return peer_gone(f, err);
        data += n;
        len -= (size_t)n;
    }
    return f->gone ? peer_gone(f, err) : AN_OK;
}

int an_fcgi_flush(struct an_fcgi *f, struct an_err *err)
{
    if (f->gone || FCGX_FFlush(f->request.out) != 0)
        return peer_gone(f, err);
    return AN_OK;
}

/* A web server that is still sending sees a broken connection, and perhaps not our reply, if we close
 * first. The end of our side tells it to stop (nginx looks at that, and not at the record that ends the
 * request). */
static void drop_rest(struct an_fcgi *f)
{
    int64_t until_us = an_clock_mono_us() + f->io_timeout_ms * 1000;
    char rest[8192];
    if (FCGX_HasSeenEOF(f->request.in) != 0)
        return;
    (void)shutdown(f->request.ipcFd, SHUT_WR);
    while (FCGX_GetStr(rest, sizeof rest, f->request.in) > 0 && an_clock_mono_us() < until_us)
        continue;
}

static void close_connection(struct an_fcgi *f)
{
    (void)FCGX_Detach(&f->request);
    FCGX_Free(&f->request, 1);
    f->running = false;
}

void an_fcgi_finish(struct an_fcgi *f)
{
    if (!f->gone) {
        bool heard = FCGX_FClose(f->request.err) == 0 && FCGX_FClose(f->request.out) == 0;
        if (heard)
            drop_rest(f);
    }
    close_connection(f);
}

void an_fcgi_abort(struct an_fcgi *f)
{
    close_connection(f);
}
