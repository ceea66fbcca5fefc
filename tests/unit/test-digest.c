/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/text.h"

#define ROUNDS 3 /* the contexts are kept: what came before must leave no trace */

static char ones[20], long_key[131];

static int set_up(void **state)
{
    (void)state;
    memset(ones, 0x0B, sizeof ones);
    memset(long_key, 0xAA, sizeof long_key);
    return 0;
}

static void assert_hex(const unsigned char digest[AN_SHA256_LEN], const char *hex)
{
    unsigned char expected[AN_SHA256_LEN];
    assert_true(an_hex_decode(an_str(hex), expected, sizeof expected));
    assert_memory_equal(digest, expected, sizeof expected);
}

static void test_sha256(void **state)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}};
    (void)state;
    unsigned char digest[AN_SHA256_LEN];
    for (size_t i = 0; i < ROUNDS * AN_COUNT(rows); i++) {
        an_sha256(rows[i % 2].text, strlen(rows[i % 2].text), digest);
        assert_hex(digest, rows[i % 2].hex);
    }
}

/* RFC 4231: a short key, a shorter one, and one longer than a block. */
static void test_hmac(void **state)
{
    static const struct {
        struct an_str key;
        const char *data, *hex;
    } rows[] = {
        {{ones, sizeof ones}, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {{"Jefe", 4},
         "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {{long_key, sizeof long_key},
         "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}};
    (void)state;
    unsigned char digest[AN_SHA256_LEN];
    for (size_t i = 0; i < ROUNDS * AN_COUNT(rows); i++) {
        size_t r = i % AN_COUNT(rows);
        an_hmac_sha256(rows[r].key.data, rows[r].key.len, rows[r].data, strlen(rows[r].data), digest);
        assert_hex(digest, rows[r].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests_name("digest", tests, set_up, NULL);
}
