/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/claims.h"
#include "base/clock.h"
#include "event/event.h"

#define SECOND_US INT64_C(1000000)

static const struct {
    const char *name;
    enum an_scope_bit bit;
} scopes[] = {
    {"audit:write", AN_SCOPE_WRITE},
    {"audit:read", AN_SCOPE_READ},
    {"audit:import", AN_SCOPE_IMPORT},
    {"audit:admin", AN_SCOPE_ADMIN},
};

const char *an_scopes_name(enum an_scope_bit bit)
{
    for (size_t i = 0; i < AN_COUNT(scopes); i++)
        if (scopes[i].bit == bit)
            return scopes[i].name;
    return NULL;
}

/* 0 for a word that is no scope of ours. */
static unsigned scope_bit(struct an_str word)
{
    for (size_t i = 0; i < AN_COUNT(scopes); i++)
        if (an_str_is(word, scopes[i].name))
            return scopes[i].bit;
    return 0;
}

static struct an_str next_word(struct an_str *rest)
{
    static const char separators[] = " \t,";
    size_t start = 0, end;
    while (start < rest->len && memchr(separators, rest->data[start], sizeof separators - 1) != NULL)
        start++;
    for (end = start; end < rest->len; end++)
        if (memchr(separators, rest->data[end], sizeof separators - 1) != NULL)
            break;
    struct an_str word = {rest->data + start, end - start};
    *rest = (struct an_str){rest->data + end, rest->len - end};
    return word;
}

bool an_scopes_parse(struct an_str words, unsigned *out)
{
    unsigned bits = 0;
    while (words.len > 0) {
        struct an_str word = next_word(&words);
        unsigned bit = scope_bit(word);
        if (bit == 0 && word.len > 0)
            return false;
        bits |= bit;
    }
    *out = bits;
    return true;
}

bool an_scopes_map_valid(struct an_str map, struct an_str *bad)
{
    struct an_str scope;
    while (map.len > 0) {
        *bad = next_word(&map);
        (void)an_str_split(*bad, '=', &scope);
        if (bad->len > 0 && scope_bit(scope) == 0)
            return false;
    }
    return true;
}

/* What a word of a token means: a scope of ours, or what the issuer's map makes of it ("role=scope ..."). */
static unsigned meaning(struct an_str word, struct an_str map)
{
    unsigned bits = scope_bit(word);
    while (map.len > 0) {
        struct an_str scope, role = an_str_split(next_word(&map), '=', &scope);
        if (role.len > 0 && an_str_equal(role, word))
            bits |= scope_bit(scope);
    }
    return bits;
}

static unsigned scopes_of_text(struct an_str words, struct an_str map)
{
    unsigned bits = 0;
    while (words.len > 0)
        bits |= meaning(an_str_split(words, ' ', &words), map);
    return bits;
}

/* Of a text of words or a list of single ones; anything else holds none. */
static unsigned scopes_of(struct an_arena *arena, const struct an_json *value, struct an_str map)
{
    if (value == NULL || value->type != AN_JSON_ARRAY)
        return scopes_of_text(an_json_string(arena, value), map);
    unsigned bits = 0;
    for (const struct an_json *item = value->child; item != NULL; item = item->next)
        bits |= meaning(an_json_string(arena, item), map);
    return bits;
}

static const struct an_json *member(const struct an_json *object, struct an_str name)
{
    if (object == NULL || object->type != AN_JSON_OBJECT)
        return NULL;
    for (const struct an_json *m = object->child; m != NULL; m = m->next)
        if (an_str_equal(m->name, name))
            return m;
    return NULL;
}

/* A claim by its name, which may hold dots ("https://example.com/tenant"), else by the way to it
 * ("realm_access.roles"). */
static const struct an_json *find_claim(const struct an_json *claims, struct an_str path)
{
    const struct an_json *found = member(claims, path);
    if (found != NULL)
        return found;
    found = claims;
    while (found != NULL && path.len > 0)
        found = member(found, an_str_split(path, '.', &path));
    return found == claims ? NULL : found;
}

static unsigned gather_scopes(struct an_arena *arena, const struct an_json *claims,
                              const struct an_conf_issuer *issuer)
{
    unsigned bits = 0;
    struct an_str paths = an_str(issuer->scopes_claim);
    while (paths.len > 0) {
        struct an_str path = next_word(&paths);
        if (path.len > 0)
            bits |= scopes_of(arena, find_claim(claims, path), an_str(issuer->scope_map));
    }
    return (bits & AN_SCOPE_ADMIN) != 0 ? bits | AN_SCOPE_READ : bits;
}

/* Seconds since 1970 as an integer -> microseconds. JSON would allow 1.7e9 and "1700000000" too; we do
 * not: a library that rounds or reads them as 0 would see another token than we do. */
static int read_time(const struct an_json *claims, const char *name, int64_t *us, struct an_err *err)
{
    int64_t seconds;
    if (!an_json_int(an_json_get(claims, name), &seconds) || seconds < 0 ||
        seconds > AN_TIME_MAX_US / SECOND_US)
        return an_fail(err, AN_EAUTH, "%s is not a whole number of seconds since 1970", name);
    *us = seconds * SECOND_US;
    return AN_OK;
}

/* nbf and iat: where the claim stands, its instant has come. */
static int check_begun(const struct an_json *claims, const char *name, const struct an_claim_rules *rules,
                       struct an_err *err)
{
    int64_t us;
    if (an_json_get(claims, name) == NULL)
        return AN_OK;
    int rc = read_time(claims, name, &us, err);
    if (rc == AN_OK && us > rules->now_us + rules->leeway_us)
        rc = an_fail(err, AN_EAUTH, "%s is %lld seconds ahead", name,
                     (long long)((us - rules->now_us) / SECOND_US));
    return rc;
}

static int check_times(const struct an_json *claims, const struct an_claim_rules *rules, int64_t *expires_us,
                       struct an_err *err)
{
    int rc = read_time(claims, "exp", expires_us, err);
    if (rc == AN_OK && rules->now_us >= *expires_us + rules->leeway_us)
        rc = an_fail(err, AN_EAUTH, "the token expired %lld seconds ago",
                     (long long)((rules->now_us - *expires_us) / SECOND_US));
    if (rc == AN_OK)
        rc = check_begun(claims, "nbf", rules, err);
    if (rc == AN_OK)
        rc = check_begun(claims, "iat", rules, err);
    return rc;
}

static bool audience_holds(struct an_arena *arena, const struct an_json *aud, const char *wanted)
{
    if (aud == NULL || aud->type != AN_JSON_ARRAY)
        return an_str_is(an_json_string(arena, aud), wanted);
    for (const struct an_json *item = aud->child; item != NULL; item = item->next)
        if (an_str_is(an_json_string(arena, item), wanted))
            return true;
    return false;
}

/* Copies a value that has been found short enough. */
static void put(char *to, struct an_str value)
{
    memcpy(to, value.data, value.len);
    to[value.len] = '\0';
}

static int read_subject(struct an_arena *arena, const struct an_json *claims, struct an_principal *out,
                        struct an_err *err)
{
    const struct an_json *sub = an_json_get(claims, "sub");
    struct an_str subject = an_json_string(arena, sub);
    if (sub != NULL && (subject.data == NULL || subject.len >= sizeof out->subject))
        return an_fail(err, AN_EAUTH, "sub is not a text of up to %zu bytes", sizeof out->subject - 1);
    put(out->subject, subject.data == NULL ? AN_STR("") : subject);
    return AN_OK;
}

static int read_tenant(struct an_arena *arena, const struct an_json *claims, const char *claim,
                       struct an_principal *out, struct an_err *err)
{
    struct an_str tenant = an_json_string(arena, find_claim(claims, an_str(claim)));
    if (tenant.data == NULL)
        return an_fail(err, AN_EAUTH, "there is no text \"%s\" that names the tenant", claim);
    if (!an_str_is(tenant, AN_PLATFORM) && (!an_tenant_valid(tenant) || tenant.len >= sizeof out->tenant))
        return an_fail(err, AN_EAUTH, "\"%s\" is not a tenant id", claim);
    if (an_str_is(tenant, AN_TENANT_SYSTEM))
        return an_fail(err, AN_EAUTH, "\"%s\" is the tenant of Annals itself", claim);
    put(out->tenant, tenant);
    return AN_OK;
}

int an_claims_check(struct an_arena *arena, const struct an_json *claims, const struct an_claim_rules *rules,
                    struct an_principal *out, struct an_err *err)
{
    const struct an_conf_issuer *issuer = rules->issuer;
    int rc = check_times(claims, rules, &out->expires_us, err);
    if (rc != AN_OK)
        return rc;
    if (!an_str_is(an_json_string(arena, an_json_get(claims, "iss")), issuer->issuer))
        return an_fail(err, AN_EAUTH, "iss is not \"%s\"", issuer->issuer);
    if (!audience_holds(arena, an_json_get(claims, "aud"), issuer->audience))
        return an_fail(err, AN_EAUTH, "aud does not hold \"%s\"", issuer->audience);
    rc = read_tenant(arena, claims, issuer->tenant_claim, out, err);
    if (rc == AN_OK)
        rc = read_subject(arena, claims, out, err);
    if (rc != AN_OK)
        return rc;
    out->scopes = gather_scopes(arena, claims, issuer);
    (void)snprintf(out->issuer, sizeof out->issuer, "%s", issuer->name);
    return AN_OK;
}
