/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "base/suggest.h"
#include "conf/keys.h"

/* As much of a value as a message repeats. */
#define SHOWN_BYTES 80
#define SHOWN(s) (int)((s).len < SHOWN_BYTES ? (s).len : SHOWN_BYTES), (s).data

struct unit {
    int64_t factor;
    const char *name;
};

/* With the largest unit that leaves a whole number. */
static void add_with_unit(struct an_buf *out, int64_t v, const struct unit *units)
{
    const struct unit *u = units;
    while (v == 0 || v % u->factor != 0)
        if ((++u)->factor <= 1)
            break;
    an_buf_addf(out, "%lld%s", (long long)(v / u->factor), v == 0 ? "" : u->name);
}

static void add_number(struct an_buf *out, enum an_conf_kind kind, int64_t v)
{
    static const struct unit durations[] = {
        {86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    static const struct unit sizes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}};
    if (kind == AN_CONF_DURATION)
        add_with_unit(out, v, durations);
    else if (kind == AN_CONF_SIZE)
        add_with_unit(out, v, sizes);
    else if (kind == AN_CONF_OCTAL)
        an_buf_addf(out, "0%03llo", (unsigned long long)v);
    else
        an_buf_addf(out, "%lld", (long long)v);
}

static bool parse_octal(struct an_str s, int64_t *out)
{
    int64_t v = 0;
    if (s.len == 0 || s.len > 5)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '7')
            return false;
        v = v * 8 + (s.data[i] - '0');
    }
    *out = v;
    return true;
}

/* Any of the kinds that are a number within a range. */
static bool parse_number(const struct an_conf_key *key, struct an_str text, int64_t *out,
                         struct an_buf *why)
{
    uint64_t size;
    bool ok;
    const char *expected;
    switch (key->kind) {
    case AN_CONF_DURATION:
        ok = an_parse_duration_ms(text, out);
        expected = "a duration such as 250ms, 30s, 5min, 12h or 30d";
        break;
    case AN_CONF_SIZE:
        ok = an_parse_size(text, &size) && size <= INT64_MAX;
        *out = ok ? (int64_t)size : 0;
        expected = "a size such as 512, 64KiB or 16MiB";
        break;
    case AN_CONF_OCTAL:
        ok = parse_octal(text, out);
        expected = "an octal mode such as 0660";
        break;
    default:
        ok = an_parse_i64(text, INT64_MIN, INT64_MAX, out);
        expected = "a whole number";
    }
    if (!ok) {
        an_buf_addf(why, "'%.*s' is not %s", SHOWN(text), expected);
        return false;
    }
    if (*out >= key->min && *out <= key->max)
        return true;
    an_buf_addf(why, "'%.*s' is out of range: ", SHOWN(text));
    add_number(why, key->kind, key->min);
    an_buf_adds(why, " to ");
    add_number(why, key->kind, key->max);
    return false;
}

/* The place of text in a list that ends with NULL, or -1 with the reason. */
static int parse_word(const char *const *words, struct an_str text, struct an_buf *why)
{
    size_t count = 0;
    for (; words[count] != NULL; count++)
        if (an_str_is(text, words[count]))
            return (int)count;
    an_buf_addf(why, "'%.*s' is none of", SHOWN(text));
    for (size_t i = 0; i < count; i++)
        an_buf_addf(why, "%s %s", i == 0 ? "" : ",", words[i]);
    const char *near = an_suggest(text, words, count);
    if (near != NULL)
        an_buf_addf(why, " (did you mean \"%s\"?)", near);
    return -1;
}

static void set_text(char **where, struct an_str text)
{
    free(*where);
    *where = an_xstrndup(text.data, text.len);
}

bool an_conf_set(const struct an_conf_key *key, void *base, struct an_str text, struct an_buf *why)
{
    static const char *const off_on[] = {"off", "on", NULL};
    void *where = (char *)base + key->offset;
    int64_t number;
    int place;
    switch (key->kind) {
    case AN_CONF_TEXT:
        set_text(where, text);
        return true;
    case AN_CONF_SECRET:
        an_secret_set(where, text.data, text.len);
        return true;
    case AN_CONF_SWITCH:
        place = parse_word(off_on, text, why);
        if (place >= 0)
            *(bool *)where = place == 1;
        return place >= 0;
    case AN_CONF_WORD:
        place = parse_word(key->words, text, why);
        if (place >= 0)
            *(int *)where = place;
        return place >= 0;
    case AN_CONF_SIZE:
        if (!parse_number(key, text, &number, why))
            return false;
        *(uint64_t *)where = (uint64_t)number;
        return true;
    case AN_CONF_NUMBER:
    case AN_CONF_OCTAL:
    case AN_CONF_DURATION:
        if (!parse_number(key, text, &number, why))
            return false;
        *(int64_t *)where = number;
        return true;
    }
    return false;
}
