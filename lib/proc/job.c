/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "log/log.h"
#include "proc/job.h"
#include "proc/notify.h"
#include "proc/options.h"
#include "proc/signals.h"

#define MS INT64_C(1000)

bool an_job_sleep_ms(int64_t ms)
{
    int64_t until_us = an_clock_mono_us() + ms * MS;
    while (!an_stopping) {
        int64_t left_us = until_us - an_clock_mono_us();
        if (left_us <= 0)
            return true;
        (void)an_signals_wait(left_us);
    }
    return false;
}

static int exit_status(int rc)
{
    if (rc == AN_OK)
        return 0;
    return rc == AN_EAGAIN ? AN_EXIT_AGAIN : 1;
}

static int run_round(const struct an_job *job, const struct an_conf *c, bool dry_run)
{
    struct an_err err = {AN_OK, ""};
    int rc = job->round(c, dry_run, &err);
    if (rc != AN_OK)
        an_log_error(job->name, "%s", err.text);
    return rc;
}

/* NULL, with the reason said, where the configuration is not good. */
static struct an_conf *load(const struct an_job *job, const struct an_options *o)
{
    struct an_err err;
    struct an_conf *c = an_options_load(o);
    if (c == NULL || job->check(c, &err) == AN_OK)
        return c;
    (void)fprintf(stderr, "annals-%s: %s\n", job->name, err.text);
    an_conf_free(c);
    return NULL;
}

/* After HUP: the new configuration where it is good, else the old one. */
static struct an_conf *renew(const struct an_job *job, const struct an_program *program,
                             const struct an_options *o, struct an_conf *c)
{
    if (!an_signals.renew)
        return c;
    an_signals.renew = 0;
    struct an_conf *fresh = load(job, o);
    if (fresh == NULL) {
        an_log_error("conf", "the new configuration is bad: the old one stays");
        return c;
    }
    an_conf_free(c);
    an_options_log(program, fresh);
    an_log_info("proc", "configuration loaded again");
    return fresh;
}

static struct an_conf *loop(const struct an_job *job, const struct an_program *program,
                            const struct an_options *o, struct an_conf *c)
{
    an_notify("READY=1\nSTATUS=Running");
    do {
        c = renew(job, program, o, c);
        (void)run_round(job, c, o->dry_run);
    } while (an_job_sleep_ms(o->interval_ms));
    an_notify("STOPPING=1");
    return c;
}

int an_job_main(const struct an_job *job, int argc, char **argv)
{
    char name[64];
    (void)snprintf(name, sizeof name, "annals-%s", job->name);
    const struct an_program program = {name, job->summary, AN_PROGRAM_JOB};
    struct an_options options;
    int status = an_options_parse(&program, argc, argv, &options);
    if (status >= 0)
        return status;
    struct an_conf *c = load(job, &options);
    if (c == NULL)
        return AN_EXIT_CONF;
    if (options.check_only) {
        (void)printf("%s: the configuration is good\n", name);
        an_conf_free(c);
        return 0;
    }
    an_options_log(&program, c);
    an_signals_job();
    if (options.interval_ms > 0)
        c = loop(job, &program, &options, c);
    else
        status = exit_status(run_round(job, c, options.dry_run));
    an_conf_free(c);
    return status < 0 ? 0 : status;
}
