/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl login: a link that signs a person in to the console, once. Who can run this can read the
 * database's credentials anyway, so it asks for no other proof. Only the digest of the link's secret is kept.
 */
#include "an.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/json.h"
#include "console/session.h"
#include "ctl.h"
#include "db/db.h"
#include "event/event.h"
#include "proc/exit.h"

#define LINK_MAX_BYTES 4096
#define LONGEST_TTL_MS INT64_C(86400000) /* as admin.login_ttl */

struct options {
    const char *tenant, *subject;
    unsigned scopes;
    int64_t ttl_ms;
};

/* The subject becomes an actor's id in the log. */
static bool subject_valid(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= AN_ID_MAX && an_utf8_valid(s, len);
}

static int take_scope(const char *value, void *arg)
{
    unsigned bits, *scopes = arg;
    if (!an_scopes_parse(an_str(value), &bits))
        return an_ctl_usage("login: --scope takes audit:read or audit:admin, not '%s'", value);
    *scopes |= bits;
    return AN_EXIT_OK;
}

static int parse(const struct an_ctl *ctl, struct options *o)
{
    const char *ttl = NULL;
    const struct an_ctl_option options[] = {{"tenant", .value = &o->tenant},
                                            {"subject", .value = &o->subject},
                                            {"scope", .take = take_scope, .arg = &o->scopes},
                                            {"ttl", .value = &ttl},
                                            {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    if (strcmp(o->tenant, AN_PLATFORM) != 0 && !an_tenant_valid(an_str(o->tenant)))
        return an_ctl_usage("login: '%s' is no tenant id ('*': all tenants)", o->tenant);
    if (!subject_valid(o->subject))
        return an_ctl_usage("login: --subject takes UTF-8 of 1 to %d bytes", AN_ID_MAX);
    if (ttl != NULL &&
        (!an_parse_duration_ms(an_str(ttl), &o->ttl_ms) || o->ttl_ms < 1000 || o->ttl_ms > LONGEST_TTL_MS))
        return an_ctl_usage("login: --ttl takes 1s to 1d, not '%s'", ttl);
    if (o->scopes == 0)
        o->scopes = AN_SCOPE_READ | AN_SCOPE_ADMIN;
    return AN_EXIT_OK;
}

static int store(const struct an_ctl *ctl, const struct options *o, const char *secret, int64_t *expires_us,
                 struct an_err *err)
{
    char hash[AN_SESSION_HASH_LEN + 1], scopes[16], ttl[24];
    an_session_hash(an_str(secret), hash);
    (void)snprintf(scopes, sizeof scopes, "%u", o->scopes);
    (void)snprintf(ttl, sizeof ttl, "%lld", (long long)o->ttl_ms);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(hash)), AN_DB_TEXT(an_str(o->subject)),
                                         AN_DB_TEXT(an_str(o->tenant)), AN_DB_TEXT(an_str(scopes)),
                                         AN_DB_TEXT(an_str(ttl))};
    struct an_result *r = NULL;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_WRITER);
    int rc = an_db_exec(db, AN_STMT_LOGIN_ADD, params, AN_COUNT(params), &r, err);
    if (rc == AN_OK && !an_result_int(r, 0, 0, expires_us))
        rc = an_fail(err, AN_EBACKEND, "the database did not say when the link ends");
    an_result_free(r);
    an_db_free(db);
    return rc;
}

static void print_link(const struct an_ctl *ctl, const char *secret, int64_t expires_us)
{
    char expires[AN_TIME_LEN + 1];
    char link[LINK_MAX_BYTES];
    an_time_format(expires_us, expires);
    (void)snprintf(link, sizeof link, "%s/admin/login?token=%s", ctl->conf->public_url, secret);
    if (!ctl->json) {
        (void)printf("%s\n", link);
        (void)fprintf(stderr, "good once, until %s\n", expires);
        return;
    }
    struct an_buf out;
    an_buf_init(&out, 2 * LINK_MAX_BYTES);
    an_buf_adds(&out, "{\"url\": ");
    an_json_add_string(&out, an_str(link));
    an_buf_addf(&out, ", \"expires_at\": \"%s\"}", expires);
    (void)printf("%s\n", out.data);
    an_buf_release(&out);
}

static int login(const struct an_ctl *ctl)
{
    struct options o = {
        .tenant = AN_PLATFORM, .subject = an_ctl_operator(), .ttl_ms = ctl->conf->login_ttl_ms};
    int status = parse(ctl, &o);
    if (status != AN_EXIT_OK)
        return status;
    char secret[AN_SESSION_SECRET_LEN + 1];
    int64_t expires_us;
    struct an_err err;
    an_session_secret(secret);
    if (store(ctl, &o, secret, &expires_us, &err) != AN_OK)
        return an_ctl_failed(&err);
    print_link(ctl, secret, expires_us);
    return AN_EXIT_OK;
}

const struct an_ctl_command an_ctl_login[] = {
    {"login", "[--tenant T|'*'] [--subject NAME] [--scope S] [--ttl 15min]",
     "print a link that signs in to the console, once", true, login},
    {NULL, NULL, NULL, false, NULL},
};
