/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/proc: signals become flags, and waits that no signal can slip past: the signals are
 * blocked but while a process waits. */
#ifndef AN_PROC_SIGNALS_H
#define AN_PROC_SIGNALS_H

#include <signal.h>

#include "an.h"

/* What has come since the flag was last cleared. */
struct an_signals {
    volatile sig_atomic_t stop;   /* TERM, INT */
    volatile sig_atomic_t quit;   /* QUIT */
    volatile sig_atomic_t reload; /* HUP in a master */
    volatile sig_atomic_t renew;  /* HUP in a job, which heeds it between rounds: it ends no wait */
    volatile sig_atomic_t child;  /* CHLD */
};
extern struct an_signals an_signals;

/* Master: all of the above set flags and are blocked outside an_signals_wait(). PIPE is ignored. */
void an_signals_master(void);
/* Worker, right after the fork: TERM and INT set an_stopping, QUIT ends it, HUP and PIPE are ignored;
 * nothing stays blocked. */
void an_signals_worker(void);
/* Helper, right after the fork: HUP and PIPE are ignored, all others end it; nothing stays blocked. */
void an_signals_helper(void);
/* Job: TERM and INT set an_stopping, HUP sets `renew`; nothing is blocked outside an_signals_wait(). */
void an_signals_job(void);

/* Waits until a signal has been handled (false; also at once where a flag is still set) or the time is over
 * (true). */
bool an_signals_wait(int64_t us);

#endif
