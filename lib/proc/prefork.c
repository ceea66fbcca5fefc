/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/share.h"
#include "log/log.h"
#include "log/metrics.h"
#include "proc/helper.h"
#include "proc/listen.h"
#include "proc/notify.h"
#include "proc/options.h"
#include "proc/pidfile.h"
#include "proc/pool.h"
#include "proc/prefork.h"
#include "proc/signals.h"

#define MS INT64_C(1000)
/* Enough for one connection to each dependency and the files of libraries; more is never needed at once. */
#define FILES_WANTED 1024
#define FILES_LEAST 64

struct master {
    const struct an_program *program;
    const struct an_app *app;
    struct an_options options;
    struct an_conf *conf;
    struct an_pidfile pidfile;
    struct an_listen_socket listener;
    struct an_pool pool;
    struct an_helper helper;
    int64_t close_us; /* told to stop: serves until then; 0: not told */
    bool stopping;
    bool reloading; /* until every worker has the new configuration */
    int64_t watchdog_us, watchdog_due_us;
};

/* One flag in memory that workers share. */
static atomic_bool *draining;

bool an_draining(void)
{
    return draining != NULL && atomic_load(draining);
}

static void share_draining(void)
{
    draining = an_share_new(sizeof *draining);
    if (draining == NULL)
        abort();
}

/* A descriptor that was closed when we started would be given to the first socket we open, and whatever is
 * written to stderr would then go out on it. */
static void open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

static void want_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < FILES_WANTED) {
        limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < FILES_LEAST)
        an_log_warn("proc", "only %llu open files are allowed; %d are the least that is safe",
                    (unsigned long long)limit.rlim_cur, FILES_LEAST);
}

static int make_run_dir(const char *path, struct an_err *err)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return AN_OK;
    return an_fail(err, AN_EINVAL, "cannot make process.run_dir %s: %s", path, strerror(errno));
}

static unsigned wanted_workers(const struct master *m, const struct an_conf *c)
{
    return (unsigned)(m->options.workers > 0 ? m->options.workers : m->app->section(c)->workers);
}

/* All that stands before the first worker. */
static int open_all(struct master *m, struct an_err *err)
{
    const struct an_app *app = m->app;
    int rc = make_run_dir(m->conf->run_dir, err);
    if (rc == AN_OK)
        rc = an_pidfile_open(m->conf->run_dir, app->name, &m->pidfile, err);
    if (rc == AN_OK)
        rc = an_metrics_open(m->conf->run_dir, app->name, err);
    if (rc == AN_OK)
        rc = an_listen_open(app->section(m->conf), &m->listener, err);
    if (rc != AN_OK)
        return rc;
    share_draining();
    m->pool = (struct an_pool){.app = app,
                               .conf = m->conf,
                               .listen_fd = m->listener.fd,
                               .shared = app->share == NULL ? NULL : app->share(m->conf),
                               .want = wanted_workers(m, m->conf)};
    m->helper = (struct an_helper){.app = app, .shared = m->pool.shared};
    m->watchdog_us = an_notify_watchdog_us();
    an_metric_set(AN_M_STARTED_AT, (uint64_t)(an_clock_us() / 1000000));
    return AN_OK;
}

static void close_all(struct master *m)
{
    an_listen_close(&m->listener);
    an_pidfile_close(&m->pidfile);
    an_conf_free(m->conf);
    m->conf = NULL;
}

static void log_problems(struct an_buf *problems)
{
    struct an_str rest = {problems->data, problems->len};
    while (rest.len > 0) {
        struct an_str line = an_str_split(rest, '\n', &rest);
        an_log_warn("conf", "%.*s", AN_STR_ARG(line));
    }
}

/* The new configuration, checked, or NULL with the reasons logged. */
static struct an_conf *load_again(const struct master *m)
{
    struct an_err err = {AN_OK, ""};
    struct an_buf text;
    an_buf_init(&text, 256 * 1024);
    struct an_conf *fresh = an_conf_load(m->options.conf_path, &text);
    log_problems(&text);
    an_buf_clear(&text);
    if (fresh != NULL) {
        an_conf_keep_fixed(fresh, m->conf, &text);
        if (text.len > 0)
            an_log_warn("conf", "these keys change only with a restart: %s", text.data);
    }
    an_buf_release(&text);
    if (fresh != NULL && m->app->check != NULL && m->app->check(fresh, &err) != AN_OK) {
        an_log_warn("conf", "%s", err.text);
        an_conf_free(fresh);
        fresh = NULL;
    }
    return fresh;
}

static void reload(struct master *m, int64_t now_us)
{
    an_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_us);
    struct an_conf *fresh = load_again(m);
    if (fresh == NULL) {
        an_log_error("conf", "the new configuration is bad: the old one stays");
        an_notify("READY=1\nSTATUS=Serving; the new configuration is bad, the old one stays");
        return;
    }
    an_conf_free(m->conf); /* nothing below this line can fail */
    m->conf = fresh;
    m->pool.conf = fresh;
    m->pool.want = wanted_workers(m, fresh);
    m->pool.generation++;
    an_helper_kill(&m->helper); /* the next one has the new configuration */
    m->reloading = true;
    an_options_log(m->program, fresh);
    an_log_info("proc", "configuration loaded again: replacing workers");
}

/* Told to stop. Those who ask hear so from now on; the sockets stay open for as long as it takes until
 * all have asked. Who tells us twice does not want to wait for that. */
static void drain(struct master *m, int64_t now_us)
{
    int64_t delay_us = m->close_us == 0 ? m->conf->drain_delay_ms * MS : 0;
    atomic_store(draining, true);
    m->close_us = now_us + delay_us;
    if (delay_us == 0)
        return;
    an_log_info("proc", "told to stop: not ready any more, serving for another %lld ms",
                (long long)(delay_us / MS));
    an_notify("STOPPING=1\nSTATUS=Not ready any more, serving until process.drain_delay is over");
}

static void stop(struct master *m, int64_t now_us)
{
    an_log_info("proc", "stopping: %u workers finish what they have", an_pool_alive(&m->pool));
    an_notify("STOPPING=1\nSTATUS=Finishing running requests");
    m->stopping = true;
    an_pool_leave(&m->pool, now_us);
    an_helper_kill(&m->helper);
    an_listen_close(&m->listener); /* workers hold their own until they leave */
}

static void reap(struct master *m, int64_t now_us)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (!an_helper_bury(&m->helper, pid, status, now_us))
            an_pool_bury(&m->pool, pid, status, now_us);
}

static void react(struct master *m, int64_t now_us)
{
    if (an_signals.child) {
        an_signals.child = 0;
        reap(m, now_us);
    }
    if (an_signals.quit) {
        an_signals.quit = 0;
        m->stopping = true;
        an_log_info("proc", "stopping at once");
        an_pool_kill(&m->pool);
        an_helper_kill(&m->helper);
    }
    if (an_signals.stop) {
        an_signals.stop = 0;
        if (!m->stopping)
            drain(m, now_us);
    }
    if (!m->stopping && m->close_us != 0 && now_us >= m->close_us)
        stop(m, now_us);
    if (an_signals.reload) {
        an_signals.reload = 0;
        if (m->close_us == 0)
            reload(m, now_us);
    }
}

static void tell_watchdog(struct master *m, int64_t now_us)
{
    if (m->watchdog_us == 0 || now_us < m->watchdog_due_us)
        return;
    an_notify("WATCHDOG=1");
    m->watchdog_due_us = now_us + m->watchdog_us;
}

static void end_reload(struct master *m)
{
    if (!m->reloading || !an_pool_settled(&m->pool))
        return;
    m->reloading = false;
    an_log_info("proc", "all workers have the new configuration");
    an_notify("READY=1\nSTATUS=Serving with %u workers", m->pool.want);
}

/* Returns when it next has something to do. */
static int64_t tend(struct master *m, int64_t now_us)
{
    int64_t next_us = an_pool_tend(&m->pool, now_us);
    if (m->stopping)
        return next_us;
    int64_t helper_us = an_helper_tend(&m->helper, m->conf, now_us);
    if (m->close_us != 0 && m->close_us < next_us)
        next_us = m->close_us;
    return helper_us < next_us ? helper_us : next_us;
}

static void run(struct master *m)
{
    an_log_info("proc", "serving on %s with %u workers", m->listener.where, m->pool.want);
    int64_t next_us = tend(m, an_clock_mono_us());
    an_notify("READY=1\nSTATUS=Serving with %u workers", m->pool.want);
    while (!m->stopping || an_pool_alive(&m->pool) > 0 || m->helper.pid != 0) {
        int64_t now_us = an_clock_mono_us();
        tell_watchdog(m, now_us);
        if (m->watchdog_us > 0 && m->watchdog_due_us < next_us)
            next_us = m->watchdog_due_us;
        (void)an_signals_wait(next_us - now_us);
        now_us = an_clock_mono_us();
        react(m, now_us);
        next_us = tend(m, now_us);
        end_reload(m);
    }
    an_metric_set(AN_M_WORKERS, 0);
    an_log_info("proc", "stopped");
}

static int start(struct master *m)
{
    struct an_err err = {AN_OK, ""};
    an_options_log(m->program, m->conf);
    int rc = m->app->check == NULL ? AN_OK : m->app->check(m->conf, &err);
    if (rc != AN_OK) {
        (void)fprintf(stderr, "%s: %s\n", m->program->name, err.text);
        return AN_EXIT_CONF;
    }
    if (m->options.check_only) {
        (void)printf("%s: the configuration is good\n", m->program->name);
        return 0;
    }
    want_files();
    rc = open_all(m, &err);
    if (rc != AN_OK) {
        an_log_error("proc", "%s", err.text);
        an_notify("STATUS=%s", err.text);
        return 1;
    }
    run(m);
    return 0;
}

int an_prefork_main(const struct an_app *app, int argc, char **argv)
{
    char name[64], summary[128];
    (void)snprintf(name, sizeof name, "annals-%s", app->name);
    (void)snprintf(summary, sizeof summary, "The FastCGI application \"%s\" of Annals; see %s(8).",
                   app->name, name);
    const struct an_program program = {name, summary, AN_PROGRAM_SERVER};
    static struct master master; /* its table of workers is large for a stack */
    struct master *m = &master;
    *m = (struct master){.program = &program, .app = app, .pidfile = {.fd = -1}, .listener = {.fd = -1}};
    open_standard_files();
    int status = an_options_parse(&program, argc, argv, &m->options);
    if (status >= 0)
        return status;
    an_signals_master(); /* early: HUP from an impatient hand must not end us */
    m->conf = an_options_load(&m->options);
    if (m->conf == NULL)
        return AN_EXIT_CONF;
    status = start(m);
    close_all(m);
    return status;
}
