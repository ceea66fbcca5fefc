/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "http/accept.h"

/* 3: this type; 2: any subtype; 1: anything; 0: another type. */
static int specificity(struct an_str range, const char *type)
{
    struct an_str want_sub, sub, want = an_str_split(an_str(type), '/', &want_sub);
    if (an_str_is(range, "*/*"))
        return 1;
    struct an_str main = an_str_split(range, '/', &sub);
    if (main.len != want.len || strncasecmp(main.data, want.data, want.len) != 0)
        return 0;
    if (an_str_is(sub, "*"))
        return 2;
    return sub.len == want_sub.len && strncasecmp(sub.data, want_sub.data, sub.len) == 0 ? 3 : 0;
}

/* Is "q" among the parameters, and nothing? Its value is 0 with up to three zeros behind a point. */
static bool has_zero_weight(struct an_str parameters)
{
    while (parameters.data != NULL) {
        struct an_str value, name = an_str_split(an_str_split(parameters, ';', &parameters), '=', &value);
        if (!an_str_case_is(an_str_trim(name), "q"))
            continue;
        value = an_str_trim(value);
        for (size_t i = 0; i < value.len; i++)
            if (value.data[i] != '0' && value.data[i] != '.')
                return false;
        return value.len > 0;
    }
    return false;
}

bool an_accepts(struct an_str accept, const char *type)
{
    if (accept.data == NULL)
        return true;
    int best = 0;
    bool taken = false;
    while (accept.data != NULL) {
        struct an_str parameters,
            range = an_str_split(an_str_split(accept, ',', &accept), ';', &parameters);
        int how = specificity(an_str_trim(range), type);
        if (how > best) {
            best = how;
            taken = !has_zero_weight(parameters);
        }
    }
    return taken;
}

bool an_etag_matches(struct an_str if_none_match, struct an_str tag)
{
    static const char gzip[] = "-gzip";
    while (if_none_match.data != NULL) {
        struct an_str one = an_str_trim(an_str_split(if_none_match, ',', &if_none_match));
        if (an_str_is(one, "*"))
            return true;
        if (an_str_starts(one, "W/")) {
            one.data += 2;
            one.len -= 2;
        }
        if (one.len < 2 || one.data[0] != '"' || one.data[one.len - 1] != '"')
            continue;
        one.data++;
        one.len -= 2;
        if (one.len == tag.len + sizeof gzip - 1 &&
            memcmp(one.data + tag.len, gzip, sizeof gzip - 1) == 0)
            one.len = tag.len;
        if (an_str_equal(one, tag))
            return true;
    }
    return false;
}
