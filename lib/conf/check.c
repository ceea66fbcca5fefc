/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "base/suggest.h"
#include "conf/cidr.h"
#include "conf/keys.h"
#include "conf/url.h"

struct check {
    const struct an_conf *conf;
    struct an_buf *problems;
    unsigned faults;
};

/* Where the value was set; of a default, where its section begins. */
static const char *place(const struct an_conf *c, const char *section, const char *name)
{
    const struct an_conf_value *v = an_conf_value(c, section, name);
    struct an_str member, head = an_str_split(an_str(section), '.', &member);
    const struct an_conf_family *f = an_conf_family_find(head);
    if (v->origin != NULL)
        return v->origin;
    if (f == NULL)
        return "default";
    size_t i = 0;
    while (!an_str_is(member, an_conf_family_name(c, f, i)))
        i++;
    return c->values->named[f - an_conf_families][i].origin;
}

static void fault(struct check *k, const char *section, const char *name, const char *fmt, ...)
    AN_PRINTF(4, 5);
static void fault(struct check *k, const char *section, const char *name, const char *fmt, ...)
{
    an_buf_addf(k->problems, "%s: %s.%s: ", place(k->conf, section, name), section, name);
    va_list ap;
    va_start(ap, fmt);
    an_buf_addv(k->problems, fmt, ap);
    va_end(ap);
    an_buf_addc(k->problems, '\n');
    k->faults++;
}

/* Two keys contradict each other: the one that somebody has set is named. */
static void fault_pair(struct check *k, const char *section, const char *small, const char *large,
                       uint64_t small_value, uint64_t large_value)
{
    if (an_conf_value(k->conf, section, small)->origin != NULL)
        fault(k, section, small, "%llu is more than %s.%s, %llu", (unsigned long long)small_value, section,
              large, (unsigned long long)large_value);
    else
        fault(k, section, large, "%llu is less than %s.%s, %llu", (unsigned long long)large_value, section,
              small, (unsigned long long)small_value);
}

/* "127.0.0.1:9000", "[::1]:9000": is the part behind the last colon a port? */
static bool port_valid(const char *listen)
{
    int64_t port;
    return an_parse_i64(an_str(strrchr(listen, ':') + 1), 1, 65535, &port);
}

static void check_listen(struct check *k, const char *section, const char *listen)
{
    if (listen[0] == '\0')
        fault(k, section, "listen", "must not be empty");
    else if (listen[0] == '/')
        return;
    else if (strchr(listen, ':') == NULL)
        fault(k, section, "listen", "'%s' is neither an absolute path nor a name without a slash", listen);
    else if (strncmp(listen, "127.0.0.1:", 10) != 0 && strncmp(listen, "[::1]:", 6) != 0)
        fault(k, section, "listen",
              "'%s' is no loopback address (127.0.0.1:PORT, [::1]:PORT): FastCGI knows no access control",
              listen);
    else if (!port_valid(listen))
        fault(k, section, "listen", "'%s' needs a port from 1 to 65535", listen);
}

static void check_apps(struct check *k)
{
    const struct {
        const char *section;
        const struct an_conf_app *app;
    } apps[] = {{"ingest", &k->conf->ingest}, {"search", &k->conf->search}, {"admin", &k->conf->admin}};
    for (size_t i = 0; i < AN_COUNT(apps); i++) {
        check_listen(k, apps[i].section, apps[i].app->listen);
        for (size_t j = 0; j < i; j++)
            if (strcmp(apps[i].app->listen, apps[j].app->listen) == 0)
                fault(k, apps[i].section, "listen", "'%s' is also that of %s", apps[i].app->listen,
                      apps[j].section);
    }
}

static void check_networks(struct check *k, const char *name, const char *list)
{
    struct an_str bad;
    if (!an_cidr_list_valid(an_str(list), &bad))
        fault(k, "http", name, "'%.*s' is no network such as 10.0.0.0/8 or fd00::/8", AN_STR_ARG(bad));
}

static void check_paths(struct check *k)
{
    const char *base = k->conf->base_path, *url = k->conf->public_url;
    if (k->conf->run_dir[0] != '/')
        fault(k, "process", "run_dir", "'%s' is not an absolute path", k->conf->run_dir);
    if (base[0] != '\0' &&
        (base[0] != '/' || base[strlen(base) - 1] == '/' || strpbrk(base, "?#% ") != NULL))
        fault(k, "http", "base_path", "'%s' must be a path that starts with a slash and ends without one",
              base);
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        fault(k, "admin", "public_url", "'%s' must start with http:// or https://", url);
    else if (url[strlen(url) - 1] == '/' || strpbrk(url, "?# ") != NULL)
        fault(k, "admin", "public_url", "'%s' must end without slash, query or fragment", url);
}

static void check_limits(struct check *k)
{
    const struct an_conf *c = k->conf;
    if (c->page_default > c->page_max)
        fault_pair(k, "search", "page_default", "page_max", (uint64_t)c->page_default,
                   (uint64_t)c->page_max);
    if (c->event_bytes > c->batch_bytes)
        fault_pair(k, "limits", "event_bytes", "batch_bytes", c->event_bytes, c->batch_bytes);
}

static bool listed(struct an_str word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (an_str_is(word, list[i]))
            return true;
    return false;
}

#define ALGORITHMS "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"

static void check_algorithm(struct check *k, const char *section, struct an_str word)
{
    static const char *const known[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                        "PS512", "ES256", "ES384", "EdDSA"};
    static const char *const not_built[] = {"ES512", "ES256K", "Ed25519", "Ed448"};
    static const char *const unsafe[] = {"none", "HS256", "HS384", "HS512"};
    if (listed(word, known, AN_COUNT(known)))
        return;
    if (listed(word, not_built, AN_COUNT(not_built))) {
        fault(k, section, "algorithms", "'%.*s' is not supported; use ES256, RS256 or EdDSA",
              AN_STR_ARG(word));
        return;
    }
    if (listed(word, unsafe, AN_COUNT(unsafe))) {
        fault(k, section, "algorithms",
              "'%.*s' is refused: anybody who can check such a token can make one", AN_STR_ARG(word));
        return;
    }
    const char *near = an_suggest(word, known, AN_COUNT(known));
    fault(k, section, "algorithms", "'%.*s' is none of " ALGORITHMS "%s%s%s", AN_STR_ARG(word),
          near == NULL ? "" : " (did you mean \"", near == NULL ? "" : near,
          near == NULL ? "" : "\"?)");
}

static void check_algorithms(struct check *k, const char *section, const char *list)
{
    struct an_str rest = an_str(list);
    unsigned count = 0;
    while ((rest = an_str_trim(rest)).len > 0) {
        check_algorithm(k, section, an_str_split(rest, ' ', &rest));
        count++;
    }
    if (count == 0)
        fault(k, section, "algorithms", "must not be empty");
}

static void check_scope_map(struct check *k, const char *section, const char *map)
{
    struct an_str rest = an_str(map);
    while ((rest = an_str_trim(rest)).len > 0) {
        struct an_str scope, word = an_str_split(rest, ' ', &rest), role = an_str_split(word, '=', &scope);
        if (role.len == 0 || scope.len == 0)
            fault(k, section, "scope_map", "'%.*s' is not of the form role=scope", AN_STR_ARG(word));
    }
}

/* Where do the keys come from? There is one answer. */
static void check_source(struct check *k, const char *section, const struct an_conf_issuer *issuer)
{
    const struct {
        const char *name, *value;
    } sources[] = {{"keys_file", issuer->keys_file},
                   {"keys_url", issuer->keys_url},
                   {"discovery_url", issuer->discovery_url}};
    const char *first = NULL;
    for (size_t i = 0; i < AN_COUNT(sources); i++) {
        if (sources[i].value[0] == '\0')
            continue;
        if (first != NULL)
            fault(k, section, sources[i].name, "cannot stand beside %s", first);
        first = sources[i].name;
    }
    if (first == NULL)
        fault(k, section, "keys_file", "one of keys_file, keys_url and discovery_url is required");
}

static void check_url(struct check *k, const char *section, const char *name, const char *url)
{
    const char *what = url[0] == '\0' ? NULL : an_url_fault(an_str(url));
    if (what != NULL)
        fault(k, section, name, "'%s' %s", url, what);
}

static void check_provider(struct check *k, const char *section, const struct an_conf_issuer *issuer)
{
    check_url(k, section, "keys_url", issuer->keys_url);
    check_url(k, section, "discovery_url", issuer->discovery_url);
    if (issuer->keys_refresh_floor_ms > issuer->keys_ttl_ms)
        fault_pair(k, section, "keys_refresh_floor", "keys_ttl", (uint64_t)issuer->keys_refresh_floor_ms,
                   (uint64_t)issuer->keys_ttl_ms);
    if (issuer->keys_ttl_ms >= issuer->keys_max_stale_ms)
        fault(k, section, "keys_max_stale", "must be longer than keys_ttl");
}

static void check_issuer(struct check *k, const struct an_conf_issuer *issuer)
{
    char section[128];
    (void)snprintf(section, sizeof section, "issuer.%s", issuer->name);
    if (issuer->issuer[0] == '\0')
        fault(k, section, "issuer", "is required");
    if (issuer->audience[0] == '\0')
        fault(k, section, "audience", "must not be empty");
    if (issuer->tenant_claim[0] == '\0')
        fault(k, section, "tenant_claim", "must not be empty");
    check_algorithms(k, section, issuer->algorithms);
    check_scope_map(k, section, issuer->scope_map);
    check_source(k, section, issuer);
    if (an_conf_issuer_is_remote(issuer))
        check_provider(k, section, issuer);
    for (const struct an_conf_issuer *other = k->conf->issuers; other < issuer; other++)
        if (issuer->issuer[0] != '\0' && strcmp(other->issuer, issuer->issuer) == 0)
            fault(k, section, "issuer", "'%s' is also that of [issuer.%s]", issuer->issuer, other->name);
}

/* Whether it is a connection string is for the programs that connect to say. */
static void check_replica(struct check *k, const struct an_conf_replica *replica)
{
    char section[128];
    (void)snprintf(section, sizeof section, "replica.%s", replica->name);
    if (replica->conninfo[0] == '\0')
        fault(k, section, "conninfo", "is required");
}

unsigned an_conf_check(const struct an_conf *c, struct an_buf *problems)
{
    struct check k = {c, problems, 0};
    check_apps(&k);
    check_networks(&k, "trusted_proxies", c->trusted_proxies);
    check_networks(&k, "monitor_from", c->monitor_from);
    check_paths(&k);
    check_limits(&k);
    for (size_t i = 0; i < c->issuer_count; i++)
        check_issuer(&k, &c->issuers[i]);
    for (size_t i = 0; i < c->replica_count; i++)
        check_replica(&k, &c->replicas[i]);
    return k.faults;
}
