/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "log/log.h"

#define NOW_US INT64_C(1795426200000000) /* 2026-11-23T09:30:00Z */
#define NOW "2026-11-23T09:30:00.000000Z"

/* stderr goes into a pipe while a test writes lines. */
static int pipe_fds[2], saved_stderr;
static char text[65536];

static void capture(void)
{
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
}

/* What was written; stderr is itself again. */
static const char *captured(void)
{
    ssize_t n = read(pipe_fds[0], text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    return text;
}

static int still(void **state)
{
    (void)state;
    an_clock_set(NOW_US);
    (void)unsetenv("JOURNAL_STREAM");
    return 0;
}

static void test_logfmt(void **state)
{
    (void)state;
    char expected[256];
    capture();
    an_log_init("annals-x", AN_LOG_INFO, AN_LOG_LOGFMT, "");
    an_log_info("db", "lost %s after %d ms", "connection", 12);
    (void)snprintf(expected, sizeof expected,
                   "time=" NOW
                   " level=info app=annals-x pid=%d component=db msg=\"lost connection after 12 ms\"\n",
                   (int)getpid());
    assert_string_equal(captured(), expected);
}

static void test_fields(void **state)
{
    (void)state;
    const struct an_log_field fields[] = {
        {"status", .num = 201, .is_num = true},
        {"tenant", .text = AN_STR("acme corp")},
        {"absent", .text = {NULL, 0}},
        {"empty", .text = AN_STR("")},
        {"path", .text = AN_STR("/v1/events")},
    };
    capture();
    an_log_init("annals-x", AN_LOG_INFO, AN_LOG_LOGFMT, "");
    an_log_fields(AN_LOG_INFO, "http", fields, AN_COUNT(fields));
    assert_non_null(
        strstr(captured(), " component=http status=201 tenant=\"acme corp\" empty=\"\" path=/v1/events\n"));

    capture();
    an_log_init("annals-x", AN_LOG_INFO, AN_LOG_JSON, "");
    an_log_fields(AN_LOG_INFO, "http", fields, AN_COUNT(fields));
    assert_non_null(strstr(captured(),
                           "\"component\":\"http\",\"status\":201,\"tenant\":\"acme corp\",\"empty\":\"\","
                           "\"path\":\"/v1/events\"}\n"));
}

/* Text that tries to forge a second line, to hide, or to drive a terminal; and what must stand in its
 * place. */
static const struct {
    const char *why, *text, *written;
} hostile[] = {
    {"line feed", "a\nlevel=info", "a\\nlevel=info"},
    {"carriage return", "a\rb", "a\\u000db"},
    {"tab", "a\tb", "a\\tb"},
    {"quote and backslash", "a\"b\\c", "a\\\"b\\\\c"},
    {"terminal escape", "\x1B[31mred", "\\u001b[31mred"},
    {"delete", "\x7F", "\\u007f"},
    {"C1 control", "\xC2\x9B" "x", "\\u009bx"},
    {"right-to-left override", "abc\xE2\x80\xAE" "fdp", "abc\\u202efdp"},
    {"isolate", "\xE2\x81\xA6", "\\u2066"},
    {"line separator", "\xE2\x80\xA8", "\\u2028"},
    {"zero width space", "\xE2\x80\x8B", "\\u200b"},
    {"tag character", "\xF3\xA0\x81\x81", "\\udb40\\udc41"},
    {"no UTF-8", "a\xFF" "b", "a\\ufffdb"},
    {"cut UTF-8", "a\xC3", "a\\ufffd"},
    {"other letters stay", "Zo\xC3\xAB \xE6\x97\xA5", "Zo\xC3\xAB \xE6\x97\xA5"},
};

static void test_no_line_can_be_forged(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(hostile); i++)
        for (int format = AN_LOG_LOGFMT; format <= AN_LOG_JSON; format++) {
            char expected[128];
            capture();
            an_log_init("annals-x", AN_LOG_INFO, (enum an_log_format)format, "");
            an_log_warn("http", "%s .", hostile[i].text);
            (void)snprintf(expected, sizeof expected, "\"%s .\"%s\n", hostile[i].written,
                           format == AN_LOG_JSON ? "}" : "");
            const char *line = captured();
            if (strlen(line) < strlen(expected) ||
                strcmp(line + strlen(line) - strlen(expected), expected) != 0)
                fail_msg("%s: expected <%s> at the end of <%s>", hostile[i].why, expected, line);
        }
}

static void test_json_is_json(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    const struct an_json_limits limits = {4, 100};
    struct an_json *v;
    struct an_json_fault fault;
    for (size_t i = 0; i < AN_COUNT(hostile); i++) {
        capture();
        an_log_init("annals-x", AN_LOG_INFO, AN_LOG_JSON, "");
        an_log_error("http", "%s", hostile[i].text);
        if (!an_json_parse(a, an_str(captured()), &limits, &v, &fault))
            fail_msg("%s: %s in <%s>", hostile[i].why, fault.detail, text);
    }
    an_arena_free(a);
}

static void test_levels(void **state)
{
    static const struct {
        const char *why;
        enum an_log_level set, line;
        const char *trace, *component;
        bool written;
    } rows[] = {
        {"as important as wanted", AN_LOG_WARN, AN_LOG_WARN, "", "db", true},
        {"less important", AN_LOG_WARN, AN_LOG_INFO, "", "db", false},
        {"trace of a component that is named", AN_LOG_ERROR, AN_LOG_TRACE, "http,db", "db", true},
        {"trace of another one", AN_LOG_INFO, AN_LOG_TRACE, "http,db", "proc", false},
        {"trace of one whose name only begins so", AN_LOG_INFO, AN_LOG_TRACE, "dbx", "db", false},
        {"all traces", AN_LOG_TRACE, AN_LOG_TRACE, "", "proc", true},
    };
    (void)state;
    for (size_t i = 0; i < AN_COUNT(rows); i++) {
        capture();
        an_log_init("annals-x", rows[i].set, AN_LOG_LOGFMT, rows[i].trace);
        an_log(rows[i].line, rows[i].component, "x");
        if ((captured()[0] != '\0') != rows[i].written)
            fail_msg("%s", rows[i].why);
    }
}

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    static char big[20000];
    memset(big, '\x01', sizeof big - 1); /* each becomes six bytes */
    const struct an_log_field fields[] = {{"a", .text = an_str(big)}, {"b", .text = an_str(big)}};
    capture();
    an_log_init("annals-x", AN_LOG_INFO, AN_LOG_JSON, "");
    an_log_fields(AN_LOG_INFO, "http", fields, AN_COUNT(fields));
    const char *line = captured();
    assert_true(strlen(line) < 10000);
    assert_string_equal(line + strlen(line) - 6, "...\"}\n");
}

/* Under journald: a priority in front, no time. Where stderr has been redirected since, neither. */
static void test_journal(void **state)
{
    (void)state;
    struct stat st;
    char stream[64];
    capture();
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    an_log_init("annals-x", AN_LOG_INFO, AN_LOG_LOGFMT, "");
    an_log_error("db", "x");
    an_log_info("db", "x");
    const char *lines = captured();
    assert_int_equal(strncmp(lines, "<3>level=error ", 15), 0);
    assert_non_null(strstr(lines, "\n<6>level=info "));

    (void)setenv("JOURNAL_STREAM", "1:2", 1);
    capture();
    an_log_init("annals-x", AN_LOG_INFO, AN_LOG_LOGFMT, "");
    an_log_error("db", "x");
    assert_int_equal(strncmp(captured(), "time=", 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_logfmt, still),
        cmocka_unit_test_setup(test_fields, still),
        cmocka_unit_test_setup(test_no_line_can_be_forged, still),
        cmocka_unit_test_setup(test_json_is_json, still),
        cmocka_unit_test_setup(test_levels, still),
        cmocka_unit_test_setup(test_long_lines_are_cut, still),
        cmocka_unit_test_setup(test_journal, still),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
