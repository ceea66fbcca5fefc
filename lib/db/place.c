/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/internal.h"
#include "db/place.h"

#define TEXT_LIMIT ((size_t)64 << 10)
#define TARGET     "target_session_attrs"

static bool is_one_of(const char *keyword, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(keyword, *list) == 0)
            return true;
    return false;
}

/* What names a server: a place says it all, or nothing of it. */
static bool names_host(const char *keyword)
{
    static const char *const list[] = {"host", "hostaddr", "port", NULL};
    return is_one_of(keyword, list);
}

static bool names_service(const char *keyword)
{
    static const char *const list[] = {"service", "servicefile", NULL};
    return is_one_of(keyword, list);
}

/* A service is an entry in a file of whoever connects. */
static bool names_us(const char *keyword)
{
    static const char *const list[] = {"user", "password", "passfile", "sslkey", "sslpassword", NULL};
    return is_one_of(keyword, list) || names_service(keyword);
}

static PQconninfoOption *find(PQconninfoOption *options, const char *keyword)
{
    PQconninfoOption *o = options;
    while (o != NULL && o->keyword != NULL && strcmp(o->keyword, keyword) != 0)
        o++;
    return o == NULL || o->keyword == NULL ? NULL : o;
}

/* NULL: absent or empty. */
static const char *value_of(PQconninfoOption *options, const char *keyword)
{
    const PQconninfoOption *o = find(options, keyword);
    return o == NULL || o->val == NULL || o->val[0] == '\0' ? NULL : o->val;
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

static void add_option(struct an_buf *out, const char *keyword, const char *value)
{
    an_buf_addf(out, "%s%s='", out->len > 0 ? " " : "", keyword);
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\'' || *p == '\\')
            an_buf_addc(out, '\\');
        an_buf_addc(out, *p);
    }
    an_buf_addc(out, '\'');
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


static int list_hosts(PQconninfoOption *options, struct an_host **out, size_t *count, struct an_err *err)
{
    const char *host = value_of(options, "host"), *hostaddr = value_of(options, "hostaddr"),
               *port = value_of(options, "port");
    size_t n = count_items(hostaddr == NULL ? host : hostaddr), ports = count_items(port);
    if (n > AN_HOSTS_MAX)
        return an_fail(err, AN_EINVAL, "%zu hosts are named; %d are the most", n, AN_HOSTS_MAX);
    if (host != NULL && count_items(host) != n)
        return an_fail(err, AN_EINVAL, "%zu hosts are named with %zu addresses", count_items(host), n);
    if (ports > 1 && ports != n)
        return an_fail(err, AN_EINVAL, "%zu hosts are named with %zu ports", n, ports);
    struct an_host *hosts = an_xcalloc(n, sizeof *hosts);
    for (size_t i = 0; i < n; i++)
        hosts[i] = (struct an_host){item_dup(host, i), item_dup(hostaddr, i), item_dup(port, i)};
    *out = hosts;
    *count = n;
    return AN_OK;
}

static void free_hosts(struct an_host *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(hosts[i].host);
        free(hosts[i].hostaddr);
        free(hosts[i].port);
    }
    free(hosts);
}

int an_place_check(const char *place, size_t most, struct an_err *err)
{
    PQconninfoOption *options = NULL;
    struct an_host *hosts = NULL;
    size_t count = 0;
    int rc = parse_place(place, &options, err);
    if (rc == AN_OK)
        rc = list_hosts(options, &hosts, &count, err);
    if (rc == AN_OK && count > most)
        rc = an_fail(err, AN_EINVAL, "the place of a server names %zu hosts, where %zu may stand", count,
                     most);
    free_hosts(hosts, count);
    PQconninfoFree(options);
    return rc;
}

/* libpq looks up a service, and what else the string leaves open, for a connection alone. So one is begun
 * which it refuses for the value of `spoilt`, before it looks for any host; all other options are known
 * by then. */
static int complete_but(const char *who, const char *spoilt, PQconninfoOption **out, struct an_err *err)
{
    const char *keywords[] = {"dbname", spoilt, NULL}, *values[] = {who, "-", NULL};
    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    const char *why = PQerrorMessage(pg);
    *out = PQconninfo(pg);
    int rc = AN_OK;
    if (value_of(*out, spoilt) == NULL) /* it did not come that far: a service that cannot be found */
        rc = an_fail(err, AN_EINVAL, "%.*s", (int)strcspn(why, "\n"), why);
    PQfinish(pg);
    return rc;
}

/* Moves the value of one option from one list to the other. */
static void move_value(PQconninfoOption *to, PQconninfoOption *from, const char *keyword)
{
    PQconninfoOption *t = find(to, keyword), *f = find(from, keyword);
    char *value = t->val;
    t->val = f->val;
    f->val = value;
}

/* All options of the string, with what libpq would take from elsewhere. */
static int complete(const char *who, PQconninfoOption **out, struct an_err *err)
{
    PQconninfoOption *said = NULL, *others = NULL;
    int rc = parse(who, "the configured string", &said, err);
    if (rc == AN_OK)
        rc = complete_but(who, "sslmode", out, err);
    if (rc == AN_OK)
        rc = complete_but(who, TARGET, &others, err);
    if (rc == AN_OK)
        move_value(*out, others, "sslmode");
    /* libpq's default is no wish of anybody's. */
    PQconninfoOption *target = rc == AN_OK ? find(*out, TARGET) : NULL;
    if (target != NULL && value_of(said, TARGET) == NULL && strcmp(target->val, "any") == 0)
        target->val[0] = '\0';
    PQconninfoFree(said);
    PQconninfoFree(others);
    return rc;
}

/* The options but those that name hosts: of theirs, then what they leave open of ours. */
static int write_options(PQconninfoOption *ours, PQconninfoOption *theirs, struct an_secret *out,
                         struct an_err *err)
{
    struct an_buf text;
    int rc = AN_OK;
    an_buf_init(&text, TEXT_LIMIT);
    for (const PQconninfoOption *o = theirs; o != NULL && o->keyword != NULL; o++)
        if (value_of(theirs, o->keyword) != NULL && !names_host(o->keyword))
            add_option(&text, o->keyword, o->val);
    for (const PQconninfoOption *o = ours; o->keyword != NULL; o++) {
        bool theirs_alone = names_host(o->keyword) || (theirs != NULL && strcmp(o->keyword, TARGET) == 0);
        if (theirs_alone || names_service(o->keyword) || value_of(theirs, o->keyword) != NULL)
            continue;
        if (value_of(ours, o->keyword) != NULL)
            add_option(&text, o->keyword, o->val);
    }
    /* Empty is not absent: libpq looks nowhere else. */
    an_buf_adds(&text, " host='' hostaddr='' port=''");
    if (text.overflow)
        rc = an_fail(err, AN_EINVAL, "the connection string is over %zu bytes", TEXT_LIMIT);
    else
        an_secret_set(out, text.data, text.len);
    an_buf_release(&text);
    return rc;
}

int an_where_find(const char *who, const char *place, struct an_where *out, struct an_err *err)
{
    PQconninfoOption *ours = NULL, *theirs = NULL;
    bool led = place != NULL && place[0] != '\0';
    *out = (struct an_where){.hosts = NULL};
    int rc = led ? parse_place(place, &theirs, err) : AN_OK;
    if (rc == AN_OK)
        rc = complete(who, &ours, err);
    if (rc == AN_OK)
        rc = list_hosts(led ? theirs : ours, &out->hosts, &out->count, err);
    if (rc == AN_OK)
        rc = write_options(ours, theirs, &out->options, err);
    PQconninfoFree(ours);
    PQconninfoFree(theirs);
    if (rc != AN_OK)
        an_where_release(out);
    return rc;
}

void an_where_release(struct an_where *w)
{
    free_hosts(w->hosts, w->count);
    an_secret_release(&w->options);
    *w = (struct an_where){.hosts = NULL};
}
