/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"

void an_hex_encode(const unsigned char *in, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[in[i] >> 4];
        *out++ = digits[in[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool an_hex_decode(struct an_str in, unsigned char *out, size_t len)
{
    if (in.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(in.data[2 * i]), low = hex_value(in.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool an_base64url_add(struct an_buf *out, const void *in, size_t len)
{
    const unsigned char *s = in;
    bool ok = true;
    while (len > 0) {
        size_t n = len < 3 ? len : 3;
        unsigned v = (unsigned)s[0] << 16 | (n > 1 ? (unsigned)s[1] << 8 : 0) | (n > 2 ? s[2] : 0);
        char four[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63], alphabet[v & 63]};
        ok = an_buf_add(out, four, n + 1) && ok;
        s += n;
        len -= n;
    }
    return ok;
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

bool an_base64url_decode(struct an_str in, unsigned char *out, size_t *len)
{
    if (in.len % 4 == 1 || in.len / 4 * 3 + in.len % 4 * 3 / 4 > *len)
        return false;
    size_t written = 0;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < in.len; i++) {
        int v = base64url_value(in.data[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (unsigned)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[written++] = (unsigned char)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    if (bits != 0)
        return false;
    *len = written;
    return true;
}
