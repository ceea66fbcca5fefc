/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <zlib.h>
#include <zstd.h>

#include "http/decode.h"

#define PIECE 65536u           /* read and decoded in pieces of this size */
#define ZSTD_WINDOW_LOG_MAX 23 /* 8 MiB */

bool an_coding_parse(struct an_str value, enum an_coding *out)
{
    static const struct {
        const char *name;
        enum an_coding coding;
    } known[] = {{"identity", AN_CODING_IDENTITY},
                 {"gzip", AN_CODING_GZIP},
                 {"x-gzip", AN_CODING_GZIP},
                 {"zstd", AN_CODING_ZSTD}};
    struct an_str word = an_str_trim(value);
    *out = AN_CODING_IDENTITY;
    for (size_t i = 0; i < AN_COUNT(known); i++)
        if (an_str_case_is(word, known[i].name)) {
            *out = known[i].coding;
            return true;
        }
    return word.len == 0;
}

static int too_big(const struct an_buf *out, struct an_err *err)
{
    return an_fail(err, AN_ETOOBIG, "the body is over %zu bytes", out->limit);
}

static int damaged(struct an_err *err, const char *coding, const char *why)
{
    return an_fail(err, AN_EINVAL, "the %s body is damaged: %s", coding, why);
}

static int cut_off(struct an_err *err, const char *coding)
{
    return an_fail(err, AN_EINVAL, "the %s body is not complete", coding);
}

/* Straight into the buffer, and at first into the memory that it has (what Content-Length promised): it grows
 * only where more than that comes. The read past a full buffer tells "all of it" from "more". */
static int copy(const struct an_source *from, struct an_buf *out, struct an_err *err)
{
    for (;;) {
        char more = 0;
        size_t room = an_buf_spare(out), got;
        char *to = room == 0 ? &more : an_buf_reserve(out, room);
        int rc = from->read(from->arg, to, room == 0 ? 1 : room, &got, err);
        if (rc != AN_OK || got == 0)
            return rc;
        if (room > 0) {
            an_buf_commit(out, got);
            continue;
        }
        size_t left = out->limit - out->len;
        if (left == 0)
            return too_big(out, err);
        (void)an_buf_reserve(out, left < PIECE ? left : PIECE);
        (void)an_buf_addc(out, more);
    }
}

/* Decodes the input that z holds; *between: at the end of a member. */
static int gunzip_piece(z_stream *z, bool *between, char *piece, struct an_buf *out, struct an_err *err)
{
    do {
        if (*between) {
            if (z->avail_in == 0)
                return AN_OK;
            (void)inflateReset(z);
            *between = false;
        }
        z->next_out = (unsigned char *)piece;
        z->avail_out = PIECE;
        int rc = inflate(z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return damaged(err, "gzip", z->msg != NULL ? z->msg : "cannot be decoded");
        *between = rc == Z_STREAM_END;
        if (!an_buf_add(out, piece, PIECE - z->avail_out))
            return too_big(out, err);
    } while (z->avail_in > 0 || z->avail_out == 0);
    return AN_OK;
}

static int gunzip(const struct an_source *from, char *input, char *piece, struct an_buf *out,
                  struct an_err *err)
{
    z_stream z = {0};
    if (inflateInit2(&z, 15 + 16) != Z_OK) /* 16: a gzip header, nothing else */
        return an_fail(err, AN_EBACKEND, "zlib: cannot start");
    bool between = false;
    size_t got;
    int rc;
    while ((rc = from->read(from->arg, input, PIECE, &got, err)) == AN_OK && got > 0) {
        z.next_in = (unsigned char *)input;
        z.avail_in = (unsigned)got;
        rc = gunzip_piece(&z, &between, piece, out, err);
        if (rc != AN_OK)
            break;
    }
    (void)inflateEnd(&z);
    if (rc == AN_OK && !between)
        rc = cut_off(err, "gzip");
    return rc;
}

/* *left: what zstd still wants for the running frame; 0 between frames. */
static int unzstd_piece(ZSTD_DCtx *d, ZSTD_inBuffer *in, size_t *left, char *piece, struct an_buf *out,
                        struct an_err *err)
{
    ZSTD_outBuffer to;
    do {
        to = (ZSTD_outBuffer){.dst = piece, .size = PIECE, .pos = 0};
        size_t rc = ZSTD_decompressStream(d, &to, in);
        if (ZSTD_isError(rc))
            return damaged(err, "zstd", ZSTD_getErrorName(rc));
        *left = rc;
        if (!an_buf_add(out, piece, to.pos))
            return too_big(out, err);
    } while (in->pos < in->size || (to.pos == to.size && *left != 0));
    return AN_OK;
}

static int unzstd(const struct an_source *from, char *input, char *piece, struct an_buf *out,
                  struct an_err *err)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    if (d == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))) {
        ZSTD_freeDCtx(d);
        return an_fail(err, AN_EBACKEND, "zstd: cannot start");
    }
    size_t left = 1, got; /* nothing at all is not a body either */
    int rc;
    while ((rc = from->read(from->arg, input, PIECE, &got, err)) == AN_OK && got > 0) {
        ZSTD_inBuffer in = {.src = input, .size = got, .pos = 0};
        rc = unzstd_piece(d, &in, &left, piece, out, err);
        if (rc != AN_OK)
            break;
    }
    ZSTD_freeDCtx(d);
    if (rc == AN_OK && left != 0)
        rc = cut_off(err, "zstd");
    return rc;
}

int an_decode(enum an_coding coding, const struct an_source *from, struct an_buf *out, struct an_err *err)
{
    static char input[PIECE], piece[PIECE]; /* workers are single-threaded */
    switch (coding) {
    case AN_CODING_GZIP:
        return gunzip(from, input, piece, out, err);
    case AN_CODING_ZSTD:
        return unzstd(from, input, piece, out, err);
    case AN_CODING_IDENTITY:
        break;
    }
    return copy(from, out, err);
}
