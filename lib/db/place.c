/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/internal.h"
#include "db/place.h"

#define TEXT_LIMIT ((size_t)64 << 10)

static bool is_one_of(const char *keyword, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(keyword, *list) == 0)
            return true;
    return false;
}

/* What names a server: a place says it all, or nothing of it. */
static bool names_server(const char *keyword)
{
    static const char *const list[] = {"host", "hostaddr", "port", "target_session_attrs", NULL};
    return is_one_of(keyword, list);
}

static bool names_us(const char *keyword)
{
    static const char *const list[] = {"user", "password", "passfile", "sslkey", "sslpassword", NULL};
    return is_one_of(keyword, list);
}

/* The options of a connection string; PQconninfoFree() them. */
static int parse(const char *text, const char *what, PQconninfoOption **out, struct an_err *err)
{
    char *why = NULL;
    *out = PQconninfoParse(text, &why);
    if (*out != NULL)
        return AN_OK;
    /* What libpq says may repeat a part of the string, and that of `who` may hold a password. */
    int rc = an_fail(err, AN_EINVAL, "%s is no connection string of libpq", what);
    PQfreemem(why);
    return rc;
}

static int parse_place(const char *place, PQconninfoOption **out, struct an_err *err)
{
    int rc = parse(place, "the place of a server", out, err);
    bool hosted = false;
    for (const PQconninfoOption *o = *out; rc == AN_OK && o->keyword != NULL; o++) {
        if (o->val == NULL || o->val[0] == '\0')
            continue;
        hosted = hosted || strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0;
        if (names_us(o->keyword))
            rc = an_fail(err, AN_EINVAL,
                         "the place of a server must not name %s: the configuration says who connects",
                         o->keyword);
    }
    if (rc == AN_OK && !hosted)
        rc = an_fail(err, AN_EINVAL, "the place of a server names no host");
    if (rc != AN_OK) {
        PQconninfoFree(*out);
        *out = NULL;
    }
    return rc;
}

int an_place_check(const char *place, struct an_err *err)
{
    PQconninfoOption *options = NULL;
    int rc = parse_place(place, &options, err);
    PQconninfoFree(options);
    return rc;
}

static void add_option(struct an_buf *out, const PQconninfoOption *o)
{
    an_buf_addf(out, "%s%s='", out->len > 0 ? " " : "", o->keyword);
    for (const char *p = o->val; *p != '\0'; p++) {
        if (*p == '\'' || *p == '\\')
            an_buf_addc(out, '\\');
        an_buf_addc(out, *p);
    }
    an_buf_addc(out, '\'');
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    const PQconninfoOption *o = options;
    while (o->keyword != NULL && strcmp(o->keyword, keyword) != 0)
        o++;
    return o->keyword == NULL ? NULL : o->val;
}

int an_place_lead(const char *who, const char *place, struct an_secret *out, struct an_err *err)
{
    PQconninfoOption *ours = NULL, *theirs = NULL;
    int rc = parse_place(place, &theirs, err);
    if (rc == AN_OK)
        rc = parse(who, "the configured string", &ours, err);
    struct an_buf text;
    an_buf_init(&text, TEXT_LIMIT);
    for (const PQconninfoOption *o = ours; rc == AN_OK && o->keyword != NULL; o++)
        if (o->val != NULL && !names_server(o->keyword) && value_of(theirs, o->keyword) == NULL)
            add_option(&text, o);
    for (const PQconninfoOption *o = theirs; rc == AN_OK && o->keyword != NULL; o++)
        if (o->val != NULL)
            add_option(&text, o);
    if (rc == AN_OK && text.overflow)
        rc = an_fail(err, AN_EINVAL, "the place of a server is over %zu bytes", TEXT_LIMIT);
    if (rc == AN_OK)
        an_secret_set(out, text.data, text.len);
    an_buf_release(&text);
    PQconninfoFree(ours);
    PQconninfoFree(theirs);
    return rc;
}

/* The i-th of a list with commas; a list of one goes for all. NULL: absent or empty. */
static char *item_dup(const char *list, size_t i)
{
    struct an_str rest = an_str(list), item = {.data = NULL};
    if (list == NULL)
        return NULL;
    if (strchr(list, ',') == NULL)
        item = rest;
    for (size_t n = 0; item.data == NULL && n <= i && rest.data != NULL; n++) {
        struct an_str one = an_str_split(rest, ',', &rest);
        if (n == i)
            item = one;
    }
    return item.len == 0 ? NULL : an_xstrndup(item.data, item.len);
}

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; list != NULL && *list != '\0'; list++)
        count += *list == ',' ? 1 : 0;
    return count;
}

struct an_host *an_place_hosts(const char *conninfo, size_t *count)
{
    PQconninfoOption *options = NULL;
    *count = 0;
    if (parse(conninfo, "the configured string", &options, NULL) != AN_OK)
        return NULL;
    const char *host = value_of(options, "host"), *hostaddr = value_of(options, "hostaddr");
    size_t n = count_items(hostaddr == NULL ? host : hostaddr);
    struct an_host *hosts = NULL;
    if (n > 1 && n <= AN_HOSTS_MAX) {
        hosts = an_xcalloc(n, sizeof *hosts);
        for (size_t i = 0; i < n; i++)
            hosts[i] = (struct an_host){item_dup(host, i), item_dup(hostaddr, i),
                                        item_dup(value_of(options, "port"), i)};
        *count = n;
    }
    PQconninfoFree(options);
    return hosts;
}

void an_hosts_free(struct an_host *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(hosts[i].host);
        free(hosts[i].hostaddr);
        free(hosts[i].port);
    }
    free(hosts);
}
