/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one table of keys (keys.c) from which parser, check, `annalsctl config dump`, and the
 * manual's list all come.
 *
 * Sources, later wins: defaults, FILE, FILE's folder + "/conf.d/" + "*.conf" in lexical order, environment
 * ANNALS_SET_<SECTION>_<KEY>. A section may be named: [issuer.local] -> ANNALS_SET_ISSUER_LOCAL_AUDIENCE.
 * An unknown section or key is an error with a suggestion. All faults are reported, each with file and
 * line. */
#ifndef AN_CONF_CONF_H
#define AN_CONF_CONF_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum an_conf_period { AN_PERIOD_MONTH, AN_PERIOD_QUARTER };
enum an_conf_auto { AN_AUTO, AN_ON, AN_OFF };

#define AN_CONF_WORKERS_MAX 512
#define AN_CONF_REPLICAS_MAX 16

/* One FastCGI application: sections [ingest] [search] [admin]. */
struct an_conf_app {
    char *listen;         /* unix socket path (absolute once loaded), or 127.0.0.1:port, [::1]:port */
    int64_t socket_mode;  /* octal; 0660 */
    char *socket_group;   /* group that may connect; empty: the process's own */
    int64_t workers;      /* 4 */
    int64_t max_requests; /* a worker is replaced after so many, plus up to a tenth; 0: never; 100000 */
};

/* [issuer.NAME]: who may sign tokens. */
struct an_conf_issuer {
    char *name;         /* the NAME of the section */
    char *issuer;       /* exact value of `iss` */
    char *audience;     /* one that `aud` must hold; "annals" */
    char *algorithms;   /* allowed, separated by blanks: "ES256 RS256" */
    char *keys_file;    /* JWK set (RFC 7517) in a file, read again when it changes */
    char *tenant_claim; /* "tenant_id" */
    char *scopes_claim; /* claims that hold scopes, separated by blanks: "scope roles realm_access.roles" */
    char *scope_map;    /* "role=scope" for roles with names of their own, separated by blanks; empty */
    /* Instead of keys_file: a provider that is asked. */
    char *discovery_url;           /* OpenID Connect Discovery 1.0; it says where the set is */
    char *keys_url;                /* the set itself */
    /* who may vouch for the provider (PEM); empty: the system's certificates */
    char *ca_file;
    int64_t keys_ttl_ms;           /* 10min: a removed key is refused after so long */
    int64_t keys_max_stale_ms;     /* 1h: with a provider that fails, keys hold so long */
    int64_t keys_refresh_floor_ms; /* 60s: the provider is asked no more often, by all together */
    int64_t fetch_timeout_ms;      /* 5s */
};
/* Do its keys come from a provider? */
bool an_conf_issuer_is_remote(const struct an_conf_issuer *issuer);

/* [replica.NAME]: a server that follows the primary of the default shard. */
struct an_conf_replica {
    char *name;
    char *conninfo; /* where it is (db/place.h) */
};

enum an_conf_record { AN_RECORD_LOG, AN_RECORD_REFUSE };
enum an_conf_fallback { AN_FALLBACK_PRIMARY, AN_FALLBACK_REFUSE };

struct an_conf {
    /* [process] */
    char *run_dir;            /* sockets, pid and metrics files: /run/annals */
    int64_t drain_delay_ms;   /* 0s: how long TERM lets it serve on, not ready any more */
    int64_t drain_timeout_ms; /* 30s: how long TERM lets requests finish */
    int64_t io_timeout_ms;    /* 10s: a FastCGI peer that stalls longer is dropped */
    /* [log] */
    int log_level;   /* enum an_log_level */
    int log_format;  /* enum an_log_format */
    char *log_trace;
    /* [http] */
    char *base_path;       /* prefix that the web server puts before every path; empty */
    char *trusted_proxies; /* CIDRs whose X-Forwarded-For and -Proto count; empty */
    char *monitor_from;    /* CIDRs that may read /metrics and /readyz: "127.0.0.0/8 ::1/128" */
    /* [ingest] [search] [admin] */
    struct an_conf_app ingest, search, admin;
    /* [ingest] besides */
    bool combine;              /* on: workers share their commits */
    int64_t commit_timeout_ms; /* 5s */
    /* [search] besides */
    int64_t search_timeout_ms; /* search.statement_timeout, 5s */
    int64_t page_default;      /* search.page_default, 50 */
    int64_t page_max;          /* search.page_max, 1000 */
    int64_t replica_max_lag_ms; /* 10s */
    int replica_fallback;       /* enum an_conf_fallback: primary */
    int64_t read_wait_ms;       /* 200ms */
    /* [admin] besides */
    char *public_url;             /* where people reach the console, for links: http://127.0.0.1:8280 */
    int64_t session_ttl_ms;       /* 12h */
    int64_t login_ttl_ms;         /* one-time link: 15min */
    int cookie_secure;            /* enum an_conf_auto; auto: Secure where the request came over HTTPS */
    int record_fallback;          /* enum an_conf_record: log */
    /* [limits] */
    uint64_t event_bytes;      /* 64KiB */
    int64_t batch_events;      /* 10000 */
    uint64_t batch_bytes;      /* 16MiB, after decompression */
    int64_t json_depth;        /* 32 */
    int64_t past_window_ms;    /* 30d */
    int64_t future_window_ms;  /* 5min */
    /* [database]: libpq connection strings; a password belongs in a passfile or service file */
    struct an_secret db_writer; /* role annals_writer: ingest, sessions */
    struct an_secret db_reader; /* role annals_reader: search, console */
    struct an_secret db_platform; /* role annals_platform: reads across tenants; empty: nobody does */
    struct an_secret db_job;    /* role annals_job: partition job */
    struct an_secret db_keeper; /* role annals_keeper: takes partitions away */
    struct an_secret db_owner;  /* may create roles and schema: annalsctl db migrate only */
    int64_t db_connect_timeout_ms;   /* 2s */
    int64_t db_statement_timeout_ms; /* 30s: any statement that has no limit of its own */
    bool db_prepared;                /* on; off behind a PgBouncer in transaction mode */
    /* [partition] */
    int partition_period;    /* enum an_conf_period: month */
    int64_t partition_ahead; /* periods to have ready: 3 */
    int64_t outbox_days_ahead;      /* 14 */
    int64_t partition_lock_timeout_ms; /* 1s */
    int64_t partition_retries;      /* 20 */
    int64_t outbox_retention_ms;    /* 7d */
    bool partition_require_archive; /* off */
    int64_t partition_clock_jump_ms; /* 7d */
    /* [tenants] */
    bool tenant_auto_create; /* on */
    /* [auth] */
    int64_t token_cache;  /* verified tokens each worker remembers: 1024 */
    int64_t token_leeway_ms; /* 60s */
    char *issuer_key_file; /* private key (PEM) of the local issuer, for annalsctl token; empty */
    /* [issuer.*] */
    struct an_conf_issuer *issuers;
    size_t issuer_count;
    /* [replica.*] */
    struct an_conf_replica *replicas;
    size_t replica_count;
    struct an_conf_values *values; /* private: spelling and origin of each value */
};

/* Path where --config is not given: $ANNALS_CONF, else <sysconfdir>/annals/annals.conf. */
const char *an_conf_default_path(void);

/* Loads and checks everything. Where anything is wrong: NULL, and *problems holds one line for each fault,
 * "file:line: section.key: message (did you mean \"x\"?)". A missing FILE is a fault only if somebody named
 * it (it is not <sysconfdir>/annals/annals.conf). Warnings (a readable secret) go to *problems too, with
 * NULL not returned. */
struct an_conf *an_conf_load(const char *path, struct an_buf *problems) AN_MUST_CHECK;
void an_conf_free(struct an_conf *c); /* accepts NULL */

/* Some keys (a socket, the run folder) cannot change while the program runs. Gives them the old values in
 * `fresh`; *changed gets the names of those that differ, separated by blanks. */
void an_conf_keep_fixed(struct an_conf *fresh, const struct an_conf *old, struct an_buf *changed);

/* Effective values, "section.key = value", secrets as "(set)"; with origin: "  # file:line" behind each. */
void an_conf_show(const struct an_conf *c, bool with_origin, struct an_buf *out);
/* The same as one JSON object: {"section.key":{"value":"...","origin":"..."}, ...}. */
void an_conf_show_json(const struct an_conf *c, struct an_buf *out);
/* A commented file with every key, its default and its help: packaging/annals.conf is this text. */
void an_conf_dump(struct an_buf *out);

#endif
