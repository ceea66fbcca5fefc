/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <sys/stat.h>

#include "auth/keyring.h"
#include "auth/keyset.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "log/log.h"

/* What tells one state of a file from another. All zero: there is no file. */
struct version {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

struct an_keyset {
    struct an_jwks keys;
    /* Of a file. */
    char *path;             /* NULL: a provider's */
    struct version version; /* of the last attempt, good or bad */
    /* Of a provider. */
    const struct an_conf_issuer *issuer;
    struct an_keyring *ring;
    struct an_key_place *place; /* NULL: the helper has made none yet */
    uint64_t seen;              /* version of its set that was read last; 0: none, or dropped */
};

static struct version look(const char *path)
{
    struct stat st;
    struct version v = {.size = 0};
    if (stat(path, &st) == 0)
        v = (struct version){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
    return v;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct version *a, const struct version *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && same_time(a->mtime, b->mtime) &&
           same_time(a->ctime, b->ctime);
}

static int load(const char *path, struct an_jwks *out, struct an_err *err)
{
    struct an_buf text;
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    int rc = an_file_read(path, &text, err);
    if (rc == AN_OK) {
        rc = an_jwks_parse((struct an_str){text.data, text.len}, out, err);
        if (rc != AN_OK)
            (void)an_fail_within(err, "%s", path);
    }
    an_buf_release(&text);
    return rc;
}

int an_keyset_open(const char *path, struct an_keyset **out, struct an_err *err)
{
    struct version version = look(path); /* before reading, so that a change in between is seen later */
    struct an_jwks keys;
    if (load(path, &keys, err) != AN_OK) {
        err->rc = AN_EINVAL; /* also where there is no file: it was named */
        return AN_EINVAL;
    }
    struct an_keyset *ks = an_xcalloc(1, sizeof *ks);
    ks->path = an_xstrdup(path);
    ks->version = version;
    ks->keys = keys;
    *out = ks;
    return AN_OK;
}

struct an_keyset *an_keyset_of_provider(struct an_keyring *ring, const struct an_conf_issuer *issuer)
{
    struct an_keyset *ks = an_xcalloc(1, sizeof *ks);
    ks->issuer = issuer;
    ks->ring = ring;
    (void)an_keyset_refresh(ks);
    return ks;
}

void an_keyset_close(struct an_keyset *ks)
{
    if (ks == NULL)
        return;
    an_jwks_release(&ks->keys);
    free(ks->path);
    free(ks);
}

static bool refresh_file(struct an_keyset *ks)
{
    struct version now = look(ks->path);
    if (same(&now, &ks->version))
        return false;
    ks->version = now;
    struct an_jwks keys;
    struct an_err err;
    if (load(ks->path, &keys, &err) != AN_OK) {
        an_log_warn("auth", "the old keys stay in use: %s", err.text);
        return false;
    }
    an_jwks_release(&ks->keys);
    ks->keys = keys;
    an_log_info("auth", "read %zu keys from %s", keys.count, ks->path);
    return true;
}

static bool drop_keys(struct an_keyset *ks)
{
    bool had = ks->keys.count > 0;
    if (had)
        an_log_error("auth", "issuer %s: its keys are older than keys_max_stale and not used any more",
                     ks->issuer->name);
    an_jwks_release(&ks->keys);
    ks->seen = 0; /* the same ones may be vouched for again */
    return had;
}

/* The helper puts nothing there that it has not parsed, so a failure is a miracle; what we have stays
 * then. */
static bool read_place(struct an_keyset *ks)
{
    struct an_buf text;
    struct an_jwks keys;
    struct an_err err = {AN_OK, ""};
    uint64_t version;
    an_buf_init(&text, AN_JWKS_MAX_BYTES);
    bool read = an_key_place_read(ks->place, &text, &version);
    int rc = read ? an_jwks_parse((struct an_str){text.data, text.len}, &keys, &err) : AN_EAGAIN;
    an_buf_release(&text);
    if (!read)
        return false; /* the next look will have better luck */
    ks->seen = version;
    if (rc != AN_OK) {
        an_log_error("auth", "issuer %s: the old keys stay in use: %s", ks->issuer->name, err.text);
        return false;
    }
    an_jwks_release(&ks->keys);
    ks->keys = keys;
    return true;
}

static bool refresh_provider(struct an_keyset *ks)
{
    if (ks->place == NULL && ks->ring != NULL)
        ks->place = an_keyring_find(ks->ring, ks->issuer);
    if (ks->place == NULL)
        return false;
    uint64_t version = an_key_place_version(ks->place);
    int64_t age_us = an_clock_mono_us() - an_key_place_good_us(ks->place);
    if (version != 0 && age_us > ks->issuer->keys_max_stale_ms * 1000)
        return drop_keys(ks);
    return version != ks->seen && read_place(ks);
}

bool an_keyset_refresh(struct an_keyset *ks)
{
    return ks->path != NULL ? refresh_file(ks) : refresh_provider(ks);
}

bool an_keyset_is_cheap(const struct an_keyset *ks)
{
    return ks->path == NULL;
}

bool an_keyset_ready(const struct an_keyset *ks)
{
    return ks->keys.count > 0;
}

void an_keyset_want(struct an_keyset *ks)
{
    if (ks->place != NULL)
        an_key_place_want(ks->ring, ks->place);
}

const struct an_jwk *an_keyset_find(const struct an_keyset *ks, struct an_str kid)
{
    return an_jwks_find(&ks->keys, kid);
}
