/* SPDX-License-Identifier: Apache-2.0 */
/* Real masters with real workers; each test waits for what the master tells its service manager. */
#include "an.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "log/metrics.h"
#include "proc/exit.h"
#include "proc/prefork.h"
#include "proc_app.h"

#define WAIT_MS 5000   /* for what must come */
#define SECOND_MS 1000 /* for what must come within a second */

struct fixture {
    char folder[64], conf[96], socket[96], log[96];
    int notify_fd;
    pid_t master; /* 0: none runs */
    char message[512];
};

static void write_conf(const struct fixture *f, const char *more)
{
    char text[1024];
    struct an_err err;
    (void)snprintf(text, sizeof text, "[process]\nrun_dir = %s\n%s", f->folder, more);
    assert_int_equal(an_file_write(f->conf, 0600, text, strlen(text), &err), AN_OK);
}

static struct sockaddr_un address(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    return a;
}

static int bind_path(const char *path, int type)
{
    struct sockaddr_un a = address(path);
    int fd = socket(AF_UNIX, type, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static int setup(void **state)
{
    struct fixture *f = an_xcalloc(1, sizeof *f);
    char path[96];
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/an-proc-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->conf, sizeof f->conf, "%s/annals.conf", f->folder);
    (void)snprintf(f->socket, sizeof f->socket, "%s/ingest.sock", f->folder);
    (void)snprintf(f->log, sizeof f->log, "%s/log", f->folder);
    (void)snprintf(path, sizeof path, "%s/notify", f->folder);
    f->notify_fd = bind_path(path, SOCK_DGRAM);
    (void)setenv("NOTIFY_SOCKET", path, 1);
    write_conf(f, "[ingest]\nworkers = 2\n");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    if (f->master > 0) {
        (void)kill(f->master, SIGQUIT);
        (void)waitpid(f->master, NULL, 0);
    }
    (void)close(f->notify_fd);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    free(f);
    return system(command);
}

/* In the child: everything it says goes to the log file. Never returns. */
static AN_NORETURN void be_master(const struct fixture *f, const char *option)
{
    char name[] = "annals-ingest", config[] = "--config", path[96], extra[64];
    (void)snprintf(path, sizeof path, "%s", f->conf);
    (void)snprintf(extra, sizeof extra, "%s", option == NULL ? "" : option);
    char *argv[] = {name, config, path, option == NULL ? NULL : extra, NULL};
    int log = open(f->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    int status = an_prefork_main(&proc_app, option == NULL ? 3 : 4, argv);
    (void)fflush(NULL);
    _exit(status);
}

static pid_t fork_master(const struct fixture *f, const char *option)
{
    pid_t pid = fork();
    if (pid == 0)
        be_master(f, option);
    return pid;
}

static int exit_status(pid_t pid)
{
    int status = -1;
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        (void)poll(NULL, 0, 10);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
}

static const char *logged(const struct fixture *f)
{
    static char text[65536];
    FILE *file = fopen(f->log, "r");
    size_t n = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return text;
}

/* The next message that holds `part`. */
static const char *notified(struct fixture *f, const char *part)
{
    int64_t until_us = an_clock_mono_us() + WAIT_MS * 1000;
    while (an_clock_mono_us() < until_us) {
        struct pollfd p = {f->notify_fd, POLLIN, 0};
        if (poll(&p, 1, 100) != 1)
            continue;
        ssize_t n = recv(f->notify_fd, f->message, sizeof f->message - 1, 0);
        f->message[n < 0 ? 0 : n] = '\0';
        if (strstr(f->message, part) != NULL)
            return f->message;
    }
    fail_msg("no message with <%s>; log:\n%s", part, logged(f));
    return NULL;
}

static void start(struct fixture *f)
{
    f->master = fork_master(f, NULL);
    (void)notified(f, "READY=1");
}

static int stop(struct fixture *f, int signal_number)
{
    assert_int_equal(kill(f->master, signal_number), 0);
    int status = exit_status(f->master);
    f->master = 0;
    return status;
}

static int dial(const char *path)
{
    struct sockaddr_un a = address(path);
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void say(int fd, char command)
{
    assert_int_equal(send(fd, &command, 1, MSG_NOSIGNAL), 1);
}

/* The answer; its pid is 0 where the connection ended without one. */
static struct answer hear(int fd)
{
    struct answer a = {0, 0, 0, 0, 0};
    if (recv(fd, &a, sizeof a, 0) != sizeof a)
        a.pid = 0;
    (void)close(fd);
    return a;
}

static struct answer ask(const struct fixture *f)
{
    int fd = dial(f->socket);
    assert_true(fd >= 0);
    say(fd, 'p');
    return hear(fd);
}

/* Holds one worker until another byte is sent; the worker has begun when this returns. */
static int hold(const struct fixture *f)
{
    char begun = 0;
    int fd = dial(f->socket);
    assert_true(fd >= 0);
    say(fd, 's');
    assert_int_equal(recv(fd, &begun, 1, 0), 1);
    return fd;
}

static int64_t metric(const struct fixture *f, const char *name)
{
    struct an_buf out;
    int64_t value = -1;
    an_buf_init(&out, 1 << 20);
    an_metrics_render(f->folder, &out);
    char start_of_line[128];
    (void)snprintf(start_of_line, sizeof start_of_line, "\n%s{app=\"ingest\"} ", name);
    const char *at = strstr(out.data, start_of_line);
    if (at != NULL) {
        struct an_str rest, text = an_str(at + strlen(start_of_line));
        if (!an_parse_i64(an_str_split(text, '\n', &rest), 0, INT64_MAX, &value))
            value = -1;
    }
    an_buf_release(&out);
    return value;
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* The pid of a helper with this search.page_default that is not `other`; it must come within the limit. */
static pid_t helper(const struct fixture *f, int page, pid_t other)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/helper", f->folder);
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        int pid = 0, has = 0, shared = 0;
        FILE *file = fopen(path, "r");
        int n = file == NULL ? 0 : fscanf(file, "%d %d %d", &pid, &has, &shared);
        if (file != NULL)
            (void)fclose(file);
        if (n == 3 && has == page && pid != other) {
            assert_int_equal(shared, 50);
            return pid;
        }
        (void)poll(NULL, 0, 10);
    }
    fail_msg("no helper; log:\n%s", logged(f));
    return 0;
}

static bool ended(pid_t pid)
{
    for (int waited = 0; waited < WAIT_MS; waited += 10) {
        if (kill(pid, 0) != 0)
            return true;
        (void)poll(NULL, 0, 10);
    }
    return false;
}

/* ---- tests ---- */

static void test_serves(void **state)
{
    struct fixture *f = *state;
    char path[96];
    struct an_buf pid;
    struct an_err err;
    struct stat st;
    write_conf(f, "[ingest]\nworkers = 2\nsocket_mode = 0640\n");
    start(f);
    assert_non_null(strstr(f->message, "STATUS=Serving with 2 workers"));
    struct answer a = ask(f);
    assert_true(a.pid > 0 && a.pid != f->master);
    assert_in_range(a.index, 0, 1);
    assert_int_equal(a.shared, 50);
    assert_int_equal(stat(f->socket, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);

    (void)snprintf(path, sizeof path, "%s/ingest.pid", f->folder);
    an_buf_init(&pid, 64);
    assert_int_equal(an_file_read(path, &pid, &err), AN_OK);
    assert_int_equal(strtol(pid.data, NULL, 10), f->master);
    an_buf_release(&pid);

    assert_int_equal(metric(f, "annals_workers"), 2);
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_false(exists(path));
    assert_false(exists(f->socket));
    assert_int_equal(metric(f, "annals_workers"), 0);
}

static void test_dead_worker_is_replaced(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "[ingest]\nworkers = 1\n");
    start(f);
    struct answer before = ask(f);
    int64_t killed_us = an_clock_mono_us();
    assert_int_equal(kill(before.pid, SIGKILL), 0);
    struct answer after;
    do /* the dying one may take a connection with it */
        after = ask(f);
    while (after.pid == 0 && an_clock_mono_us() - killed_us < SECOND_MS * 1000);
    assert_true(after.pid > 0 && after.pid != before.pid);
    assert_true(an_clock_mono_us() - killed_us < SECOND_MS * 1000);
    assert_int_equal(metric(f, "annals_workers_died_total"), 1);
    assert_non_null(strstr(logged(f), "signal 9"));
}

/* Two reasons why a configuration is bad: it does not parse, and the application's own check. */
static void test_bad_reload_keeps_all(void **state)
{
    static const char *const bad[] = {"[serch]\n", "[search]\npage_max = 999\n"};
    struct fixture *f = *state;
    write_conf(f, "[ingest]\nworkers = 1\n");
    start(f);
    struct answer before = ask(f);
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        write_conf(f, bad[i]);
        assert_int_equal(kill(f->master, SIGHUP), 0);
        (void)notified(f, "RELOADING=1\nMONOTONIC_USEC=");
        assert_non_null(strstr(notified(f, "READY=1"), "bad"));
        assert_int_equal(ask(f).pid, before.pid);
    }
    assert_non_null(strstr(logged(f), "unknown section [serch] (did you mean"));
    assert_non_null(strstr(logged(f), "page_max 999 cannot work"));
}

static void test_good_reload_replaces_all(void **state)
{
    struct fixture *f = *state;
    start(f);
    struct answer before = ask(f);
    int held = hold(f);
    write_conf(f, "[search]\npage_default = 60\n[ingest]\nworkers = 3\nsocket_mode = 0600\n");
    assert_int_equal(kill(f->master, SIGHUP), 0);
    (void)notified(f, "RELOADING=1");
    say(held, 'p'); /* a request that began under the old one ends well */
    struct answer old = hear(held);
    assert_int_equal(old.page, 50);
    assert_non_null(strstr(notified(f, "READY=1"), "3 workers"));
    for (int i = 0; i < 8; i++) {
        struct answer a = ask(f);
        assert_int_equal(a.page, 60);
        assert_int_equal(a.shared, 50); /* shared memory is made once */
        assert_in_range(a.index, 0, 3);
        assert_int_not_equal(a.pid, before.pid);
    }
    assert_int_equal(metric(f, "annals_workers"), 3);
    assert_non_null(strstr(logged(f), "change only with a restart: ingest.socket_mode"));
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_false(exists(f->socket)); /* the name outlives the configuration it came from */
}

/* No request fails while all workers are replaced. */
static void test_reload_under_load(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(kill(f->master, SIGHUP), 0);
        (void)notified(f, "RELOADING=1");
        struct pollfd p = {f->notify_fd, POLLIN, 0};
        while (poll(&p, 1, 0) == 0)
            assert_true(ask(f).pid > 0);
        (void)notified(f, "READY=1");
    }
    assert_int_equal(metric(f, "annals_workers_died_total"), 0);
}

static void test_reload_whose_workers_die(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "[ingest]\nworkers = 1\n");
    start(f);
    struct answer before = ask(f);
    write_conf(f, "[search]\npage_default = 66\n[ingest]\nworkers = 1\n");
    assert_int_equal(kill(f->master, SIGHUP), 0);
    for (int i = 0; i < 500 && metric(f, "annals_workers_died_total") < 2; i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(ask(f).pid, before.pid); /* still there */
    write_conf(f, "[search]\npage_default = 67\n[ingest]\nworkers = 1\n");
    assert_int_equal(kill(f->master, SIGHUP), 0);
    (void)notified(f, "STATUS=Serving with 1 workers");
    assert_int_equal(ask(f).page, 67);
}

/* Workers that die as they start are started ever more slowly. */
static void test_backoff(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "[search]\npage_default = 66\n[ingest]\nworkers = 1\n");
    start(f);
    (void)poll(NULL, 0, 1500); /* what must not happen has this time to happen */
    int64_t started = metric(f, "annals_workers_started_total");
    assert_in_range(started, 3, 12);
    assert_int_equal(stop(f, SIGTERM), 0);
}

static void test_term_drains(void **state)
{
    struct fixture *f = *state;
    start(f);
    int held = hold(f);
    assert_int_equal(kill(f->master, SIGTERM), 0);
    (void)notified(f, "STOPPING=1");
    for (int i = 0; i < WAIT_MS && exists(f->socket); i++)
        (void)poll(NULL, 0, 1);
    assert_false(exists(f->socket)); /* nobody new gets in */
    say(held, 'p');
    assert_true(hear(held).pid > 0);
    assert_int_equal(exit_status(f->master), 0);
    f->master = 0;
}

/* Told to stop, it serves on and says so; the second time it goes. */
static void test_drain_delay(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "drain_delay = 1min\n[ingest]\nworkers = 1\n");
    start(f);
    struct answer before = ask(f);
    assert_int_equal(before.draining, 0);
    assert_int_equal(kill(f->master, SIGTERM), 0);
    (void)notified(f, "STOPPING=1");
    assert_int_equal(kill(before.pid, SIGKILL), 0); /* it is still replaced */
    struct answer during = ask(f);
    for (int i = 0; i < 100 && (during.pid == 0 || during.pid == before.pid); i++)
        during = ask(f); /* what came to the one that was dying */
    assert_true(during.pid > 0 && during.pid != before.pid);
    assert_int_equal(during.draining, 1);
    int64_t before_us = an_clock_mono_us();
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_true(an_clock_mono_us() - before_us < SECOND_MS * 1000);
}

static void test_drain_delay_has_an_end(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "drain_delay = 300ms\n");
    start(f);
    int64_t before_us = an_clock_mono_us();
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_in_range(an_clock_mono_us() - before_us, 300000, 2000000);
}

static void test_drain_has_an_end(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "drain_timeout = 300ms\n");
    start(f);
    int held = hold(f);
    int64_t before_us = an_clock_mono_us();
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_in_range(an_clock_mono_us() - before_us, 250000, 2000000);
    assert_int_equal(hear(held).pid, 0);
    assert_non_null(strstr(logged(f), "still busy after process.drain_timeout"));
}

static void test_quit_is_at_once(void **state)
{
    struct fixture *f = *state;
    start(f);
    int held = hold(f);
    int64_t before_us = an_clock_mono_us();
    assert_int_equal(stop(f, SIGQUIT), 0);
    assert_true(an_clock_mono_us() - before_us < SECOND_MS * 1000);
    assert_int_equal(hear(held).pid, 0);
}

/* Where the master is killed, nobody may go on serving with the memory and sockets it has left. */
static void test_workers_end_with_their_master(void **state)
{
    struct fixture *f = *state;
    start(f);
    assert_true(ask(f).pid > 0);
    assert_int_equal(stop(f, SIGKILL), 1000 + SIGKILL);
    int fd = 0;
    for (int i = 0; i < 100 && fd >= 0; i++) {
        fd = dial(f->socket);
        if (fd >= 0)
            (void)close(fd);
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(fd, -1);
    start(f); /* over the dead socket and pid file */
    assert_true(ask(f).pid > 0);
}

static void test_recycling(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "[ingest]\nworkers = 1\nmax_requests = 1\n");
    start(f);
    struct answer last = {0, 0, 0, 0, 0};
    for (int i = 0; i < 10; i++) {
        struct answer a = ask(f);
        assert_true(a.pid > 0 && a.pid != last.pid);
        last = a;
    }
    assert_int_equal(metric(f, "annals_workers_died_total"), 0);
}

static void test_worker_that_fails(void **state)
{
    struct fixture *f = *state;
    start(f);
    int fd = dial(f->socket);
    say(fd, 'd');
    assert_int_equal(hear(fd).pid, 0);
    for (int i = 0; i < 100 && metric(f, "annals_workers_died_total") == 0; i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(metric(f, "annals_workers_died_total"), 1);
    assert_non_null(strstr(logged(f), "exit status 3"));
}

/* A socket that was handed over is served, and its path left alone. */
static void inherit(struct fixture *f, int as_fd)
{
    char path[96], pid[32];
    (void)snprintf(path, sizeof path, "%s/given.sock", f->folder);
    int given = bind_path(path, SOCK_STREAM);
    assert_int_equal(listen(given, 8), 0);
    f->master = fork();
    if (f->master == 0) {
        (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
        if (as_fd == 3) {
            (void)setenv("LISTEN_PID", pid, 1);
            (void)setenv("LISTEN_FDS", "1", 1);
        }
        (void)dup2(given, as_fd);
        be_master(f, NULL);
    }
    (void)close(given);
    (void)notified(f, "READY=1");
    int fd = dial(path);
    say(fd, 'p');
    assert_true(hear(fd).pid > 0);
    assert_false(exists(f->socket));
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_true(exists(path));
}

static void test_inherits_standard_input(void **state)
{
    inherit(*state, STDIN_FILENO);
}

static void test_inherits_listen_fds(void **state)
{
    inherit(*state, 3);
}

static void test_listens_on_loopback(void **state)
{
    struct fixture *f = *state;
    char text[128];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0); /* a port that is free */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)close(fd);
    (void)snprintf(text, sizeof text, "[ingest]\nlisten = 127.0.0.1:%u\n", (unsigned)ntohs(a.sin_port));
    write_conf(f, text);
    start(f);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    say(fd, 'p');
    assert_true(hear(fd).pid > 0);
}

static void test_living_socket_is_left_alone(void **state)
{
    struct fixture *f = *state;
    char text[256];
    start(f);
    struct fixture other = *f;
    assert_int_equal(exit_status(fork_master(f, NULL)), AN_EXIT_FAILED);
    assert_non_null(strstr(logged(f), "already running as process"));

    /* another run folder, so that only the socket is in the way */
    (void)snprintf(other.folder, sizeof other.folder, "%.40s/two", f->folder);
    (void)snprintf(other.conf, sizeof other.conf, "%.60s/two.conf", f->folder);
    (void)snprintf(text, sizeof text, "[ingest]\nlisten = %s\n", f->socket);
    write_conf(&other, text);
    assert_int_equal(exit_status(fork_master(&other, NULL)), AN_EXIT_FAILED);
    assert_non_null(strstr(logged(f), "another program is serving"));
    assert_true(ask(f).pid > 0);
}

static void test_file_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct an_err err;
    assert_int_equal(an_file_write(f->socket, 0600, "mine", 4, &err), AN_OK);
    assert_int_equal(exit_status(fork_master(f, NULL)), AN_EXIT_FAILED);
    assert_non_null(strstr(logged(f), "exists and is not a socket"));
    assert_true(exists(f->socket));
}

static void test_unknown_group(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "[ingest]\nsocket_group = no-such-group\n");
    assert_int_equal(exit_status(fork_master(f, NULL)), AN_EXIT_FAILED);
    assert_non_null(strstr(logged(f), "there is no group 'no-such-group'"));
    assert_false(exists(f->socket));
}

static void test_watchdog(void **state)
{
    struct fixture *f = *state;
    (void)setenv("WATCHDOG_USEC", "200000", 1);
    start(f);
    (void)unsetenv("WATCHDOG_USEC");
    (void)notified(f, "WATCHDOG=1");
    (void)notified(f, "WATCHDOG=1");
}

static void test_command_line(void **state)
{
    static const struct {
        const char *option, *conf;
        int status;
        const char *said;
    } rows[] = {
        {"--help", "", 0, "--check-config"},
        {"--version", "", 0, "annals-ingest " PACKAGE_VERSION},
        {"--check-config", "", 0, "the configuration is good"},
        {"--check-config", "[log]\nlevel = x\n[serch]\n", AN_EXIT_CONF, ":4: log.level: 'x' is none of"},
        {"--check-config", "[log]\nlevel = x\n[serch]\n", AN_EXIT_CONF, ":5: unknown section [serch]"},
        {"--check-config", "[search]\npage_max = 999\n", AN_EXIT_CONF, "page_max 999 cannot work"},
        {"--frobnicate", "", AN_EXIT_USAGE, "unknown option"},
        {"--workers=0", "", AN_EXIT_USAGE, "--workers takes a number from 1 to 512, not 0"},
        {"--loop=1s", "", AN_EXIT_USAGE, "unknown option"},
        {"stray", "", AN_EXIT_USAGE, "unexpected argument stray"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < AN_COUNT(rows); i++) {
        write_conf(f, rows[i].conf);
        (void)unlink(f->log);
        assert_int_equal(exit_status(fork_master(f, rows[i].option)), rows[i].status);
        if (strstr(logged(f), rows[i].said) == NULL)
            fail_msg("%s: <%s> is not in <%s>", rows[i].option, rows[i].said, logged(f));
    }
}

static void test_workers_option(void **state)
{
    struct fixture *f = *state;
    f->master = fork_master(f, "--workers=3");
    assert_non_null(strstr(notified(f, "READY=1"), "3 workers"));
}

/* Started again where it dies, with the new configuration at a reload, gone where that wants none and at
 * the end; its deaths are no workers' deaths. */
static void test_helper(void **state)
{
    struct fixture *f = *state;
    write_conf(f, "[search]\npage_max = 777\n");
    start(f);
    pid_t first = helper(f, 50, 0);
    assert_int_equal(kill(first, SIGTERM), 0);
    pid_t second = helper(f, 50, first);
    assert_non_null(strstr(logged(f), "helper"));
    assert_int_equal(metric(f, "annals_workers_died_total"), 0);

    write_conf(f, "[search]\npage_max = 777\npage_default = 51\n");
    assert_int_equal(kill(f->master, SIGHUP), 0);
    pid_t third = helper(f, 51, second);
    assert_true(ended(second));

    write_conf(f, "[search]\npage_max = 778\n");
    assert_int_equal(kill(f->master, SIGHUP), 0);
    assert_true(ended(third));

    write_conf(f, "[search]\npage_max = 777\npage_default = 52\n");
    assert_int_equal(kill(f->master, SIGHUP), 0);
    pid_t last = helper(f, 52, third);
    assert_int_equal(stop(f, SIGTERM), 0);
    assert_true(ended(last));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_serves),
        TEST(test_dead_worker_is_replaced),
        TEST(test_bad_reload_keeps_all),
        TEST(test_good_reload_replaces_all),
        TEST(test_reload_under_load),
        TEST(test_reload_whose_workers_die),
        TEST(test_backoff),
        TEST(test_term_drains),
        TEST(test_drain_delay),
        TEST(test_drain_delay_has_an_end),
        TEST(test_drain_has_an_end),
        TEST(test_quit_is_at_once),
        TEST(test_workers_end_with_their_master),
        TEST(test_recycling),
        TEST(test_worker_that_fails),
        TEST(test_inherits_standard_input),
        TEST(test_inherits_listen_fds),
        TEST(test_listens_on_loopback),
        TEST(test_living_socket_is_left_alone),
        TEST(test_file_in_the_way),
        TEST(test_unknown_group),
        TEST(test_watchdog),
        TEST(test_command_line),
        TEST(test_workers_option),
        TEST(test_helper),
    };
    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
