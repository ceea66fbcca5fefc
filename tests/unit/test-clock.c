/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct {
    const char *why, *text, *utc; /* utc NULL: refused */
} times[] = {
    {"the epoch", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
    {"a microsecond before it", "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
    {"lower case", "2026-11-23t09:30:00z", "2026-11-23T09:30:00.000000Z"},
    {"a blank for the T", "2026-11-23 09:30:00Z", "2026-11-23T09:30:00.000000Z"},
    {"offset east, over midnight", "2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000Z"},
    {"offset west, with minutes", "2026-02-28T20:45:00-03:30", "2026-03-01T00:15:00.000000Z"},
    {"offset -00:00", "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00.000000Z"},
    {"one digit of fraction", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z"},
    {"further digits are cut, not rounded", "2026-01-01T00:00:00.9999999Z", "2026-01-01T00:00:00.999999Z"},
    {"a leap second is the next second", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
    {"leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
    {"leap day of a fourth century", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
    {"first instant", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"},
    {"last instant", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
    {"no leap day in 2023", "2023-02-29T00:00:00Z", NULL},
    {"no leap day in 1900", "1900-02-29T00:00:00Z", NULL},
    {"before the first instant by its offset", "0001-01-01T00:00:00+00:01", NULL},
    {"after the last instant by its offset", "9999-12-31T23:59:59-00:01", NULL},
    {"year 0", "0000-01-01T00:00:00Z", NULL},
    {"month 0", "2026-00-01T00:00:00Z", NULL},
    {"month 13", "2026-13-01T00:00:00Z", NULL},
    {"day 0", "2026-01-00T00:00:00Z", NULL},
    {"31 April", "2026-04-31T00:00:00Z", NULL},
    {"hour 24", "2026-01-01T24:00:00Z", NULL},
    {"minute 60", "2026-01-01T00:60:00Z", NULL},
    {"second 61", "2026-01-01T00:00:61Z", NULL},
    {"offset hour 24", "2026-01-01T00:00:00+24:00", NULL},
    {"offset minute 60", "2026-01-01T00:00:00+00:60", NULL},
    {"no offset", "2026-01-01T00:00:00", NULL},
    {"offset without a colon", "2026-01-01T00:00:00+0100", NULL},
    {"offset of hours alone", "2026-01-01T00:00:00+01", NULL},
    {"point without digits", "2026-01-01T00:00:00.Z", NULL},
    {"comma for the point", "2026-01-01T00:00:00,5Z", NULL},
    {"date alone", "2026-01-01", NULL},
    {"no seconds", "2026-01-01T00:00Z", NULL},
    {"year of five digits", "12026-01-01T00:00:00Z", NULL},
    {"signed year", "-2026-01-01T00:00:00Z", NULL},
    {"something behind it", "2026-01-01T00:00:00Z ", NULL},
    {"something before it", " 2026-01-01T00:00:00Z", NULL},
    {"nothing", "", NULL},
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(times); i++) {
        int64_t us;
        char text[AN_TIME_LEN + 1] = "refused";
        if (an_time_parse(an_str(times[i].text), &us))
            an_time_format(us, text);
        if (strcmp(text, times[i].utc == NULL ? "refused" : times[i].utc) != 0)
            fail_msg("%s: %s", times[i].why, text);
    }
    int64_t us;
    assert_false(an_time_parse(AN_STR("2026-01-01T00:00:00\0"), &us));
}

static void test_format_clamps(void **state)
{
    (void)state;
    char text[AN_TIME_LEN + 1];
    an_time_format(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000000Z");
    an_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

/* Every day of 800 years follows the one before it, and comes back from its number. */
static void test_calendar(void **state)
{
    (void)state;
    int64_t year, last = an_days_from_civil(1599, 12, 31);
    unsigned month, day;
    assert_int_equal(an_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(an_days_from_civil(2000, 3, 1), 11017);
    for (int64_t days = last + 1; days < last + 292195; days++) {
        an_civil_from_days(days, &year, &month, &day);
        if (an_days_from_civil(year, month, day) != days)
            fail_msg("day %lld", (long long)days);
    }
    assert_int_equal(year, 2399);
    assert_int_equal(month, 12);
    assert_int_equal(day, 31);
}

static void test_clocks(void **state)
{
    (void)state;
    an_clock_set(42);
    assert_int_equal(an_clock_us(), 42);
    an_clock_set(0);
    assert_true(an_clock_us() > INT64_C(1700000000000000));
    int64_t before = an_clock_mono_us();
    assert_true(an_clock_mono_us() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_format_clamps),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
