/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bodies. The first byte picks the coding and how many bytes come at a time: the result must
 * not depend on where the reads are cut, and never be over the limit. */
#include "an.h"

#include <assert.h>

#include "http/decode.h"

#define LIMIT 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wire {
    const uint8_t *data;
    size_t len, step;
};

static int wire_read(void *arg, char *to, size_t len, size_t *got, struct an_err *err)
{
    struct wire *w = arg;
    (void)err;
    *got = w->len < w->step ? w->len : w->step;
    assert(*got <= len);
    memcpy(to, w->data, *got);
    w->data += *got;
    w->len -= *got;
    return AN_OK;
}

static int decode(enum an_coding coding, const uint8_t *data, size_t len, size_t step, struct an_buf *out)
{
    struct wire w = {data, len, step};
    an_buf_init(out, LIMIT);
    int rc = an_decode(coding, &(struct an_source){wire_read, &w}, out, NULL);
    assert(out->len <= LIMIT);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum an_coding coding = data[0] & 1 ? AN_CODING_GZIP : AN_CODING_ZSTD;
    size_t step = 1 + (data[0] >> 1);
    struct an_buf whole, pieces;
    int rc = decode(coding, data + 1, size - 1, 65536, &whole);
    int rc_pieces = decode(coding, data + 1, size - 1, step, &pieces);
    assert((rc == AN_OK) == (rc_pieces == AN_OK)); /* damaged and too large at once may be called either */
    if (rc == AN_OK) {
        assert(whole.len == pieces.len);
        assert(memcmp(whole.data, pieces.data, whole.len) == 0);
    }
    (void)rc_pieces;
    an_buf_release(&whole);
    an_buf_release(&pieces);
    return 0;
}
