/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <sys/select.h>

#include "proc/prefork.h"
#include "proc/signals.h"

struct an_signals an_signals;
volatile sig_atomic_t an_stopping;

static const int handled[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD};

static void on_master_signal(int signal_number)
{
    switch (signal_number) {
    case SIGTERM:
    case SIGINT:
        an_signals.stop = 1;
        break;
    case SIGQUIT:
        an_signals.quit = 1;
        break;
    case SIGHUP:
        an_signals.reload = 1;
        break;
    case SIGCHLD:
        an_signals.child = 1;
        break;
    default:
        break;
    }
}

static void on_stop(int signal_number)
{
    (void)signal_number;
    an_stopping = 1;
}

static void on_renew(int signal_number)
{
    (void)signal_number;
    an_signals.renew = 1;
}

/* Without SA_RESTART: a wait in the kernel ends with EINTR. */
static void set(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    (void)sigfillset(&action.sa_mask);
    (void)sigaction(signal_number, &action, NULL);
}

static void handled_set(sigset_t *out)
{
    (void)sigemptyset(out);
    for (size_t i = 0; i < AN_COUNT(handled); i++)
        (void)sigaddset(out, handled[i]);
}

static void unblock(void)
{
    sigset_t mask;
    handled_set(&mask);
    (void)sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

void an_signals_master(void)
{
    sigset_t mask;
    handled_set(&mask);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
    for (size_t i = 0; i < AN_COUNT(handled); i++)
        set(handled[i], on_master_signal);
    set(SIGPIPE, SIG_IGN);
}

void an_signals_worker(void)
{
    set(SIGTERM, on_stop);
    set(SIGINT, on_stop);
    set(SIGQUIT, SIG_DFL);
    set(SIGHUP, SIG_IGN);
    set(SIGCHLD, SIG_DFL);
    unblock();
}

void an_signals_helper(void)
{
    set(SIGTERM, SIG_DFL);
    set(SIGINT, SIG_DFL);
    set(SIGQUIT, SIG_DFL);
    set(SIGHUP, SIG_IGN);
    set(SIGCHLD, SIG_DFL);
    unblock();
}

void an_signals_job(void)
{
    set(SIGTERM, on_stop);
    set(SIGINT, on_stop);
    set(SIGHUP, on_renew);
    set(SIGPIPE, SIG_IGN);
    unblock();
}

bool an_signals_wait(int64_t us)
{
    sigset_t mask, before, waiting;
    handled_set(&mask);
    (void)sigprocmask(SIG_BLOCK, &mask, &before);
    bool came = an_stopping || an_signals.stop || an_signals.quit || an_signals.reload || an_signals.child;
    int rc = -1;
    if (!came) {
        waiting = before;
        for (size_t i = 0; i < AN_COUNT(handled); i++)
            (void)sigdelset(&waiting, handled[i]);
        if (us < 0)
            us = 0;
        struct timespec limit = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
        rc = pselect(0, NULL, NULL, NULL, &limit, &waiting);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}
