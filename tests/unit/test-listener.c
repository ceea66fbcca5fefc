/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's wait for connections: signals are heard there, also where it never waits, and nowhere else. */
#include "an.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http/listener.h"

#define FEEDERS 2
#define BACKLOG 8
#define SERVED 100    /* connections, before something happens to the worker */
#define HEARD_MS 1000 /* how soon a signal must be heard */
#define WAIT_MS 5000  /* for what must come */

static volatile sig_atomic_t stopping;

static struct fixture {
    struct sockaddr_un where;
    int listen_fd;
    int said[2]; /* from the worker: a byte for each connection, and the end when it ends */
    pid_t worker, feeders[FEEDERS];
} f;

static void on_term(int number)
{
    (void)number;
    stopping = 1;
}

static void say(void)
{
    if (write(f.said[1], "s", 1) != 1)
        _exit(2);
}

/* Two bytes of the peer, and an answer to each. Slowly, so that connections come faster. */
static void serve(int fd)
{
    char c;
    (void)poll(NULL, 0, 1);
    for (int i = 0; i < 2; i++)
        if (read(fd, &c, 1) != 1 || send(fd, &c, 1, MSG_NOSIGNAL) != 1)
            return;
}

/* Status 3: a read was interrupted. */
static AN_NORETURN void be_worker(void)
{
    struct sigaction term = {.sa_handler = on_term};
    struct an_err err = {AN_OK, ""};
    (void)sigaction(SIGTERM, &term, NULL);
    struct an_listener *l = an_listener_new(f.listen_fd, WAIT_MS);
    while (!stopping) {
        int fd, rc = an_listener_accept(l, true, &fd, &err);
        if (rc == AN_EAGAIN)
            continue;
        if (rc != AN_OK)
            _exit(1);
        say();
        serve(fd);
        (void)close(fd);
    }
    an_listener_free(l);
    _exit(0);
}

static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&f.where, sizeof f.where) != 0)
        return -1;
    return fd;
}

/* Connects without end; where the queue is full it waits there for a place. */
static AN_NORETURN void be_feeder(void)
{
    int fd;
    while ((fd = dial()) >= 0) {
        (void)send(fd, "xx", 2, MSG_NOSIGNAL);
        (void)close(fd);
    }
    _exit(0);
}

static pid_t start(void (*what)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        what();
    assert_true(pid > 0);
    return pid;
}

static int setup(void **state)
{
    (void)state;
    f = (struct fixture){.where = {.sun_family = AF_UNIX}};
    (void)snprintf(f.where.sun_path, sizeof f.where.sun_path, "/tmp/an-listener-%ld", (long)getpid());
    (void)unlink(f.where.sun_path);
    f.listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(f.listen_fd, (const struct sockaddr *)&f.where, sizeof f.where) != 0 ||
        listen(f.listen_fd, BACKLOG) != 0 || pipe(f.said) != 0)
        return -1;
    f.worker = start(be_worker);
    (void)close(f.said[1]);
    return 0;
}

static void end(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < FEEDERS; i++)
        end(f.feeders[i]);
    end(f.worker);
    (void)close(f.said[0]);
    (void)close(f.listen_fd);
    return unlink(f.where.sun_path);
}

/* Reads what the worker says until it has said so much; false: it has ended, or was silent for too long. */
static bool hear(int fd, size_t count, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c;
    while (count > 0 && poll(&p, 1, wait_ms) == 1 && read(fd, &c, 1) == 1)
        count--;
    return count == 0;
}

/* It may have said more before its end. */
static void assert_ends(int status)
{
    struct pollfd p = {.fd = f.said[0], .events = POLLIN};
    char rest[4096];
    ssize_t n = 1;
    for (int64_t until_us = an_clock_mono_us() + HEARD_MS * 1000; n > 0 && an_clock_mono_us() < until_us;)
        n = poll(&p, 1, HEARD_MS) == 1 ? read(f.said[0], rest, sizeof rest) : n;
    assert_int_equal(n, 0);
    int got;
    assert_int_equal(waitpid(f.worker, &got, 0), f.worker);
    f.worker = 0;
    assert_true(WIFEXITED(got));
    assert_int_equal(WEXITSTATUS(got), status);
}

static void test_term_while_it_waits(void **state)
{
    (void)state;
    int fd = dial();
    assert_true(hear(f.said[0], 1, WAIT_MS));
    (void)close(fd);
    (void)kill(f.worker, SIGTERM);
    assert_ends(0);
}

static void test_term_where_it_never_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < FEEDERS; i++)
        f.feeders[i] = start(be_feeder);
    assert_true(hear(f.said[0], SERVED, WAIT_MS));
    (void)kill(f.worker, SIGTERM);
    assert_ends(0);
}

static void test_a_request_is_not_interrupted(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(write(fd, "x", 1), 1);
    assert_true(hear(fd, 1, WAIT_MS)); /* it reads the second byte now, or is about to */
    (void)kill(f.worker, SIGTERM);
    (void)poll(NULL, 0, 50);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_true(hear(fd, 1, WAIT_MS));
    (void)close(fd);
    assert_ends(0);
}

static void test_no_wait_is_none(void **state)
{
    (void)state;
    struct an_err err;
    int fd = -1;
    end(f.worker);
    f.worker = 0;
    struct an_listener *l = an_listener_new(f.listen_fd, WAIT_MS);
    assert_int_equal(an_listener_accept(l, false, &fd, &err), AN_EAGAIN);
    int peer = dial();
    assert_int_equal(an_listener_accept(l, false, &fd, &err), AN_OK);
    (void)close(fd);
    (void)close(peer);
    an_listener_free(l);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_term_while_it_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_term_where_it_never_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_request_is_not_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_wait_is_none, setup, teardown)};
    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
