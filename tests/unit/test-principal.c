/* SPDX-License-Identifier: Apache-2.0 */
/* What good tokens give: tenant, subject, scopes; and what headers that point to keys do: nothing. */
#include "an.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/claims.h"
#include "auth_fixture.h"
#include "base/clock.h"

#define HEADER "{\"alg\":\"ES256\",\"kid\":\"p256\"}"
#define OF_TENANT(id, more) \
    "{\"iss\":\"" ISS "\",\"aud\":\"annals\",\"exp\":1800000300,\"tenant_id\":\"" id "\"" more "}"
#define CLAIMS(more) OF_TENANT("acme", more)

static void make(struct an_buf *token, const char *header, const char *claims, enum key key)
{
    struct forge with = {.how = FORGE_SIGN, .pkey = test_keys[key].pkey, .hash = "SHA256"};
    an_buf_clear(token);
    forge_token(token, an_str(header), an_str(claims), &with);
}

static int verify(struct auth_fixture *f, const struct an_buf *token, struct an_principal *who,
                  struct an_err *err)
{
    int rc = an_auth_verify(f->auth, f->arena, (struct an_str){token->data, token->len}, who, err);
    an_arena_reset(f->arena);
    return rc;
}

#define W AN_SCOPE_WRITE
#define R AN_SCOPE_READ
#define I AN_SCOPE_IMPORT
#define A AN_SCOPE_ADMIN

static const struct {
    const char *why, *claims;
    unsigned scopes;
} scopes[] = {
    {"no scope claim at all", "", 0},
    {"one word", ",\"scope\":\"audit:write\"", W},
    {"several words", ",\"scope\":\"audit:import audit:read\"", I | R},
    {"admin includes read", ",\"scope\":\"audit:admin\"", A | R},
    {"unknown words mean nothing", ",\"scope\":\"openid audit:writer audit:write profile\"", W},
    {"words of another case are unknown", ",\"scope\":\"Audit:Write AUDIT:READ\"", 0},
    {"blanks in a row", ",\"scope\":\"  audit:read  audit:write \"", R | W},
    {"a comma parts no words", ",\"scope\":\"audit:read,audit:write\"", 0},
    {"a list", ",\"scope\":[\"audit:read\",\"audit:write\"]", R | W},
    {"words inside a list are no words", ",\"scope\":[\"audit:read audit:write\"]", 0},
    {"a number", ",\"scope\":15", 0},
    {"an escaped spelling is the same word", ",\"scope\":\"\\u0061udit:write\"", W},
    {"roles", ",\"roles\":[\"audit:read\",7,null,\"x\"]", R},
    {"roles of the realm", ",\"realm_access\":{\"roles\":[\"audit:import\"]}", I},
    {"realm_access is no object", ",\"realm_access\":[\"audit:import\"]", 0},
    {"all three together", ",\"scope\":\"audit:write\",\"roles\":[\"audit:read\"],"
                           "\"realm_access\":{\"roles\":[\"audit:admin\"]}", W | R | A},
    {"roles elsewhere do not count", ",\"resource_access\":{\"annals\":{\"roles\":[\"audit:admin\"]}}", 0},
};

static void test_scopes(void **state)
{
    struct an_buf token, claims;
    an_buf_init(&token, 8192);
    an_buf_init(&claims, 8192);
    for (size_t i = 0; i < AN_COUNT(scopes); i++) {
        an_buf_clear(&claims);
        (void)an_buf_addf(&claims, CLAIMS("%s"), scopes[i].claims);
        make(&token, HEADER, claims.data, KEY_P256);
        struct an_principal who;
        struct an_err err = {AN_OK, ""};
        if (verify(*state, &token, &who, &err) != AN_OK)
            fail_msg("%s: refused: %s", scopes[i].why, err.text);
        if (who.scopes != scopes[i].scopes)
            fail_msg("%s: scopes %u, not %u", scopes[i].why, who.scopes, scopes[i].scopes);
    }
    an_buf_release(&token);
    an_buf_release(&claims);
}

/* Of a provider that names things its own way. */
static const struct {
    const char *why, *paths, *map, *claims;
    unsigned scopes;
} mapped[] = {
    {"a role by its other name", "realm_access.roles", "auditor=audit:read",
     ",\"realm_access\":{\"roles\":[\"auditor\"]}", R},
    {"one role, two scopes", "groups", "ops=audit:read ops=audit:write", ",\"groups\":[\"ops\"]", R | W},
    {"our own names go on", "groups", "ops=audit:read", ",\"groups\":[\"audit:write\"]", W},
    {"the empty word is no role", "groups", "ops=audit:read", ",\"groups\":[\"\",7,null]", 0},
    {"the map itself is no role", "scope", "ops=audit:admin", ",\"scope\":\"ops=audit:admin\"", 0},
    {"claims not named do not count", "groups", "", ",\"scope\":\"audit:read\"", 0},
    {"a way into objects", "resource_access.annals.roles", "",
     ",\"resource_access\":{\"annals\":{\"roles\":[\"audit:admin\"]}}", A | R},
    {"a way that ends early", "resource_access.annals.roles", "", ",\"resource_access\":[]", 0},
    {"a name with dots", "https://example.com/roles", "", ",\"https://example.com/roles\":[\"audit:read\"]",
     R},
    {"several ways", "groups  scope", "", ",\"groups\":[\"audit:read\"],\"scope\":\"audit:write\"", R | W},
};

static void test_mapped_scopes(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf token, claims;
    an_buf_init(&token, 8192);
    an_buf_init(&claims, 8192);
    struct an_conf_issuer before = f->issuer;
    for (size_t i = 0; i < AN_COUNT(mapped); i++) {
        char paths[64], map[64];
        (void)snprintf(paths, sizeof paths, "%s", mapped[i].paths);
        (void)snprintf(map, sizeof map, "%s", mapped[i].map);
        f->issuer.scopes_claim = paths;
        f->issuer.scope_map = map;
        an_buf_clear(&claims);
        (void)an_buf_addf(&claims, CLAIMS("%s"), mapped[i].claims);
        make(&token, HEADER, claims.data, KEY_P256);
        struct an_principal who;
        struct an_err err = {AN_OK, ""};
        if (verify(f, &token, &who, &err) != AN_OK || who.scopes != mapped[i].scopes)
            fail_msg("%s: scopes %u, not %u %s", mapped[i].why, who.scopes, mapped[i].scopes, err.text);
    }
    f->issuer = before;
    an_buf_release(&token);
    an_buf_release(&claims);
}

static void test_tenant_by_a_way(void **state)
{
    struct auth_fixture *f = *state;
    struct an_buf token;
    an_buf_init(&token, 8192);
    char way[] = "annals.tenant", *before = f->issuer.tenant_claim;
    f->issuer.tenant_claim = way;
    struct an_principal who;
    struct an_err err;
    make(&token, HEADER, CLAIMS(",\"annals\":{\"tenant\":\"globex\"}"), KEY_P256);
    assert_int_equal(verify(f, &token, &who, &err), AN_OK);
    assert_string_equal(who.tenant, "globex");
    make(&token, HEADER, CLAIMS(",\"annals\":\"globex\""), KEY_P256);
    assert_int_equal(verify(f, &token, &who, &err), AN_EAUTH);
    f->issuer.tenant_claim = before;
    an_buf_release(&token);
}

static void test_scope_map(void **state)
{
    (void)state;
    struct an_str bad;
    assert_true(an_scopes_map_valid(AN_STR(""), &bad));
    assert_true(an_scopes_map_valid(AN_STR(" a=audit:read  b=audit:admin "), &bad));
    assert_false(an_scopes_map_valid(AN_STR("a=audit:read b=audit:delete"), &bad));
    assert_true(an_str_is(bad, "b=audit:delete"));
}

static void test_scope_words(void **state)
{
    (void)state;
    unsigned bits;
    assert_true(an_scopes_parse(AN_STR(""), &bits));
    assert_int_equal(bits, 0);
    assert_true(an_scopes_parse(AN_STR(" audit:write, audit:read,,audit:admin "), &bits));
    assert_int_equal(bits, W | R | A);
    assert_false(an_scopes_parse(AN_STR("audit:write audit:delete"), &bits));
    assert_false(an_scopes_parse(AN_STR("audit:write;audit:read"), &bits));
    assert_string_equal(an_scopes_name(AN_SCOPE_IMPORT), "audit:import");
}

static void test_who(void **state)
{
    struct an_buf token;
    an_buf_init(&token, 8192);
    struct an_principal who;
    struct an_err err;
    make(&token, HEADER, CLAIMS(",\"sub\":\"al\\u00efce\""), KEY_P256);
    assert_int_equal(verify(*state, &token, &who, &err), AN_OK);
    assert_string_equal(who.subject, "al\xc3\xaf" "ce");
    assert_string_equal(who.tenant, "acme");
    assert_string_equal(who.issuer, "test");
    assert_true(who.expires_us == INT64_C(1800000300000000));
    make(&token, HEADER, CLAIMS(""), KEY_P256);
    assert_int_equal(verify(*state, &token, &who, &err), AN_OK);
    assert_string_equal(who.subject, "");
    make(&token, HEADER, OF_TENANT("*", ""), KEY_P256);
    assert_int_equal(verify(*state, &token, &who, &err), AN_OK);
    assert_string_equal(who.tenant, AN_PLATFORM);
    an_buf_release(&token);
}

/* Texts of the longest accepted length, and one byte more. */
static void test_long_texts(void **state)
{
    static const struct {
        const char *claim, *rest;
        int length;
        bool ok;
    } cases[] = {
        {"sub", "\"tenant_id\":\"acme\"", 256, true},
        {"sub", "\"tenant_id\":\"acme\"", 257, false},
        {"tenant_id", "\"sub\":\"alice\"", 128, true},
        {"tenant_id", "\"sub\":\"alice\"", 129, false},
    };
    struct an_buf token, claims;
    an_buf_init(&token, 8192);
    an_buf_init(&claims, 8192);
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_buf_clear(&claims);
        (void)an_buf_addf(&claims,
                          "{\"iss\":\"" ISS "\",\"aud\":\"annals\",\"exp\":1800000300,%s,\"%s\":\"%0*d\"}",
                          cases[i].rest, cases[i].claim, cases[i].length, 7);
        make(&token, HEADER, claims.data, KEY_P256);
        struct an_principal who;
        struct an_err err;
        if ((verify(*state, &token, &who, &err) == AN_OK) != cases[i].ok)
            fail_msg("%s of %d bytes", cases[i].claim, cases[i].length);
    }
    an_buf_release(&token);
    an_buf_release(&claims);
}

static int listen_on_loopback(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 8) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Headers that say where the key is, or bring it along, signed with that key; and the same headers over
 * a good signature, where they are read over. */
static void test_headers_that_bring_keys(void **state)
{
    unsigned port;
    int canary = listen_on_loopback(&port);
    struct an_buf header, token;
    an_buf_init(&header, 8192);
    an_buf_init(&token, 16384);
    static const char *const kids[] = {"p256", "foreign-ec"};
    for (size_t i = 0; i < AN_COUNT(kids); i++) {
        an_buf_clear(&header);
        (void)an_buf_addf(&header,
                          "{\"alg\":\"ES256\",\"kid\":\"%s\",\"jku\":\"http://127.0.0.1:%u/keys\","
                          "\"x5u\":\"http://127.0.0.1:%u/chain\",\"x5c\":[\"MIIB\"],\"jwk\":",
                          kids[i], port, port);
        forge_jwk(&header, test_keys[KEY_FOREIGN_EC].pkey, kids[i], "");
        (void)an_buf_addc(&header, '}');
        struct an_principal who;
        struct an_err err;
        make(&token, header.data, CLAIMS(""), KEY_FOREIGN_EC);
        assert_int_equal(verify(*state, &token, &who, &err), AN_EAUTH);
        make(&token, header.data, CLAIMS(""), KEY_P256);
        assert_int_equal(verify(*state, &token, &who, &err), i == 0 ? AN_OK : AN_EAUTH);
    }
    struct pollfd caller = {.fd = canary, .events = POLLIN};
    assert_int_equal(poll(&caller, 1, 0), 0);
    (void)close(canary);
    an_buf_release(&header);
    an_buf_release(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_mapped_scopes),
        cmocka_unit_test(test_tenant_by_a_way),
        cmocka_unit_test(test_scope_map),
        cmocka_unit_test(test_scope_words),
        cmocka_unit_test(test_who),        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_headers_that_bring_keys),
    };
    return cmocka_run_group_tests_name("principal", tests, auth_fixture_setup, auth_fixture_teardown);
}
