/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on stderr: logfmt (key=value) or one JSON object a line, with a "<N>" priority in front where
 * journald reads them (JOURNAL_STREAM is set). Each line is one write(). Values are escaped, so no input
 * can forge a line. Never log bodies, tokens, or values of events. */
#ifndef AN_LOG_LOG_H
#define AN_LOG_LOG_H

#include "an.h"
#include "base/text.h"

enum an_log_level {
    AN_LOG_ERROR, /* someone must act */
    AN_LOG_WARN,  /* we coped */
    AN_LOG_INFO,  /* the life of the process, one line a request */
    AN_LOG_TRACE  /* by component, off unless named in log.trace */
};

enum an_log_format { AN_LOG_LOGFMT, AN_LOG_JSON };

/* Once a process, before the first line; later calls change it (reload). app: "annals-ingest".
 * trace: components separated by commas, or empty. */
void an_log_init(const char *app, enum an_log_level level, enum an_log_format format, const char *trace);

/* One message with its component ("db", "http", "proc", ...); text as for printf. */
void an_log(enum an_log_level level, const char *component, const char *fmt, ...) AN_PRINTF(3, 4);
#define an_log_error(component, ...) an_log(AN_LOG_ERROR, component, __VA_ARGS__)
#define an_log_warn(component, ...) an_log(AN_LOG_WARN, component, __VA_ARGS__)
#define an_log_info(component, ...) an_log(AN_LOG_INFO, component, __VA_ARGS__)
#define an_log_trace(component, ...) an_log(AN_LOG_TRACE, component, __VA_ARGS__)

/* A line of named values, for the line that each request ends with. Absent text values are left out.
 * const struct an_log_field fields[] = {{"status", .num = 201, .is_num = true}, {"tenant", .text = t}}; */
struct an_log_field {
    const char *name;
    struct an_str text;
    int64_t num;
    bool is_num;
};
void an_log_fields(enum an_log_level level, const char *component, const struct an_log_field *fields,
                   size_t count);

#endif
