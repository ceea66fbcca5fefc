/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <getopt.h>

#include "log/log.h"
#include "proc/options.h"

_Static_assert(AN_LOG_ERROR == 0 && AN_LOG_WARN == 1 && AN_LOG_INFO == 2 && AN_LOG_TRACE == 3,
               "lib/conf/keys.c lists the levels in this order");
_Static_assert(AN_LOG_LOGFMT == 0 && AN_LOG_JSON == 1, "lib/conf/keys.c lists the formats in this order");

#define PROBLEMS_MAX_BYTES (256 * 1024)

enum { FOR_SERVER = 1, FOR_JOB = 2, FOR_ALL = 3 };

static const struct option_help {
    char letter;
    const char *name, *value, *help;
    int who;
} options[] = {
    {'c', "config", "FILE", "configuration file", FOR_ALL},
    {'t', "check-config", NULL, "check the configuration, say what is wrong, and leave", FOR_ALL},
    {'w', "workers", "N", "worker processes, instead of the configured number", FOR_SERVER},
    {'1', "once", NULL, "one round (the default)", FOR_JOB},
    {'l', "loop", "INTERVAL", "a round each INTERVAL, such as 10min, until TERM", FOR_JOB},
    {'n', "dry-run", NULL, "say what would be done, change nothing", FOR_JOB},
    {'h', "help", NULL, "print this help", FOR_ALL},
    {'V', "version", NULL, "print the version", FOR_ALL},
};

static bool offered(const struct an_program *program, const struct option_help *option)
{
    return (option->who & (program->kind == AN_PROGRAM_SERVER ? FOR_SERVER : FOR_JOB)) != 0;
}

static void print_help(const struct an_program *program)
{
    (void)printf("usage: %s [OPTION]...\n%s\n\n", program->name, program->summary);
    for (size_t i = 0; i < AN_COUNT(options); i++) {
        char left[40];
        if (!offered(program, &options[i]))
            continue;
        (void)snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].value == NULL ? "" : " ",
                       options[i].value == NULL ? "" : options[i].value);
        (void)printf("  %-20s %s\n", left, options[i].help);
    }
    (void)printf("\nThe configuration is %s unless --config or ANNALS_CONF names another.\n",
                 an_conf_default_path());
}

static int usage(const struct an_program *program, const char *what, const char *value)
{
    (void)fprintf(stderr, "%s: %s%s (see %s --help)\n", program->name, what, value, program->name);
    return AN_EXIT_USAGE;
}

/* One option with its value; -1: go on, else the exit status. */
static int take(const struct an_program *program, int letter, const char *value, struct an_options *out)
{
    switch (letter) {
    case 'c':
        out->conf_path = value;
        return -1;
    case 't':
        out->check_only = true;
        return -1;
    case 'w':
        if (an_parse_i64(an_str(value), 1, AN_CONF_WORKERS_MAX, &out->workers))
            return -1;
        return usage(program, "--workers takes a number from 1 to 512, not ", value);
    case '1':
        out->interval_ms = 0;
        return -1;
    case 'l':
        if (an_parse_duration_ms(an_str(value), &out->interval_ms) && out->interval_ms > 0)
            return -1;
        return usage(program, "--loop takes a duration such as 30s or 10min, not ", value);
    case 'n':
        out->dry_run = true;
        return -1;
    case 'h':
        print_help(program);
        return 0;
    case 'V':
        (void)printf("%s %s\n", program->name, PACKAGE_VERSION);
        return 0;
    default:
        return -1;
    }
}

static struct option as_getopt(const struct option_help *o)
{
    int takes = o->value != NULL ? required_argument : no_argument;
    return (struct option){o->name, takes, NULL, o->letter};
}

int an_options_parse(const struct an_program *program, int argc, char **argv, struct an_options *out)
{
    struct option table[AN_COUNT(options) + 1] = {{NULL, 0, NULL, 0}};
    size_t count = 0;
    for (size_t i = 0; i < AN_COUNT(options); i++)
        if (offered(program, &options[i]))
            table[count++] = as_getopt(&options[i]);
    *out = (struct an_options){.conf_path = an_conf_default_path()};
    int letter, status;
    optind = 1;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, "c:", table, NULL)) != -1) {
        if (letter == '?')
            return usage(program, "unknown option, or one without its value: ", argv[optind - 1]);
        status = take(program, letter, optarg, out);
        if (status >= 0)
            return status;
    }
    if (optind < argc)
        return usage(program, "unexpected argument ", argv[optind]);
    return -1;
}

struct an_conf *an_options_load(const struct an_options *o)
{
    struct an_buf problems;
    an_buf_init(&problems, PROBLEMS_MAX_BYTES);
    struct an_conf *c = an_conf_load(o->conf_path, &problems);
    (void)fputs(problems.data, stderr);
    an_buf_release(&problems);
    return c;
}

void an_options_log(const struct an_program *program, const struct an_conf *c)
{
    an_log_init(program->name, (enum an_log_level)c->log_level, (enum an_log_format)c->log_format,
                c->log_trace);
}
