/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "http/decode.h"

#define TEXT_LEN 300000u /* several pieces in, several out */

static unsigned char text[TEXT_LEN];
static struct an_buf gz, zst, out;

/* A body that arrives in reads of `step` bytes. */
struct wire {
    const char *data;
    size_t len, step;
};

static int wire_read(void *arg, char *to, size_t len, size_t *got, struct an_err *err)
{
    struct wire *w = arg;
    (void)err;
    *got = w->len < w->step ? w->len : w->step;
    if (*got > len)
        *got = len;
    memcpy(to, w->data, *got);
    w->data += *got;
    w->len -= *got;
    return AN_OK;
}

static int decode(enum an_coding coding, const char *data, size_t len, size_t step, size_t limit)
{
    struct an_err err;
    struct wire w = {data, len, step};
    an_buf_clear(&out);
    out.limit = limit;
    return an_decode(coding, &(struct an_source){wire_read, &w}, &out, &err);
}

static void add_gzip(struct an_buf *to, const void *data, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, len) + 64;
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)len;
    z.next_out = (unsigned char *)an_buf_reserve(to, room);
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    an_buf_commit(to, z.total_out);
    deflateEnd(&z);
}

static void add_zstd(struct an_buf *to, const void *data, size_t len, int window_log)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_outBuffer o = {.size = ZSTD_compressBound(len)};
    ZSTD_inBuffer i = {.src = data, .size = len};
    o.dst = an_buf_reserve(to, o.size);
    /* The size is not told in advance, else the window shrinks to the content. */
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log)));
    assert_false(ZSTD_isError(ZSTD_compressStream2(c, &o, &i, ZSTD_e_flush)));
    assert_int_equal(ZSTD_compressStream2(c, &o, &i, ZSTD_e_end), 0);
    an_buf_commit(to, o.pos);
    ZSTD_freeCCtx(c);
}

static int set_up(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (size_t i = 0; i < TEXT_LEN; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = (unsigned char)(seed >> 16 & 15);
    }
    an_buf_init(&gz, (size_t)1 << 24);
    an_buf_init(&zst, (size_t)1 << 24);
    an_buf_init(&out, (size_t)1 << 24);
    add_gzip(&gz, text, TEXT_LEN);
    add_zstd(&zst, text, TEXT_LEN, 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    an_buf_release(&gz);
    an_buf_release(&zst);
    an_buf_release(&out);
    return 0;
}

static void assert_is_text(int rc)
{
    assert_int_equal(rc, AN_OK);
    assert_int_equal(out.len, TEXT_LEN);
    assert_memory_equal(out.data, text, TEXT_LEN);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 7, 8192, 65536, 1000000};
    for (size_t i = 0; i < AN_COUNT(steps); i++) {
        assert_is_text(decode(AN_CODING_IDENTITY, (const char *)text, TEXT_LEN, steps[i], TEXT_LEN));
        assert_is_text(decode(AN_CODING_GZIP, gz.data, gz.len, steps[i], TEXT_LEN));
        assert_is_text(decode(AN_CODING_ZSTD, zst.data, zst.len, steps[i], TEXT_LEN));
    }
}

static void test_one_byte_over_the_limit(void **state)
{
    (void)state;
    assert_int_equal(decode(AN_CODING_IDENTITY, (const char *)text, TEXT_LEN, 8192, TEXT_LEN - 1),
                     AN_ETOOBIG);
    assert_int_equal(decode(AN_CODING_GZIP, gz.data, gz.len, 8192, TEXT_LEN - 1), AN_ETOOBIG);
    assert_int_equal(decode(AN_CODING_ZSTD, zst.data, zst.len, 8192, TEXT_LEN - 1), AN_ETOOBIG);
}

/* Each length that is cut off, and each byte that follows, is noticed. */
static void test_cut_off_and_trailing(void **state)
{
    (void)state;
    struct an_buf small[2];
    for (int i = 0; i < 2; i++)
        an_buf_init(&small[i], 4096);
    add_gzip(&small[0], "hello", 5);
    add_zstd(&small[1], "hello", 5, 10);
    static const enum an_coding codings[2] = {AN_CODING_GZIP, AN_CODING_ZSTD};
    for (int i = 0; i < 2; i++) {
        for (size_t len = 0; len < small[i].len; len++)
            if (decode(codings[i], small[i].data, len, 3, 100) != AN_EINVAL)
                fail_msg("coding %d accepted with %zu bytes", codings[i], len);
        assert_int_equal(decode(codings[i], small[i].data, small[i].len, 3, 100), AN_OK);
        an_buf_addc(&small[i], 'x');
        assert_int_equal(decode(codings[i], small[i].data, small[i].len, 3, 100), AN_EINVAL);
        an_buf_release(&small[i]);
    }
}

static void test_several_members(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, 4096);
    add_gzip(&b, "one ", 4);
    add_gzip(&b, "", 0);
    add_gzip(&b, "two", 3);
    for (size_t step = 1; step <= b.len; step++) {
        assert_int_equal(decode(AN_CODING_GZIP, b.data, b.len, step, 7), AN_OK);
        assert_string_equal(out.data, "one two");
    }
    an_buf_clear(&b);
    add_zstd(&b, "one ", 4, 10);
    add_zstd(&b, "two", 3, 10);
    for (size_t step = 1; step <= b.len; step++) {
        assert_int_equal(decode(AN_CODING_ZSTD, b.data, b.len, step, 7), AN_OK);
        assert_string_equal(out.data, "one two");
    }
    an_buf_release(&b);
}

/* The output ends exactly where a piece of the decoder ends. */
static void test_piece_borders(void **state)
{
    (void)state;
    static char zeros[4 * 65536];
    for (size_t len = 65536; len <= sizeof zeros; len += 65536) {
        struct an_buf b;
        an_buf_init(&b, (size_t)1 << 20);
        add_gzip(&b, zeros, len);
        assert_int_equal(decode(AN_CODING_GZIP, b.data, b.len, 65536, len), AN_OK);
        assert_int_equal(out.len, len);
        an_buf_clear(&b);
        add_zstd(&b, zeros, len, 17);
        assert_int_equal(decode(AN_CODING_ZSTD, b.data, b.len, 65536, len), AN_OK);
        assert_int_equal(out.len, len);
        an_buf_release(&b);
    }
}

static void test_bomb_stays_small(void **state)
{
    (void)state;
    size_t len = (size_t)64 << 20, limit = (size_t)1 << 20;
    char *zeros = an_xcalloc(1, len);
    struct an_buf b;
    an_buf_init(&b, 2 * len);
    add_gzip(&b, zeros, len);
    assert_int_equal(decode(AN_CODING_GZIP, b.data, b.len, 65536, limit), AN_ETOOBIG);
    assert_true(out.alloc <= limit + 1);
    an_buf_clear(&b);
    an_buf_trim(&b, 0);
    add_zstd(&b, zeros, len, 20);
    assert_int_equal(decode(AN_CODING_ZSTD, b.data, b.len, 65536, limit), AN_ETOOBIG);
    assert_true(out.alloc <= limit + 1);
    an_buf_release(&b);
    free(zeros);
}

static void test_window_over_8_mib(void **state)
{
    (void)state;
    struct an_buf b;
    an_buf_init(&b, (size_t)1 << 20);
    add_zstd(&b, text, 1000, 23);
    assert_int_equal(decode(AN_CODING_ZSTD, b.data, b.len, 65536, 2000), AN_OK);
    an_buf_clear(&b);
    add_zstd(&b, text, 1000, 24);
    assert_int_equal(decode(AN_CODING_ZSTD, b.data, b.len, 65536, 2000), AN_EINVAL);
    an_buf_release(&b);
}

static void test_coding_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool known;
        enum an_coding coding;
    } rows[] = {{NULL, true, AN_CODING_IDENTITY},
                {"identity", true, AN_CODING_IDENTITY},
                {"GZip", true, AN_CODING_GZIP},
                {" x-gzip ", true, AN_CODING_GZIP},
                {"zstd", true, AN_CODING_ZSTD},
                {"br", false, AN_CODING_IDENTITY},
                {"gzip, zstd", false, AN_CODING_IDENTITY},
                {"deflate", false, AN_CODING_IDENTITY}};
    for (size_t i = 0; i < AN_COUNT(rows); i++) {
        enum an_coding coding;
        assert_int_equal(an_coding_parse(an_str(rows[i].text), &coding), rows[i].known);
        assert_int_equal(coding, rows[i].coding);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),           cmocka_unit_test(test_one_byte_over_the_limit),
        cmocka_unit_test(test_cut_off_and_trailing), cmocka_unit_test(test_several_members),
        cmocka_unit_test(test_piece_borders),        cmocka_unit_test(test_bomb_stays_small),
        cmocka_unit_test(test_window_over_8_mib),    cmocka_unit_test(test_coding_names)};
    return cmocka_run_group_tests_name("decode", tests, set_up, tear_down);
}
