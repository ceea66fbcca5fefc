/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "auth/jwk.h"
#include "auth/pubkey.h"
#include "base/codec.h"
#include "forge.h"

enum source { P256, P384, P521, RSA2048, RSA1024, ED25519, ED448, SOURCE__COUNT };
static EVP_PKEY *sources[SOURCE__COUNT];

static int make_keys(void **state)
{
    (void)state;
    sources[P256] = forge_ec("P-256");
    sources[P384] = forge_ec("P-384");
    sources[P521] = forge_ec("P-521");
    sources[RSA2048] = forge_rsa(2048);
    sources[RSA1024] = forge_rsa(1024);
    sources[ED25519] = forge_edwards("ED25519");
    sources[ED448] = forge_edwards("ED448");
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOURCE__COUNT; i++)
        EVP_PKEY_free(sources[i]);
    return 0;
}

static int parse(const struct an_buf *text, struct an_jwks *set, struct an_err *err)
{
    *set = (struct an_jwks){NULL, 0};
    return an_jwks_parse((struct an_str){text->data, text->len}, set, err);
}

/* A set of one sound key, "good", and the one of the row. */
static const struct {
    const char *why;
    enum source source;
    const char *more; /* members behind those of the key */
    bool used;
} keys[] = {
    {"P-256", P256, "", true},
    {"P-384", P384, "", true},
    {"P-521 is none of ours", P521, "", false},
    {"RSA of 2048 bits", RSA2048, "", true},
    {"RSA of 1024 bits", RSA1024, "", false},
    {"for signatures", P256, ",\"use\":\"sig\"", true},
    {"for encryption", P256, ",\"use\":\"enc\"", false},
    {"use is a list", P256, ",\"use\":[\"sig\"]", false},
    {"may verify", P256, ",\"key_ops\":[\"verify\"]", true},
    {"may only sign", P256, ",\"key_ops\":[\"sign\"]", false},
    {"key_ops is an object", P256, ",\"key_ops\":{\"a\":\"verify\"}", false},
    {"key_ops is a text", P256, ",\"key_ops\":\"verify\"", false},
    {"alg of its kind", RSA2048, ",\"alg\":\"RS384\"", true},
    {"alg of another kind", RSA2048, ",\"alg\":\"ES256\"", false},
    {"alg of another curve", P256, ",\"alg\":\"ES384\"", false},
    {"alg with another padding", RSA2048, ",\"alg\":\"PS256\"", true},
    {"Ed25519", ED25519, "", true},
    {"Ed25519 with its alg", ED25519, ",\"alg\":\"EdDSA\"", true},
    {"Ed25519 with the alg of another", ED25519, ",\"alg\":\"ES256\"", false},
    {"Ed448 is none of ours", ED448, "", false},
    {"alg that we do not know", P256, ",\"alg\":\"ES256K\"", false},
    {"alg for encryption", RSA2048, ",\"alg\":\"RSA-OAEP\"", false},
    {"alg HS256 with a public key", RSA2048, ",\"alg\":\"HS256\"", false},
    {"shows its private exponent", RSA2048, ",\"d\":\"AQAB\"", false},
    {"shows its private number", P256, ",\"d\":\"AQAB\"", false},
    {"carries a secret", P256, ",\"k\":\"AQAB\"", false},
    {"unknown members are read over", P256, ",\"x5t\":\"x\",\"x5c\":[\"y\"],\"note\":{\"a\":[1]}", true},
};

static void test_which_keys_are_used(void **state)
{
    (void)state;
    struct an_buf text;
    an_buf_init(&text, 16384);
    for (size_t i = 0; i < AN_COUNT(keys); i++) {
        an_buf_clear(&text);
        (void)an_buf_adds(&text, "{\"keys\":[");
        forge_jwk(&text, sources[P256], "good", "");
        (void)an_buf_addc(&text, ',');
        forge_jwk(&text, sources[keys[i].source], "row", keys[i].more);
        (void)an_buf_adds(&text, "]}");
        struct an_jwks set;
        struct an_err err = {AN_OK, ""};
        if (parse(&text, &set, &err) != AN_OK)
            fail_msg("%s: %s", keys[i].why, err.text);
        if ((an_jwks_find(&set, AN_STR("row")) != NULL) != keys[i].used)
            fail_msg("%s: %s", keys[i].why, keys[i].used ? "not used" : "used");
        assert_non_null(an_jwks_find(&set, AN_STR("good")));
        an_jwks_release(&set);
    }
    an_buf_release(&text);
}

static void test_what_a_key_becomes(void **state)
{
    (void)state;
    struct an_buf text;
    an_buf_init(&text, 16384);
    (void)an_buf_adds(&text, "{\"keys\":[");
    forge_jwk(&text, sources[RSA2048], "r", ",\"alg\":\"RS512\"");
    (void)an_buf_addc(&text, ',');
    forge_jwk(&text, sources[P384], "e", "");
    (void)an_buf_addc(&text, ',');
    forge_jwk(&text, sources[ED25519], "d", "");
    (void)an_buf_adds(&text, "]}");
    struct an_jwks set;
    struct an_err err;
    assert_int_equal(parse(&text, &set, &err), AN_OK);
    const struct an_jwk *r = an_jwks_find(&set, AN_STR("r")), *e = an_jwks_find(&set, AN_STR("e")),
                        *d = an_jwks_find(&set, AN_STR("d"));
    assert_int_equal(r->kind, AN_KEY_RSA);
    assert_int_equal(r->public.signature_len, 256);
    assert_string_equal(r->alg->name, "RS512");
    assert_int_equal(EVP_PKEY_eq(r->public.pkey, sources[RSA2048]), 1);
    assert_int_equal(e->kind, AN_KEY_P384);
    assert_int_equal(e->public.signature_len, 96);
    assert_null(e->alg);
    assert_int_equal(EVP_PKEY_eq(e->public.pkey, sources[P384]), 1);
    assert_int_equal(d->kind, AN_KEY_ED25519);
    assert_int_equal(d->public.signature_len, 64);
    assert_int_equal(EVP_PKEY_eq(d->public.pkey, sources[ED25519]), 1);
    assert_null(an_jwks_find(&set, AN_STR("")));
    assert_null(an_jwks_find(&set, AN_STR("rr")));
    an_jwks_release(&set);
    an_buf_release(&text);
}

/* Sets that are refused as a whole. */
static const struct {
    const char *why, *text, *reason;
} sets[] = {
    {"nothing", "", "not valid JSON"},
    {"a list", "[]", "no list \"keys\""},
    {"keys is an object", "{\"keys\":{}}", "no list \"keys\""},
    {"no keys", "{\"keys\":[]}", "no key that can check"},
    {"things that are no keys", "{\"keys\":[1,null,\"x\",[]]}", "no key that can check"},
    {"something behind the set", "{\"keys\":[]} x", "not valid JSON"},
    {"keys twice", "{\"keys\":[],\"keys\":[]}", "not valid JSON"},
    {"a secret key", "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}", "no key that can check"},
    {"EC without y",
     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"a\",\"x\":\"AAAA\"}]}", "no key that"},
    {"RSA without numbers", "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\"}]}", "no key that can check"},
    {"an Edwards key that is too short",
     "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":\"AAAA\"}]}", "no key that"},
};

static void test_sets_that_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(sets); i++) {
        struct an_jwks set = {NULL, 0};
        struct an_err err = {AN_OK, ""};
        if (an_jwks_parse(an_str(sets[i].text), &set, &err) != AN_EINVAL)
            fail_msg("%s: accepted", sets[i].why);
        if (strstr(err.text, sets[i].reason) == NULL)
            fail_msg("%s: refused because %s", sets[i].why, err.text);
        assert_null(set.keys);
    }
}

static void test_kids(void **state)
{
    (void)state;
    struct an_buf text;
    an_buf_init(&text, 16384);
    struct an_jwks set;
    struct an_err err;
    (void)an_buf_adds(&text, "{\"keys\":[");
    forge_jwk(&text, sources[P256], "same", "");
    (void)an_buf_addc(&text, ',');
    forge_jwk(&text, sources[P384], "s\\u0061me", "");
    (void)an_buf_adds(&text, "]}");
    assert_int_equal(parse(&text, &set, &err), AN_EINVAL);
    assert_non_null(strstr(err.text, "kid \"same\""));
    an_buf_clear(&text);
    (void)an_buf_adds(&text, "{\"keys\":[");
    forge_jwk(&text, sources[P256], "", "");
    (void)an_buf_adds(&text, "]}");
    assert_int_equal(parse(&text, &set, &err), AN_EINVAL);
    an_buf_release(&text);
}

static void test_ceilings(void **state)
{
    (void)state;
    struct an_buf text;
    an_buf_init(&text, 1024 * 1024);
    struct an_jwks set;
    struct an_err err;
    for (int count = AN_JWKS_MAX_KEYS; count <= AN_JWKS_MAX_KEYS + 1; count++) {
        an_buf_clear(&text);
        (void)an_buf_adds(&text, "{\"keys\":[");
        for (int i = 0; i < count; i++) {
            char kid[16];
            (void)snprintf(kid, sizeof kid, "k%d", i);
            forge_jwk(&text, sources[P256], kid, "");
            (void)an_buf_adds(&text, i + 1 < count ? "," : "]}");
        }
        int rc = parse(&text, &set, &err);
        assert_int_equal(rc, count <= AN_JWKS_MAX_KEYS ? AN_OK : AN_ETOOBIG);
        an_jwks_release(&set);
    }
    an_buf_clear(&text);
    (void)an_buf_adds(&text, "{\"keys\":[");
    forge_jwk(&text, sources[P256], "k", "");
    (void)an_buf_adds(&text, "]}");
    while (text.len < AN_JWKS_MAX_BYTES)
        (void)an_buf_addc(&text, ' ');
    assert_int_equal(parse(&text, &set, &err), AN_OK);
    an_jwks_release(&set);
    (void)an_buf_addc(&text, ' ');
    assert_int_equal(parse(&text, &set, &err), AN_ETOOBIG);
    an_buf_release(&text);
}

/* Numbers that no sound key has; the lengths are right where not said otherwise. */
static void test_rsa_numbers(void **state)
{
    (void)state;
    unsigned char n[AN_RSA_MAX_BITS / 8 + 2], even[256];
    memset(n, 0xFF, sizeof n);
    memset(even, 0xFE, sizeof even);
    struct an_str good_n = {(const char *)n, 256}, e = {"\1\0\1", 3};
    struct an_pubkey out = {NULL, 0};
    struct {
        const char *why, *reason;
        struct an_str n, e;
    } cases[] = {
        {"exponent 1", "exponent is 1", good_n, {"\1", 1}},
        {"exponent 0", "exponent is 1 or even", good_n, {"\0", 1}},
        {"even exponent", "exponent is 1 or even", good_n, {"\1\0\2", 3}},
        {"no exponent", "impossible length", good_n, {NULL, 0}},
        {"exponent of 9 bytes", "impossible length", good_n, {"\1\1\1\1\1\1\1\1\1", 9}},
        {"no modulus", "impossible length", {NULL, 0}, e},
        {"modulus of 2040 bits", "shorter than 2048", {(const char *)n, 255}, e},
        {"modulus longer than any", "impossible length", {(const char *)n, sizeof n}, e},
        {"modulus of 8200 bits", "longer than 8192", {(const char *)n, sizeof n - 1}, e},
        {"modulus divisible by 3", "no valid key", good_n, e},
        {"even modulus", "modulus is even", {(const char *)even, sizeof even}, e},
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        const char *reason = an_pubkey_rsa(cases[i].n, cases[i].e, &out);
        if (reason == NULL || strstr(reason, cases[i].reason) == NULL)
            fail_msg("%s: %s", cases[i].why, reason == NULL ? "accepted" : reason);
    }
    assert_null(out.pkey);
}

static void test_ec_points(void **state)
{
    (void)state;
    unsigned char x[48] = {0}, y[48] = {0};
    struct an_pubkey out = {NULL, 0};
    struct an_str x32 = {(const char *)x, 32}, y32 = {(const char *)y, 32};
    assert_non_null(an_pubkey_ec(AN_KEY_P256, x32, y32, &out)); /* (0, 0) is not on the curve */
    x[31] = 1;
    y[31] = 1;
    assert_non_null(an_pubkey_ec(AN_KEY_P256, x32, y32, &out));
    memset(x, 0xFF, sizeof x); /* beyond the field */
    assert_non_null(an_pubkey_ec(AN_KEY_P256, x32, y32, &out));
    assert_non_null(an_pubkey_ec(AN_KEY_P256, (struct an_str){(const char *)x, 31}, y32, &out));
    assert_non_null(an_pubkey_ec(AN_KEY_P256, (struct an_str){(const char *)x, 33}, y32, &out));
    assert_non_null(an_pubkey_ec(AN_KEY_P384, x32, y32, &out));
    assert_non_null(an_pubkey_ec(AN_KEY_P256, (struct an_str){NULL, 0}, y32, &out));
    assert_non_null(an_pubkey_ed25519((struct an_str){(const char *)x, 31}, &out));
    assert_non_null(an_pubkey_ed25519((struct an_str){(const char *)x, 33}, &out));
    assert_non_null(an_pubkey_ed25519((struct an_str){NULL, 0}, &out));
    assert_null(out.pkey);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_keys_are_used),
        cmocka_unit_test(test_what_a_key_becomes),
        cmocka_unit_test(test_sets_that_are_refused),
        cmocka_unit_test(test_kids),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_rsa_numbers),
        cmocka_unit_test(test_ec_points),
    };
    return cmocka_run_group_tests_name("jwk", tests, make_keys, free_keys);
}
