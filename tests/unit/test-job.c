/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "proc/exit.h"
#include "proc/job.h"

static char folder[64], conf[96], out_path[96];

static void write_conf(const char *more)
{
    char text[512];
    struct an_err err;
    (void)snprintf(text, sizeof text, "[process]\nrun_dir = %s\n%s", folder, more);
    assert_int_equal(an_file_write(conf, 0600, text, strlen(text), &err), AN_OK);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/an-job-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(conf, sizeof conf, "%s/annals.conf", folder);
    (void)snprintf(out_path, sizeof out_path, "%s/out", folder);
    write_conf("");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* partition.ahead says what the round does. */
static int round_of(const struct an_conf *c, bool dry_run, struct an_err *err)
{
    (void)fprintf(stderr, "round %lld%s\n", (long long)c->partition_ahead, dry_run ? " dry" : "");
    if (c->partition_ahead == 1)
        return an_fail(err, AN_EBACKEND, "the round has failed");
    return c->partition_ahead == 2 ? an_fail(err, AN_EAGAIN, "the lock is held") : AN_OK;
}

/* With a period of quarters it could not work. */
static int check_of(const struct an_conf *c, struct an_err *err)
{
    return c->partition_period == AN_PERIOD_MONTH ? AN_OK : an_fail(err, AN_EINVAL, "no quarters here");
}

static const struct an_job job = {"partition", "Tests jobs.", check_of, round_of};

static pid_t fork_job(const char *first, const char *second)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char name[] = "annals-partition", option[] = "--config", a[32], b[32];
    char *argv[] = {name, option, conf, NULL, NULL, NULL};
    int argc = 3;
    const char *more[] = {first, second};
    char *room[] = {a, b};
    for (int i = 0; i < 2; i++)
        if (more[i] != NULL) {
            (void)snprintf(room[i], sizeof a, "%s", more[i]);
            argv[argc++] = room[i];
        }
    int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    int status = an_job_main(&job, argc, argv);
    (void)fflush(NULL);
    _exit(status);
}

static const char *said(void)
{
    static char text[8192];
    int fd = open(out_path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    if (fd >= 0)
        (void)close(fd);
    return text;
}

static int status_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void test_once(void **state)
{
    static const struct {
        const char *why, *conf, *first, *second;
        int status;
        const char *said;
    } rows[] = {
        {"a good round", "", NULL, NULL, 0, "round 3\n"},
        {"said to be one", "", "--once", NULL, 0, "round 3\n"},
        {"a dry one", "", "--once", "--dry-run", 0, "round 3 dry\n"},
        {"failed", "[partition]\nahead = 1\n", NULL, NULL, AN_EXIT_FAILED, "the round has failed"},
        {"try again", "[partition]\nahead = 2\n", NULL, NULL, AN_EXIT_AGAIN, "the lock is held"},
        {"bad configuration", "[partition]\nahead = 0\n", NULL, NULL, AN_EXIT_CONF, "is out of range"},
        {"it could not work", "[partition]\nperiod = quarter\n", NULL, NULL, AN_EXIT_CONF,
         "no quarters here"},
        {"it could not work, checked alone", "[partition]\nperiod = quarter\n", "--check-config", NULL,
         AN_EXIT_CONF, "no quarters here"},
        {"checked alone", "", "--check-config", NULL, 0, "the configuration is good"},
        {"bad interval", "", "--loop", "10", AN_EXIT_USAGE, "--loop takes a duration"},
        {"option of servers", "", "--workers", "2", AN_EXIT_USAGE, "unknown option"},
    };
    for (size_t i = 0; i < AN_COUNT(rows); i++) {
        (void)teardown(state);
        (void)setup(state);
        write_conf(rows[i].conf);
        int status = status_of(fork_job(rows[i].first, rows[i].second));
        if (status != rows[i].status || strstr(said(), rows[i].said) == NULL)
            fail_msg("%s: status %d, <%s>", rows[i].why, status, said());
    }
}

static void wait_for(const char *text)
{
    for (int i = 0; i < 500 && strstr(said(), text) == NULL; i++)
        (void)poll(NULL, 0, 10);
    if (strstr(said(), text) == NULL)
        fail_msg("<%s> is not in <%s>", text, said());
}

/* A loop goes on after a failed round, takes a new configuration when told, and ends with TERM. */
static void test_loop(void **state)
{
    (void)state;
    write_conf("[partition]\nahead = 1\n");
    pid_t pid = fork_job("--loop", "20ms");
    wait_for("the round has failed");
    write_conf("[partition]\nahead = 0\n");
    assert_int_equal(kill(pid, SIGHUP), 0);
    wait_for("the old one stays");
    write_conf("[partition]\nahead = 5\nperiod = quarter\n");
    assert_int_equal(kill(pid, SIGHUP), 0);
    wait_for("no quarters here");
    write_conf("[partition]\nahead = 7\n");
    assert_int_equal(kill(pid, SIGHUP), 0);
    wait_for("round 7\nround 7\n");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(status_of(pid), 0);
}

/* A sleeping job leaves at once. */
static void test_term_ends_sleep(void **state)
{
    (void)state;
    pid_t pid = fork_job("--loop", "1h");
    wait_for("round 3");
    assert_int_equal(kill(pid, SIGTERM), 0);
    (void)alarm(5);
    assert_int_equal(status_of(pid), 0);
    (void)alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_term_ends_sleep, setup, teardown),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
