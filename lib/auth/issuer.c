/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "auth/issuer.h"
#include "auth/jwk.h"
#include "auth/signature.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/uuid.h"
#include "event/event.h"

#define ALGORITHM "ES256"
#define COORDINATE_LEN 32
#define BASE64URL_32 43 /* characters that 32 bytes take */
#define PEM_MAX 16384
#define CLAIMS_MAX 8192 /* a token with them stays under AN_TOKEN_MAX */
#define JWK_MAX 1024
#define PART_MAX 512 /* a token's header; its signature */

/* The public half of our key, as text. */
struct public_half {
    char x[BASE64URL_32 + 1], y[BASE64URL_32 + 1];
    char kid[BASE64URL_32 + 1]; /* RFC 7638 thumbprint */
};

static void encode32(const unsigned char bytes[32], char out[BASE64URL_32 + 1])
{
    struct an_buf b;
    an_buf_init(&b, BASE64URL_32);
    (void)an_base64url_add(&b, bytes, 32);
    memcpy(out, b.data, BASE64URL_32 + 1);
    an_buf_release(&b);
}

static bool read_coordinate(EVP_PKEY *pkey, const char *name, char out[BASE64URL_32 + 1])
{
    unsigned char bytes[COORDINATE_LEN];
    BIGNUM *n = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_bn2binpad(n, bytes, sizeof bytes) > 0;
    BN_free(n);
    if (ok)
        encode32(bytes, out);
    return ok;
}

/* False where it is no key of P-256. */
static bool read_public(EVP_PKEY *pkey, struct public_half *out)
{
    char group[32];
    if (EVP_PKEY_is_a(pkey, "EC") != 1 || EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1 ||
        strcmp(group, "prime256v1") != 0 || !read_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, out->x) ||
        !read_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, out->y))
        return false;
    /* RFC 7638 section 3: the required members alone, in this order, without blanks. */
    struct an_buf members;
    an_buf_init(&members, JWK_MAX);
    (void)an_buf_addf(&members, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", out->x,
                      out->y);
    unsigned char digest[AN_SHA256_LEN];
    an_sha256(members.data, members.len, digest);
    an_buf_release(&members);
    encode32(digest, out->kid);
    return true;
}

/* Appends the keys of an existing set as they are written there. */
static int add_old_keys(struct an_arena *arena, struct an_str text, struct an_buf *out, struct an_err *err)
{
    static const struct an_json_limits limits = {.depth = 8, .values = 8192};
    struct an_json *root;
    struct an_json_fault fault;
    if (!an_json_parse(arena, text, &limits, &root, &fault))
        return an_fail(err, AN_EINVAL, "not valid JSON at byte %zu: %s", fault.offset, fault.detail);
    const struct an_json *list = an_json_get(root, "keys");
    if (list == NULL || list->type != AN_JSON_ARRAY)
        return an_fail(err, AN_EINVAL, "not a key set: there is no list \"keys\"");
    if (list->count >= AN_JWKS_MAX_KEYS)
        return an_fail(err, AN_ETOOBIG, "it holds %u keys already: take out those that no token needs",
                       list->count);
    for (const struct an_json *key = list->child; key != NULL; key = key->next) {
        (void)an_buf_adds(out, ",\n  ");
        (void)an_buf_add(out, key->text.data, key->text.len);
    }
    return AN_OK;
}

static int keep_old_keys(const char *keys_file, struct an_buf *out, struct an_err *err)
{
    struct an_buf text;
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    struct an_arena *arena = an_arena_new(0);
    int rc = an_file_read(keys_file, &text, err);
    if (rc == AN_ENOENT) {
        rc = AN_OK;
    } else if (rc == AN_OK) {
        rc = add_old_keys(arena, (struct an_str){text.data, text.len}, out, err);
        if (rc != AN_OK)
            (void)an_fail_within(err, "%s", keys_file);
    }
    an_arena_free(arena);
    an_buf_release(&text);
    return rc;
}

static int write_set(const struct public_half *key, const char *keys_file, bool rotate, struct an_err *err)
{
    struct an_buf set;
    an_buf_init(&set, AN_JWKS_MAX_BYTES);
    (void)an_buf_addf(&set,
                      "{\"keys\":[\n  {\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"alg\":\"" ALGORITHM
                      "\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
                      key->kid, key->x, key->y);
    int rc = rotate ? keep_old_keys(keys_file, &set, err) : AN_OK;
    (void)an_buf_adds(&set, "\n]}\n");
    if (rc == AN_OK && set.overflow)
        rc = an_fail(err, AN_ETOOBIG, "%s would be larger than %d bytes", keys_file, AN_JWKS_MAX_BYTES);
    if (rc == AN_OK)
        rc = an_file_write(keys_file, 0644, set.data, set.len, err);
    an_buf_release(&set);
    return rc;
}

static int write_private(EVP_PKEY *pkey, const char *key_file, struct an_err *err)
{
    int rc;
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
    if (bio == NULL || PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        rc = an_fail(err, AN_EBACKEND, "the new key cannot be written as PEM");
    } else {
        char *pem = NULL;
        long len = BIO_get_mem_data(bio, &pem);
        rc = an_file_write(key_file, 0600, pem, (size_t)len, err);
    }
    BIO_free(bio);
    return rc;
}

static int refuse_existing(const char *path, struct an_err *err)
{
    if (access(path, F_OK) == 0)
        return an_fail(err, AN_ECONFLICT, "%s exists already", path);
    return errno == ENOENT ? AN_OK : an_fail(err, AN_EINVAL, "%s: %s", path, strerror(errno));
}

int an_issuer_init(const char *key_file, const char *keys_file, bool rotate, struct an_err *err)
{
    int rc = rotate ? AN_OK : refuse_existing(key_file, err);
    if (rc == AN_OK && !rotate)
        rc = refuse_existing(keys_file, err);
    if (rc != AN_OK)
        return rc;
    struct public_half public;
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    if (pkey == NULL || !read_public(pkey, &public))
        rc = an_fail(err, AN_EBACKEND, "OpenSSL cannot make a key of P-256");
    /* The public half first: a token must not be signed before its key is known. */
    if (rc == AN_OK)
        rc = write_set(&public, keys_file, rotate, err);
    if (rc == AN_OK)
        rc = write_private(pkey, key_file, err);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return rc;
}

/* We ask nobody: a key under a password is refused. */
static int no_password(char *buf, int size, int writing, void *unused)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)unused;
    return -1;
}

/* The key and its public half; NULL where it is none of P-256. */
static EVP_PKEY *read_private(const char *pem, size_t len, struct public_half *out)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    if (pkey != NULL && !read_public(pkey, out)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

static void add_text_claim(struct an_buf *out, const char *name, const char *value)
{
    (void)an_buf_addc(out, out->len == 0 ? '{' : ',');
    (void)an_json_add_string(out, an_str(name));
    (void)an_buf_addc(out, ':');
    (void)an_json_add_string(out, an_str(value));
}

static void add_scope_claim(struct an_buf *out, unsigned scopes)
{
    (void)an_buf_adds(out, ",\"scope\":\"");
    const char *blank = "";
    for (unsigned bit = AN_SCOPE_WRITE; bit <= AN_SCOPE_ADMIN; bit <<= 1) {
        if ((scopes & bit) == 0)
            continue;
        (void)an_buf_addf(out, "%s%s", blank, an_scopes_name((enum an_scope_bit)bit));
        blank = " ";
    }
    (void)an_buf_addc(out, '"');
}

static int make_claims(const struct an_conf_issuer *issuer, const struct an_principal *who, int64_t now_us,
                       struct an_buf *out, struct an_err *err)
{
    if (strcmp(who->tenant, AN_PLATFORM) != 0 && !an_tenant_valid(an_str(who->tenant)))
        return an_fail(err, AN_EINVAL, "\"%s\" is not a tenant id", who->tenant);
    if (!an_utf8_valid(who->subject, strlen(who->subject)))
        return an_fail(err, AN_EINVAL, "the subject is not valid UTF-8");
    add_text_claim(out, "iss", issuer->issuer);
    add_text_claim(out, "aud", issuer->audience);
    if (who->subject[0] != '\0')
        add_text_claim(out, "sub", who->subject);
    add_text_claim(out, issuer->tenant_claim, who->tenant);
    char jti[AN_UUID_LEN + 1];
    struct an_uuid id = an_uuid7_random(now_us);
    an_uuid_format(&id, jti);
    add_text_claim(out, "jti", jti);
    add_scope_claim(out, who->scopes);
    (void)an_buf_addf(out, ",\"iat\":%lld,\"exp\":%lld}", (long long)(now_us / 1000000),
                      (long long)(who->expires_us / 1000000));
    return out->overflow ? an_fail(err, AN_ETOOBIG, "the claims are too long") : AN_OK;
}

static bool allows_ours(struct an_str algorithms)
{
    while (algorithms.len > 0)
        if (an_str_is(an_str_split(algorithms, ' ', &algorithms), ALGORITHM))
            return true;
    return false;
}

/* Appends header, claims and signature. */
static int sign(EVP_PKEY *pkey, const char *kid, const struct an_buf *claims, struct an_buf *out,
                struct an_err *err)
{
    struct an_buf part;
    an_buf_init(&part, PART_MAX);
    size_t start = out->len;
    (void)an_buf_addf(&part, "{\"alg\":\"" ALGORITHM "\",\"kid\":\"%s\",\"typ\":\"JWT\"}", kid);
    (void)an_base64url_add(out, part.data, part.len);
    (void)an_buf_addc(out, '.');
    (void)an_base64url_add(out, claims->data, claims->len);
    an_buf_clear(&part);
    int rc = an_signature_make_es256((struct an_str){out->data + start, out->len - start}, pkey, &part, err);
    (void)an_buf_addc(out, '.');
    (void)an_base64url_add(out, part.data, part.len);
    an_buf_release(&part);
    if (rc == AN_OK && out->overflow)
        rc = an_fail(err, AN_ETOOBIG, "the token is too long");
    return rc;
}

int an_issuer_mint(const char *key_file, const struct an_conf_issuer *issuer, const struct an_principal *who,
                   int64_t now_us, struct an_buf *out, struct an_err *err)
{
    if (!allows_ours(an_str(issuer->algorithms)))
        return an_fail(err, AN_EINVAL, "issuer %s does not allow " ALGORITHM ", which is what we sign with",
                       issuer->name);
    struct an_buf pem, claims;
    an_buf_init(&pem, PEM_MAX);
    an_buf_init(&claims, CLAIMS_MAX);
    struct public_half public;
    EVP_PKEY *pkey = NULL;
    int rc = an_file_read(key_file, &pem, err);
    if (rc == AN_OK) {
        pkey = read_private(pem.data, pem.len, &public);
        if (pkey == NULL)
            rc = an_fail(err, AN_EINVAL, "%s holds no private key of P-256 in PEM", key_file);
    }
    if (rc == AN_OK)
        rc = make_claims(issuer, who, now_us, &claims, err);
    if (rc == AN_OK)
        rc = sign(pkey, public.kid, &claims, out, err);
    EVP_PKEY_free(pkey);
    OPENSSL_cleanse(pem.data, pem.len);
    an_buf_release(&pem);
    an_buf_release(&claims);
    return rc;
}
