/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "console/histogram.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)

static int64_t at(const char *text)
{
    int64_t us = 0;
    assert_true(an_time_parse(an_str(text), &us));
    return us;
}

static const struct {
    enum an_step step;
    const char *instant, *start, *next;
} cases[] = {
    {AN_STEP_MINUTE, "2026-01-01T10:30:59.999999Z", "2026-01-01T10:30:00Z", "2026-01-01T10:31:00Z"},
    {AN_STEP_HOUR, "2026-01-01T23:00:00Z", "2026-01-01T23:00:00Z", "2026-01-02T00:00:00Z"},
    {AN_STEP_DAY, "2026-02-28T12:00:00Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
    {AN_STEP_DAY, "1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
    {AN_STEP_MONTH, "2026-01-31T12:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
    {AN_STEP_MONTH, "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
    {AN_STEP_MONTH, "2025-12-01T00:00:00Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"},
    {AN_STEP_MONTH, "1969-11-15T00:00:00Z", "1969-11-01T00:00:00Z", "1969-12-01T00:00:00Z"},
};

static void steps_through_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        int64_t start = an_step_floor(cases[i].step, at(cases[i].instant));
        if (start != at(cases[i].start) || an_step_next(cases[i].step, start) != at(cases[i].next))
            fail_msg("%s: wrong unit of time", cases[i].instant);
    }
}

/* Few bars say little, many cannot be told apart. */
static void chooses_the_step(void **state)
{
    (void)state;
    static const struct {
        int64_t range_us;
        enum an_step step;
    } ranges[] = {
        {1, AN_STEP_MINUTE},          {HOUR_US / 4, AN_STEP_MINUTE}, {3 * HOUR_US, AN_STEP_MINUTE},
        {3 * HOUR_US + 1, AN_STEP_HOUR}, {DAY_US, AN_STEP_HOUR},     {7 * DAY_US, AN_STEP_HOUR},
        {30 * DAY_US, AN_STEP_DAY},   {185 * DAY_US, AN_STEP_DAY},   {366 * DAY_US, AN_STEP_MONTH},
        {INT64_MAX, AN_STEP_MONTH},
    };
    for (size_t i = 0; i < AN_COUNT(ranges); i++)
        assert_int_equal(an_step_for(ranges[i].range_us), ranges[i].step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_through_time),
                                       cmocka_unit_test(chooses_the_step)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
