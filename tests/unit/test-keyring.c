/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of providers in shared memory: what a worker sees of what the helper puts there, and what an_auth
 * makes of it. */
#include "an.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/jwk.h"
#include "auth/keyring.h"
#include "auth_fixture.h"
#include "base/clock.h"
#include "base/mem.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

static struct an_conf_issuer provider(const char *iss, const char *url)
{
    static char none[] = "";
    return (struct an_conf_issuer){.issuer = an_xstrdup(iss),
                                   .keys_url = an_xstrdup(url),
                                   .discovery_url = none,
                                   .ca_file = none};
}

static void release(struct an_conf_issuer *issuer)
{
    free(issuer->issuer);
    free(issuer->keys_url);
}

static void test_places(void **state)
{
    (void)state;
    struct an_keyring *ring = an_keyring_new();
    struct an_conf_issuer a = provider("a", "https://a/"), b = provider("b", "https://a/"),
                          moved = provider("a", "https://b/");
    assert_null(an_keyring_find(ring, &a));
    struct an_key_place *place = an_keyring_make(ring, &a);
    assert_non_null(place);
    assert_ptr_equal(an_keyring_make(ring, &a), place);
    assert_ptr_equal(an_keyring_find(ring, &a), place);
    assert_null(an_keyring_find(ring, &b));
    assert_null(an_keyring_find(ring, &moved)); /* keys of one address do not vouch for another */
    assert_true(an_keyring_make(ring, &moved) != place);
    release(&a);
    release(&b);
    release(&moved);
    an_keyring_free(ring);
}

static void test_places_end(void **state)
{
    (void)state;
    struct an_keyring *ring = an_keyring_new();
    unsigned made = 0;
    bool more = true;
    while (more && made < 10000) {
        char url[32];
        (void)snprintf(url, sizeof url, "https://a/%u", made);
        struct an_conf_issuer issuer = provider("a", url);
        more = an_keyring_make(ring, &issuer) != NULL;
        made += more;
        release(&issuer);
    }
    assert_int_equal(made, 256);
    an_keyring_free(ring);
}

static void test_put_and_read(void **state)
{
    (void)state;
    static char large[AN_JWKS_MAX_BYTES];
    struct an_keyring *ring = an_keyring_new();
    struct an_conf_issuer issuer = provider("a", "https://a/");
    struct an_key_place *place = an_keyring_make(ring, &issuer);
    struct an_buf text;
    uint64_t version;
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    assert_false(an_key_place_read(place, &text, &version));

    memset(large, 'x', sizeof large);
    const struct an_str sets[] = {AN_STR("1234567"),
                                  AN_STR("12345678"),
                                  AN_STR("123456789"),
                                  {large, sizeof large},
                                  AN_STR("short again")};
    for (size_t i = 0; i < AN_COUNT(sets); i++) {
        an_key_place_put(place, sets[i], (int64_t)i + 100);
        assert_true(an_key_place_read(place, &text, &version));
        assert_true(an_str_equal((struct an_str){text.data, text.len}, sets[i]));
        assert_int_equal(version, i + 1);
        assert_int_equal(an_key_place_good_us(place), i + 100);
    }
    an_key_place_confirm(place, 200);
    assert_int_equal(an_key_place_good_us(place), 200);
    assert_int_equal(an_key_place_version(place), AN_COUNT(sets));
    an_buf_release(&text);
    release(&issuer);
    an_keyring_free(ring);
}

/* Puts sets that each are of one letter, as fast as it can, until it is killed. */
static AN_NORETURN void write_for_ever(struct an_key_place *place)
{
    static char set[20000];
    for (unsigned i = 0;; i++) {
        size_t len = 10000 + i * 97 % 10000;
        memset(set, 'a' + (int)(i % 26), len);
        an_key_place_put(place, (struct an_str){set, len}, 1);
    }
}

static void test_reader_beside_writer(void **state)
{
    (void)state;
    struct an_keyring *ring = an_keyring_new();
    struct an_conf_issuer issuer = provider("a", "https://a/");
    struct an_key_place *place = an_keyring_make(ring, &issuer);
    pid_t writer = fork();
    if (writer == 0)
        write_for_ever(place);
    struct an_buf text;
    uint64_t version = 0, last = 0;
    unsigned whole = 0;
    bool mixed = false;
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    int64_t until_us = an_clock_mono_us() + 500 * MS;
    while (!mixed && an_clock_mono_us() < until_us) {
        if (!an_key_place_read(place, &text, &version))
            continue;
        whole++;
        mixed = version < last || text.len < 10000;
        last = version;
        for (size_t i = 1; i < text.len; i++)
            mixed = mixed || text.data[i] != text.data[0];
    }
    (void)kill(writer, SIGKILL);
    (void)waitpid(writer, NULL, 0);
    assert_false(mixed);
    assert_true(whole > 0);
    assert_true(an_key_place_read(place, &text, &version)); /* it died somewhere in between */
    an_buf_release(&text);
    release(&issuer);
    an_keyring_free(ring);
}

static void test_want(void **state)
{
    (void)state;
    struct an_keyring *ring = an_keyring_new();
    struct an_conf_issuer issuer = provider("a", "https://a/");
    struct an_key_place *place = an_keyring_make(ring, &issuer);
    assert_false(an_key_place_wanted(place));
    pid_t worker = fork();
    if (worker == 0) {
        for (unsigned i = 0; i < 1000; i++)
            an_key_place_want(ring, place);
        _exit(0);
    }
    int64_t start_us = an_clock_mono_us();
    an_keyring_wait(ring, 10 * SECOND);
    assert_true(an_clock_mono_us() - start_us < 5 * SECOND);
    (void)waitpid(worker, NULL, 0);
    assert_true(an_key_place_wanted(place));
    assert_false(an_key_place_wanted(place));
    an_key_place_want(ring, place); /* before the wait: it does not wait then */
    start_us = an_clock_mono_us();
    an_keyring_wait(ring, 10 * SECOND);
    assert_true(an_clock_mono_us() - start_us < 5 * SECOND);
    start_us = an_clock_mono_us();
    an_keyring_wait(ring, 20 * MS);
    assert_true(an_clock_mono_us() - start_us >= 19 * MS);
    release(&issuer);
    an_keyring_free(ring);
}

/* ---- an_auth with a provider ---- */

static void put_set_of(struct an_key_place *place, enum key key, int64_t good_us)
{
    struct an_buf set;
    an_buf_init(&set, 65536);
    (void)an_buf_adds(&set, "{\"keys\":[");
    forge_jwk(&set, test_keys[key].pkey, test_keys[key].kid, test_keys[key].more);
    (void)an_buf_adds(&set, "]}");
    an_key_place_put(place, (struct an_str){set.data, set.len}, good_us);
    an_buf_release(&set);
}

static int ask(struct auth_fixture *f, struct an_auth *auth, enum key key, struct an_err *err)
{
    struct an_buf field, token;
    an_buf_init(&field, 8192);
    an_buf_init(&token, 8192);
    char header[64], claims[256];
    (void)snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", test_keys[key].kid);
    (void)snprintf(claims, sizeof claims,
                   "{\"iss\":\"" ISS "\",\"aud\":\"annals\",\"tenant_id\":\"acme\",\"exp\":%d}",
                   NOW + 300);
    struct forge with = {.how = FORGE_SIGN, .pkey = test_keys[key].pkey, .hash = "SHA256"};
    forge_token(&token, an_str(header), an_str(claims), &with);
    (void)an_buf_addf(&field, "Bearer %s", token.data);
    const struct an_principal *who = NULL;
    int rc = an_auth_check(auth, f->arena, (struct an_str){field.data, field.len}, &who, err);
    an_arena_reset(f->arena);
    an_buf_release(&field);
    an_buf_release(&token);
    return rc;
}

static void test_auth(void **state)
{
    struct auth_fixture *f = *state;
    struct an_err err = {AN_OK, ""};
    struct an_conf_issuer issuer = f->issuer;
    struct an_conf conf = f->conf;
    char url[] = "https://issuer.example/keys", none[] = "";
    issuer.keys_url = url;
    issuer.keys_file = none;
    issuer.ca_file = none;
    issuer.keys_max_stale_ms = 60000;
    conf.issuers = &issuer;
    struct an_keyring *ring = an_keyring_new();
    struct an_auth *auth = NULL;
    assert_int_equal(an_auth_open(&conf, ring, &auth, &err), AN_OK);
    assert_int_equal(ask(f, auth, KEY_P256, &err), AN_EAGAIN); /* before the helper has come */
    struct an_key_place *place = an_keyring_make(ring, &issuer);
    assert_int_equal(ask(f, auth, KEY_P256, &err), AN_EAGAIN); /* before the provider has answered */
    assert_false(an_key_place_wanted(place));                  /* the helper knows that itself */

    put_set_of(place, KEY_P256, an_clock_mono_us());
    assert_int_equal(ask(f, auth, KEY_P256, &err), AN_OK);
    assert_int_equal(ask(f, auth, KEY_FOREIGN_EC, &err), AN_EAUTH);
    assert_true(an_key_place_wanted(place));
    assert_int_equal(ask(f, auth, KEY_P256, &err), AN_OK);

    put_set_of(place, KEY_FOREIGN_EC, an_clock_mono_us());
    assert_int_equal(ask(f, auth, KEY_FOREIGN_EC, &err), AN_OK);
    assert_int_equal(ask(f, auth, KEY_P256, &err), AN_EAUTH); /* though it was in the cache */

    an_key_place_confirm(place, an_clock_mono_us() - 61 * SECOND);
    assert_int_equal(ask(f, auth, KEY_FOREIGN_EC, &err), AN_EAGAIN); /* too old, in the cache or not */
    an_key_place_confirm(place, an_clock_mono_us());
    assert_int_equal(ask(f, auth, KEY_FOREIGN_EC, &err), AN_OK);
    an_auth_close(auth);

    assert_int_equal(an_auth_open(&conf, NULL, &auth, &err), AN_OK); /* a check of the configuration */
    assert_int_equal(ask(f, auth, KEY_FOREIGN_EC, &err), AN_EAGAIN);
    an_auth_close(auth);
    an_keyring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),       cmocka_unit_test(test_places_end),
        cmocka_unit_test(test_put_and_read), cmocka_unit_test(test_reader_beside_writer),
        cmocka_unit_test(test_want),         cmocka_unit_test(test_auth),
    };
    return cmocka_run_group_tests_name("keyring", tests, auth_fixture_setup, auth_fixture_teardown);
}
