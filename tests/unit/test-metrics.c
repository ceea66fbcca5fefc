/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "log/metrics.h"

static char folder[64];
static struct an_buf out;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/an-metrics-XXXXXX");
    assert_non_null(mkdtemp(folder));
    an_buf_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    an_buf_release(&out);
    return system(command);
}

static void open_as(const char *app)
{
    struct an_err err;
    if (an_metrics_open(folder, app, &err) != AN_OK)
        fail_msg("%s", err.text);
}

static void render(void)
{
    an_buf_clear(&out);
    an_metrics_render(folder, &out);
    assert_false(out.overflow);
}

static void assert_shown(const char *line)
{
    char whole[256];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(out.data, whole) == NULL)
        fail_msg("<%s> is not in:\n%s", line, out.data);
}

static void test_adding(void **state)
{
    (void)state;
    open_as("ingest");
    an_metric_add(AN_M_EVENTS_ACCEPTED, 3);
    an_metric_add(AN_M_EVENTS_ACCEPTED, 4);
    an_metric_set(AN_M_WORKERS, 5);
    an_metric_set(AN_M_WORKERS, 4);
    render();
    assert_shown("annals_ingest_events_total{app=\"ingest\",result=\"accepted\"} 7");
    assert_shown("annals_ingest_events_total{app=\"ingest\",result=\"rejected\"} 0");
    assert_shown("annals_workers{app=\"ingest\"} 4");
    assert_shown("annals_build_info{version=\"" PACKAGE_VERSION "\"} 1");
    assert_null(strstr(out.data, "annals_start_time_seconds{")); /* never set */
}

static void test_histogram(void **state)
{
    (void)state;
    open_as("search");
    an_histogram_add(AN_H_REQUEST_SECONDS, 500);      /* on a bound: belongs to it */
    an_histogram_add(AN_H_REQUEST_SECONDS, 501);
    an_histogram_add(AN_H_REQUEST_SECONDS, 60000000); /* over the last bound */
    an_histogram_add(AN_H_REQUEST_SECONDS, -1);       /* a clock that went back */
    render();
    assert_shown("annals_request_duration_seconds_bucket{app=\"search\",le=\"0.0005\"} 2");
    assert_shown("annals_request_duration_seconds_bucket{app=\"search\",le=\"0.001\"} 3");
    assert_shown("annals_request_duration_seconds_bucket{app=\"search\",le=\"10\"} 3");
    assert_shown("annals_request_duration_seconds_bucket{app=\"search\",le=\"+Inf\"} 4");
    assert_shown("annals_request_duration_seconds_sum{app=\"search\"} 60.001001");
    assert_shown("annals_request_duration_seconds_count{app=\"search\"} 4");
    assert_null(strstr(out.data, "annals_ingest_commit_duration_seconds_count{app=\"search\"}"));
}

/* Several workers add at once; the file keeps what a dead one has added. */
static void test_workers_share(void **state)
{
    (void)state;
    enum { WORKERS = 4, ADDS = 10000 };
    open_as("ingest");
    pid_t pids[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (int n = 0; n < ADDS; n++)
                an_metric_add(AN_M_COMMITS, 1);
            _exit(0);
        }
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    render();
    assert_shown("annals_ingest_commits_total{app=\"ingest\"} 40000");
}

/* Workers that begin at the same time find the same row for a name. */
static void test_servers(void **state)
{
    (void)state;
    enum { WORKERS = 4, ADDS = 1000 };
    open_as("search");
    pid_t pids[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct an_metric_row *near = an_metric_server("default", "near");
            struct an_metric_row *primary = an_metric_server("default", AN_SERVER_PRIMARY);
            for (int n = 0; n < ADDS; n++)
                an_metric_server_add(n % 2 == 0 ? near : primary, AN_SM_READS, 1);
            an_metric_server_set(near, AN_SM_LAG_MS, 1250);
            _exit(0);
        }
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    an_metric_server_add(an_metric_server("other", "near"), AN_SM_SKIPPED_LAG, 2);
    render();
    assert_shown("annals_reads_total{app=\"search\",shard=\"default\",server=\"near\"} 2000");
    assert_shown("annals_reads_total{app=\"search\",shard=\"default\",server=\"primary\"} 2000");
    assert_shown(
        "annals_reads_skipped_total{app=\"search\",shard=\"other\",server=\"near\",reason=\"lag\"} 2");
    assert_shown("annals_replica_lag_seconds{app=\"search\",shard=\"default\",server=\"near\"} 1.250");
    assert_null(strstr(out.data, "annals_replica_lag_seconds{app=\"search\",shard=\"other\""));
    an_clock_set(an_clock_us() + INT64_C(301) * 1000000);
    render();
    an_clock_set(0);
    assert_null(strstr(out.data, "annals_replica_lag_seconds{"));
}

static void test_no_room_for_servers(void **state)
{
    (void)state;
    open_as("search");
    char name[16];
    for (int i = 0; i < 64; i++) {
        (void)snprintf(name, sizeof name, "r%d", i);
        assert_non_null(an_metric_server("default", name));
    }
    struct an_metric_row *row = an_metric_server("default", "one-more");
    assert_null(row);
    an_metric_server_add(row, AN_SM_READS, 1);
    an_metric_server_set(row, AN_SM_UP, 1);
    assert_non_null(an_metric_server("default", "r63"));
}

/* Each family has one head, whatever the number of programs, and its lines stand together. */
static void test_several_programs(void **state)
{
    (void)state;
    open_as("ingest");
    an_metric_set(AN_M_WORKERS, 4);
    open_as("admin");
    an_metric_set(AN_M_WORKERS, 2);
    render();
    const char *head = strstr(out.data, "# TYPE annals_workers gauge\nannals_workers{app=\"admin\"} 2\n"
                                        "annals_workers{app=\"ingest\"} 4\n# HELP ");
    assert_non_null(head);
    assert_null(strstr(head + 1, "# TYPE annals_workers gauge"));
}

/* Restarting keeps the counts; files that are not ours are left out, and replaced where they stand in the
 * way. */
static void test_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool longer;
    } foreign[] = {{"other.metrics", true}, {"short.metrics", false}, {"we\"ird.metrics", true}};
    static char junk[65536];
    char path[128];
    struct an_err err;
    open_as("ingest");
    an_metric_add(AN_M_COMMITS, 1);
    open_as("ingest");
    an_metric_add(AN_M_COMMITS, 1);
    for (size_t i = 0; i < AN_COUNT(foreign); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, foreign[i].name);
        assert_int_equal(an_file_write(path, 0644, junk, foreign[i].longer ? sizeof junk : 10, &err),
                         AN_OK);
    }
    render();
    assert_shown("annals_ingest_commits_total{app=\"ingest\"} 2");
    assert_null(strstr(out.data, "app=\"other\""));
    assert_null(strstr(out.data, "app=\"short\""));
    assert_null(strstr(out.data, "ird"));
    open_as("short");
    an_metric_add(AN_M_DB_ERRORS, 1);
    render();
    assert_shown("annals_database_errors_total{app=\"short\"} 1");
}

static void test_folder_that_is_not_there(void **state)
{
    (void)state;
    struct an_err err = {AN_OK, ""};
    assert_int_equal(an_metrics_open("/nonexistent", "ingest", &err), AN_EINVAL);
    assert_non_null(strstr(err.text, "/nonexistent/ingest.metrics"));
    an_buf_clear(&out);
    an_metrics_render("/nonexistent", &out); /* heads alone */
    assert_non_null(strstr(out.data, "annals_build_info{"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_adding, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histogram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_workers_share, setup, teardown),
        cmocka_unit_test_setup_teardown(test_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_for_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_programs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_that_is_not_there, setup, teardown),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
