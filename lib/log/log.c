/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/pid.h"
#include "base/unicode.h"
#include "log/log.h"

/* About the longest line: values are cut once it is reached, so that no reader has to split one. */
#define LINE_MAX_BYTES 8192
/* Room that fixed parts and one last value can take above it. */
#define LINE_SLACK_BYTES 4096
#define MESSAGE_MAX_BYTES 4096

static struct {
    const char *app;
    enum an_log_level level;
    enum an_log_format format;
    char trace[256]; /* components, with a comma at both ends */
    bool journald;   /* which adds time and priority itself */
    struct an_buf line;
} state = {.app = "annals", .level = AN_LOG_INFO};

/* Is stderr the very stream that journald gave us? JOURNAL_STREAM holds its device and inode, and stays in
 * the environment where somebody has redirected stderr since. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    int64_t device, inode;
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return false;
    struct an_str second, first = an_str_split(an_str(stream), ':', &second);
    return an_parse_i64(first, 0, INT64_MAX, &device) && an_parse_i64(second, 0, INT64_MAX, &inode) &&
           (int64_t)st.st_dev == device && (int64_t)st.st_ino == inode;
}

void an_log_init(const char *app, enum an_log_level level, enum an_log_format format, const char *trace)
{
    state.app = app;
    state.level = level;
    state.format = format;
    (void)snprintf(state.trace, sizeof state.trace, ",%s,", trace);
    state.journald = stderr_is_journal();
}

static bool traced(const char *component)
{
    char name[64];
    int n = snprintf(name, sizeof name, ",%s,", component);
    return n > 0 && (size_t)n < sizeof name && strstr(state.trace, name) != NULL;
}

static bool wanted(enum an_log_level level, const char *component)
{
    return level <= state.level || (level == AN_LOG_TRACE && traced(component));
}

static void add_escape(struct an_buf *out, uint32_t point)
{
    if (point > 0xFFFF) /* a surrogate pair, which JSON needs */
        an_buf_addf(out, "\\u%04x\\u%04x", 0xD7C0 + (point >> 10), 0xDC00 | (point & 0x3FF));
    else
        an_buf_addf(out, "\\u%04x", point);
}

/* In quotes; the same escapes serve logfmt and JSON. A byte that is not UTF-8 becomes U+FFFD. */
static void add_quoted(struct an_buf *out, struct an_str s)
{
    size_t i = 0;
    an_buf_addc(out, '"');
    while (i < s.len && out->len < LINE_MAX_BYTES) {
        uint32_t point = 0xFFFD;
        size_t n = an_utf8_decode((struct an_str){s.data + i, s.len - i}, &point);
        if (n == 0)
            an_buf_adds(out, "\\ufffd");
        else if (point == '"' || point == '\\')
            an_buf_addf(out, "\\%c", (char)point);
        else if (point == '\n')
            an_buf_adds(out, "\\n");
        else if (point == '\t')
            an_buf_adds(out, "\\t");
        else if (an_codepoint_hidden(point, NULL))
            add_escape(out, point);
        else
            an_buf_add(out, s.data + i, n);
        i += n == 0 ? 1 : n;
    }
    an_buf_adds(out, i < s.len ? "...\"" : "\"");
}

static bool plain_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    switch (c) {
    case '.':
    case '_':
    case ':':
    case '/':
    case '@':
    case '+':
    case ',':
    case '-':
    case '%':
        return true;
    default:
        return false;
    }
}

static bool plain(struct an_str s)
{
    if (s.len > 256)
        return false; /* long ones are quoted, and so cut where the line is full */
    for (size_t i = 0; i < s.len; i++)
        if (!plain_char(s.data[i]))
            return false;
    return s.len > 0;
}

static void add_name(struct an_buf *out, const char *name)
{
    bool json = state.format == AN_LOG_JSON;
    char before = out->len == 0 ? '>' : out->data[out->len - 1];
    if (before != '>' && before != '{') /* the end of a priority, and the start of an object */
        an_buf_addc(out, json ? ',' : ' ');
    if (json)
        an_buf_addc(out, '"');
    an_buf_adds(out, name);
    an_buf_adds(out, json ? "\":" : "=");
}

static void add_text(struct an_buf *out, const char *name, struct an_str text)
{
    add_name(out, name);
    if (state.format == AN_LOG_LOGFMT && plain(text))
        an_buf_add(out, text.data, text.len);
    else
        add_quoted(out, text);
}

static void add_number(struct an_buf *out, const char *name, int64_t v)
{
    add_name(out, name);
    an_buf_addi(out, v);
}

static struct an_buf *begin(enum an_log_level level, const char *component)
{
    static const char *const names[] = {"error", "warn", "info", "trace"};
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"}; /* as in syslog(3) */
    struct an_buf *out = &state.line;
    if (out->limit == 0)
        an_buf_init(out, LINE_MAX_BYTES + LINE_SLACK_BYTES);
    an_buf_clear(out);
    if (state.journald)
        an_buf_adds(out, priorities[level]);
    if (state.format == AN_LOG_JSON)
        an_buf_addc(out, '{');
    if (!state.journald) {
        char now[AN_TIME_LEN + 1];
        an_time_format(an_clock_us(), now);
        add_text(out, "time", an_str(now));
    }
    add_text(out, "level", an_str(names[level]));
    add_text(out, "app", an_str(state.app));
    add_number(out, "pid", an_pid());
    add_text(out, "component", an_str(component));
    return out;
}

/* One write: lines of several processes must not mix. Nobody is left to tell where stderr fails. */
static void end(struct an_buf *out)
{
    an_buf_adds(out, state.format == AN_LOG_JSON ? "}\n" : "\n");
    ssize_t n;
    do
        n = write(STDERR_FILENO, out->data, out->len);
    while (n < 0 && errno == EINTR);
}

void an_log(enum an_log_level level, const char *component, const char *fmt, ...)
{
    if (!wanted(level, component))
        return;
    char message[MESSAGE_MAX_BYTES];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    struct an_buf *out = begin(level, component);
    add_text(out, state.format == AN_LOG_JSON ? "message" : "msg", an_str(message));
    end(out);
}

void an_log_fields(enum an_log_level level, const char *component, const struct an_log_field *fields,
                   size_t count)
{
    if (!wanted(level, component))
        return;
    struct an_buf *out = begin(level, component);
    for (size_t i = 0; i < count && out->len < LINE_MAX_BYTES; i++) {
        if (fields[i].is_num)
            add_number(out, fields[i].name, fields[i].num);
        else if (fields[i].text.data != NULL)
            add_text(out, fields[i].name, fields[i].text);
    }
    end(out);
}
