/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/arena.h"
#include "base/text.h"

struct an_str an_str(const char *s)
{
    return (struct an_str){.data = s, .len = s == NULL ? 0 : strlen(s)};
}

bool an_str_equal(struct an_str a, struct an_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool an_str_is(struct an_str a, const char *s)
{
    return an_str_equal(a, an_str(s));
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool an_str_case_is(struct an_str a, const char *s)
{
    if (strlen(s) != a.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(s[i]))
            return false;
    return true;
}

bool an_str_starts(struct an_str a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.len >= n && memcmp(a.data, prefix, n) == 0;
}

uint32_t an_str_hash(struct an_str a)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < a.len; i++)
        h = (h ^ (unsigned char)a.data[i]) * 16777619u;
    return h;
}

bool an_str_has_nul(struct an_str a)
{
    return a.len > 0 && memchr(a.data, '\0', a.len) != NULL;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

struct an_str an_str_trim(struct an_str a)
{
    while (a.len > 0 && blank(a.data[0])) {
        a.data++;
        a.len--;
    }
    while (a.len > 0 && blank(a.data[a.len - 1]))
        a.len--;
    return a;
}

struct an_str an_str_split(struct an_str a, char sep, struct an_str *rest)
{
    const char *at = a.len == 0 ? NULL : memchr(a.data, sep, a.len);
    if (at == NULL) {
        *rest = (struct an_str){NULL, 0};
        return a;
    }
    size_t n = (size_t)(at - a.data);
    *rest = (struct an_str){.data = at + 1, .len = a.len - n - 1};
    return (struct an_str){.data = a.data, .len = n};
}

bool an_utf8_valid(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    while (i < len) {
        if (len - i >= 8) {
            uint64_t word;
            memcpy(&word, s + i, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += 8;
                continue;
            }
        }
        unsigned char c = s[i];
        size_t more;
        unsigned char low = 0x80, high = 0xBF;
        if (c < 0x80) {
            i++;
            continue;
        }
        if (c >= 0xC2 && c <= 0xDF) {
            more = 1;
        } else if (c >= 0xE0 && c <= 0xEF) {
            more = 2;
            low = c == 0xE0 ? 0xA0 : 0x80;
            high = c == 0xED ? 0x9F : 0xBF;
        } else if (c >= 0xF0 && c <= 0xF4) {
            more = 3;
            low = c == 0xF0 ? 0x90 : 0x80;
            high = c == 0xF4 ? 0x8F : 0xBF;
        } else {
            return false;
        }
        if (len - i <= more || s[i + 1] < low || s[i + 1] > high)
            return false;
        for (size_t k = 2; k <= more; k++)
            if (s[i + k] < 0x80 || s[i + k] > 0xBF)
                return false;
        i += more + 1;
    }
    return true;
}

bool an_parse_i64(struct an_str s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.len > 0 && s.data[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t v = 0;
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        int digit = s.data[i] - '0';
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, negative ? -digit : digit, &v))
            return false;
    }
    if (v < min || v > max)
        return false;
    *out = v;
    return true;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* A number of at least 0 followed by one of the units. */
static bool parse_with_unit(struct an_str s, const struct unit *units, size_t count, int64_t *out)
{
    size_t digits = 0;
    while (digits < s.len && s.data[digits] >= '0' && s.data[digits] <= '9')
        digits++;
    int64_t number;
    if (!an_parse_i64((struct an_str){s.data, digits}, 0, INT64_MAX, &number))
        return false;
    struct an_str unit = {s.data + digits, s.len - digits};
    for (size_t i = 0; i < count; i++)
        if (an_str_is(unit, units[i].name))
            return !__builtin_mul_overflow(number, units[i].factor, out);
    return unit.len == 0 && number == 0 && (*out = 0, true);
}

bool an_parse_duration_ms(struct an_str s, int64_t *out)
{
    static const struct unit units[] = {{"ms", 1},         {"s", 1000},      {"m", 60000},
                                        {"min", 60000},    {"h", 3600000},   {"d", 86400000}};
    return parse_with_unit(s, units, AN_COUNT(units), out);
}

bool an_parse_size(struct an_str s, uint64_t *out)
{
    static const struct unit units[] = {
        {"", 1},           {"B", 1},          {"KiB", 1 << 10},  {"MiB", 1 << 20},
        {"GiB", 1 << 30},  {"KB", 1000},      {"MB", 1000000},   {"GB", 1000000000}};
    int64_t v;
    if (!parse_with_unit(s, units, AN_COUNT(units), &v))
        return false;
    *out = (uint64_t)v;
    return true;
}

struct an_str an_text_clip(struct an_arena *a, struct an_str s, size_t max)
{
    if (s.data == NULL)
        return s;
    if (s.len <= max)
        return (struct an_str){an_arena_strndup(a, s.data, s.len), s.len};
    size_t len = max;
    while (len > 0 && ((unsigned char)s.data[len] & 0xC0) == 0x80)
        len--;
    return an_str(an_arena_printf(a, "%.*s\xE2\x80\xA6", (int)len, s.data));
}
