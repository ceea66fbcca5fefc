/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings of a body (RFC 9110 section 8.4), undone as the bytes arrive: the encoded body is
 * never held whole, and the decoded one has a ceiling, so that a small bomb stays small. */
#ifndef AN_HTTP_DECODE_H
#define AN_HTTP_DECODE_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum an_coding { AN_CODING_IDENTITY, AN_CODING_GZIP, AN_CODING_ZSTD };

/* The value of Content-Encoding; absent is identity. False: one we do not know, or several. */
bool an_coding_parse(struct an_str value, enum an_coding *out) AN_MUST_CHECK;

/* Where encoded bytes come from. read: up to len bytes into out, *got 0 at the end. */
struct an_source {
    int (*read)(void *arg, char *out, size_t len, size_t *got, struct an_err *err);
    void *arg;
};

/* Reads the source to its end and appends what it decodes to. Several gzip members or zstd frames in a
 * row are one body. AN_EINVAL: cut off, damaged, followed by something else, or (zstd) made with a
 * window over 8 MiB, the most that RFC 8878 asks of a decoder. AN_ETOOBIG: more than out's limit. Else:
 * what the source failed with. */
int an_decode(enum an_coding coding, const struct an_source *from, struct an_buf *out,
              struct an_err *err) AN_MUST_CHECK;

#endif
