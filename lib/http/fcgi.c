/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef HAVE_SYS_EPOLL_H
#include <sys/epoll.h>
#endif

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
/* A worker for whom the next connection is always there already never waits: it lets signals in so often. */
#define HEAR_EVERY_US INT64_C(100000)

struct an_fcgi {
    FCGX_Request request;
    int listen_fd;
    int idle_fd; /* epoll: where we wait for a connection; -1 until we do, and where there is none */
    int fd;      /* accepted, and not yet libfcgi's; -1 */
    bool tcp;
    int64_t io_timeout_ms;
    bool running; /* a request is */
    bool gone;    /* a write failed: nothing more can be said to this peer */
    sigset_t open, shut; /* masks: signals are let in, or held back */
    int64_t heard_us;    /* when they were last let in */
    /* Of the running request. Where names end is found once: a request is asked for a dozen of them. */
    struct parameter *parameters;
    size_t parameter_count, parameter_alloc;
};

static void hold_signals_back(struct an_fcgi *f)
{
    static const int held[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    if (sigprocmask(SIG_BLOCK, NULL, &f->open) != 0)
        abort();
    f->shut = f->open;
    for (size_t i = 0; i < AN_COUNT(held); i++) {
        (void)sigdelset(&f->open, held[i]);
        (void)sigaddset(&f->shut, held[i]);
    }
    if (sigprocmask(SIG_SETMASK, &f->shut, NULL) != 0)
        abort();
}

/* Lets in what has come meanwhile, where that is due. */
static bool hear_signals(struct an_fcgi *f)
{
    int64_t now_us = an_clock_mono_us();
    if (now_us - f->heard_us < HEAR_EVERY_US)
        return false;
    f->heard_us = now_us;
    if (sigprocmask(SIG_SETMASK, &f->open, NULL) != 0 || sigprocmask(SIG_SETMASK, &f->shut, NULL) != 0)
        abort();
    return true;
}

struct an_fcgi *an_fcgi_new(int listen_fd, int64_t io_timeout_ms)
{
    struct an_fcgi *f = an_xcalloc(1, sizeof *f);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* before libfcgi, which leaves handlers alone that it finds */
    if (FCGX_Init() != 0)
        abort();
    hold_signals_back(f);
    int flags = fcntl(listen_fd, F_GETFL);
    if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
        abort();
    f->listen_fd = listen_fd;
    f->idle_fd = f->fd = -1;
    f->io_timeout_ms = io_timeout_ms;
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    f->tcp = getsockname(listen_fd, (struct sockaddr *)&addr, &len) == 0 && addr.ss_family != AF_UNIX;
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
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->idle_fd >= 0)
        (void)close(f->idle_fd);
    free(f->parameters);
    free(f);
}

#ifdef HAVE_SYS_EPOLL_H
/* Workers that wait in accept() are woken in turn, so that each request meets the one whose memory, and whose
 * server process of PostgreSQL, has rested longest. An exclusive epoll wakes the first that is idle, always in the
 * same order: as many workers are warm as are needed at a time. */
static int wait_in_order(int listen_fd)
{
    struct epoll_event any = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, listen_fd, &any) != 0)
        abort();
    return fd;
}
#endif

/* Until there is a connection, or a signal (EINTR): those are let in here, and none slips by. */
static int wait_for_connection(struct an_fcgi *f)
{
#ifdef HAVE_SYS_EPOLL_H
    struct epoll_event ready;
    if (f->idle_fd < 0)
        f->idle_fd = wait_in_order(f->listen_fd);
    return epoll_pwait(f->idle_fd, &ready, 1, -1, &f->open);
#else
    struct pollfd ready = {.fd = f->listen_fd, .events = POLLIN};
    return ppoll(&ready, 1, NULL, &f->open);
#endif
}

/* A connection, or -1 with errno. */
static int next_connection(struct an_fcgi *f, bool wait)
{
    if (wait && hear_signals(f)) {
        errno = EINTR;
        return -1;
    }
    int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (!wait || fd >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        return fd;
    if (wait_for_connection(f) < 0)
        return -1;
    return accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

static void set_limits(const struct an_fcgi *f, int fd)
{
    struct timeval limit = {.tv_sec = f->io_timeout_ms / 1000, .tv_usec = f->io_timeout_ms % 1000 * 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int on = 1;
    if (f->tcp)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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

int an_fcgi_accept(struct an_fcgi *f, bool wait, struct an_err *err)
{
    int fd = next_connection(f, wait);
    if (fd < 0) {
        int why = errno;
        bool passes = why == EINTR || why == EAGAIN || why == EWOULDBLOCK || why == ECONNABORTED || why == EPROTO;
        return an_fail(err, passes ? AN_EAGAIN : AN_EBACKEND, "accept: %s", strerror(why));
    }
    set_limits(f, fd);
    f->fd = fd;
    return AN_OK;
}

void an_fcgi_pass(struct an_fcgi *from, struct an_fcgi *to)
{
    to->fd = from->fd;
    from->fd = -1;
}

/* Walks over the records (FastCGI specification 3.3) up to the one that ends the body. */
bool an_fcgi_is_whole(const struct an_fcgi *f)
{
    unsigned char bytes[PEEK_MAX];
    ssize_t n = recv(f->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
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

int an_fcgi_begin(struct an_fcgi *f, struct an_err *err)
{
    int fd = f->fd;
    f->fd = -1;
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
