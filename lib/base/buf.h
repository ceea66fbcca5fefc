/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes that is born with a ceiling. */
#ifndef AN_BASE_BUF_H
#define AN_BASE_BUF_H

#include <stdarg.h>

#include "an.h"

struct an_buf {
    char *data;    /* always NUL-terminated, never NULL; may hold NULs */
    size_t len;    /* bytes before that NUL */
    size_t alloc;  /* private */
    size_t limit;  /* growth past this is refused */
    bool overflow; /* something was refused since the last clear: test it once, at the end */
};

/* Allocates nothing, cannot fail. */
void an_buf_init(struct an_buf *b, size_t limit);
void an_buf_release(struct an_buf *b); /* accepts a zeroed one; leaves it usable with the same limit */
void an_buf_clear(struct an_buf *b);   /* empties it, keeps the memory */
/* Gives back memory above `keep` bytes; call on an empty buffer between requests. */
void an_buf_trim(struct an_buf *b, size_t keep);

/* All or nothing: past the limit nothing is added, `overflow` is set, and false comes back. Writers may
 * ignore the result and test `overflow` at the end. */
bool an_buf_add(struct an_buf *b, const void *mem, size_t len);
bool an_buf_adds(struct an_buf *b, const char *s);
bool an_buf_addc(struct an_buf *b, char c);
bool an_buf_addi(struct an_buf *b, int64_t v); /* in decimal */
bool an_buf_addf(struct an_buf *b, const char *fmt, ...) AN_PRINTF(2, 3);
bool an_buf_addv(struct an_buf *b, const char *fmt, va_list ap) AN_PRINTF(2, 0);
/* Big-endian integers, for the PostgreSQL wire and COPY formats. */
bool an_buf_add_u16(struct an_buf *b, uint16_t v);
bool an_buf_add_u32(struct an_buf *b, uint32_t v);
bool an_buf_add_u64(struct an_buf *b, uint64_t v);
/* How many more bytes fit into the memory that it has. */
size_t an_buf_spare(const struct an_buf *b);
/* Room for len more bytes at data + len, or NULL past the limit; add the bytes written to b->len and
 * terminate with an_buf_commit(). */
char *an_buf_reserve(struct an_buf *b, size_t len);
void an_buf_commit(struct an_buf *b, size_t written);

#endif
