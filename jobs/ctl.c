/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <getopt.h>
#include <stdarg.h>

#include "base/clock.h"
#include "ctl.h"
#include "event/event.h"
#include "ingest/recorder.h"
#include "proc/exit.h"

#define OPTIONS_MAX 8

const char *an_ctl_operator(void)
{
    static const char *const names[] = {"SUDO_USER", "USER", "LOGNAME"};
    for (size_t i = 0; i < AN_COUNT(names); i++) {
        const char *value = getenv(names[i]);
        size_t len = value == NULL ? 0 : strlen(value);
        if (len > 0 && len <= AN_ID_MAX && an_utf8_valid(value, len))
            return value;
    }
    return "operator";
}

bool an_ctl_line_valid(const char *text, size_t most)
{
    size_t len = strlen(text);
    if (len > most || !an_utf8_valid(text, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i], before = i == 0 ? 0 : (unsigned char)text[i - 1];
        /* C0, DEL, and C1, which is C2 80 to C2 9F in UTF-8 */
        if (c < 0x20 || c == 0x7F || (before == 0xC2 && c < 0xA0))
            return false;
    }
    return true;
}

int an_ctl_record(const struct an_ctl *ctl, const struct an_recorder_event *event, struct an_err *err)
{
    struct an_recorder *own = an_recorder_new(ctl->conf, "operator", an_ctl_operator());
    int rc = an_recorder_put(own, event, err);
    an_recorder_free(own);
    return rc;
}

int an_ctl_usage(const char *fmt, ...)
{
    va_list ap;
    (void)fputs("annalsctl: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return AN_EXIT_USAGE;
}

int an_ctl_failed(const struct an_err *err)
{
    (void)fprintf(stderr, "annalsctl: %s\n", err->text);
    return err->rc == AN_EAGAIN ? AN_EXIT_AGAIN : AN_EXIT_FAILED;
}

int an_ctl_print_rows(const struct an_ctl *ctl, enum an_db_role role, enum an_stmt stmt,
                      const struct an_db_param *params, size_t count,
                      void (*print)(const struct an_result *res, size_t row, bool json))
{
    struct an_err err;
    struct an_result *res = NULL;
    struct an_db *db = an_db_new(ctl->conf, role);
    int rc = an_db_exec(db, stmt, params, count, &res, &err);
    for (size_t i = 0; i < an_result_rows(res); i++)
        print(res, i, ctl->json);
    an_result_free(res);
    an_db_free(db);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

static int print_shard(const struct an_directory_shard *shard, size_t of, void *arg, struct an_err *err)
{
    const struct an_ctl_list *list = arg;
    struct an_result *res = NULL;
    if (of > 1 && !list->ctl->json)
        (void)printf("shard %s\n", shard->name);
    struct an_db *db = an_db_new_at(list->ctl->conf, list->role, shard->primary);
    int rc = an_db_exec(db, list->stmt, list->params, list->count, &res, err);
    for (size_t i = 0; i < an_result_rows(res); i++)
        list->print(list, res, i, shard->name);
    if (rc == AN_OK && an_result_rows(res) == 0 && list->none != NULL && !list->ctl->json)
        (void)printf("%s\n", list->none);
    an_result_free(res);
    an_db_free(db);
    return rc;
}

int an_ctl_print_shards(const struct an_ctl_list *list)
{
    struct an_err err;
    struct an_ctl_list copy = *list;
    int rc = an_directory_each(list->ctl->conf, list->role, print_shard, &copy, &err);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

void an_ctl_time(const struct an_result *res, size_t row, size_t column, const char *none,
                 char out[AN_TIME_LEN + 1])
{
    int64_t us;
    if (an_result_int(res, row, column, &us))
        an_time_format(us, out);
    else
        (void)snprintf(out, AN_TIME_LEN + 1, "%s", none);
}

static int bad_option(const struct an_ctl *ctl, const struct an_ctl_option *options)
{
    const char *command = ctl->command->words;
    if (optopt == 0)
        return an_ctl_usage("%s: unknown option '%s' (see annalsctl %s --help)", command,
                            ctl->argv[optind - 1], command);
    if (optopt > OPTIONS_MAX)
        return an_ctl_usage("%s: unknown option '-%c' (see annalsctl %s --help)", command, optopt, command);
    const struct an_ctl_option *o = &options[optopt - 1];
    return an_ctl_usage("%s: --%s takes %s value", command, o->name, o->on != NULL ? "no" : "a");
}

static int take(const struct an_ctl_option *o, const char *value)
{
    if (o->take != NULL)
        return o->take(value, o->arg);
    if (o->on != NULL)
        *o->on = true;
    else
        *o->value = value;
    return AN_EXIT_OK;
}

static int take_options(const struct an_ctl *ctl, const struct an_ctl_option *options)
{
    struct option longs[OPTIONS_MAX + 1] = {{NULL, 0, NULL, 0}};
    for (int i = 0; options != NULL && i < OPTIONS_MAX && options[i].name != NULL; i++)
        longs[i] = (struct option){
            options[i].name, options[i].on != NULL ? no_argument : required_argument, NULL, i + 1};
    int number, status = AN_EXIT_OK;
    opterr = 0;
    while (status == AN_EXIT_OK && (number = getopt_long(ctl->argc, ctl->argv, "", longs, NULL)) != -1)
        status = number > OPTIONS_MAX ? bad_option(ctl, options) : take(&options[number - 1], optarg);
    return status;
}

int an_ctl_parse(const struct an_ctl *ctl, const struct an_ctl_option *options, const char *what,
                 const char **operand)
{
    int status = take_options(ctl, options), left = ctl->argc - optind;
    if (status != AN_EXIT_OK)
        return status;
    if (operand == NULL && left > 0)
        return an_ctl_usage("%s: unexpected argument '%s'", ctl->command->words, ctl->argv[optind]);
    if (operand != NULL && left != 1)
        return an_ctl_usage("%s takes one %s", ctl->command->words, what);
    if (operand != NULL)
        *operand = ctl->argv[optind];
    return AN_EXIT_OK;
}
