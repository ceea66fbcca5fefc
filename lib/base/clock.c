/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"

static int64_t frozen_us;

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t an_clock_us(void)
{
    return frozen_us != 0 ? frozen_us : read_clock(CLOCK_REALTIME);
}

int64_t an_clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void an_clock_set(int64_t now_us)
{
    frozen_us = now_us;
}

int64_t an_days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + (int64_t)doe - 719468;
}

void an_civil_from_days(int64_t z, int64_t *year, unsigned *month, unsigned *day)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static char *put_digits(char *p, int64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + width;
}

void an_time_format(int64_t us, char out[AN_TIME_LEN + 1])
{
    if (us < AN_TIME_MIN_US)
        us = AN_TIME_MIN_US;
    if (us > AN_TIME_MAX_US)
        us = AN_TIME_MAX_US;
    int64_t day_us = INT64_C(86400000000);
    int64_t days = us / day_us - (us % day_us < 0);
    int64_t rest = us - days * day_us;
    int64_t year;
    unsigned month, day;
    an_civil_from_days(days, &year, &month, &day);
    char *p = put_digits(out, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p++ = 'T';
    p = put_digits(p, rest / INT64_C(3600000000), 2);
    *p++ = ':';
    p = put_digits(p, rest / 60000000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, rest / 1000000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, rest % 1000000, 6);
    *p++ = 'Z';
    *p = '\0';
}

/* Reads exactly `width` digits; false where something else stands there. */
static bool take_digits(struct an_str *s, size_t width, unsigned *out)
{
    if (s->len < width)
        return false;
    unsigned v = 0;
    for (size_t i = 0; i < width; i++) {
        if (s->data[i] < '0' || s->data[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s->data[i] - '0');
    }
    s->data += width;
    s->len -= width;
    *out = v;
    return true;
}

static bool take_char(struct an_str *s, const char *set)
{
    if (s->len == 0 || s->data[0] == '\0' || strchr(set, s->data[0]) == NULL)
        return false;
    s->data++;
    s->len--;
    return true;
}

static bool take_fraction(struct an_str *s, int64_t *us)
{
    *us = 0;
    if (!take_char(s, "."))
        return true;
    int64_t unit = 100000;
    unsigned digit, count = 0;
    while (take_digits(s, 1, &digit)) {
        *us += digit * unit;
        unit /= 10;
        count++;
    }
    return count > 0;
}

static bool take_offset(struct an_str *s, int64_t *minutes)
{
    *minutes = 0;
    if (take_char(s, "Zz"))
        return true;
    int64_t sign = s->len > 0 && s->data[0] == '-' ? -1 : 1;
    unsigned hour, minute;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hour) || !take_char(s, ":") ||
        !take_digits(s, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *minutes = sign * (int64_t)(hour * 60 + minute);
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool an_time_parse(struct an_str s, int64_t *us)
{
    unsigned year, month, day, hour, minute, second;
    int64_t fraction, offset;
    if (!take_digits(&s, 4, &year) || !take_char(&s, "-") || !take_digits(&s, 2, &month) ||
        !take_char(&s, "-") || !take_digits(&s, 2, &day) || !take_char(&s, "Tt ") ||
        !take_digits(&s, 2, &hour) || !take_char(&s, ":") || !take_digits(&s, 2, &minute) ||
        !take_char(&s, ":") || !take_digits(&s, 2, &second) || !take_fraction(&s, &fraction) ||
        !take_offset(&s, &offset) || s.len != 0)
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return false;
    int64_t seconds = an_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    int64_t v = (seconds - offset * 60) * 1000000 + fraction;
    if (v < AN_TIME_MIN_US || v > AN_TIME_MAX_US)
        return false;
    *us = v;
    return true;
}
