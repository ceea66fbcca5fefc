/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <arpa/inet.h>

#include "conf/cidr.h"

#define IPV4_BYTES 4
#define IPV6_BYTES 16

struct network {
    unsigned char bytes[IPV6_BYTES];
    size_t len; /* IPV4_BYTES or IPV6_BYTES */
    unsigned bits;
};

static bool parse_address(struct an_str text, struct network *out)
{
    static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof copy || an_str_has_nul(text))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    out->len = 0;
    if (inet_pton(AF_INET, copy, out->bytes) == 1)
        out->len = IPV4_BYTES;
    else if (inet_pton(AF_INET6, copy, out->bytes) == 1)
        out->len = IPV6_BYTES;
    if (out->len == IPV6_BYTES && memcmp(out->bytes, mapped, sizeof mapped) == 0) {
        memmove(out->bytes, out->bytes + sizeof mapped, IPV4_BYTES);
        out->len = IPV4_BYTES;
    }
    out->bits = (unsigned)out->len * 8;
    return out->len > 0;
}

static bool parse_network(struct an_str text, struct network *out)
{
    struct an_str length;
    int64_t bits;
    if (!parse_address(an_str_split(text, '/', &length), out))
        return false;
    if (length.data == NULL)
        return true;
    if (!an_parse_i64(length, 0, (int64_t)out->len * 8, &bits))
        return false;
    out->bits = (unsigned)bits;
    return true;
}

static bool holds(const struct network *n, const struct network *address)
{
    size_t whole = n->bits / 8;
    unsigned rest = n->bits % 8;
    if (n->len != address->len || memcmp(n->bytes, address->bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    return ((n->bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

/* The next item of a list; absent at its end. */
static struct an_str next_item(struct an_str *list)
{
    struct an_str left = an_str_trim(*list);
    if (left.len == 0)
        return (struct an_str){NULL, 0};
    return an_str_split(left, ' ', list);
}

bool an_cidr_list_valid(struct an_str list, struct an_str *bad)
{
    struct network n;
    while ((*bad = next_item(&list)).data != NULL)
        if (!parse_network(*bad, &n))
            return false;
    return true;
}

bool an_cidr_list_holds(struct an_str list, struct an_str address)
{
    struct network n, a;
    struct an_str item;
    if (!parse_address(address, &a))
        return false;
    while ((item = next_item(&list)).data != NULL)
        if (parse_network(item, &n) && holds(&n, &a))
            return true;
    return false;
}
