/* SPDX-License-Identifier: Apache-2.0 */
/* Time inside is int64_t microseconds since 1970 UTC; outside it is RFC 3339. */
#ifndef AN_BASE_CLOCK_H
#define AN_BASE_CLOCK_H

#include "an.h"
#include "base/text.h"

int64_t an_clock_us(void);         /* wall clock */
int64_t an_clock_mono_us(void);    /* for measuring and waiting */
void an_clock_set(int64_t now_us); /* tests only: an_clock_us() stands still there; 0 lets it run again */

/* First and last instant that we accept: years 0001 to 9999. */
#define AN_TIME_MIN_US INT64_C(-62135596800000000)
#define AN_TIME_MAX_US INT64_C(253402300799999999)

/* "2026-11-23T09:30:00.123456Z", always 27 characters and a NUL. */
#define AN_TIME_LEN 27
void an_time_format(int64_t us, char out[AN_TIME_LEN + 1]);

/* RFC 3339 with any offset, "T"/"t"/" ", "Z"/"z". More than six fraction digits are cut (never rounded
 * up into another instant). A leap second (:60) counts as the following second. False for anything else. */
bool an_time_parse(struct an_str s, int64_t *us) AN_MUST_CHECK;

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back.
 * Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t an_days_from_civil(int64_t year, unsigned month, unsigned day);
void an_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
