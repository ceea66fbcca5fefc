/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/sign.h"

static struct an_secret key, other;
static struct an_buf value;

static int set_up(void **state)
{
    (void)state;
    an_secret_set(&key, "0123456789abcdef0123456789abcdef", 32);
    an_secret_set(&other, "0123456789abcdef0123456789abcdeF", 32);
    an_buf_init(&value, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    an_secret_release(&key);
    an_secret_release(&other);
    an_buf_release(&value);
    return 0;
}

static bool verify(const struct an_secret *k, const char *purpose, struct an_str context, size_t room,
                   size_t *len)
{
    char payload[AN_SIGN_PAYLOAD_MAX];
    *len = room;
    bool ok = an_sign_verify(k, purpose, context, (struct an_str){value.data, value.len}, payload, len);
    if (ok && *len > 0)
        assert_memory_equal(payload, "pay\0load", *len);
    return ok;
}

static void test_round_trip_and_binding(void **state)
{
    (void)state;
    size_t len;
    assert_true(an_sign(&key, "cursor", AN_STR("acme|limit=5"), "pay\0load", 8, &value));
    assert_true(verify(&key, "cursor", AN_STR("acme|limit=5"), AN_SIGN_PAYLOAD_MAX, &len));
    assert_int_equal(len, 8);
    assert_true(verify(&key, "cursor", AN_STR("acme|limit=5"), 8, &len));
    assert_false(verify(&key, "cursor", AN_STR("acme|limit=5"), 7, &len));
    assert_false(verify(&other, "cursor", AN_STR("acme|limit=5"), 8, &len));
    assert_false(verify(&key, "write", AN_STR("acme|limit=5"), 8, &len));
    assert_false(verify(&key, "cursor", AN_STR("beta|limit=5"), 8, &len));
    assert_false(verify(&key, "cursor|acme", AN_STR("limit=5"), 8, &len));
}

static void test_every_changed_character_is_noticed(void **state)
{
    (void)state;
    size_t len;
    an_buf_clear(&value);
    assert_true(an_sign(&key, "cursor", AN_STR("acme"), "pay\0load", 8, &value));
    for (size_t i = 0; i < value.len; i++) {
        char was = value.data[i];
        value.data[i] = was == 'A' ? 'B' : 'A';
        assert_false(verify(&key, "cursor", AN_STR("acme"), 8, &len));
        value.data[i] = was;
    }
    for (size_t whole = value.len; value.len > 0; value.len--)
        if (value.len < whole)
            assert_false(verify(&key, "cursor", AN_STR("acme"), 8, &len));
}

static void test_limits(void **state)
{
    (void)state;
    size_t len;
    char big[AN_SIGN_PAYLOAD_MAX + 1] = "";
    struct an_secret none = {NULL, 0};
    an_buf_clear(&value);
    assert_false(an_sign(&key, "cursor", AN_STR(""), big, sizeof big, &value));
    assert_false(an_sign(&none, "cursor", AN_STR(""), "x", 1, &value));
    assert_true(an_sign(&key, "cursor", AN_STR(""), "", 0, &value));
    assert_true(verify(&key, "cursor", AN_STR(""), 0, &len));
    assert_int_equal(len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip_and_binding),
                                       cmocka_unit_test(test_every_changed_character_is_noticed),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests_name("sign", tests, set_up, tear_down);
}
