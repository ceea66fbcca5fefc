/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <unistd.h>

#include "auth_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

struct test_key test_keys[KEY__COUNT] = {
    [KEY_RSA] = {"rsa", ",\"use\":\"sig\"", true, NULL},
    [KEY_RSA512] = {"rsa512", ",\"alg\":\"RS512\"", true, NULL},
    [KEY_WEAK] = {"weak", "", true, NULL},
    [KEY_ENC] = {"enc", ",\"use\":\"enc\"", true, NULL},
    [KEY_P256] = {"p256", ",\"use\":\"sig\",\"alg\":\"ES256\"", true, NULL},
    [KEY_P384] = {"p384", "", true, NULL},
    [KEY_ED25519] = {"ed25519", "", true, NULL},
    [KEY_FOREIGN_RSA] = {"foreign-rsa", "", false, NULL},
    [KEY_FOREIGN_EC] = {"foreign-ec", "", false, NULL},
};

static void make_keys(void)
{
    EVP_PKEY *rsa = forge_rsa(2048), *p256 = forge_ec("P-256");
    EVP_PKEY *made[KEY__COUNT] = {
        [KEY_RSA] = rsa,   [KEY_RSA512] = rsa,           [KEY_WEAK] = forge_rsa(1024),
        [KEY_ENC] = p256,  [KEY_P256] = p256,            [KEY_P384] = forge_ec("P-384"),
        [KEY_ED25519] = forge_edwards("ED25519"),
        [KEY_FOREIGN_RSA] = forge_rsa(2048), [KEY_FOREIGN_EC] = forge_ec("P-256"),
    };
    for (size_t i = 0; i < KEY__COUNT; i++)
        test_keys[i].pkey = made[i];
}

static void free_keys(void)
{
    test_keys[KEY_RSA512].pkey = NULL; /* the same as KEY_RSA */
    test_keys[KEY_ENC].pkey = NULL;    /* the same as KEY_P256 */
    for (size_t i = 0; i < KEY__COUNT; i++)
        EVP_PKEY_free(test_keys[i].pkey);
}

void write_text(const char *path, const char *text, size_t len)
{
    struct an_err err;
    if (an_file_write(path, 0644, text, len, &err) != AN_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

void test_key_set(struct an_buf *out)
{
    const char *comma = "";
    (void)an_buf_adds(out, "{\"keys\":[");
    for (size_t i = 0; i < KEY__COUNT; i++) {
        if (!test_keys[i].in_set)
            continue;
        (void)an_buf_adds(out, comma);
        forge_jwk(out, test_keys[i].pkey, test_keys[i].kid, test_keys[i].more);
        comma = ",";
    }
    (void)an_buf_adds(out, "]}");
}

static void configure(struct auth_fixture *f)
{
    static char none[] = "", scopes[] = "scope roles realm_access.roles";
    static char name[] = "test", iss[] = ISS, audience[] = "annals", claim[] = "tenant_id";
    static char algorithms[] = "ES256 ES384 RS256 RS512 PS256 EdDSA"; /* RS384 is left out on purpose */
    f->issuer = (struct an_conf_issuer){.name = name,
                                        .issuer = iss,
                                        .audience = audience,
                                        .algorithms = algorithms,
                                        .keys_file = f->keys_file,
                                        .keys_url = none,
                                        .discovery_url = none,
                                        .tenant_claim = claim,
                                        .scopes_claim = scopes,
                                        .scope_map = none};
    f->conf = (struct an_conf){
        .issuers = &f->issuer, .issuer_count = 1, .token_cache = 64, .token_leeway_ms = 60000};
}

int auth_fixture_setup(void **state)
{
    struct auth_fixture *f = an_xcalloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(f->folder, sizeof f->folder, "%s/an-auth-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(f->folder) == NULL)
        return -1;
    (void)snprintf(f->keys_file, sizeof f->keys_file, "%s/keys.json", f->folder);
    an_clock_set(INT64_C(1000000) * NOW);
    make_keys();
    struct an_buf set;
    an_buf_init(&set, 65536);
    test_key_set(&set);
    write_text(f->keys_file, set.data, set.len);
    an_buf_release(&set);
    configure(f);
    f->arena = an_arena_new(65536);
    struct an_err err;
    if (an_auth_open(&f->conf, NULL, &f->auth, &err) != AN_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    *state = f;
    return 0;
}

int auth_fixture_teardown(void **state)
{
    struct auth_fixture *f = *state;
    an_auth_close(f->auth);
    an_arena_free(f->arena);
    (void)unlink(f->keys_file);
    (void)rmdir(f->folder);
    free_keys();
    free(f);
    an_clock_set(0);
    return 0;
}
