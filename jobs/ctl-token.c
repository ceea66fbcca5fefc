/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl issuer init, token, token check: the local issuer and its tokens. A token is a password: it
 * goes to stdout alone, is read from stdin, and is never an argument. */
#include "an.h"

#include <openssl/crypto.h>

#include "auth/auth.h"
#include "auth/issuer.h"
#include "auth/keyfetch.h"
#include "auth/keyring.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "ctl.h"
#include "event/event.h"
#include "proc/exit.h"

#define DEFAULT_TTL_MS INT64_C(3600000)
#define MAX_TTL_MS (365 * INT64_C(86400000))

/* By name; NULL: the first that may be ours, since its keys are in a file. */
static const struct an_conf_issuer *find_issuer(const struct an_conf *c, const char *name)
{
    for (size_t i = 0; i < c->issuer_count; i++)
        if (name == NULL ? !an_conf_issuer_is_remote(&c->issuers[i]) : strcmp(c->issuers[i].name, name) == 0)
            return &c->issuers[i];
    return NULL;
}

/* --- issuer init --- */

struct init_options {
    const char *key_file, *keys_file;
    bool rotate;
};

static int parse_init(const struct an_ctl *ctl, struct init_options *o)
{
    const struct an_ctl_option options[] = {{"key", .value = &o->key_file},
                                            {"keys", .value = &o->keys_file},
                                            {"rotate", .on = &o->rotate},
                                            {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    if (o->key_file == NULL || o->key_file[0] == '\0')
        return an_ctl_usage("issuer init: --key is needed where auth.issuer_key_file is not set");
    if (o->keys_file == NULL || o->keys_file[0] == '\0')
        return an_ctl_usage("issuer init: --keys is needed where no issuer is configured");
    return 0;
}

static void print_files(const struct an_ctl *ctl, const struct init_options *o)
{
    if (ctl->json) {
        struct an_buf out;
        an_buf_init(&out, 65536);
        (void)an_buf_adds(&out, "{\"key_file\":");
        (void)an_json_add_string(&out, an_str(o->key_file));
        (void)an_buf_adds(&out, ",\"keys_file\":");
        (void)an_json_add_string(&out, an_str(o->keys_file));
        (void)printf("%s}\n", out.data);
        an_buf_release(&out);
        return;
    }
    (void)printf("private key: %s\npublic keys: %s\n", o->key_file, o->keys_file);
}

/* The lines that the configuration still lacks for these files. */
static void print_missing_lines(const struct an_conf *c, const struct init_options *o)
{
    bool listed = false;
    for (size_t i = 0; i < c->issuer_count; i++)
        listed = listed || strcmp(c->issuers[i].keys_file, o->keys_file) == 0;
    bool named = strcmp(c->issuer_key_file, o->key_file) == 0;
    if (named && listed)
        return;
    (void)printf("\nThe configuration needs:\n\n");
    if (!named)
        (void)printf("[auth]\nissuer_key_file = %s\n\n", o->key_file);
    if (!listed)
        (void)printf("[issuer.local]\nissuer = annals-local\nalgorithms = ES256\nkeys_file = %s\n",
                     o->keys_file);
}

static int issuer_init(const struct an_ctl *ctl)
{
    const struct an_conf_issuer *first = find_issuer(ctl->conf, NULL);
    struct init_options o = {.key_file = ctl->conf->issuer_key_file,
                             .keys_file = first == NULL ? NULL : first->keys_file};
    int status = parse_init(ctl, &o);
    if (status != 0)
        return status;
    struct an_err err;
    if (an_issuer_init(o.key_file, o.keys_file, o.rotate, &err) != AN_OK)
        return an_ctl_failed(&err);
    print_files(ctl, &o);
    if (!ctl->json)
        print_missing_lines(ctl->conf, &o);
    return 0;
}

/* --- token --- */

struct token_options {
    const char *issuer;
    int64_t ttl_ms;
    struct an_principal who;
};

/* Copies an argument that must fit; false where it does not. */
static bool take(char *to, size_t size, const char *value)
{
    int n = snprintf(to, size, "%s", value);
    return n > 0 && (size_t)n < size;
}

static int take_scope(const char *value, void *arg)
{
    unsigned bits, *scopes = arg;
    if (!an_scopes_parse(an_str(value), &bits))
        return an_ctl_usage("token: --scope takes audit:write audit:read audit:import audit:admin, not %s",
                            value);
    *scopes |= bits;
    return AN_EXIT_OK;
}

static int parse_token(const struct an_ctl *ctl, struct token_options *o)
{
    const char *tenant = NULL, *subject = "annalsctl", *ttl = NULL;
    const struct an_ctl_option options[] = {{"tenant", .value = &tenant},
                                            {"scope", .take = take_scope, .arg = &o->who.scopes},
                                            {"ttl", .value = &ttl},
                                            {"subject", .value = &subject},
                                            {"issuer", .value = &o->issuer},
                                            {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    if (tenant == NULL)
        return an_ctl_usage("token: --tenant is needed ('*': the platform, which may name any)");
    if (!take(o->who.tenant, sizeof o->who.tenant, tenant))
        return an_ctl_usage("token: --tenant takes 1 to %zu bytes", sizeof o->who.tenant - 1);
    if (!take(o->who.subject, sizeof o->who.subject, subject))
        return an_ctl_usage("token: --subject takes 1 to %zu bytes", sizeof o->who.subject - 1);
    if (ttl != NULL &&
        (!an_parse_duration_ms(an_str(ttl), &o->ttl_ms) || o->ttl_ms < 1000 || o->ttl_ms > MAX_TTL_MS))
        return an_ctl_usage("token: --ttl takes 1s to 365d, not %s", ttl);
    if (strcmp(o->who.tenant, AN_TENANT_SYSTEM) == 0)
        return an_ctl_usage("token: the tenant '%s' is Annals itself: read it with --tenant '*'",
                            AN_TENANT_SYSTEM);
    if (o->who.scopes == 0)
        return an_ctl_usage("token: --scope is needed: without one the token may do nothing");
    return 0;
}

/* Would the servers take it? Asked of the issuer alone, its provider too: others do not matter here. */
static int verify(const struct an_ctl *ctl, const struct an_conf_issuer *issuer, struct an_str token,
                  struct an_principal *who, struct an_err *err)
{
    struct an_conf one = *ctl->conf;
    struct an_conf_issuer copy;
    if (issuer != NULL) {
        copy = *issuer;
        one.issuers = &copy;
        one.issuer_count = 1;
    }
    one.token_cache = 0;
    struct an_keyring *ring = an_keyfetch_wanted(&one) ? an_keyring_new() : NULL;
    if (ring != NULL)
        an_keyfetch_once(&one, ring);
    struct an_auth *auth = NULL;
    int rc = an_auth_open(&one, ring, &auth, err);
    if (rc == AN_OK) {
        struct an_arena *arena = an_arena_new(0);
        rc = an_auth_verify(auth, arena, token, who, err);
        an_arena_free(arena);
    }
    an_auth_close(auth);
    an_keyring_free(ring);
    return rc;
}

static int print_token(const struct an_ctl *ctl, const struct an_conf_issuer *issuer,
                       const struct token_options *o, struct an_err *err)
{
    struct an_buf token;
    an_buf_init(&token, AN_TOKEN_MAX);
    struct an_principal seen;
    int rc = an_issuer_mint(ctl->conf->issuer_key_file, issuer, &o->who, an_clock_us(), &token, err);
    if (rc == AN_OK) {
        rc = verify(ctl, issuer, (struct an_str){token.data, token.len}, &seen, err);
        if (rc != AN_OK)
            (void)an_fail_within(err, "the servers would refuse this token");
    }
    if (rc == AN_OK)
        (void)printf("%s\n", token.data);
    OPENSSL_cleanse(token.data, token.len);
    an_buf_release(&token);
    return rc;
}

static int token(const struct an_ctl *ctl)
{
    struct token_options o = {.ttl_ms = DEFAULT_TTL_MS};
    int status = parse_token(ctl, &o);
    if (status != 0)
        return status;
    struct an_err err;
    const struct an_conf_issuer *issuer = find_issuer(ctl->conf, o.issuer);
    if (issuer == NULL || ctl->conf->issuer_key_file[0] == '\0') {
        (void)an_fail(&err, AN_EINVAL, "token: %s: annalsctl issuer init makes a local issuer",
                      issuer == NULL ? "no such issuer is configured" : "auth.issuer_key_file is not set");
        return an_ctl_failed(&err);
    }
    o.who.expires_us = an_clock_us() + o.ttl_ms * 1000;
    return print_token(ctl, issuer, &o, &err) == AN_OK ? 0 : an_ctl_failed(&err);
}

/* --- token check --- */

static void add_member(struct an_buf *out, bool json, const char *name, const char *value)
{
    if (json) {
        (void)an_buf_addc(out, out->len == 0 ? '{' : ',');
        (void)an_json_add_string(out, an_str(name));
        (void)an_buf_addc(out, ':');
        (void)an_json_add_string(out, an_str(value));
    } else {
        (void)an_buf_addf(out, "%-8s %s\n", name, value);
    }
}

static void print_principal(const struct an_ctl *ctl, const struct an_principal *who)
{
    char expires[AN_TIME_LEN + 1];
    an_time_format(who->expires_us, expires);
    struct an_buf scopes, out;
    an_buf_init(&scopes, 256);
    an_buf_init(&out, 4096);
    for (unsigned bit = AN_SCOPE_WRITE; bit <= AN_SCOPE_ADMIN; bit <<= 1)
        if ((who->scopes & bit) != 0)
            (void)an_buf_addf(&scopes, "%s%s", scopes.len == 0 ? "" : " ",
                              an_scopes_name((enum an_scope_bit)bit));
    add_member(&out, ctl->json, "subject", who->subject);
    add_member(&out, ctl->json, "tenant", who->tenant);
    add_member(&out, ctl->json, "scopes", scopes.data);
    add_member(&out, ctl->json, "issuer", who->issuer);
    add_member(&out, ctl->json, "expires", expires);
    (void)printf("%s%s", out.data, ctl->json ? "}\n" : "");
    an_buf_release(&scopes);
    an_buf_release(&out);
}

/* The first line of stdin; one byte over the ceiling is enough to be refused for it. */
static struct an_str read_token(char *buf, size_t size)
{
    size_t len = fread(buf, 1, size, stdin);
    struct an_str rest, line = an_str_split((struct an_str){buf, len}, '\n', &rest);
    return line.len > 0 && line.data[line.len - 1] == '\r' ? (struct an_str){line.data, line.len - 1} : line;
}

static int token_check(const struct an_ctl *ctl)
{
    static char buf[AN_TOKEN_MAX + 2];
    struct an_principal who;
    struct an_err err;
    int rc = verify(ctl, NULL, read_token(buf, sizeof buf), &who, &err);
    OPENSSL_cleanse(buf, sizeof buf);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    print_principal(ctl, &who);
    return 0;
}

const struct an_ctl_command an_ctl_token[] = {
    {"issuer init", "[--key FILE] [--keys FILE] [--rotate]",
     "make the local issuer: a key pair to sign tokens", true, issuer_init},
    {"token", "--tenant T --scope S [--ttl 1h] [--subject S] [--issuer NAME]",
     "print a token of the local issuer", true, token},
    {"token check", "", "read a token from stdin and say who it is, or why it is refused", true, token_check},
    {NULL, NULL, NULL, false, NULL},
};
