/* SPDX-License-Identifier: Apache-2.0 */
/* The cache by itself, and an_auth_check() with it: Authorization fields, key files that change. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/cache.h"
#include "auth_fixture.h"
#include "base/clock.h"
#include "base/digest.h"

#define SECOND INT64_C(1000000)
#define START (SECOND * NOW)

static void digest_of(unsigned number, unsigned char out[AN_SHA256_LEN])
{
    an_sha256(&number, sizeof number, out);
}

static void test_find_and_expire(void **state)
{
    (void)state;
    struct an_cache *cache = an_cache_new(8);
    unsigned char one[AN_SHA256_LEN], two[AN_SHA256_LEN];
    digest_of(1, one);
    digest_of(2, two);
    struct an_principal who = {.subject = "alice", .expires_us = 100};
    assert_null(an_cache_find(cache, one, 0));
    an_cache_put(cache, one, &who, 0);
    assert_null(an_cache_find(cache, two, 0));
    const struct an_principal *found = an_cache_find(cache, one, 99);
    assert_non_null(found);
    assert_string_equal(found->subject, "alice");
    assert_null(an_cache_find(cache, one, 100));
    an_cache_put(cache, two, &who, 100); /* has expired already: not kept */
    assert_null(an_cache_find(cache, two, 50));
    an_cache_wipe(cache);
    assert_null(an_cache_find(cache, one, 0));
    an_cache_free(cache);
}

static void test_bounded(void **state)
{
    (void)state;
    enum { CAPACITY = 16, TOKENS = 1000 };
    struct an_cache *cache = an_cache_new(CAPACITY);
    struct an_principal who = {.expires_us = 100};
    unsigned char digest[AN_SHA256_LEN];
    for (unsigned i = 0; i < TOKENS; i++) {
        digest_of(i, digest);
        an_cache_put(cache, digest, &who, 0);
        assert_non_null(an_cache_find(cache, digest, 0)); /* the newest is always there */
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < TOKENS; i++) {
        digest_of(i, digest);
        kept += an_cache_find(cache, digest, 0) != NULL;
    }
    assert_int_equal(kept, CAPACITY);
    an_cache_free(cache);
}

/* One set: what was used last stays, what has expired goes first. */
static void test_who_makes_room(void **state)
{
    (void)state;
    struct an_cache *cache = an_cache_new(4);
    struct an_principal late = {.expires_us = 100}, soon = {.expires_us = 10};
    unsigned char digest[6][AN_SHA256_LEN];
    for (unsigned i = 0; i < 6; i++)
        digest_of(i, digest[i]);
    for (unsigned i = 0; i < 4; i++)
        an_cache_put(cache, digest[i], i == 3 ? &soon : &late, 0);
    assert_non_null(an_cache_find(cache, digest[0], 0));
    an_cache_put(cache, digest[4], &late, 20); /* in place of 3, which has expired */
    static const unsigned order[] = {1, 4, 0, 2};
    for (size_t i = 0; i < AN_COUNT(order); i++)
        assert_non_null(an_cache_find(cache, digest[order[i]], 20));
    an_cache_put(cache, digest[5], &late, 20); /* in place of 1, not used for longest */
    assert_null(an_cache_find(cache, digest[1], 20));
    assert_non_null(an_cache_find(cache, digest[5], 20));
    an_cache_free(cache);
}

static void test_no_cache(void **state)
{
    (void)state;
    struct an_cache *cache = an_cache_new(0);
    struct an_principal who = {.expires_us = 100};
    unsigned char digest[AN_SHA256_LEN];
    digest_of(1, digest);
    an_cache_put(cache, digest, &who, 0);
    assert_null(an_cache_find(cache, digest, 0));
    an_cache_wipe(cache);
    an_cache_free(cache);
}

/* "Bearer " and a token of ours, by the key of that kid. */
static void add_field(struct an_buf *out, enum key key, long long exp)
{
    struct an_buf header, claims;
    an_buf_init(&header, 1024);
    an_buf_init(&claims, 1024);
    (void)an_buf_addf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", test_keys[key].kid);
    (void)an_buf_addf(&claims, "{\"iss\":\"" ISS "\",\"aud\":\"annals\",\"tenant_id\":\"acme\",\"exp\":%lld}",
                      exp);
    struct forge with = {.how = FORGE_SIGN, .pkey = test_keys[key].pkey, .hash = "SHA256"};
    (void)an_buf_adds(out, "Bearer ");
    forge_token(out, an_str(header.data), an_str(claims.data), &with);
    an_buf_release(&header);
    an_buf_release(&claims);
}

enum answer { REFUSED, VERIFIED, CACHED };

/* A cached answer takes nothing from the arena; a verified one must. */
static enum answer ask(struct auth_fixture *f, const struct an_buf *field)
{
    const struct an_principal *who;
    struct an_err err;
    an_arena_reset(f->arena);
    struct an_arena_mark before = an_arena_mark(f->arena);
    int rc = an_auth_check(f->auth, f->arena, (struct an_str){field->data, field->len}, &who, &err);
    struct an_arena_mark after = an_arena_mark(f->arena);
    if (rc != AN_OK) {
        assert_int_equal(rc, AN_EAUTH);
        return REFUSED;
    }
    assert_string_equal(who->tenant, "acme");
    return before.block == after.block && before.used == after.used ? CACHED : VERIFIED;
}

static void reopen(struct auth_fixture *f)
{
    struct an_err err;
    an_auth_close(f->auth);
    f->auth = NULL;
    an_clock_set(START);
    assert_int_equal(an_auth_open(&f->conf, NULL, &f->auth, &err), AN_OK);
}

static void test_second_time_is_cached(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf field;
    an_buf_init(&field, 4096);
    add_field(&field, KEY_P256, NOW + 10);
    reopen(f);
    assert_int_equal(ask(f, &field), VERIFIED);
    assert_int_equal(ask(f, &field), CACHED);
    an_clock_set(START + 10 * SECOND - 1);
    assert_int_equal(ask(f, &field), CACHED);
    an_clock_set(START + 10 * SECOND); /* from exp to the end of the leeway it is looked at each time */
    assert_int_equal(ask(f, &field), VERIFIED);
    assert_int_equal(ask(f, &field), VERIFIED);
    an_clock_set(START + 70 * SECOND);
    assert_int_equal(ask(f, &field), REFUSED);
    an_buf_release(&field);
}

static void test_refusals_are_not_cached_as_good(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf field;
    an_buf_init(&field, 4096);
    add_field(&field, KEY_P256, NOW + 10);
    reopen(f);
    assert_int_equal(ask(f, &field), VERIFIED);
    field.data[field.len - 5] ^= 1; /* another signature is another token */
    assert_int_equal(ask(f, &field), REFUSED);
    assert_int_equal(ask(f, &field), REFUSED);
    field.data[field.len - 5] ^= 1;
    assert_int_equal(ask(f, &field), CACHED);
    an_buf_release(&field);
}

static const struct {
    const char *why, *before, *behind;
    bool ok;
} fields[] = {
    {"as it should be", "Bearer ", "", true},
    {"scheme in small letters", "bearer ", "", true},
    {"scheme in capitals", "BEARER ", "", true},
    {"several blanks", "Bearer   ", "", true},
    {"no scheme", "", "", false},
    {"another scheme", "Basic ", "", false},
    {"a longer scheme", "Bearers ", "", false},
    {"a tab", "Bearer\t", "", false},
    {"a blank in front", " Bearer ", "", false},
    {"a blank behind", "Bearer ", " ", false},
    {"a comma behind", "Bearer ", ",", false},
    {"a quoted token", "Bearer \"", "\"", false},
    {"token=", "Bearer token=", "", false},
    {"two fields joined", "Bearer x, Bearer ", "", false},
};

static void test_authorization_field(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf good, field;
    an_buf_init(&good, 4096);
    an_buf_init(&field, 4096);
    add_field(&good, KEY_P256, NOW + 10);
    reopen(f);
    for (size_t i = 0; i < AN_COUNT(fields); i++) {
        an_buf_clear(&field);
        const char *token = good.data + strlen("Bearer ");
        (void)an_buf_addf(&field, "%s%s%s", fields[i].before, token, fields[i].behind);
        if ((ask(f, &field) != REFUSED) != fields[i].ok)
            fail_msg("%s", fields[i].why);
    }
    const struct an_principal *who;
    struct an_err err;
    assert_int_equal(an_auth_check(f->auth, f->arena, (struct an_str){NULL, 0}, &who, &err), AN_EAUTH);
    assert_int_equal(an_auth_check(f->auth, f->arena, AN_STR(""), &who, &err), AN_EAUTH);
    assert_int_equal(an_auth_check(f->auth, f->arena, AN_STR("Bearer"), &who, &err), AN_EAUTH);
    assert_int_equal(an_auth_check(f->auth, f->arena, AN_STR("Bearer "), &who, &err), AN_EAUTH);
    an_buf_release(&good);
    an_buf_release(&field);
}

static void write_set_of(struct auth_fixture *f, enum key key)
{
    struct an_buf set;
    an_buf_init(&set, 4096);
    (void)an_buf_adds(&set, "{\"keys\":[");
    forge_jwk(&set, test_keys[key].pkey, test_keys[key].kid, "");
    (void)an_buf_adds(&set, "]}");
    write_text(f->keys_file, set.data, set.len);
    an_buf_release(&set);
}

/* The key file is looked at once a second; what was verified with keys that are gone is forgotten. */
static void test_new_key_file(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf old_field, new_field;
    an_buf_init(&old_field, 4096);
    an_buf_init(&new_field, 4096);
    add_field(&old_field, KEY_P256, NOW + 1000);
    add_field(&new_field, KEY_FOREIGN_EC, NOW + 1000);
    reopen(f);
    assert_int_equal(ask(f, &old_field), VERIFIED);
    assert_int_equal(ask(f, &new_field), REFUSED);
    write_set_of(f, KEY_FOREIGN_EC);
    an_clock_set(START + SECOND - 1);
    assert_int_equal(ask(f, &old_field), CACHED);
    an_clock_set(START + SECOND);
    assert_int_equal(ask(f, &old_field), REFUSED);
    assert_int_equal(ask(f, &new_field), VERIFIED);
    assert_int_equal(ask(f, &new_field), CACHED);
    an_clock_set(START - 1000 * SECOND); /* a clock that is set back stops nothing */
    write_set_of(f, KEY_P256);
    assert_int_equal(ask(f, &old_field), VERIFIED);
    an_buf_release(&old_field);
    an_buf_release(&new_field);
}

static const struct {
    const char *why, *text; /* text NULL: the file is deleted */
} bad_files[] = {
    {"empty", ""},
    {"cut off", "{\"keys\":[{\"kty\":\"EC\""},
    {"no keys", "{\"keys\":[]}"},
    {"no usable key", "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"x\",\"k\":\"AAAA\"}]}"},
    {"gone", NULL},
};

static void test_bad_key_file(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf field, next;
    an_buf_init(&field, 4096);
    an_buf_init(&next, 4096);
    add_field(&field, KEY_P256, NOW + 1000);
    add_field(&next, KEY_FOREIGN_EC, NOW + 1000);
    write_set_of(f, KEY_P256);
    reopen(f);
    int64_t now = START;
    assert_int_equal(ask(f, &field), VERIFIED);
    for (size_t i = 0; i < AN_COUNT(bad_files); i++) {
        if (bad_files[i].text == NULL)
            assert_int_equal(unlink(f->keys_file), 0);
        else
            write_text(f->keys_file, bad_files[i].text, strlen(bad_files[i].text));
        an_clock_set(now += SECOND);
        if (ask(f, &field) != CACHED)
            fail_msg("%s: the old key does not hold any more", bad_files[i].why);
    }
    write_set_of(f, KEY_FOREIGN_EC);
    an_clock_set(now += SECOND);
    assert_int_equal(ask(f, &field), REFUSED);
    assert_int_equal(ask(f, &next), VERIFIED);
    an_buf_release(&field);
    an_buf_release(&next);
}

static void test_open_refuses(void **state)
{
    struct auth_fixture *f = *state;
    struct an_auth *auth = NULL;
    struct an_err err;
    struct an_conf conf = f->conf;
    struct an_conf_issuer issuer = f->issuer;
    conf.issuers = &issuer;
    char none[] = "/nonexistent/keys.json", unknown[] = "ES256 HS256", blank[] = " ";
    issuer.keys_file = none;
    assert_int_equal(an_auth_open(&conf, NULL, &auth, &err), AN_EINVAL);
    assert_non_null(strstr(err.text, none));
    assert_non_null(strstr(err.text, "issuer test"));
    issuer.keys_file = f->keys_file;
    issuer.algorithms = unknown;
    assert_int_equal(an_auth_open(&conf, NULL, &auth, &err), AN_EINVAL);
    assert_non_null(strstr(err.text, "HS256"));
    issuer.algorithms = blank;
    assert_int_equal(an_auth_open(&conf, NULL, &auth, &err), AN_EINVAL);
    assert_null(auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_and_expire),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_who_makes_room),
        cmocka_unit_test(test_no_cache),
        cmocka_unit_test(test_second_time_is_cached),
        cmocka_unit_test(test_refusals_are_not_cached_as_good),
        cmocka_unit_test(test_authorization_field),
        cmocka_unit_test(test_new_key_file),
        cmocka_unit_test(test_bad_key_file),
        cmocka_unit_test(test_open_refuses),
    };
    return cmocka_run_group_tests_name("token-cache", tests, auth_fixture_setup, auth_fixture_teardown);
}
