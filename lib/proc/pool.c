/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

#include "base/clock.h"
#include "log/log.h"
#include "log/metrics.h"
#include "proc/pool.h"
#include "proc/signals.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define IDLE_US (60 * SECOND)
#define TERM_AGAIN_US SECOND
/* A worker that ends before this age died young: the one after it waits, and each further one twice as
 * long. */
#define YOUNG_US (2 * SECOND)
#define BACKOFF_FIRST_US (250 * MS)
#define BACKOFF_LAST_US (30 * SECOND)
/* A successor must have lived so long before its predecessor is told to leave: a configuration that kills
 * workers as they start leaves the old ones in service. */
#define SETTLE_US (200 * MS)

/* How many requests this worker may still serve; see an_worker_spent(). */
static int64_t requests_left;
static bool requests_counted;

bool an_worker_spent(void)
{
    return requests_counted && --requests_left <= 0;
}

/* Up to a tenth more than configured, so that workers started together do not leave together. */
static void count_requests(int64_t max_requests)
{
    uint64_t mixed = ((uint64_t)an_clock_us() ^ (uint64_t)getpid()) * UINT64_C(0x9E3779B97F4A7C15);
    requests_counted = max_requests > 0;
    requests_left = max_requests + (int64_t)((mixed >> 33) % (uint64_t)(max_requests / 10 + 1));
}

/* The worker's life. It does not outlive the master, however that ends. */
static AN_NORETURN void be_worker(const struct an_pool *p, unsigned index, pid_t master)
{
    an_signals_worker();
#ifdef HAVE_SYS_PRCTL_H
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    if (getppid() != master)
        _exit(0);
    count_requests(p->app->section(p->conf)->max_requests);
    int status = p->app->work(p->conf, p->listen_fd, index, p->shared);
    bool served_its_share = requests_counted && requests_left <= 0;
    if (status == 0 && !an_stopping && !served_its_share) {
        an_log_error("proc", "worker left without being told to");
        status = 1; /* so that the back-off applies */
    }
    _exit(status);
}

static void start(struct an_pool *p, unsigned index, int64_t now_us)
{
    struct an_slot *s = &p->slot[index];
    pid_t master = getpid(), pid = fork();
    if (pid == 0)
        be_worker(p, index, master);
    if (pid < 0) {
        an_log_error("proc", "cannot start a worker: %s", strerror(errno));
        s->next_us = now_us + SECOND;
        return;
    }
    s->pid = pid;
    s->generation = p->generation;
    s->started_us = now_us;
    s->leave_us = 0;
    s->next_us = 0;
    an_metric_add(AN_M_WORKERS_STARTED, 1);
    an_log_trace("proc", "worker %ld started at place %u", (long)pid, index);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void tell_to_leave(const struct an_pool *p, struct an_slot *s, int64_t now_us)
{
    s->leave_us = now_us;
    s->next_us = now_us + sooner(TERM_AGAIN_US, p->conf->drain_timeout_ms * MS);
    (void)kill(s->pid, SIGTERM);
}

struct census {
    unsigned fresh, stale, leaving;
    int64_t youngest_us; /* start of the newest fresh one */
};

static struct census count_workers(const struct an_pool *p)
{
    struct census c = {0, 0, 0, 0};
    for (size_t i = 0; i < AN_COUNT(p->slot); i++) {
        const struct an_slot *s = &p->slot[i];
        if (s->pid == 0)
            continue;
        if (s->leave_us != 0)
            c.leaving++;
        else if (s->generation != p->generation)
            c.stale++;
        else
            c.fresh++;
        if (s->leave_us == 0 && s->generation == p->generation && s->started_us > c.youngest_us)
            c.youngest_us = s->started_us;
    }
    return c;
}

/* Starts one worker at the lowest free place; false where none may start yet. */
static bool start_one(struct an_pool *p, int64_t now_us)
{
    for (unsigned i = 0; i <= p->want && i < AN_COUNT(p->slot); i++) {
        if (p->slot[i].pid == 0 && p->slot[i].next_us <= now_us) {
            start(p, i, now_us);
            return p->slot[i].pid != 0;
        }
    }
    return false;
}

/* Tells one worker to leave: an old one, else the one at the highest place. */
static void retire_one(struct an_pool *p, int64_t now_us)
{
    struct an_slot *chosen = NULL;
    for (size_t i = 0; i < AN_COUNT(p->slot); i++) {
        struct an_slot *s = &p->slot[i];
        if (s->pid == 0 || s->leave_us != 0)
            continue;
        chosen = s;
        if (s->generation != p->generation)
            break;
    }
    if (chosen != NULL)
        tell_to_leave(p, chosen, now_us);
}

/* One step towards what should be; false where there is none to take now. */
static bool step(struct an_pool *p, int64_t now_us)
{
    struct census c = count_workers(p);
    unsigned staying = c.fresh + c.stale;
    if (staying < p->want)
        return start_one(p, now_us);
    if (c.leaving > 0)
        return false;
    if (staying > p->want) {
        if (c.stale > 0 && now_us - c.youngest_us < SETTLE_US)
            return false;
        retire_one(p, now_us);
        return true;
    }
    return c.stale > 0 && start_one(p, now_us);
}

/* TERM again each second, for a signal can slip in between a worker's check and its accept; then KILL. */
static void press(const struct an_pool *p, struct an_slot *s, int64_t now_us)
{
    if (now_us < s->next_us)
        return;
    int64_t limit_us = s->leave_us + p->conf->drain_timeout_ms * MS;
    if (now_us >= limit_us) {
        an_log_warn("proc", "worker %ld is still busy after process.drain_timeout: killed", (long)s->pid);
        (void)kill(s->pid, SIGKILL);
        s->next_us = now_us + TERM_AGAIN_US;
    } else {
        (void)kill(s->pid, SIGTERM);
        s->next_us = sooner(now_us + TERM_AGAIN_US, limit_us);
    }
}

int64_t an_pool_tend(struct an_pool *p, int64_t now_us)
{
    int64_t next = now_us + IDLE_US;
    while (p->want > 0 && step(p, now_us))
        continue;
    for (size_t i = 0; i < AN_COUNT(p->slot); i++) {
        struct an_slot *s = &p->slot[i];
        if (s->pid != 0 && s->leave_us != 0) {
            press(p, s, now_us);
            next = sooner(next, s->next_us);
        } else if (s->pid == 0 && s->next_us > now_us) {
            next = sooner(next, s->next_us);
        }
    }
    if (!an_pool_settled(p))
        next = sooner(next, now_us + SETTLE_US);
    an_metric_set(AN_M_WORKERS, an_pool_alive(p));
    return next > now_us ? next : now_us + MS;
}

static int64_t backoff(unsigned strikes)
{
    if (strikes <= 1)
        return 0; /* the first one is replaced at once */
    int64_t wait = BACKOFF_FIRST_US;
    for (unsigned i = 2; i < strikes && wait < BACKOFF_LAST_US; i++)
        wait *= 2;
    return sooner(wait, BACKOFF_LAST_US);
}

static void describe(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, size, "signal %d", WTERMSIG(status));
    else
        (void)snprintf(out, size, "exit status %d", WEXITSTATUS(status));
}

static void bury(struct an_slot *s, int status, int64_t now_us)
{
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    char how[32];
    describe(status, how, sizeof how);
    bool young = now_us - s->started_us < YOUNG_US;
    s->strikes = !well && young && s->leave_us == 0 ? s->strikes + 1 : 0;
    int64_t wait = backoff(s->strikes);
    if (well) {
        an_log_trace("proc", "worker %ld left", (long)s->pid);
    } else {
        an_metric_add(AN_M_WORKERS_DIED, 1);
        an_log_warn("proc", "worker %ld died: %s; the next one starts in %lld ms", (long)s->pid, how,
                    (long long)(wait / MS));
    }
    s->pid = 0;
    s->leave_us = 0;
    s->next_us = now_us + wait;
}

void an_pool_bury(struct an_pool *p, pid_t pid, int status, int64_t now_us)
{
    for (size_t i = 0; i < AN_COUNT(p->slot); i++)
        if (p->slot[i].pid == pid)
            bury(&p->slot[i], status, now_us);
}

void an_pool_leave(struct an_pool *p, int64_t now_us)
{
    p->want = 0;
    for (size_t i = 0; i < AN_COUNT(p->slot); i++)
        if (p->slot[i].pid != 0 && p->slot[i].leave_us == 0)
            tell_to_leave(p, &p->slot[i], now_us);
}

void an_pool_kill(struct an_pool *p)
{
    p->want = 0;
    for (size_t i = 0; i < AN_COUNT(p->slot); i++)
        if (p->slot[i].pid != 0)
            (void)kill(p->slot[i].pid, SIGKILL);
}

unsigned an_pool_alive(const struct an_pool *p)
{
    struct census c = count_workers(p);
    return c.fresh + c.stale + c.leaving;
}

bool an_pool_settled(const struct an_pool *p)
{
    struct census c = count_workers(p);
    return c.stale == 0 && c.leaving == 0 && c.fresh == p->want;
}
