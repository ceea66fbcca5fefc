/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "conf/keys.h"

#define AT(member) offsetof(struct an_conf, member)
#define ISSUER "issuer"
#define OF_ISSUER(member) offsetof(struct an_conf_issuer, member)
#define REPLICA "replica"
#define OF_REPLICA(member) offsetof(struct an_conf_replica, member)

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

/* Each list stands in the order of its enum; lib/proc asserts that the log's still agree. */
static const char *const log_levels[] = {"error", "warn", "info", "trace", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};
static const char *const auto_on_off[] = {"auto", "on", "off", NULL};
static const char *const fallbacks[] = {"primary", "refuse", NULL};
static const char *const records[] = {"log", "refuse", NULL};
static const char *const periods[] = {"month", "quarter", NULL};

#define APP(app, processes) \
    {#app, "listen", AN_CONF_TEXT, AT(app.listen), #app ".sock", \
     .help = "Where the web server reaches the program: a Unix socket (a name without a slash lies in\n" \
     "process.run_dir), or 127.0.0.1:PORT or [::1]:PORT. Not used where the socket is inherited.", \
     .restart = true}, \
    {#app, "socket_mode", AN_CONF_OCTAL, AT(app.socket_mode), "0660", \
     .help = "Access mode of the Unix socket, octal.", .max = 0777, .restart = true}, \
    {#app, "socket_group", AN_CONF_TEXT, AT(app.socket_group), "", \
     .help = "Group of the Unix socket, that of the web server; empty: the program's own group.", \
     .restart = true}, \
    {#app, "workers", AN_CONF_NUMBER, AT(app.workers), processes, \
     .help = "Worker processes. Their connections: annalsctl config check.", \
     .min = 1, .max = AN_CONF_WORKERS_MAX}, \
    {#app, "max_requests", AN_CONF_NUMBER, AT(app.max_requests), "100000", \
     .help = "A worker is replaced after so many requests, plus up to a tenth at random; 0: never.", \
     .max = INT32_MAX}

const struct an_conf_key an_conf_keys[] = {
    {"process", "run_dir", AN_CONF_TEXT, AT(run_dir), "/run/annals",
     .help = "Folder of sockets, pid files and metrics; all programs of a host share it.", .restart = true},
    {"process", "drain_delay", AN_CONF_DURATION, AT(drain_delay_ms), "0s",
     .help = "A program that is told to stop says so at /readyz at once, and serves on for "
             "this time, so that\n"
             "balancers have turned elsewhere before its socket closes.", .max = HOUR},
    {"process", "drain_timeout", AN_CONF_DURATION, AT(drain_timeout_ms), "30s",
     .help = "How long a stopping program lets running requests finish.", .max = HOUR},
    {"process", "io_timeout", AN_CONF_DURATION, AT(io_timeout_ms), "10s",
     .help = "A web server's connection that stalls longer than this is dropped.", .min = 100, .max = HOUR},

    {"log", "level", AN_CONF_WORD, AT(log_level), "info",
     .help = "Least important lines to write: error, warn, info, or trace (all components).",
     .words = log_levels},
    {"log", "format", AN_CONF_WORD, AT(log_format), "logfmt",
     .help = "Shape of a line: logfmt (key=value) or json.", .words = log_formats},
    {"log", "trace", AN_CONF_TEXT, AT(log_trace), "",
     .help = "Components whose trace lines are written whatever the level, separated by commas: db,http"},

    {"http", "base_path", AN_CONF_TEXT, AT(base_path), "",
     .help = "Prefix that the web server puts in front of every path, such as /audit."},
    {"http", "trusted_proxies", AN_CONF_TEXT, AT(trusted_proxies), "",
     .help = "Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, such as\n"
             "10.0.0.0/8 fd00::/8"},
    {"http", "monitor_from", AN_CONF_TEXT, AT(monitor_from), "127.0.0.0/8 ::1/128",
     .help = "Networks that may read /metrics and /readyz."},

    APP(ingest, "4"),
    {"ingest", "combine", AN_CONF_SWITCH, AT(combine), "on",
     .help = "Workers of one host share their commits: on, off. Nobody waits for company.",
     .restart = true},
    {"ingest", "commit_timeout", AN_CONF_DURATION, AT(commit_timeout_ms), "5s",
     .help = "A request whose events are not committed by then is answered with 503.", .min = 100,
     .max = HOUR},
    APP(search, "4"),
    {"search", "statement_timeout", AN_CONF_DURATION, AT(search_timeout_ms), "5s",
     .help = "A query that takes longer is stopped and answered with 504.", .min = 10, .max = HOUR},
    {"search", "page_default", AN_CONF_NUMBER, AT(page_default), "50",
     .help = "Events of a page where the request names no limit.", .min = 1, .max = 100000},
    {"search", "page_max", AN_CONF_NUMBER, AT(page_max), "1000",
     .help = "Largest limit that a request may name.", .min = 1, .max = 100000},
    {"search", "replica_max_lag", AN_CONF_DURATION, AT(replica_max_lag_ms), "10s",
     .help = "A replica that is farther behind than this is not read from.", .min = 2 * SECOND, .max = DAY},
    {"search", "replica_fallback", AN_CONF_WORD, AT(replica_fallback), "primary",
     .help = "Where no replica is near enough: read from the primary (and where that is away too, from the\n"
             "replica that is nearest), or refuse, which answers with 503: no search is read on the primary.",
     .words = fallbacks},
    {"search", "read_wait", AN_CONF_DURATION, AT(read_wait_ms), "200ms",
     .help = "How long a search that sends Annals-Write-Token waits for a replica to get there, before it\n"
             "asks the primary.",
     .max = MINUTE},
    APP(admin, "2"),
    {"admin", "public_url", AN_CONF_TEXT, AT(public_url), "http://127.0.0.1:8280",
     .help = "Where people reach the console, without /admin; links are made from it."},
    {"admin", "session_ttl", AN_CONF_DURATION, AT(session_ttl_ms), "12h",
     .help = "A console session ends after this time.", .min = MINUTE, .max = 30 * DAY},
    {"admin", "login_ttl", AN_CONF_DURATION, AT(login_ttl_ms), "15min",
     .help = "A one-time login link can be used for this time.", .min = 10 * SECOND, .max = DAY},
    {"admin", "cookie_secure", AN_CONF_WORD, AT(cookie_secure), "auto",
     .help = "Mark cookies Secure: on, off, or auto (where the request came over HTTPS).",
     .words = auto_on_off},
    {"admin", "record_fallback", AN_CONF_WORD, AT(record_fallback), "log",
     .help = "Who looks at events is an event itself. Where the primary is away and a replica "
             "answers, it is\n"
             "a line of the program's log instead; or refuse, then nothing is shown.",
     .words = records},

    {"limits", "event_bytes", AN_CONF_SIZE, AT(event_bytes), "64KiB",
     .help = "Largest event, in bytes as sent.", .min = KIB, .max = 16 * MIB},
    {"limits", "batch_events", AN_CONF_NUMBER, AT(batch_events), "10000",
     .help = "Most events of one request.", .min = 1, .max = 100000},
    {"limits", "batch_bytes", AN_CONF_SIZE, AT(batch_bytes), "16MiB",
     .help = "Largest body of one request, after decompression.", .min = KIB, .max = 256 * MIB},
    {"limits", "json_depth", AN_CONF_NUMBER, AT(json_depth), "32",
     .help = "Deepest nesting of an event; the event itself is at depth 1.", .min = 4, .max = 512},
    {"limits", "past_window", AN_CONF_DURATION, AT(past_window_ms), "30d",
     .help = "An event's timestamp may lie so far in the past.", .min = MINUTE, .max = 3660 * DAY},
    {"limits", "future_window", AN_CONF_DURATION, AT(future_window_ms), "5min",
     .help = "An event's timestamp may lie so far in the future.", .max = 30 * DAY},

    {"database", "writer", AN_CONF_SECRET, AT(db_writer), "dbname=annals user=annals_writer",
     .help = "libpq connection string of the role that stores events and console sessions. Passwords\n"
             "belong in a passfile or a service file rather than here."},
    {"database", "reader", AN_CONF_SECRET, AT(db_reader), "dbname=annals user=annals_reader",
     .help = "Connection string of the role that searches (annals-search, annals-admin)."},
    {"database", "platform", AN_CONF_SECRET, AT(db_platform), "",
     .help = "Connection string of the role that reads across tenants (annals_platform), for "
             "tokens and sessions\n"
             "of the platform; empty: nobody does."},
    {"database", "job", AN_CONF_SECRET, AT(db_job), "dbname=annals user=annals_job",
     .help = "Connection string of the role that runs the jobs (annals-partition)."},
    {"database", "keeper", AN_CONF_SECRET, AT(db_keeper), "dbname=annals user=annals_keeper",
     .help = "Connection string of the role that takes partitions away and moves tenants, for "
             "annals-partition and\n"
             "annalsctl (tenant move, shard add) alone. Not through a pooler that shares sessions."},
    {"database", "owner", AN_CONF_SECRET, AT(db_owner), "dbname=annals",
     .help = "Connection string of a role that may create roles and schema, for annalsctl db migrate alone."},
    {"database", "connect_timeout", AN_CONF_DURATION, AT(db_connect_timeout_ms), "2s",
     .help = "A connection that is not there after this time has failed.", .min = 10, .max = 5 * MINUTE},
    {"database", "statement_timeout", AN_CONF_DURATION, AT(db_statement_timeout_ms), "30s",
     .help = "Limit of every statement that has no limit of its own.", .min = 10, .max = DAY},
    {"database", "prepared", AN_CONF_SWITCH, AT(db_prepared), "on",
     .help = "Use prepared statements; off behind a PgBouncer in transaction mode."},

    {"partition", "period", AN_CONF_WORD, AT(partition_period), "month",
     .help = "Time span of a new partition: month or quarter.", .words = periods},
    {"partition", "ahead", AN_CONF_NUMBER, AT(partition_ahead), "3",
     .help = "Periods to have ready before they begin.", .min = 1, .max = 120},
    {"partition", "outbox_days_ahead", AN_CONF_NUMBER, AT(outbox_days_ahead), "14",
     .help = "Days of the outbox to have ready.", .min = 1, .max = 366},
    {"partition", "lock_timeout", AN_CONF_DURATION, AT(partition_lock_timeout_ms), "1s",
     .help = "Longest wait for a table lock, and so longest time that writers wait behind it.", .min = 10,
     .max = MINUTE},
    {"partition", "retries", AN_CONF_NUMBER, AT(partition_retries), "20",
     .help = "Attempts to get that lock before the round fails.", .min = 1, .max = 10000},
    {"partition", "outbox_retention", AN_CONF_DURATION, AT(outbox_retention_ms), "7d",
     .help = "Partitions of the outbox are dropped when they are so old and every consumer has passed them.",
     .min = DAY, .max = 3660 * DAY},
    {"partition", "require_archive", AN_CONF_SWITCH, AT(partition_require_archive), "off",
     .help = "Drop no partition of events that is not in the archive, read back and compared.\n"
             "Annals writes none yet: nothing is dropped until an archive of yours fills\n"
             "annals.partition_archives."},
    {"partition", "clock_jump", AN_CONF_DURATION, AT(partition_clock_jump_ms), "7d",
     .help = "Drop nothing while the clock is farther than this from another one or the last round.",
     .min = HOUR, .max = 366 * DAY},

    {"tenants", "auto_create", AN_CONF_SWITCH, AT(tenant_auto_create), "on",
     .help = "A tenant comes to be with its first event; off: only by annalsctl tenant add."},

    {"auth", "token_cache", AN_CONF_NUMBER, AT(token_cache), "1024",
     .help = "Verified tokens that each worker remembers until they expire; 0: none.", .max = 1000000},
    {"auth", "token_leeway", AN_CONF_DURATION, AT(token_leeway_ms), "60s",
     .help = "Clock difference that is forgiven in exp, nbf and iat.", .max = MINUTE},
    {"auth", "issuer_key_file", AN_CONF_TEXT, AT(issuer_key_file), "",
     .help = "Private key (PEM) of the local issuer, for annalsctl token; the servers do not need it."},

    {ISSUER, "issuer", AN_CONF_TEXT, OF_ISSUER(issuer), "",
     .help = "Exact value of the claim iss. Required."},
    {ISSUER, "audience", AN_CONF_TEXT, OF_ISSUER(audience), "annals",
     .help = "Value that the claim aud must hold."},
    {ISSUER, "algorithms", AN_CONF_TEXT, OF_ISSUER(algorithms), "ES256 RS256",
     .help = "Allowed signature algorithms, separated by blanks: RS256 RS384 RS512 PS256 PS384 PS512 "
             "ES256 ES384 EdDSA"},
    {ISSUER, "keys_file", AN_CONF_TEXT, OF_ISSUER(keys_file), "",
     .help = "File with the public keys, a JWK set (RFC 7517); read again when it changes. One "
             "of keys_file,\n"
             "keys_url and discovery_url is required."},
    {ISSUER, "keys_url", AN_CONF_TEXT, OF_ISSUER(keys_url), "",
     .help = "Where a provider publishes that set: https://, or http:// on this host."},
    {ISSUER, "discovery_url", AN_CONF_TEXT, OF_ISSUER(discovery_url), "",
     .help = "OpenID Connect discovery document, which names the set; its issuer must be the one above.\n"
             "For Keycloak: https://HOST/realms/REALM/.well-known/openid-configuration"},
    {ISSUER, "ca_file", AN_CONF_TEXT, OF_ISSUER(ca_file), "",
     .help = "Certificates (PEM) that may vouch for the provider; empty: those of the system."},
    {ISSUER, "keys_ttl", AN_CONF_DURATION, OF_ISSUER(keys_ttl_ms), "10min",
     .help = "The provider is asked again before its keys are so old: a key that it removed is refused by\n"
             "then.",
     .min = SECOND, .max = DAY},
    {ISSUER, "keys_max_stale", AN_CONF_DURATION, OF_ISSUER(keys_max_stale_ms), "1h",
     .help = "Where the provider fails, its keys hold until they are so old; then its tokens get 503.",
     .min = SECOND, .max = 30 * DAY},
    {ISSUER, "keys_refresh_floor", AN_CONF_DURATION, OF_ISSUER(keys_refresh_floor_ms), "60s",
     .help = "The provider is asked at most once in this time by all workers and hosts together, however\n"
             "many tokens name a key that is not known.",
     .min = SECOND, .max = HOUR},
    {ISSUER, "fetch_timeout", AN_CONF_DURATION, OF_ISSUER(fetch_timeout_ms), "5s",
     .help = "Limit of one answer of the provider; no request waits for it.", .min = 100, .max = MINUTE},
    {ISSUER, "tenant_claim", AN_CONF_TEXT, OF_ISSUER(tenant_claim), "tenant_id",
     .help = "Claim that names the tenant; dots lead into objects: \"annals.tenant\"."},
    {ISSUER, "scopes_claim", AN_CONF_TEXT, OF_ISSUER(scopes_claim),
     "scope roles realm_access.roles",
     .help = "Claims that hold scopes, as words or as lists; separated by blanks."},
    {ISSUER, "scope_map", AN_CONF_TEXT, OF_ISSUER(scope_map), "",
     .help = "What roles with other names mean, separated by blanks: auditor=audit:read logger=audit:write"},

    {REPLICA, "conninfo", AN_CONF_TEXT, OF_REPLICA(conninfo), "",
     .help = "Where it is, without user and secrets: host=pg2.example.net port=5432. What else it takes to\n"
             "connect comes from database.reader."},
};
const size_t an_conf_key_count = AN_COUNT(an_conf_keys);

const struct an_conf_family an_conf_families[AN_CONF_FAMILY__COUNT] = {
    [AN_CONF_ISSUERS] = {ISSUER, "an issuer", "issuers", "local", AT(issuers), AT(issuer_count),
                         sizeof(struct an_conf_issuer), 64},
    [AN_CONF_REPLICAS] = {REPLICA, "a replica", "replicas", "near", AT(replicas), AT(replica_count),
                          sizeof(struct an_conf_replica), AN_CONF_REPLICAS_MAX},
};

const struct an_conf_family *an_conf_family_find(struct an_str section)
{
    for (size_t i = 0; i < AN_COUNT(an_conf_families); i++)
        if (an_str_is(section, an_conf_families[i].section))
            return &an_conf_families[i];
    return NULL;
}

size_t an_conf_family_count(const struct an_conf *c, const struct an_conf_family *f)
{
    return *(const size_t *)(const void *)((const char *)c + f->count);
}

void *an_conf_family_member(const struct an_conf *c, const struct an_conf_family *f, size_t i)
{
    return *(char *const *)(const void *)((const char *)c + f->list) + i * f->size;
}

const char *an_conf_family_name(const struct an_conf *c, const struct an_conf_family *f, size_t i)
{
    return *(char *const *)an_conf_family_member(c, f, i);
}

size_t an_conf_first_key(const char *section)
{
    size_t i = 0;
    while (strcmp(an_conf_keys[i].section, section) != 0)
        i++;
    return i;
}

size_t an_conf_count_keys(const char *section)
{
    size_t first = an_conf_first_key(section), i = first;
    while (i < an_conf_key_count && strcmp(an_conf_keys[i].section, section) == 0)
        i++;
    return i - first;
}

bool an_conf_issuer_is_remote(const struct an_conf_issuer *issuer)
{
    return issuer->keys_url[0] != '\0' || issuer->discovery_url[0] != '\0';
}

const char *an_conf_section_help(const char *section)
{
    static const struct {
        const char *name, *help;
    } sections[] = {
        {"process", "All programs."},
        {"log", "Lines on standard error."},
        {"http", "The web server in front."},
        {"ingest", "annals-ingest takes events in."},
        {"search", "annals-search answers queries."},
        {"admin", "annals-admin is the console."},
        {"limits", "What a client may send; /v1/limits publishes it."},
        {"database", "PostgreSQL."},
        {"partition", "annals-partition makes partitions ahead of time, and drops those that nobody keeps."},
        {"tenants", "How a tenant comes to be."},
        {"auth", "Bearer tokens."},
        {ISSUER, "Who may sign tokens: one section for each issuer, NAME of a-z, 0-9 and _."},
        {REPLICA,
         "Servers that follow the primary, for reading: one section for each, NAME of a-z, 0-9 and _."},
    };
    for (size_t i = 0; i < AN_COUNT(sections); i++)
        if (strcmp(sections[i].name, section) == 0)
            return sections[i].help;
    return "";
}
