/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/jwk.h"
#include "auth/keyfetch.h"
#include "auth/keyrow.h"
#include "auth/provider.h"
#include "base/clock.h"
#include "base/mem.h"
#include "db/db.h"
#include "http/client.h"
#include "log/log.h"
#include "log/metrics.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
/* Keys that are due or wanted are looked for so often: others of the installation may have asked. */
#define LOOK_EVERY_US SECOND
/* Without any keys every token of the issuer fails: then the provider is asked more often. */
#define BARE_FLOOR_MS INT64_C(10000)
#define IDLE_US (60 * SECOND)

/* One provider. */
struct kept {
    const struct an_conf_issuer *conf;
    struct an_key_place *place; /* NULL: there was none left */
    struct an_provider *provider;
    struct an_buf text;         /* the set as it is in place */
    int64_t known_us;           /* which answer of the database we have seen */
    char etag[AN_ETAG_MAX + 1]; /* of the text */
    int64_t look_us;            /* not looked after before then */
    bool wanted;                /* a key is */
};

struct fetcher {
    struct an_keyring *ring;
    struct kept *kept;
    size_t count;
    struct an_db *db;
    bool db_failed; /* and that has been logged */
    struct an_client *client;
};

bool an_keyfetch_wanted(const struct an_conf *c)
{
    for (size_t i = 0; i < c->issuer_count; i++)
        if (an_conf_issuer_is_remote(&c->issuers[i]))
            return true;
    return false;
}

static bool has_keys(const struct kept *k)
{
    return k->text.len > 0;
}

static int64_t age_us(const struct kept *k, int64_t now_us)
{
    return now_us - an_key_place_good_us(k->place);
}

/* A tenth before its time: so a removed key is gone when the time is over, whatever the fetch takes. */
static int64_t due_us(const struct kept *k)
{
    return has_keys(k) ? an_key_place_good_us(k->place) + k->conf->keys_ttl_ms * MS / 10 * 9 : 0;
}

static int64_t floor_ms(const struct kept *k, int64_t now_us)
{
    bool bare = !has_keys(k) || age_us(k, now_us) > k->conf->keys_max_stale_ms * MS;
    int64_t floor = k->conf->keys_refresh_floor_ms;
    return bare && floor > BARE_FLOOR_MS ? BARE_FLOOR_MS : floor;
}

/* Keys from wherever, that somebody was told age_us ago. Returns what is wrong with them. */
static int take(struct kept *k, struct an_str text, int64_t good_us, const char *from, struct an_err *err)
{
    if (text.len == k->text.len && memcmp(text.data, k->text.data, text.len) == 0) {
        an_key_place_confirm(k->place, good_us);
        return AN_OK;
    }
    struct an_jwks keys = {NULL, 0};
    int rc = an_jwks_parse(text, &keys, err);
    if (rc != AN_OK)
        return rc;
    an_buf_clear(&k->text);
    (void)an_buf_add(&k->text, text.data, text.len); /* it fits: the parser has the same limit */
    an_key_place_put(k->place, text, good_us);
    an_log_info("auth", "issuer %s: %zu keys from %s", k->conf->name, keys.count, from);
    an_jwks_release(&keys);
    return AN_OK;
}

/* The database, one connection for all; what fails there is logged once. */
static int judge_db(struct fetcher *fetcher, int rc, const struct an_err *err)
{
    if (rc != AN_OK && !fetcher->db_failed)
        an_log_warn("auth", "keys of providers are fetched without the others of the installation: %s",
                    err->text);
    if (rc == AN_OK && fetcher->db_failed)
        an_log_info("auth", "the database is back for the keys of providers");
    fetcher->db_failed = rc != AN_OK;
    return rc;
}

/* Takes what the database has, where that is newer than ours. */
static int look_into_row(struct fetcher *fetcher, struct kept *k)
{
    struct an_buf text;
    struct an_keyrow row;
    struct an_err err = {AN_OK, ""};
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    int rc = judge_db(fetcher, an_keyrow_find(fetcher->db, k->conf, k->known_us, &text, &row, &err), &err);
    int64_t good_us = an_clock_mono_us() - row.age_us;
    if (rc == AN_OK && text.len > 0 && (!has_keys(k) || good_us > an_key_place_good_us(k->place))) {
        if (take(k, (struct an_str){text.data, text.len}, good_us, "the database", &err) == AN_OK)
            memcpy(k->etag, row.etag, sizeof k->etag);
        else
            an_log_warn("auth", "issuer %s: annals.issuer_keys holds no good set: %s", k->conf->name,
                        err.text);
    }
    if (rc == AN_OK)
        k->known_us = row.fetched_us;
    an_buf_release(&text);
    return rc;
}

/* Shall we ask the provider? The database decides, or where it is away how long ago we asked. */
static bool may_ask(struct fetcher *fetcher, struct kept *k, bool with_db, int64_t now_us)
{
    int64_t floor = floor_ms(k, now_us), tried_us = an_key_place_tried_us(k->place);
    bool claimed = false;
    struct an_err err = {AN_OK, ""};
    if (tried_us != 0 && now_us - tried_us < floor * MS)
        return false;
    if (with_db &&
        judge_db(fetcher, an_keyrow_claim(fetcher->db, k->conf, k->known_us, floor, &claimed, &err),
                 &err) == AN_OK)
        return claimed;
    return true;
}

/* Tells the others. Where that fails they ask for themselves when the floor is over. */
static void leave_to_all(struct fetcher *fetcher, struct kept *k, int64_t asked_us)
{
    struct an_err err = {AN_OK, ""};
    struct an_str text = {k->text.data, k->text.len};
    int64_t age = an_clock_mono_us() - asked_us, fetched_us;
    int rc = an_keyrow_put(fetcher->db, k->conf, text, k->etag, age, &fetched_us, &err);
    if (judge_db(fetcher, rc, &err) == AN_OK)
        k->known_us = fetched_us;
}

static int ask(struct fetcher *fetcher, struct kept *k, bool with_db, struct an_err *err)
{
    struct an_buf text;
    struct an_got got;
    int64_t asked_us = an_clock_mono_us();
    an_key_place_set_tried(k->place, asked_us);
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    int rc = an_provider_fetch(k->provider, fetcher->client, k->etag, &text, &got, err);
    if (rc == AN_OK && got.status == 304) {
        an_key_place_confirm(k->place, asked_us);
    } else if (rc == AN_OK) {
        rc = take(k, (struct an_str){text.data, text.len}, asked_us, an_provider_source(k->conf), err);
        memcpy(k->etag, got.etag, sizeof k->etag);
    }
    an_buf_release(&text);
    if (rc == AN_OK && with_db)
        leave_to_all(fetcher, k, asked_us);
    return rc;
}

static void ask_and_tell(struct fetcher *fetcher, struct kept *k, bool with_db)
{
    struct an_err err = {AN_OK, ""};
    int rc = ask(fetcher, k, with_db, &err);
    an_metric_add(rc == AN_OK ? AN_M_KEYS_FETCHED : AN_M_KEYS_FAILED, 1);
    if (rc == AN_OK) {
        k->wanted = false;
        return;
    }
    int64_t left_us = k->conf->keys_max_stale_ms * MS - age_us(k, an_clock_mono_us());
    if (!has_keys(k) || left_us <= 0)
        an_log_error("auth", "issuer %s: no keys, its tokens get 503: %s", k->conf->name, err.text);
    else
        an_log_warn("auth", "issuer %s: the old keys hold %lld s more: %s", k->conf->name,
                    (long long)(left_us / SECOND), err.text);
}

/* One look after a provider; a failure changes nothing. */
static void tend(struct fetcher *fetcher, struct kept *k, int64_t now_us)
{
    k->wanted = an_key_place_wanted(k->place) || k->wanted;
    if (now_us < k->look_us || (!k->wanted && now_us < due_us(k)))
        return;
    k->look_us = now_us + LOOK_EVERY_US;
    uint64_t before = an_key_place_version(k->place);
    bool with_db = look_into_row(fetcher, k) == AN_OK;
    if (an_key_place_version(k->place) != before)
        k->wanted = false; /* perhaps it is among these; if not it will be wanted again */
    if ((k->wanted || now_us >= due_us(k)) && may_ask(fetcher, k, with_db, now_us))
        ask_and_tell(fetcher, k, with_db);
}

/* When there is something to do for it, as long as no key is wanted. */
static int64_t next_us(const struct kept *k)
{
    int64_t next = k->wanted ? 0 : due_us(k);
    return next > k->look_us ? next : k->look_us;
}

/* The keys that have not been asked for longest. */
static void tell_age(const struct fetcher *fetcher, int64_t now_us)
{
    int64_t oldest_us = 0;
    for (size_t i = 0; i < fetcher->count; i++) {
        if (!has_keys(&fetcher->kept[i]))
            return; /* the gauge stays where it was, and grows old */
        int64_t age = age_us(&fetcher->kept[i], now_us);
        oldest_us = age > oldest_us ? age : oldest_us;
    }
    an_metric_set(AN_M_KEYS_GOOD_AT, (uint64_t)((an_clock_us() - oldest_us) / SECOND));
}

static void keep(struct fetcher *fetcher, const struct an_conf_issuer *conf)
{
    struct kept *k = &fetcher->kept[fetcher->count];
    *k = (struct kept){.conf = conf, .place = an_keyring_make(fetcher->ring, conf)};
    if (k->place == NULL) {
        an_log_error("auth", "issuer %s: too many providers since the start: restart", conf->name);
        return;
    }
    uint64_t version;
    an_buf_init(&k->text, AN_JWKS_MAX_BYTES);
    if (!an_key_place_read(k->place, &k->text, &version)) /* what the helper before us left there */
        an_buf_clear(&k->text);
    k->provider = an_provider_new(conf);
    fetcher->count++;
}

static void open_all(struct fetcher *fetcher, const struct an_conf *c, struct an_keyring *ring)
{
    *fetcher = (struct fetcher){.ring = ring,
                                .kept = an_xcalloc(c->issuer_count, sizeof *fetcher->kept),
                                .client = an_client_new()};
    for (size_t i = 0; i < c->issuer_count; i++)
        if (an_conf_issuer_is_remote(&c->issuers[i]))
            keep(fetcher, &c->issuers[i]);
}

void an_keyfetch_once(const struct an_conf *c, struct an_keyring *ring)
{
    struct fetcher fetcher;
    open_all(&fetcher, c, ring);
    for (size_t i = 0; i < fetcher.count; i++) {
        ask_and_tell(&fetcher, &fetcher.kept[i], false);
        an_provider_free(fetcher.kept[i].provider);
        an_buf_release(&fetcher.kept[i].text);
    }
    an_client_free(fetcher.client);
    free(fetcher.kept);
}

/* Returns when there is something to do again. */
static int64_t tend_all(struct fetcher *fetcher)
{
    int64_t next = an_clock_mono_us() + IDLE_US;
    for (size_t i = 0; i < fetcher->count; i++) {
        tend(fetcher, &fetcher->kept[i], an_clock_mono_us());
        int64_t own = next_us(&fetcher->kept[i]);
        next = own < next ? own : next;
    }
    tell_age(fetcher, an_clock_mono_us());
    return next;
}

void an_keyfetch_run(const struct an_conf *c, struct an_keyring *ring)
{
    struct fetcher fetcher;
    open_all(&fetcher, c, ring);
    fetcher.db = an_db_new(c, AN_DB_WRITER);
    for (;;) {
        int64_t left_us = tend_all(&fetcher) - an_clock_mono_us();
        if (left_us > 0)
            an_keyring_wait(ring, left_us);
    }
}
