/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

#include "log/log.h"
#include "proc/helper.h"
#include "proc/signals.h"

#define SECOND  INT64_C(1000000)
#define IDLE_US (60 * SECOND)
/* Nobody waits for it, so one pause will do where workers have a back-off that grows. */
#define PAUSE_US SECOND

static AN_NORETURN void be_helper(const struct an_helper *h, const struct an_conf *c, pid_t master)
{
    an_signals_helper();
#ifdef HAVE_SYS_PRCTL_H
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != master)
        _exit(0);
    _exit(h->app->help(c, h->shared));
}

static bool wanted(const struct an_helper *h, const struct an_conf *c)
{
    return h->app->help != NULL && h->app->wants_help(c);
}

int64_t an_helper_tend(struct an_helper *h, const struct an_conf *c, int64_t now_us)
{
    if (h->pid != 0 || !wanted(h, c))
        return now_us + IDLE_US;
    if (now_us < h->next_us)
        return h->next_us;
    pid_t master = getpid(), pid = fork();
    if (pid == 0)
        be_helper(h, c, master);
    h->next_us = now_us + PAUSE_US;
    if (pid < 0) {
        an_log_error("proc", "cannot start the helper: %s", strerror(errno));
        return h->next_us;
    }
    h->pid = pid;
    h->killed = false;
    an_log_trace("proc", "helper %ld started", (long)pid);
    return now_us + IDLE_US;
}

bool an_helper_bury(struct an_helper *h, pid_t pid, int status, int64_t now_us)
{
    if (h->pid == 0 || pid != h->pid)
        return false;
    if (!h->killed) {
        an_log_warn("proc", "helper %ld ended: %s %d; the next one starts in %d s", (long)pid,
                    WIFSIGNALED(status) ? "signal" : "exit status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                    (int)(PAUSE_US / SECOND));
        h->next_us = now_us + PAUSE_US;
    } else {
        h->next_us = now_us;
    }
    h->pid = 0;
    return true;
}

void an_helper_kill(struct an_helper *h)
{
    if (h->pid == 0)
        return;
    h->killed = true;
    (void)kill(h->pid, SIGKILL);
}
