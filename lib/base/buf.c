/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/buf.h"
#include "base/mem.h"

static char empty[1];

void an_buf_init(struct an_buf *b, size_t limit)
{
    *b = (struct an_buf){.data = empty, .limit = limit};
}

void an_buf_release(struct an_buf *b)
{
    if (b->alloc > 0)
        free(b->data);
    an_buf_init(b, b->limit);
}

void an_buf_clear(struct an_buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->alloc > 0)
        b->data[0] = '\0';
}

void an_buf_trim(struct an_buf *b, size_t keep)
{
    if (b->len == 0 && b->alloc > keep)
        an_buf_release(b);
}

size_t an_buf_spare(const struct an_buf *b)
{
    size_t whole = b->alloc > 0 ? b->alloc - 1 : 0;
    if (whole > b->limit)
        whole = b->limit;
    return whole > b->len ? whole - b->len : 0;
}

char *an_buf_reserve(struct an_buf *b, size_t len)
{
    size_t need;
    if (b->overflow || !an_add_size(b->len, len, &need) || need > b->limit) {
        b->overflow = true;
        return NULL;
    }
    if (need + 1 > b->alloc) {
        size_t grown = b->alloc < 64 ? 64 : b->alloc + b->alloc / 2;
        if (grown < need + 1)
            grown = need + 1;
        if (grown > b->limit + 1)
            grown = b->limit + 1;
        b->data = an_xrealloc(b->alloc > 0 ? b->data : NULL, grown);
        b->alloc = grown;
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void an_buf_commit(struct an_buf *b, size_t written)
{
    b->len += written;
    b->data[b->len] = '\0';
}

bool an_buf_add(struct an_buf *b, const void *mem, size_t len)
{
    if (len == 0)
        return true;
    bool fits = !b->overflow && len <= an_buf_spare(b); /* nearly always */
    char *p = fits ? b->data + b->len : an_buf_reserve(b, len);
    if (p == NULL)
        return false;
    memcpy(p, mem, len);
    an_buf_commit(b, len);
    return true;
}

bool an_buf_adds(struct an_buf *b, const char *s)
{
    return an_buf_add(b, s, strlen(s));
}

bool an_buf_addc(struct an_buf *b, char c)
{
    return an_buf_add(b, &c, 1);
}

bool an_buf_addi(struct an_buf *b, int64_t v)
{
    char digits[20]; /* and a sign */
    size_t at = sizeof digits;
    uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (v < 0)
        digits[--at] = '-';
    return an_buf_add(b, digits + at, sizeof digits - at);
}

bool an_buf_addv(struct an_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    /* Printed at once where it fits; else this try tells the length, and leaves bytes behind the end. */
    size_t spare = b->overflow ? 0 : an_buf_spare(b);
    int n = vsnprintf(spare == 0 ? NULL : b->data + b->len, spare == 0 ? 0 : spare + 1, fmt, ap);
    bool fits = n >= 0 && spare > 0 && (size_t)n <= spare;
    if (!fits && spare > 0)
        b->data[b->len] = '\0';
    char *p = n < 0 ? NULL : fits ? b->data + b->len : an_buf_reserve(b, (size_t)n);
    if (p != NULL && !fits)
        (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    if (p != NULL)
        an_buf_commit(b, (size_t)n);
    va_end(again);
    return p != NULL;
}

bool an_buf_addf(struct an_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = an_buf_addv(b, fmt, ap);
    va_end(ap);
    return ok;
}

bool an_buf_add_u16(struct an_buf *b, uint16_t v)
{
    unsigned char be[2] = {(unsigned char)(v >> 8), (unsigned char)v};
    return an_buf_add(b, be, sizeof be);
}

bool an_buf_add_u32(struct an_buf *b, uint32_t v)
{
    unsigned char be[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8),
                           (unsigned char)v};
    return an_buf_add(b, be, sizeof be);
}

bool an_buf_add_u64(struct an_buf *b, uint64_t v)
{
    unsigned char be[8];
    for (int i = 7; i >= 0; i--) {
        be[i] = (unsigned char)v;
        v >>= 8;
    }
    return an_buf_add(b, be, sizeof be);
}
