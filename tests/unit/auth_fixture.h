/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of lib/auth share: keys made once a program, a key-set file, a configuration that names
 * it, and a clock that stands still. */
#ifndef TESTS_UNIT_AUTH_FIXTURE_H
#define TESTS_UNIT_AUTH_FIXTURE_H

#include "an.h"

#include <limits.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "forge.h"

#define NOW 1800000000 /* seconds; every token below is judged at this instant */
#define ISS "https://issuer.example"

/* Two kids may share one pair of keys; what differs then is what the set says about them. */
enum key {
    KEY_P256,
    KEY_P384,
    KEY_ED25519,
    KEY_RSA,
    KEY_RSA512,
    KEY_ENC,
    KEY_WEAK,
    KEY_FOREIGN_RSA, /* these two are not in the set */
    KEY_FOREIGN_EC,
    KEY__COUNT
};
struct test_key {
    const char *kid;
    const char *more; /* further members of its JWK */
    bool in_set;
    EVP_PKEY *pkey;
};
extern struct test_key test_keys[KEY__COUNT];

struct auth_fixture {
    char folder[PATH_MAX - 64];
    char keys_file[PATH_MAX];
    struct an_conf_issuer issuer;
    struct an_conf conf;
    struct an_auth *auth;
    struct an_arena *arena;
};

/* For cmocka_run_group_tests: makes the keys, a folder and the key-set file, and opens an_auth. */
int auth_fixture_setup(void **state);
int auth_fixture_teardown(void **state);

void write_text(const char *path, const char *text, size_t len);
/* {"keys":[...]} of those keys that are marked in_set. */
void test_key_set(struct an_buf *out);

#endif
