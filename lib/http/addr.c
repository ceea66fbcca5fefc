/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <arpa/inet.h>

#include "http/addr.h"

struct addr {
    unsigned char bytes[16]; /* IPv4 stands behind ::ffff:, so one comparison serves both */
};

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool addr_parse(struct an_str s, struct addr *out, bool *is_v4)
{
    char text[INET6_ADDRSTRLEN];
    if (s.len == 0 || s.len >= sizeof text)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    *is_v4 = inet_pton(AF_INET, text, out->bytes + sizeof mapped) == 1;
    if (*is_v4)
        memcpy(out->bytes, mapped, sizeof mapped);
    return *is_v4 || inet_pton(AF_INET6, text, out->bytes) == 1;
}

static bool same_prefix(const struct addr *a, const struct addr *b, unsigned bits)
{
    if (memcmp(a->bytes, b->bytes, bits / 8) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    unsigned char mask = (unsigned char)(0xFF << (8 - bits % 8));
    return ((a->bytes[bits / 8] ^ b->bytes[bits / 8]) & mask) == 0;
}

static bool in_block(const struct addr *a, struct an_str block)
{
    struct an_str bits_text;
    struct addr base;
    bool is_v4;
    int64_t bits;
    if (!addr_parse(an_str_split(block, '/', &bits_text), &base, &is_v4))
        return false;
    int64_t widest = is_v4 ? 32 : 128;
    if (bits_text.data == NULL)
        bits = widest;
    else if (!an_parse_i64(bits_text, 0, widest, &bits))
        return false;
    return same_prefix(a, &base, (unsigned)(is_v4 ? bits + 96 : bits));
}

bool an_addr_within(struct an_str text, const char *blocks)
{
    struct addr a;
    bool is_v4;
    if (blocks == NULL || !addr_parse(text, &a, &is_v4))
        return false;
    while (*blocks != '\0') {
        size_t len = strcspn(blocks, " \t,");
        if (len > 0 && in_block(&a, (struct an_str){blocks, len}))
            return true;
        blocks += len;
        blocks += strspn(blocks, " \t,");
    }
    return false;
}

/* "192.0.2.1:4711", "[2001:db8::1]:443" and "[2001:db8::1]" without port and brackets. */
static struct an_str without_port(struct an_str s)
{
    struct an_str rest;
    if (an_str_starts(s, "["))
        return an_str_split((struct an_str){s.data + 1, s.len - 1}, ']', &rest);
    struct an_str host = an_str_split(s, ':', &rest);
    bool one_colon = rest.data != NULL && memchr(rest.data, ':', rest.len) == NULL;
    return one_colon ? host : s;
}

/* Cuts the last item off a list separated by commas. */
static struct an_str last_item(struct an_str *list)
{
    size_t start = list->len;
    while (start > 0 && list->data[start - 1] != ',')
        start--;
    struct an_str item = {list->data + start, list->len - start};
    list->len = start > 0 ? start - 1 : 0;
    return without_port(an_str_trim(item));
}

struct an_str an_addr_client(struct an_str peer, struct an_str forwarded_for, const char *trusted)
{
    struct an_str client = peer;
    while (forwarded_for.len > 0 && an_addr_within(client, trusted)) {
        struct addr a;
        bool is_v4;
        struct an_str before = last_item(&forwarded_for);
        if (!addr_parse(before, &a, &is_v4))
            break;
        client = before;
    }
    return client;
}
