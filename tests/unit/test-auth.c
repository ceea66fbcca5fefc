/* SPDX-License-Identifier: Apache-2.0 */
/* Forged and malformed tokens, each beside its correct twin: what is refused must be refused for the one
 * thing that is wrong with it. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "auth/signature.h"
#include "auth/token.h"
#include "auth_fixture.h"
#include "base/clock.h"
#include "base/codec.h"

#define HEADER(alg, kid) "{\"alg\":\"" alg "\",\"typ\":\"JWT\",\"kid\":\"" kid "\"}"
/* A good header with more members. */
#define HEADER_WITH(more) "{\"alg\":\"ES256\",\"kid\":\"p256\"," more "}"

#define WHO "\"iss\":\"" ISS "\",\"aud\":\"annals\",\"tenant_id\":\"acme\",\"sub\":\"alice\""
#define GOOD "{" WHO ",\"exp\":1800000300,\"scope\":\"audit:write\"}"
/* Good but for its times. */
#define TIMES(times) "{" WHO "," times "}"
#define FOR_TENANT(member) "{\"iss\":\"" ISS "\",\"aud\":\"annals\",\"exp\":1800000300" member "}"
#define FOR_AUDIENCE(member) "{\"iss\":\"" ISS "\",\"tenant_id\":\"acme\",\"exp\":1800000300" member "}"
#define BY_ISSUER(member) "{\"aud\":\"annals\",\"tenant_id\":\"acme\",\"exp\":1800000300" member "}"

enum secret {
    SECRET_EMPTY,
    SECRET_RSA_PEM,
    SECRET_RSA_PEM_BARE, /* without the newline at its end */
    SECRET_EC_PEM,
    SECRET_EC_PEM_BARE,
    SECRET_RSA_JWK,
    SECRET_EC_JWK
};

/* A token; what is left out is that of a good one, signed with ES256. */
struct form {
    const char *header, *claims, *hash;
    enum key key;
    enum forge_how how;
    enum secret secret;
    bool pss;
    int salt_len;
};

struct row {
    const char *why;
    const char *reason; /* part of the message */
    struct form bad, good;
};

#define RS256 {.header = HEADER("RS256", "rsa"), .key = KEY_RSA}
#define RS512 {.header = HEADER("RS512", "rsa512"), .key = KEY_RSA512, .hash = "SHA512"}
#define ES384 {.header = HEADER("ES384", "p384"), .key = KEY_P384, .hash = "SHA384"}
#define PS256 {.header = HEADER("PS256", "rsa"), .key = KEY_RSA, .pss = true}
#define EDDSA {.header = HEADER("EdDSA", "ed25519"), .key = KEY_ED25519}
#define HMAC(with) {.header = HEADER("HS256", "rsa"), .how = FORGE_HMAC, .secret = with}

static const struct row algorithms[] = {
    {"no alg", "no text \"alg\"", {.header = "{\"kid\":\"p256\"}"}, {0}},
    {"alg is a number", "no text \"alg\"", {.header = "{\"alg\":256,\"kid\":\"p256\"}"}, {0}},
    {"alg none, no signature", "no signature", {.header = HEADER("none", "p256"), .how = FORGE_EMPTY}, {0}},
    {"alg none over a good signature", "none of ours", {.header = HEADER("none", "p256")}, {0}},
    {"alg None", "none of ours", {.header = HEADER("None", "p256")}, {0}},
    {"alg nOnE", "none of ours", {.header = HEADER("nOnE", "p256")}, {0}},
    {"alg is empty", "none of ours", {.header = HEADER("", "p256")}, {0}},
    {"alg in small letters", "none of ours", {.header = HEADER("es256", "p256")}, {0}},
    {"alg with a blank", "none of ours", {.header = HEADER("ES256 ", "p256")}, {0}},
    {"good header, no signature", "no signature", {.how = FORGE_EMPTY}, {0}},
    {"HS256 with the public RSA PEM", "none of ours", HMAC(SECRET_RSA_PEM), RS256},
    {"the same without newline", "none of ours", HMAC(SECRET_RSA_PEM_BARE), RS256},
    {"HS256 with the public EC PEM", "none of ours", HMAC(SECRET_EC_PEM), RS256},
    {"the same without newline", "none of ours", HMAC(SECRET_EC_PEM_BARE), RS256},
    {"HS256 with the RSA JWK", "none of ours", HMAC(SECRET_RSA_JWK), RS256},
    {"HS256 with the EC JWK", "none of ours", HMAC(SECRET_EC_JWK), RS256},
    {"HS256 with an empty key", "none of ours", HMAC(SECRET_EMPTY), RS256},
    {"ES256K", "none of ours", {.header = HEADER("ES256K", "p256")}, {0}},
    {"HS256 over an EdDSA key", "none of ours",
     {.header = HEADER("HS256", "ed25519"), .how = FORGE_HMAC, .secret = SECRET_EMPTY},
     EDDSA},
    {"PS512, which the issuer may not use", "may not sign with PS512",
     {.header = HEADER("PS512", "rsa"), .key = KEY_RSA, .hash = "SHA512", .pss = true}, PS256},
    {"EdDSA with the kid of an EC key", "not of the kind",
     {.header = HEADER("EdDSA", "p256"), .key = KEY_ED25519},
     EDDSA},
    {"PS256 with the kid of an EC key", "not of the kind", {.header = HEADER("PS256", "p256")}, PS256},
    {"ES256 with an Edwards key", "not of the kind",
     {.header = HEADER("ES256", "ed25519"), .key = KEY_ED25519}, EDDSA},
    {"the key is for RS512 alone, not PS256", "for RS512 alone",
     {.header = HEADER("PS256", "rsa512"), .key = KEY_RSA512, .pss = true}, PS256},
    {"an algorithm that the issuer may not use", "may not sign with RS384",
     {.header = HEADER("RS384", "rsa"), .key = KEY_RSA, .hash = "SHA384"}, RS256},
    {"RS256 with the kid of an EC key", "not of the kind",
     {.header = HEADER("RS256", "p256"), .key = KEY_RSA},
     RS256},
    {"ES256 with the kid of an RSA key", "not of the kind", {.header = HEADER("ES256", "rsa")}, {0}},
    {"ES384 with a P-256 key", "not of the kind",
     {.header = HEADER("ES384", "p256"), .hash = "SHA384"}, ES384},
    {"ES256 with a P-384 key", "not of the kind",
     {.header = HEADER("ES256", "p384"), .key = KEY_P384}, ES384},
    {"the key is for RS512 alone", "for RS512 alone",
     {.header = HEADER("RS256", "rsa512"), .key = KEY_RSA512},
     RS512},
    {"the key is for encryption", "no key with the token's kid", {.header = HEADER("ES256", "enc")}, {0}},
    {"RSA of 1024 bits", "no key with the token's kid", {.header = HEADER("RS256", "weak"), .key = KEY_WEAK},
     RS256},
};

static const struct row signatures[] = {
    {"zeros for ES256", "made of zeros", {.how = FORGE_ZERO}, {0}},
    {"zeros for RS256", "made of zeros",
     {.header = HEADER("RS256", "rsa"), .key = KEY_RSA, .how = FORGE_ZERO},
     RS256},
    {"DER for ES256", "bytes where ES256 has 64", {.how = FORGE_DER}, {0}},
    {"DER for ES384", "bytes where ES384 has 96",
     {.header = HEADER("ES384", "p384"), .key = KEY_P384, .hash = "SHA384", .how = FORGE_DER}, ES384},
    {"an HMAC for ES256", "32 bytes where", {.how = FORGE_HMAC, .secret = SECRET_EC_PEM}, {0}},
    {"ES256 over the hash of another", "not that of the key", {.hash = "SHA384"}, {0}},
    {"RS256 over the hash of another", "not that of the key",
     {.header = HEADER("RS256", "rsa"), .key = KEY_RSA, .hash = "SHA512"}, RS256},
    {"PS256 with the padding of RS256", "not that of the key",
     {.header = HEADER("PS256", "rsa"), .key = KEY_RSA}, PS256},
    {"RS256 with the padding of PS256", "not that of the key",
     {.header = HEADER("RS256", "rsa"), .key = KEY_RSA, .pss = true}, RS256},
    {"PS256 with a salt of 20 bytes", "not that of the key",
     {.header = HEADER("PS256", "rsa"), .key = KEY_RSA, .pss = true, .salt_len = 20}, PS256},
    {"PS256 over the hash of another", "not that of the key",
     {.header = HEADER("PS256", "rsa"), .key = KEY_RSA, .hash = "SHA512", .pss = true}, PS256},
    {"zeros for EdDSA", "made of zeros",
     {.header = HEADER("EdDSA", "ed25519"), .key = KEY_ED25519, .how = FORGE_ZERO}, EDDSA},
    {"an EC signature for EdDSA", "not that of the key", {.header = HEADER("EdDSA", "ed25519")}, EDDSA},
    {"another's EC key", "not that of the key", {.key = KEY_FOREIGN_EC}, {0}},
    {"another's RSA key", "not that of the key", {.header = HEADER("RS256", "rsa"), .key = KEY_FOREIGN_RSA},
     RS256},
};

static const struct row headers[] = {
    {"no kid", "no \"kid\"", {.header = "{\"alg\":\"ES256\"}"}, {0}},
    {"kid is a number", "no \"kid\"", {.header = "{\"alg\":\"ES256\",\"kid\":1}"}, {0}},
    {"kid is a list", "no \"kid\"", {.header = "{\"alg\":\"ES256\",\"kid\":[\"p256\"]}"}, {0}},
    {"kid is empty", "no \"kid\"", {.header = HEADER("ES256", "")}, {0}},
    {"unknown kid", "no key with the token's kid", {.header = HEADER("ES256", "p25")}, {0}},
    {"kid that climbs folders", "no key with", {.header = HEADER("ES256", "../../../../dev/null")}, {0}},
    {"kid with quotes", "no key with", {.header = HEADER("ES256", "p256' OR '1'='1\\\"--")}, {0}},
    {"kid with an escaped NUL", "not strict JSON", {.header = HEADER("ES256", "p256\\u0000")}, {0}},
    {"unknown crit", "\"crit\"", {.header = HEADER_WITH("\"crit\":[\"x\"],\"x\":1")}, {0}},
    {"empty crit", "\"crit\"", {.header = HEADER_WITH("\"crit\":[]")}, {0}},
    {"b64 false", "\"b64\"", {.header = HEADER_WITH("\"b64\":false")}, {0}},
    {"b64 false, made critical", "\"crit\"",
     {.header = HEADER_WITH("\"b64\":false,\"crit\":[\"b64\"]")}, {0}},
    {"alg twice", "not strict JSON", {.header = HEADER_WITH("\"alg\":\"none\"")}, {0}},
    {"alg twice, once escaped", "not strict JSON", {.header = HEADER_WITH("\"\\u0061lg\":\"none\"")}, {0}},
    {"kid twice", "not strict JSON", {.header = HEADER_WITH("\"kid\":\"rsa\"")}, {0}},
    {"another kind of token", "typ is not", {.header = HEADER_WITH("\"typ\":\"logout+jwt\"")},
     {.header = HEADER_WITH("\"typ\":\"jwt\"")}},
    {"a proof of possession", "typ is not", {.header = HEADER_WITH("\"typ\":\"dpop+jwt\"")},
     {.header = HEADER_WITH("\"typ\":\"at+jwt\"")}},
    {"an id token by its type", "typ is not", {.header = HEADER_WITH("\"typ\":\"at+jwt2\"")},
     {.header = HEADER_WITH("\"typ\":\"application/at+JWT\"")}},
    {"typ is a list", "typ is not", {.header = HEADER_WITH("\"typ\":[\"JWT\"]")}, {0}},
    {"header is a list", "no JSON object", {.header = "[\"ES256\"]"}, {0}},
    {"header is no JSON", "not strict JSON", {.header = "alg=ES256"}, {0}},
    {"something behind the header", "not strict JSON", {.header = HEADER("ES256", "p256") " {}"}, {0}},
};

static const struct row claims[] = {
    {"exp is missing", "exp is not a whole number", {.claims = "{" WHO "}"}, {0}},
    {"exp is a text", "exp is not a whole number", {.claims = TIMES("\"exp\":\"1800000300\"")}, {0}},
    {"exp is a float", "exp is not a whole number", {.claims = TIMES("\"exp\":1800000300.5")}, {0}},
    {"exp has an exponent", "exp is not a whole number", {.claims = TIMES("\"exp\":1.8000003e9")}, {0}},
    {"exp is negative", "exp is not a whole number", {.claims = TIMES("\"exp\":-1")}, {0}},
    {"exp is null", "exp is not a whole number", {.claims = TIMES("\"exp\":null")}, {0}},
    {"exp is beyond the year 9999", "exp is not a whole number",
     {.claims = TIMES("\"exp\":253402300800")}, {0}},
    {"exp is 2^63 - 1", "exp is not a whole number", {.claims = TIMES("\"exp\":9223372036854775807")}, {0}},
    {"exp is 2^70", "exp is not a whole number", {.claims = TIMES("\"exp\":1180591620717411303424")}, {0}},
    {"exp is long past", "expired 1000 seconds ago", {.claims = TIMES("\"exp\":1799999000")}, {0}},
    {"exp is 0", "expired", {.claims = TIMES("\"exp\":0")}, {0}},
    {"exp twice", "not strict JSON", {.claims = TIMES("\"exp\":1,\"exp\":1800000300")}, {0}},
    {"exp at the end of the leeway", "expired 60 seconds ago", {.claims = TIMES("\"exp\":1799999940")},
     {.claims = TIMES("\"exp\":1799999941")}},
    {"nbf past the leeway", "nbf is 61 seconds ahead",
     {.claims = TIMES("\"exp\":1800000300,\"nbf\":1800000061")},
     {.claims = TIMES("\"exp\":1800000300,\"nbf\":1800000060")}},
    {"nbf is a text", "nbf is not a whole number",
     {.claims = TIMES("\"exp\":1800000300,\"nbf\":\"0\"")}, {0}},
    {"iat past the leeway", "iat is 61 seconds ahead",
     {.claims = TIMES("\"exp\":1800000300,\"iat\":1800000061")},
     {.claims = TIMES("\"exp\":1800000300,\"iat\":1800000060")}},
    {"iat is a float", "iat is not a whole number", {.claims = TIMES("\"exp\":1800000300,\"iat\":1.5")},
     {.claims = TIMES("\"exp\":1800000300,\"iat\":1")}},
    {"iss is missing", "iss is missing", {.claims = BY_ISSUER("")}, {0}},
    {"iss is another's", "names no issuer", {.claims = BY_ISSUER(",\"iss\":\"https://evil.example\"")}, {0}},
    {"iss has a slash more", "names no issuer", {.claims = BY_ISSUER(",\"iss\":\"" ISS "/\"")}, {0}},
    {"iss is a list", "iss is missing", {.claims = BY_ISSUER(",\"iss\":[\"" ISS "\"]")},
     {.claims = BY_ISSUER(",\"iss\":\"" ISS "\"")}},
    {"aud is missing", "aud does not hold", {.claims = FOR_AUDIENCE("")}, {0}},
    {"aud is another's", "aud does not hold", {.claims = FOR_AUDIENCE(",\"aud\":\"annals2\"")}, {0}},
    {"aud holds ours as a word", "aud does not hold", {.claims = FOR_AUDIENCE(",\"aud\":\"x annals\"")}, {0}},
    {"aud is a list without ours", "aud does not hold", {.claims = FOR_AUDIENCE(",\"aud\":[\"a\",1,\"b\"]")},
     {.claims = FOR_AUDIENCE(",\"aud\":[\"a\",1,\"annals\"]")}},
    {"aud is an empty list", "aud does not hold", {.claims = FOR_AUDIENCE(",\"aud\":[]")},
     {.claims = FOR_AUDIENCE(",\"aud\":[\"annals\"]")}},
    {"aud is an object", "aud does not hold", {.claims = FOR_AUDIENCE(",\"aud\":{\"annals\":1}")}, {0}},
    {"tenant is missing", "names the tenant", {.claims = FOR_TENANT("")}, {0}},
    {"tenant is a list", "names the tenant", {.claims = FOR_TENANT(",\"tenant_id\":[\"acme\"]")}, {0}},
    {"tenant is a number", "names the tenant", {.claims = FOR_TENANT(",\"tenant_id\":7")}, {0}},
    {"tenant is empty", "not a tenant id", {.claims = FOR_TENANT(",\"tenant_id\":\"\"")}, {0}},
    {"tenant has a quote", "not a tenant id", {.claims = FOR_TENANT(",\"tenant_id\":\"a'b\"")}, {0}},
    {"tenant is a pattern", "not a tenant id", {.claims = FOR_TENANT(",\"tenant_id\":\"a*\"")},
     {.claims = FOR_TENANT(",\"tenant_id\":\"*\"")}},
    {"tenant twice", "not strict JSON",
     {.claims = FOR_TENANT(",\"tenant_id\":\"a\",\"tenant_id\":\"b\"")}, {0}},
    {"sub is a number", "sub is not a text", {.claims = FOR_TENANT(",\"tenant_id\":\"acme\",\"sub\":1")},
     {.claims = FOR_TENANT(",\"tenant_id\":\"acme\"")}},
    {"no payload", "not strict JSON", {.claims = ""}, {0}},
    {"payload is a list", "no JSON object", {.claims = "[1]"}, {0}},
    {"payload is no JSON", "not strict JSON", {.claims = "exp"}, {0}},
    {"payload is not UTF-8", "not strict JSON", {.claims = TIMES("\"exp\":1800000300,\"x\":\"\xff\"")},
     {.claims = TIMES("\"exp\":1800000300,\"x\":\"\xc3\xbf\"")}},
};

/* The secrets that a thief of public things can try. */
static void add_secret(struct an_buf *out, enum secret secret)
{
    if (secret == SECRET_RSA_PEM || secret == SECRET_RSA_PEM_BARE)
        forge_public_pem(out, test_keys[KEY_RSA].pkey);
    if (secret == SECRET_EC_PEM || secret == SECRET_EC_PEM_BARE)
        forge_public_pem(out, test_keys[KEY_P256].pkey);
    if (secret == SECRET_RSA_JWK)
        forge_jwk(out, test_keys[KEY_RSA].pkey, "rsa", test_keys[KEY_RSA].more);
    if (secret == SECRET_EC_JWK)
        forge_jwk(out, test_keys[KEY_P256].pkey, "p256", test_keys[KEY_P256].more);
    if (secret == SECRET_RSA_PEM_BARE || secret == SECRET_EC_PEM_BARE)
        out->len--;
}

static void make(struct an_buf *out, const struct form *form)
{
    struct an_buf secret;
    an_buf_init(&secret, 4096);
    add_secret(&secret, form->secret);
    struct forge with = {.how = form->how,
                         .pkey = test_keys[form->key].pkey,
                         .hash = form->hash == NULL && form->key != KEY_ED25519 ? "SHA256" : form->hash,
                         .pss = form->pss,
                         .salt_len = form->salt_len,
                         .secret = {secret.data, secret.len}};
    forge_token(out, an_str(form->header == NULL ? HEADER("ES256", "p256") : form->header),
                an_str(form->claims == NULL ? GOOD : form->claims), &with);
    an_buf_release(&secret);
}

static int verify(struct auth_fixture *f, struct an_str token, struct an_err *err)
{
    struct an_principal who;
    int rc = an_auth_verify(f->auth, f->arena, token, &who, err);
    an_arena_reset(f->arena);
    return rc;
}

static void must_refuse(struct auth_fixture *f, const char *why, const char *reason, struct an_str token)
{
    struct an_err err = {AN_OK, ""};
    int rc = verify(f, token, &err);
    if (rc != AN_EAUTH)
        fail_msg("%s: was not refused (%d)", why, rc);
    if (err.rc != AN_EAUTH || strstr(err.text, reason) == NULL)
        fail_msg("%s: refused, but because %s", why, err.text);
}

static void must_accept(struct auth_fixture *f, const char *why, struct an_str token)
{
    struct an_err err = {AN_OK, ""};
    if (verify(f, token, &err) != AN_OK)
        fail_msg("%s: the correct twin was refused: %s", why, err.text);
}

static void judge(struct auth_fixture *f, const struct row *rows, size_t count)
{
    struct an_buf token;
    an_buf_init(&token, 65536);
    for (size_t i = 0; i < count; i++) {
        an_buf_clear(&token);
        make(&token, &rows[i].bad);
        must_refuse(f, rows[i].why, rows[i].reason, (struct an_str){token.data, token.len});
        an_buf_clear(&token);
        make(&token, &rows[i].good);
        must_accept(f, rows[i].why, (struct an_str){token.data, token.len});
    }
    an_buf_release(&token);
}

static void test_algorithms(void **state)
{
    judge(*state, algorithms, AN_COUNT(algorithms));
}

static void test_signatures(void **state)
{
    judge(*state, signatures, AN_COUNT(signatures));
}

static void test_headers(void **state)
{
    judge(*state, headers, AN_COUNT(headers));
}

static void test_claims(void **state)
{
    judge(*state, claims, AN_COUNT(claims));
}

static int check(const struct an_buf *token, const struct an_alg *alg, const struct an_jwk *key)
{
    struct an_err err;
    const char *dot = strrchr(token->data, '.');
    struct an_str text = {token->data, (size_t)(dot - token->data)};
    unsigned char signature[1024];
    size_t len = sizeof signature;
    assert_true(an_base64url_decode(an_str(dot + 1), signature, &len));
    return an_signature_check(text, (struct an_str){(const char *)signature, len}, alg, key, &err);
}

/* The last wall: had our own checks let a token pass whose algorithm is not for the key, the signature
 * layer would refuse it too; and where there is no key, nothing is good. */
static void test_signature_layer(void **state)
{
    (void)state;
    struct an_buf token;
    an_buf_init(&token, 4096);
    char kid[] = "rsa";
    struct an_jwk key = {.kid = kid, .kind = AN_KEY_RSA, .public = {test_keys[KEY_RSA].pkey, 256}};
    const struct an_alg *rs256 = an_alg_find(AN_STR("RS256")), *es256 = an_alg_find(AN_STR("ES256"));
    static const struct form forged = HMAC(SECRET_RSA_PEM), good = RS256;
    make(&token, &forged);
    assert_int_equal(check(&token, rs256, &key), AN_EAUTH);
    an_buf_clear(&token);
    make(&token, &good);
    assert_int_equal(check(&token, rs256, &key), AN_OK);
    assert_int_equal(check(&token, es256, &key), AN_EAUTH);
    key.public.pkey = NULL;
    assert_int_equal(check(&token, rs256, &key), AN_EAUTH);
    an_buf_release(&token);
}

/* How a good token is spelt: {before}token{behind}, or changed by a function. */
static const struct {
    const char *why, *reason, *before, *behind;
} shapes[] = {
    {"padding", "segment 3", "", "="},
    {"two of padding", "segment 3", "", "=="},
    {"a blank behind", "segment 3", "", " "},
    {"a newline behind", "segment 3", "", "\n"},
    {"a blank before", "segment 1", " ", ""},
    {"a fourth segment", "three segments", "", ".e30"},
    {"an empty fourth segment", "three segments", "", "."},
    {"an empty segment before", "three segments", ".", ""},
    {"two tokens", "three segments", "", ", e30.e30.e30"},
    {"a character more", "bytes where", "", "A"},
    {"a group of characters more", "bytes where", "", "AAAA"},
};

static void test_shapes(void **state)
{
    struct an_buf good, bad;
    an_buf_init(&good, 4096);
    an_buf_init(&bad, 4096);
    make(&good, &(struct form){0});
    must_accept(*state, "unchanged", (struct an_str){good.data, good.len});
    for (size_t i = 0; i < AN_COUNT(shapes); i++) {
        an_buf_clear(&bad);
        (void)an_buf_addf(&bad, "%s%s%s", shapes[i].before, good.data, shapes[i].behind);
        must_refuse(*state, shapes[i].why, shapes[i].reason, (struct an_str){bad.data, bad.len});
    }
    must_refuse(*state, "nothing", "three segments", AN_STR(""));
    must_refuse(*state, "two segments", "three segments", AN_STR("e30.e30"));
    must_refuse(*state, "a NUL", "segment 3", (struct an_str){good.data, good.len + 1});
    an_buf_release(&good);
    an_buf_release(&bad);
}

/* 64 bytes take 86 characters, of which the last holds two bits: sixteen characters spell the same
 * signature to a lenient reader. One alone is right. */
static void test_last_character(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct an_buf token;
    an_buf_init(&token, 4096);
    make(&token, &(struct form){0});
    char *last = token.data + token.len - 1;
    size_t value = (size_t)(strchr(alphabet, *last) - alphabet);
    assert_int_equal(value % 16, 0);
    for (size_t i = 1; i < 16; i++) {
        *last = alphabet[value + i];
        must_refuse(*state, "another last character", "segment 3", (struct an_str){token.data, token.len});
    }
    *last = alphabet[value];
    must_accept(*state, "the right last character", (struct an_str){token.data, token.len});
    an_buf_release(&token);
}

static void add_padded(struct an_buf *token, const char *head, size_t filler, const char *tail,
                       bool in_header)
{
    struct an_buf text;
    an_buf_init(&text, 131072);
    (void)an_buf_adds(&text, head);
    for (size_t i = 0; i < filler; i++)
        (void)an_buf_addc(&text, 'x');
    (void)an_buf_adds(&text, tail);
    struct forge with = {.how = FORGE_SIGN, .pkey = test_keys[KEY_P256].pkey, .hash = "SHA256"};
    struct an_str long_text = {text.data, text.len};
    an_buf_clear(token);
    forge_token(token, in_header ? long_text : an_str(HEADER("ES256", "p256")),
                in_header ? an_str(GOOD) : long_text, &with);
    an_buf_release(&text);
}

static void test_sizes(void **state)
{
    static const char head[] = "{" WHO ",\"exp\":1800000300,\"x\":\"", tail[] = "\"}";
    struct an_buf token;
    an_buf_init(&token, 262144);
    size_t filler = 12000;
    do
        add_padded(&token, head, ++filler, tail, false);
    while (token.len < AN_TOKEN_MAX - 1);
    must_accept(*state, "16 KiB", (struct an_str){token.data, token.len});
    add_padded(&token, head, filler + 3, tail, false);
    assert_true(token.len > AN_TOKEN_MAX);
    must_refuse(*state, "over 16 KiB", "more than 16384", (struct an_str){token.data, token.len});
    add_padded(&token, "{\"alg\":\"ES256\",\"kid\":\"", 65536, "\"}", true);
    must_refuse(*state, "kid of 64 KiB", "more than 16384", (struct an_str){token.data, token.len});
    add_padded(&token, "{\"alg\":\"ES256\",\"kid\":\"", 257, "\"}", true);
    must_refuse(*state, "kid of 257 bytes", "no \"kid\"", (struct an_str){token.data, token.len});
    an_buf_release(&token);
}

static void test_raw_nul(void **state)
{
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"p256\0\"}";
    struct an_buf token;
    an_buf_init(&token, 4096);
    struct forge with = {.how = FORGE_SIGN, .pkey = test_keys[KEY_P256].pkey, .hash = "SHA256"};
    forge_token(&token, (struct an_str){header, sizeof header - 1}, an_str(GOOD), &with);
    must_refuse(*state, "kid with a raw NUL", "not strict JSON", (struct an_str){token.data, token.len});
    an_buf_release(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_signature_layer),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_last_character),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_raw_nul),
    };
    return cmocka_run_group_tests_name("auth", tests, auth_fixture_setup, auth_fixture_teardown);
}
