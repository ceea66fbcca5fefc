/* SPDX-License-Identifier: Apache-2.0 */
/* The chart above the list: how many events when, by outcome, each bar a link to its stretch of time. */
#ifndef AN_CONSOLE_HISTOGRAM_H
#define AN_CONSOLE_HISTOGRAM_H

#include "an.h"
#include "console/view.h"
#include "search/search.h"

/* Adds the values of histogram.html to the page, for the filter's range, or the 30 days before its end where
 * it has no beginning. AN_ETIMEOUT: counting took too long; the page may do without. */
int an_admin_histogram(struct an_admin *a, struct an_search *s, const struct an_filter *f, int64_t now_us,
                       struct an_err *err) AN_MUST_CHECK;

/* One unit of the time axis. */
enum an_step { AN_STEP_MINUTE, AN_STEP_HOUR, AN_STEP_DAY, AN_STEP_MONTH };

/* The finest one that cuts the range into no more than some 190 bars. */
enum an_step an_step_for(int64_t range_us);
/* Start of the unit that holds the instant (UTC), and of the one after it. */
int64_t an_step_floor(enum an_step step, int64_t us);
int64_t an_step_next(enum an_step step, int64_t start_us);

#endif
