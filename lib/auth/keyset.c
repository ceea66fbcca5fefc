/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <sys/stat.h>

#include "auth/keyset.h"
#include "base/buf.h"
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
    char *path;
    struct version version; /* of the last attempt, good or bad */
    struct an_jwks keys;
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

void an_keyset_close(struct an_keyset *ks)
{
    if (ks == NULL)
        return;
    an_jwks_release(&ks->keys);
    free(ks->path);
    free(ks);
}

bool an_keyset_refresh(struct an_keyset *ks)
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

const struct an_jwk *an_keyset_find(const struct an_keyset *ks, struct an_str kid)
{
    return an_jwks_find(&ks->keys, kid);
}
