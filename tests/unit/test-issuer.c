/* SPDX-License-Identifier: Apache-2.0 */
/* The local issuer, judged by the checks that its tokens must pass. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/issuer.h"
#include "auth/jwk.h"
#include "auth_fixture.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"

#define NOW_US (INT64_C(1000000) * NOW)

static char key_file[PATH_MAX + 16];

static int setup(void **state)
{
    if (auth_fixture_setup(state) != 0)
        return -1;
    struct auth_fixture *f = *state;
    (void)snprintf(key_file, sizeof key_file, "%s/issuer.pem", f->folder);
    return 0;
}

/* Each test starts without the files. */
static int clean(void **state)
{
    struct auth_fixture *f = *state;
    (void)unlink(key_file);
    (void)unlink(f->keys_file);
    return 0;
}

static void init(struct auth_fixture *f, bool rotate)
{
    struct an_err err = {AN_OK, ""};
    if (an_issuer_init(key_file, f->keys_file, rotate, &err) != AN_OK)
        fail_msg("init: %s", err.text);
}

static void mint(struct auth_fixture *f, const struct an_principal *who, struct an_buf *token)
{
    struct an_err err = {AN_OK, ""};
    an_buf_clear(token);
    if (an_issuer_mint(key_file, &f->issuer, who, NOW_US, token, &err) != AN_OK)
        fail_msg("mint: %s", err.text);
}

/* As a process would that starts now. */
static int verify(struct auth_fixture *f, const struct an_buf *token, struct an_principal *who)
{
    struct an_err err = {AN_OK, ""};
    struct an_auth *auth = NULL;
    if (an_auth_open(&f->conf, NULL, &auth, &err) != AN_OK)
        fail_msg("open: %s", err.text);
    int rc = an_auth_verify(auth, f->arena, (struct an_str){token->data, token->len}, who, &err);
    an_arena_reset(f->arena);
    an_auth_close(auth);
    return rc;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (unsigned)st.st_mode & 0777;
}

static void read_set(struct auth_fixture *f, struct an_jwks *set)
{
    struct an_buf text;
    struct an_err err;
    an_buf_init(&text, 65536);
    assert_int_equal(an_file_read(f->keys_file, &text, &err), AN_OK);
    assert_int_equal(an_jwks_parse((struct an_str){text.data, text.len}, set, &err), AN_OK);
    an_buf_release(&text);
}

static const struct an_principal alice = {
    .subject = "alice \"\xc3\xa9\"", .tenant = "acme", .scopes = AN_SCOPE_WRITE | AN_SCOPE_IMPORT,
    .expires_us = NOW_US + INT64_C(300500000)};

static void test_init_and_mint(void **state)
{
    struct auth_fixture *f = *state;
    init(f, false);
    assert_int_equal(mode_of(key_file), 0600);
    assert_int_equal(mode_of(f->keys_file), 0644);
    struct an_buf token;
    an_buf_init(&token, 16384);
    mint(f, &alice, &token);
    struct an_principal who;
    assert_int_equal(verify(f, &token, &who), AN_OK);
    assert_string_equal(who.subject, alice.subject);
    assert_string_equal(who.tenant, "acme");
    assert_int_equal(who.scopes, alice.scopes);
    assert_true(who.expires_us == NOW_US + INT64_C(300000000));
    an_buf_release(&token);
}

/* RFC 7638: SHA-256 of the required members in lexical order. */
static void test_kid_is_the_thumbprint(void **state)
{
    struct auth_fixture *f = *state;
    init(f, false);
    struct an_buf text, members, expected;
    struct an_err err;
    an_buf_init(&text, 65536);
    an_buf_init(&members, 1024);
    an_buf_init(&expected, 64);
    assert_int_equal(an_file_read(f->keys_file, &text, &err), AN_OK);
    struct an_json_limits limits = {.depth = 4, .values = 32};
    struct an_json *root;
    struct an_json_fault fault;
    assert_true(an_json_parse(f->arena, (struct an_str){text.data, text.len}, &limits, &root, &fault));
    const struct an_json *key = an_json_get(root, "keys")->child;
    (void)an_buf_addf(&members, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":%.*s,\"y\":%.*s}",
                      AN_STR_ARG(an_json_get(key, "x")->text), AN_STR_ARG(an_json_get(key, "y")->text));
    unsigned char digest[AN_SHA256_LEN];
    an_sha256(members.data, members.len, digest);
    (void)an_base64url_add(&expected, digest, sizeof digest);
    assert_true(an_str_is(an_json_string(f->arena, an_json_get(key, "kid")), expected.data));
    an_buf_release(&text);
    an_buf_release(&members);
    an_buf_release(&expected);
    an_arena_reset(f->arena);
}

static void test_existing_files_stay(void **state)
{
    struct auth_fixture *f = *state;
    struct an_err err;
    write_text(key_file, "x", 1);
    assert_int_equal(an_issuer_init(key_file, f->keys_file, false, &err), AN_ECONFLICT);
    assert_non_null(strstr(err.text, key_file));
    assert_int_equal(access(f->keys_file, F_OK), -1);
    assert_int_equal(unlink(key_file), 0);
    write_text(f->keys_file, "y", 1);
    assert_int_equal(an_issuer_init(key_file, f->keys_file, false, &err), AN_ECONFLICT);
    assert_int_equal(access(key_file, F_OK), -1);
}

static void test_rotation_keeps_old_tokens_good(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf before, after;
    an_buf_init(&before, 16384);
    an_buf_init(&after, 16384);
    init(f, true); /* also makes the first */
    mint(f, &alice, &before);
    init(f, true);
    mint(f, &alice, &after);
    struct an_jwks set;
    read_set(f, &set);
    assert_int_equal(set.count, 2);
    an_jwks_release(&set);
    struct an_principal who;
    assert_int_equal(verify(f, &before, &who), AN_OK);
    assert_int_equal(verify(f, &after, &who), AN_OK);
    assert_int_equal(unlink(f->keys_file), 0);
    init(f, true); /* a set without the old keys: their tokens are no good any more */
    assert_int_equal(verify(f, &before, &who), AN_EAUTH);
    an_buf_release(&before);
    an_buf_release(&after);
}

static void test_rotation_refuses_a_broken_set(void **state)
{
    struct auth_fixture *f = *state;
    struct an_err err;
    write_text(f->keys_file, "{\"keys\":", 8);
    assert_int_equal(an_issuer_init(key_file, f->keys_file, true, &err), AN_EINVAL);
    write_text(f->keys_file, "[]", 2);
    assert_int_equal(an_issuer_init(key_file, f->keys_file, true, &err), AN_EINVAL);
    assert_int_equal(access(key_file, F_OK), -1);
}

static void test_rotation_stops_at_the_ceiling(void **state)
{
    struct auth_fixture *f = *state;
    struct an_err err;
    for (int i = 0; i < AN_JWKS_MAX_KEYS; i++)
        init(f, true);
    assert_int_equal(an_issuer_init(key_file, f->keys_file, true, &err), AN_ETOOBIG);
    struct an_buf token;
    an_buf_init(&token, 16384);
    mint(f, &alice, &token);
    struct an_principal who;
    assert_int_equal(verify(f, &token, &who), AN_OK);
    an_buf_release(&token);
}

static void test_unwritable_places(void **state)
{
    struct auth_fixture *f = *state;
    struct an_err err;
    assert_int_equal(an_issuer_init("/nonexistent/k.pem", f->keys_file, false, &err), AN_ENOENT);
    assert_int_equal(an_issuer_init(key_file, "/nonexistent/keys.json", false, &err), AN_ENOENT);
    assert_int_equal(access(key_file, F_OK), -1);
}

static void refuse_mint(struct auth_fixture *f, const char *why, const struct an_principal *who,
                        enum an_rc wanted)
{
    struct an_buf token;
    struct an_err err = {AN_OK, ""};
    an_buf_init(&token, 16384);
    int rc = an_issuer_mint(key_file, &f->issuer, who, NOW_US, &token, &err);
    if (rc != (int)wanted || token.len != 0)
        fail_msg("%s: %d %s", why, rc, err.text);
    an_buf_release(&token);
}

static void test_mint_refuses(void **state)
{
    struct auth_fixture *f = *state;
    refuse_mint(f, "no key file", &alice, AN_ENOENT);
    struct an_buf pem;
    an_buf_init(&pem, 16384);
    forge_private_pem(&pem, test_keys[KEY_RSA].pkey, NULL);
    write_text(key_file, pem.data, pem.len);
    refuse_mint(f, "an RSA key", &alice, AN_EINVAL);
    an_buf_clear(&pem);
    forge_private_pem(&pem, test_keys[KEY_P384].pkey, NULL);
    write_text(key_file, pem.data, pem.len);
    refuse_mint(f, "a P-384 key", &alice, AN_EINVAL);
    an_buf_clear(&pem);
    forge_public_pem(&pem, test_keys[KEY_P256].pkey);
    write_text(key_file, pem.data, pem.len);
    refuse_mint(f, "a public key", &alice, AN_EINVAL);
    an_buf_clear(&pem);
    forge_private_pem(&pem, test_keys[KEY_P256].pkey, "secret");
    write_text(key_file, pem.data, pem.len);
    refuse_mint(f, "a key under a password", &alice, AN_EINVAL);
    an_buf_clear(&pem);
    forge_private_pem(&pem, test_keys[KEY_P256].pkey, NULL);
    write_text(key_file, pem.data, pem.len);
    struct an_principal bad_tenant = alice, bad_subject = alice;
    bad_tenant.tenant[0] = '\'';
    refuse_mint(f, "no tenant id", &bad_tenant, AN_EINVAL);
    bad_subject.subject[0] = '\xff';
    refuse_mint(f, "a subject that is not UTF-8", &bad_subject, AN_EINVAL);
    char rsa_only[] = "RS256", *algorithms = f->issuer.algorithms;
    f->issuer.algorithms = rsa_only;
    refuse_mint(f, "an issuer that may not sign with ES256", &alice, AN_EINVAL);
    f->issuer.algorithms = algorithms;
    an_buf_release(&pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_init_and_mint, clean, clean),
        cmocka_unit_test_setup_teardown(test_kid_is_the_thumbprint, clean, clean),
        cmocka_unit_test_setup_teardown(test_existing_files_stay, clean, clean),
        cmocka_unit_test_setup_teardown(test_rotation_keeps_old_tokens_good, clean, clean),
        cmocka_unit_test_setup_teardown(test_rotation_refuses_a_broken_set, clean, clean),
        cmocka_unit_test_setup_teardown(test_rotation_stops_at_the_ceiling, clean, clean),
        cmocka_unit_test_setup_teardown(test_unwritable_places, clean, clean),
        cmocka_unit_test_setup_teardown(test_mint_refuses, clean, clean),
    };
    return cmocka_run_group_tests_name("issuer", tests, setup, auth_fixture_teardown);
}
