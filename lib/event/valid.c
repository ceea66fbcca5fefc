/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <arpa/inet.h>

#include "event/event.h"

static bool lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool an_action_valid(struct an_str s)
{
    if (s.len == 0 || s.len > AN_ACTION_MAX || !lower_or_digit(s.data[0]))
        return false;
    for (size_t i = 1; i < s.len; i++) {
        char c = s.data[i];
        if (!lower_or_digit(c) && c != '_' && c != '.' && c != ':' && c != '-')
            return false;
    }
    return true;
}

static bool letter_or_digit(char c)
{
    return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool an_tenant_valid(struct an_str s)
{
    if (s.len == 0 || s.len > AN_TENANT_MAX || !letter_or_digit(s.data[0]))
        return false;
    for (size_t i = 1; i < s.len; i++) {
        char c = s.data[i];
        if (!letter_or_digit(c) && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}

/* The digits behind the slash: 0..max, plain, without leading zeros. */
static bool prefix_valid(struct an_str digits, int64_t max)
{
    int64_t bits;
    return digits.len <= 3 && an_parse_i64(digits, 0, max, &bits) && digits.data[0] != '-' &&
           (digits.len == 1 || digits.data[0] != '0');
}

bool an_ip_valid(struct an_str s, bool network)
{
    struct an_str prefix = {NULL, 0};
    if (network)
        s = an_str_split(s, '/', &prefix);
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    if (s.len == 0 || s.len >= sizeof text || an_str_has_nul(s))
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    bool four = inet_pton(AF_INET, text, address) == 1;
    if (!four && inet_pton(AF_INET6, text, address) != 1)
        return false;
    return prefix.data == NULL || prefix_valid(prefix, four ? 32 : 128);
}
