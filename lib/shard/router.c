/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "db/tx.h"
#include "log/log.h"
#include "log/metrics.h"
#include "shard/directory.h"
#include "shard/router.h"
#include "shard/tenants.h"

#define REFRESH_US INT64_C(1000000)
/* How long a directory that failed is left alone: the longer it took to fail, the longer, so that one which
 * hangs does not hold up the work of the others. */
#define LEFT_ALONE_TIMES 4
#define LEFT_ALONE_MIN_US INT64_C(250000)
#define LEFT_ALONE_MAX_US INT64_C(5000000)
#define QUICK_WAIT_MS 900 /* for an answer that is there at once, or not worth a request's time */
#define DESCRIPTION_LIMIT ((size_t)1 << 20)

/* A shard, and the row that it was made of: where the row changes, another is made. The old one stays, since
 * requests may hold it; rows change seldom, and workers do not live for ever. */
struct entry {
    struct an_shard *shard;
    char *description;
};

struct an_router {
    const struct an_conf *conf;
    struct an_known *known; /* by all workers; NULL */
    bool writes;
    struct an_health *health; /* of the servers; NULL: it is not shared */
    struct an_shard *home; /* `default` */
    struct entry *entries; /* every other that there ever was */
    size_t entry_count;
    struct an_shard **list; /* those that there are */
    size_t list_count;      /* 0: the directory was never asked */
    int64_t version;        /* of that list */
    char history[AN_HISTORY_MAX + 1]; /* of the directory's database; empty: its primary was never asked */
    struct an_tenants tenants;
    struct an_secret key; /* empty: nobody has it yet */
    bool key_settled;     /* the directory itself said it */
    int64_t refresh_us, ask_us; /* not before */
    int64_t primary_us;         /* the same, of the directory's primary alone */
    struct an_err failure;      /* why it is left alone */
};

struct an_router *an_router_new(const struct an_conf *c, struct an_known *known, bool writes)
{
    struct an_router *r = an_xcalloc(1, sizeof *r);
    r->conf = c;
    r->known = known;
    r->writes = writes;
    r->home = an_shard_new_default(c);
    return r;
}

void an_router_share(struct an_router *r, struct an_health *health)
{
    r->health = health;
    an_shard_share(r->home, health);
}

void an_router_free(struct an_router *r)
{
    if (r == NULL)
        return;
    an_secret_release(&r->key);
    an_tenants_release(&r->tenants);
    for (size_t i = 0; i < r->entry_count; i++) {
        an_shard_free(r->entries[i].shard);
        free(r->entries[i].description);
    }
    free(r->entries);
    free(r->list);
    an_shard_free(r->home);
    free(r);
}

struct an_shard *an_router_default(const struct an_router *r)
{
    return r->home;
}

/* ---- asking ---- */

/* Something that the directory is asked, on a connection to it. */
typedef int question(struct an_router *r, struct an_db *db, void *arg, struct an_err *err);

static bool is_away(int rc)
{
    return rc == AN_EAGAIN || rc == AN_ETIMEOUT;
}

struct asking {
    struct an_router *r;
    question *ask;
    void *arg;
};

/* The longer it took to fail, the longer. */
static int64_t left_alone_until(int64_t since_us)
{
    int64_t now_us = an_clock_mono_us(), pause_us = (now_us - since_us) * LEFT_ALONE_TIMES;
    if (pause_us < LEFT_ALONE_MIN_US)
        pause_us = LEFT_ALONE_MIN_US;
    return now_us + (pause_us < LEFT_ALONE_MAX_US ? pause_us : LEFT_ALONE_MAX_US);
}

static int ask_server(struct an_server *server, void *arg, struct an_err *err)
{
    struct asking *a = arg;
    return a->ask(a->r, server->db, a->arg, err);
}

/* Never an old answer; where it has just been away, nobody waits for it again. */
static int ask_primary(struct an_router *r, question *ask, void *arg, struct an_err *err)
{
    static const struct an_need need = {.primary = true, .look_up = true};
    struct asking asking = {r, ask, arg};
    int64_t since_us = an_clock_mono_us();
    if (since_us < r->primary_us)
        return an_fail(err, AN_EAGAIN, "db: the primary of the directory was away a moment ago");
    int rc = an_shard_read(r->home, &need, ask_server, &asking, err);
    if (is_away(rc))
        r->primary_us = left_alone_until(since_us);
    return rc;
}

/* A server that does not answer is left for the next one. */
static int ask_reader(struct an_router *r, bool afresh, question *ask, void *arg, struct an_err *err)
{
    static const struct an_need need = {.look_up = true};
    struct asking asking = {r, ask, arg};
    int rc = AN_EAGAIN;
    if (afresh && an_shard_has_replicas(r->home))
        rc = ask_primary(r, ask, arg, err);
    return is_away(rc) ? an_shard_read(r->home, &need, ask_server, &asking, err) : rc;
}

/* Without replicas, whoever reads finds the server that has just failed to answer. */
static int ask_anybody(struct an_router *r, bool afresh, question *ask, void *arg, struct an_err *err)
{
    struct an_err ignored;
    if (!r->writes)
        return ask_reader(r, afresh, ask, arg, err);
    int rc = ask(r, an_shard_writer(r->home), arg, err);
    if (!is_away(rc) || r->conf->replica_count == 0)
        return rc;
    return ask_reader(r, false, ask, arg, &ignored) == AN_OK ? AN_OK : rc;
}

/* afresh: the primary first, where it answers. AN_EAGAIN: it cannot be asked now, and was perhaps not
 * even tried. */
static int ask_directory(struct an_router *r, bool afresh, question *ask, void *arg, struct an_err *err)
{
    int64_t since_us = an_clock_mono_us();
    if (since_us < r->ask_us)
        return an_fail(err, AN_EAGAIN, "%s", r->failure.text);
    int rc = ask_anybody(r, afresh, ask, arg, err);
    if (!is_away(rc))
        return rc;
    if (r->failure.rc == AN_OK)
        an_log_warn("db", "the directory of shards cannot be asked, what is known of it goes on: %s",
                    err->text);
    r->failure = *err;
    an_metric_add(AN_M_DIRECTORY_ERRORS, 1);
    r->ask_us = left_alone_until(since_us);
    return an_fail(err, AN_EAGAIN, "%s", r->failure.text);
}

static void heard(struct an_router *r)
{
    if (r->failure.rc != AN_OK)
        an_log_info("db", "the directory of shards answers again");
    r->failure.rc = AN_OK;
}

/* ---- shards ---- */

static void describe(const struct an_directory_shard *s, struct an_buf *out)
{
    an_buf_clear(out);
    an_buf_addf(out, "%s\n%s", s->name, s->primary);
    for (size_t i = 0; i < s->replica_count; i++)
        an_buf_addf(out, "\n%s", s->replicas[i].place);
}

/* As it is now; made at its first sight. */
static struct an_shard *shard_of(struct an_router *r, const struct an_directory_shard *s,
                                 struct an_buf *description)
{
    if (strcmp(s->name, AN_SHARD_DEFAULT) == 0)
        return r->home;
    describe(s, description);
    for (size_t i = 0; i < r->entry_count; i++)
        if (strcmp(r->entries[i].description, description->data) == 0)
            return r->entries[i].shard;
    r->entries = an_xrealloc(r->entries, (r->entry_count + 1) * sizeof *r->entries);
    struct entry *e = &r->entries[r->entry_count++];
    e->description = an_xstrdup(description->data);
    e->shard = an_shard_new(r->conf, s->name, s->primary, s->replicas, s->replica_count);
    an_shard_share(e->shard, r->health);
    return e->shard;
}

static void take_list(struct an_router *r, const struct an_directory_shard *found, size_t count)
{
    struct an_buf description;
    an_buf_init(&description, DESCRIPTION_LIMIT);
    free(r->list);
    r->list = an_xcalloc(count + 1, sizeof *r->list);
    r->list[0] = r->home;
    r->list_count = 1;
    for (size_t i = 0; i < count; i++) {
        struct an_shard *s = shard_of(r, &found[i], &description);
        if (s != r->home)
            r->list[r->list_count++] = s;
    }
    an_buf_release(&description);
}

/* arg: the version that the list is of, at least. */
static int ask_shards(struct an_router *r, struct an_db *db, void *arg, struct an_err *err)
{
    const int64_t *version = arg;
    struct an_directory_shard *found;
    size_t count;
    struct an_arena *arena = an_arena_new(0);
    int rc = an_directory_shards(db, arena, &found, &count, err);
    if (rc == AN_OK) {
        take_list(r, found, count);
        an_known_put_shards(r->known, r->history, *version, found, count);
    }
    an_arena_free(arena);
    return rc;
}

/* The list of another worker, where it is newer than ours. The directory is asked for its own as soon as
 * it answers. */
static void recall_shards(struct an_router *r)
{
    struct an_directory_shard *found;
    size_t count;
    struct an_arena *arena = an_arena_new(0);
    if (an_known_shards(r->known, r->version, arena, &found, &count))
        take_list(r, found, count);
    an_arena_free(arena);
}

/* Columns of directory_version. */
enum { NUMBER, CHANGED, HISTORY };

struct version {
    struct an_directory_mark mark;
    char history[AN_HISTORY_MAX + 1]; /* empty: a replica says it */
};

static int ask_version(struct an_router *r, struct an_db *db, void *arg, struct an_err *err)
{
    (void)r;
    struct version *v = arg;
    struct an_result *res = NULL;
    int rc = an_db_ask(db, AN_STMT_DIRECTORY_VERSION, QUICK_WAIT_MS, &res, err);
    if (rc == AN_OK && (!an_result_int(res, 0, NUMBER, &v->mark.version) ||
                        !an_result_int(res, 0, CHANGED, &v->mark.changed_us)))
        rc = an_fail(err, AN_EBACKEND, "db: the directory has no version");
    struct an_str history = rc == AN_OK ? an_result_get(res, 0, HISTORY) : AN_STR("");
    (void)snprintf(v->history, sizeof v->history, "%.*s", AN_STR_ARG(history));
    an_result_free(res);
    return rc;
}

/* A primary that was promoted before it had everything, or restored from a backup, counts anew from what
 * it has: versions of before mean nothing there. Of a replica that has less nobody knows whether it is
 * merely behind. */
static void follow_history(struct an_router *r, const struct version *v)
{
    if (v->history[0] == '\0')
        return;
    bool other = (r->history[0] != '\0' && strcmp(v->history, r->history) != 0) ||
                 v->mark.version < r->version;
    if (other) {
        an_log_warn("db",
                    "the directory of shards has another history than before: all of it is asked for again");
        an_tenants_doubt(&r->tenants);
        r->version = 0;
        r->key_settled = false;
    }
    if (other || r->history[0] == '\0')
        an_known_follow(r->known, v->history, v->mark.version);
    memcpy(r->history, v->history, sizeof r->history);
}

/* The list is at least as new as the version, which was asked before it. A replica that is behind the one
 * that was asked last has nothing new to say. afresh: as in ask_directory(). */
static int look(struct an_router *r, bool afresh, struct version *v, struct an_err *err)
{
    int rc = ask_directory(r, afresh, ask_version, v, err);
    bool behind = rc == AN_OK && v->mark.version < r->version && v->history[0] == '\0';
    if (behind && !afresh && !r->writes) /* who writes has asked the primary already */
        rc = ask_directory(r, true, ask_version, v, err);
    if (rc == AN_OK)
        follow_history(r, v);
    if (rc == AN_OK && v->mark.version > r->version) {
        rc = ask_directory(r, afresh, ask_shards, &v->mark.version, err);
        if (rc == AN_OK)
            r->version = v->mark.version;
    }
    if (rc == AN_OK)
        heard(r);
    r->refresh_us = an_clock_mono_us() + REFRESH_US;
    return rc;
}

static int refresh(struct an_router *r, struct an_err *err)
{
    struct version ignored;
    return look(r, false, &ignored, err);
}

int an_router_look(struct an_router *r, struct an_directory_mark *out, struct an_err *err)
{
    struct version v;
    int rc = look(r, true, &v, err);
    if (rc == AN_OK)
        *out = v.mark;
    return rc;
}

static int refresh_if_due(struct an_router *r, struct an_err *err)
{
    return an_clock_mono_us() < r->refresh_us ? AN_OK : refresh(r, err);
}

static struct an_shard *listed(const struct an_router *r, struct an_str name)
{
    for (size_t i = 0; i < r->list_count; i++)
        if (an_str_is(name, an_shard_name(r->list[i])))
            return r->list[i];
    return NULL;
}

int an_router_shards(struct an_router *r, struct an_shard *const **list, size_t *count, struct an_err *err)
{
    int rc = r->list_count == 0 ? refresh(r, err) : refresh_if_due(r, err);
    if (r->list_count == 0)
        recall_shards(r);
    *list = r->list;
    *count = r->list_count;
    return r->list_count > 0 ? AN_OK : rc;
}

void an_router_shards_or_default(struct an_router *r, struct an_shard *const **list, size_t *count)
{
    struct an_err ignored;
    if (an_router_shards(r, list, count, &ignored) == AN_OK)
        return;
    *list = &r->home;
    *count = 1;
}

/* ---- tenants ---- */

/* Columns of directory_tenant. */
enum { AT_VERSION, SHARD, SUSPENDED };

struct about {
    struct an_str tenant;
    struct an_result *res; /* one row of directory_tenant */
};

static int ask_tenant(struct an_router *r, struct an_db *db, void *arg, struct an_err *err)
{
    (void)r;
    struct about *about = arg;
    const struct an_db_param params[] = {AN_DB_TEXT(about->tenant)};
    const struct an_db_step steps[] = {
        {.stmt = AN_STMT_DIRECTORY_TENANT, .params = params, .count = AN_COUNT(params), .out = &about->res},
        {.stmt = AN_STMT_COMMIT}};
    return an_db_begin_write(db, about->tenant, steps, AN_COUNT(steps), NULL, err);
}

/* A shard that was added a moment ago is not in the list yet. */
static struct an_shard *find_shard(struct an_router *r, struct an_str name)
{
    struct an_err ignored;
    struct an_shard *shard = listed(r, name);
    if (shard != NULL || refresh(r, &ignored) != AN_OK)
        return shard;
    return listed(r, name);
}

static void tell_others(struct an_router *r, struct an_str tenant, const struct an_tenant *t)
{
    struct an_known_tenant of = {.version = t->version, .suspended = t->suspended};
    (void)snprintf(of.shard, sizeof of.shard, "%s", t->known ? an_shard_name(t->shard) : "");
    an_known_put(r->known, r->history, tenant, &of);
}

static int take_tenant(struct an_router *r, const struct about *about, struct an_tenant **out,
                       struct an_err *err)
{
    int64_t version;
    struct an_str name = an_result_get(about->res, 0, SHARD);
    if (!an_result_int(about->res, 0, AT_VERSION, &version))
        return an_fail(err, AN_EBACKEND, "db: the directory has no version");
    struct an_shard *shard = name.data == NULL ? r->home : find_shard(r, name);
    if (shard == NULL)
        return an_fail(err, AN_EAGAIN, "db: the directory names a shard that it does not list: %.*s",
                       AN_STR_ARG(name));
    struct an_tenant *t = an_tenants_put(&r->tenants, about->tenant);
    t->shard = shard;
    t->version = version;
    t->known = name.data != NULL;
    t->suspended = an_result_true(about->res, 0, SUSPENDED);
    tell_others(r, about->tenant, t);
    *out = t;
    return AN_OK;
}

/* What other workers know of it, unless we know better; it stays in doubt, so that the directory is
 * asked as soon as it answers. */
static void recall_tenant(struct an_router *r, struct an_str tenant)
{
    struct an_known_tenant of;
    const struct an_tenant *own = an_tenants_find(&r->tenants, tenant);
    if (!an_known_find(r->known, tenant, &of) || (own != NULL && own->known && own->version >= of.version))
        return;
    if (listed(r, an_str(of.shard)) == NULL)
        recall_shards(r);
    struct an_shard *shard = listed(r, an_str(of.shard));
    if (shard == NULL)
        return;
    struct an_tenant *t = an_tenants_put(&r->tenants, tenant);
    t->shard = shard;
    t->version = 0;
    t->known = true;
    t->suspended = of.suspended;
}

/* Asks the directory; goes on with what is remembered where that fails. */
static int learn(struct an_router *r, struct an_str tenant, struct an_tenant **out, struct an_err *err)
{
    struct about about = {.tenant = tenant};
    const struct an_tenant *known = an_tenants_find(&r->tenants, tenant);
    bool in_doubt = known != NULL && known->version == 0;
    int rc = ask_directory(r, in_doubt, ask_tenant, &about, err);
    if (rc == AN_OK) {
        heard(r);
        rc = take_tenant(r, &about, out, err);
    }
    an_result_free(about.res);
    if (rc != AN_EAGAIN)
        return rc;
    recall_tenant(r, tenant);
    *out = an_tenants_find(&r->tenants, tenant);
    return *out != NULL && (*out)->known ? AN_OK : rc;
}

static int look_up(struct an_router *r, struct an_str tenant, struct an_tenant **out, struct an_err *err)
{
    struct an_err ignored;
    (void)refresh_if_due(r, &ignored); /* where it fails, what is remembered goes on */
    *out = an_tenants_find(&r->tenants, tenant);
    if (*out != NULL && (*out)->version > 0 && (*out)->version >= r->version)
        return AN_OK;
    return learn(r, tenant, out, err);
}

int an_router_find(struct an_router *r, struct an_str tenant, struct an_shard **out, struct an_err *err)
{
    struct an_tenant *t;
    int rc = look_up(r, tenant, &t, err);
    if (rc == AN_OK)
        *out = t->shard;
    return rc;
}

void an_router_doubt(struct an_router *r, struct an_str tenant)
{
    struct an_tenant *t = an_tenants_find(&r->tenants, tenant);
    if (t != NULL)
        t->version = 0;
}

/* Several may do this at once: one of them adds the row, and all find it. */
static int create_tenant(struct an_router *r, struct an_str tenant, struct an_tenant **out,
                         struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(tenant), AN_DB_TEXT(AN_STR("")),
                                         AN_DB_TEXT(AN_STR(AN_SHARD_DEFAULT))};
    int rc = an_db_exec(an_shard_writer(r->home), AN_STMT_TENANT_ADD, params, AN_COUNT(params), NULL, err);
    if (rc == AN_OK)
        rc = learn(r, tenant, out, err);
    if (rc == AN_OK && !(*out)->known)
        rc = an_fail(err, AN_EDENIED, "tenant is not known, and the default shard takes no new ones");
    return rc;
}

int an_router_admit(struct an_router *r, struct an_str tenant, bool create, struct an_shard **out,
                    struct an_err *err)
{
    struct an_tenant *t;
    int rc = look_up(r, tenant, &t, err);
    if (rc == AN_OK && !t->known) /* another worker may have made it known, which changes no version */
        rc = learn(r, tenant, &t, err);
    if (rc == AN_OK && !t->known)
        rc = create ? create_tenant(r, tenant, &t, err)
                    : an_fail(err, AN_EDENIED, "tenant is not known, and tenants.auto_create is off");
    if (rc == AN_OK && t->suspended)
        rc = an_fail(err, AN_EDENIED, "tenant is suspended");
    if (rc == AN_OK)
        *out = t->shard;
    return rc;
}

/* ---- the signing key ---- */

static int ask_key(struct an_router *r, struct an_db *db, void *arg, struct an_err *err)
{
    (void)arg;
    struct an_result *res = NULL;
    unsigned char key[AN_SHA256_LEN];
    int rc = an_db_ask(db, AN_STMT_SIGNING_KEY, QUICK_WAIT_MS, &res, err);
    if (rc == AN_OK &&
        (an_result_rows(res) != 1 || !an_hex_decode(an_result_get(res, 0, 0), key, sizeof key)))
        rc = an_fail(err, AN_EBACKEND, "db: the directory holds no signing key of %d bytes", AN_SHA256_LEN);
    if (rc == AN_OK) {
        an_secret_set(&r->key, (const char *)key, sizeof key);
        an_known_put_key(r->known, key);
        an_wipe(key, sizeof key);
    }
    an_result_free(res);
    return rc;
}

static void recall_key(struct an_router *r)
{
    unsigned char key[AN_SHA256_LEN];
    if (an_known_key(r->known, key))
        an_secret_set(&r->key, (const char *)key, sizeof key);
    an_wipe(key, sizeof key);
}

int an_router_key(struct an_router *r, const struct an_secret **out, struct an_err *err)
{
    *out = &r->key;
    if (r->key_settled)
        return AN_OK;
    int rc = ask_directory(r, false, ask_key, NULL, err);
    if (rc == AN_OK) {
        heard(r);
        r->key_settled = true;
        return AN_OK;
    }
    if (rc == AN_EAGAIN)
        recall_key(r);
    return rc == AN_EAGAIN && r->key.data != NULL ? AN_OK : rc;
}
