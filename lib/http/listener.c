/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#ifdef HAVE_SYS_EPOLL_H
#include <sys/epoll.h>
#endif
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/listener.h"

/* A worker for whom the next connection is always there already never waits: it lets signals in so often. */
#define HEAR_EVERY_US INT64_C(100000)

struct an_listener {
    int listen_fd;
    int idle_fd; /* epoll: where we wait for a connection; -1 until we do, and where there is none */
    bool tcp;
    int64_t io_timeout_ms;
    sigset_t open, shut; /* masks: signals are let in, or held back */
    int64_t heard_us;    /* when they were last let in */
};

static void hold_signals_back(struct an_listener *l)
{
    static const int held[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    if (sigprocmask(SIG_BLOCK, NULL, &l->open) != 0)
        abort();
    l->shut = l->open;
    for (size_t i = 0; i < AN_COUNT(held); i++) {
        (void)sigdelset(&l->open, held[i]);
        (void)sigaddset(&l->shut, held[i]);
    }
    if (sigprocmask(SIG_SETMASK, &l->shut, NULL) != 0)
        abort();
}

/* Lets in what has come meanwhile, where that is due. */
static bool hear_signals(struct an_listener *l)
{
    int64_t now_us = an_clock_mono_us();
    if (now_us - l->heard_us < HEAR_EVERY_US)
        return false;
    l->heard_us = now_us;
    if (sigprocmask(SIG_SETMASK, &l->open, NULL) != 0 || sigprocmask(SIG_SETMASK, &l->shut, NULL) != 0)
        abort();
    return true;
}

struct an_listener *an_listener_new(int listen_fd, int64_t io_timeout_ms)
{
    struct an_listener *l = an_xcalloc(1, sizeof *l);
    hold_signals_back(l);
    int flags = fcntl(listen_fd, F_GETFL);
    if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0)
        abort();
    l->listen_fd = listen_fd;
    l->idle_fd = -1;
    l->io_timeout_ms = io_timeout_ms;
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    l->tcp = getsockname(listen_fd, (struct sockaddr *)&addr, &len) == 0 && addr.ss_family != AF_UNIX;
    return l;
}

void an_listener_free(struct an_listener *l)
{
    if (l == NULL)
        return;
    if (l->idle_fd >= 0)
        (void)close(l->idle_fd);
    free(l);
}

#ifdef HAVE_SYS_EPOLL_H
/* Workers that wait in accept() are woken in turn, so that each request meets the one whose memory, and whose
 * server process of PostgreSQL, has rested longest. An exclusive epoll wakes the first that is idle,
 * always in the same order: as many workers are warm as are needed at a time. */
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
static int wait_for_connection(struct an_listener *l)
{
#ifdef HAVE_SYS_EPOLL_H
    struct epoll_event ready;
    if (l->idle_fd < 0)
        l->idle_fd = wait_in_order(l->listen_fd);
    return epoll_pwait(l->idle_fd, &ready, 1, -1, &l->open);
#else
    struct pollfd ready = {.fd = l->listen_fd, .events = POLLIN};
    return ppoll(&ready, 1, NULL, &l->open);
#endif
}

/* A connection, or -1 with errno. */
static int next_connection(struct an_listener *l, bool wait)
{
    if (wait && hear_signals(l)) {
        errno = EINTR;
        return -1;
    }
    int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (!wait || fd >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
        return fd;
    if (wait_for_connection(l) < 0)
        return -1;
    return accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

static void set_limits(const struct an_listener *l, int fd)
{
    struct timeval limit = {.tv_sec = l->io_timeout_ms / 1000, .tv_usec = l->io_timeout_ms % 1000 * 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int on = 1;
    if (l->tcp)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int an_listener_accept(struct an_listener *l, bool wait, int *fd, struct an_err *err)
{
    *fd = next_connection(l, wait);
    if (*fd < 0) {
        int why = errno;
        bool passes = why == EINTR || why == EAGAIN || why == EWOULDBLOCK || why == ECONNABORTED ||
                      why == EPROTO;
        return an_fail(err, passes ? AN_EAGAIN : AN_EBACKEND, "accept: %s", strerror(why));
    }
    set_limits(l, *fd);
    return AN_OK;
}
