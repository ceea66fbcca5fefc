/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "api/write_token.h"
#include "http/sign.h"

static const struct an_secret key = {.data = (char[]){"a key of the tests"}, .len = 18};

static struct an_str make(struct an_buf *out, const char *shard, uint64_t lsn)
{
    struct an_need written = {.lsn = lsn};
    (void)snprintf(written.shard, sizeof written.shard, "%s", shard);
    an_buf_init(out, 512);
    assert_true(an_write_token_add(&key, AN_STR("t1"), &written, out));
    return (struct an_str){out->data, out->len};
}

static void test_back_again(void **state)
{
    (void)state;
    static const char *const shards[] = {"default", "a",
                                         "a23456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < AN_COUNT(shards); i++) {
        struct an_buf out;
        struct an_need read;
        struct an_str token = make(&out, shards[i], UINT64_C(0xFEDCBA9876543210));
        assert_true(an_write_token_read(&key, AN_STR("t1"), token, &read));
        assert_string_equal(read.shard, shards[i]);
        assert_true(read.lsn == UINT64_C(0xFEDCBA9876543210));
        assert_false(read.primary);
        an_buf_release(&out);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct an_buf out;
    struct an_need read;
    struct an_str token = make(&out, "default", 1);
    assert_false(an_write_token_read(&key, AN_STR("t2"), token, &read)); /* of another tenant */
    out.data[3] = out.data[3] == 'A' ? 'B' : 'A';
    assert_false(an_write_token_read(&key, AN_STR("t1"), token, &read)); /* changed */
    assert_false(an_write_token_read(&key, AN_STR("t1"), AN_STR(""), &read));
    an_buf_release(&out);
    /* Signed by us, and not of this shape: without a shard, and with one that is too long. */
    static const unsigned char payload[8 + AN_SHARD_NAME_MAX + 1] = {0};
    for (size_t len = 8; len <= sizeof payload; len += sizeof payload - 8) {
        an_buf_init(&out, 512);
        assert_true(an_sign(&key, "write-token", AN_STR("t1"), payload, len, &out));
        assert_false(an_write_token_read(&key, AN_STR("t1"), (struct an_str){out.data, out.len}, &read));
        an_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_back_again), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
