/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl shard: the databases that tenants live on. A change is recorded before it is made. */
#include "an.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/migrate.h"
#include "db/place.h"
#include "ingest/recorder.h"
#include "proc/exit.h"
#include "shard/directory.h"
#include "upkeep/partition.h"

#define ARRAY_MAX_BYTES ((size_t)64 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 10)
#define IDENTITY_MAX 64

struct addition {
    const char *name, *primary, *replicas[AN_SHARD_REPLICAS_MAX];
    size_t replica_count, partitions; /* partitions: that were made */
};

bool an_ctl_shard_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > AN_SHARD_NAME_MAX || name[0] == '_' || name[0] == '-')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static int record(const struct an_ctl *ctl, const char *action, const char *shard, const char *words,
                  struct an_err *err)
{
    const struct an_recorder_event event = {action, "shard", shard, NULL, words};
    return an_ctl_record(ctl, &event, err);
}

int an_ctl_shard_find(const struct an_ctl *ctl, struct an_arena *arena, const char *name, const char **place,
                      struct an_err *err)
{
    struct an_directory_shard *list;
    size_t count;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    int rc = an_directory_shards(db, arena, &list, &count, err);
    an_db_free(db);
    if (rc != AN_OK)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0) {
            *place = list[i].primary;
            return AN_OK;
        }
    return an_fail(err, AN_ENOENT, "there is no shard '%s'", name);
}

/* ---- add ---- */

static int check_place(const char *place, size_t hosts)
{
    struct an_err err;
    return an_place_check(place, hosts, &err) == AN_OK ? AN_EXIT_OK : an_ctl_usage("shard add: %s", err.text);
}

static int take_replica(const char *place, void *arg)
{
    struct addition *a = arg;
    if (a->replica_count == AN_SHARD_REPLICAS_MAX)
        return an_ctl_usage("shard add: more than %d replicas", AN_SHARD_REPLICAS_MAX);
    a->replicas[a->replica_count++] = place;
    return check_place(place, 1);
}

static int parse_add(const struct an_ctl *ctl, struct addition *a)
{
    const struct an_ctl_option options[] = {{"primary", .value = &a->primary},
                                            {"replica", .take = take_replica, .arg = a},
                                            {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, "NAME", &a->name);
    if (status != AN_EXIT_OK)
        return status;
    if (!an_ctl_shard_valid(a->name))
        return an_ctl_usage("shard add: '%s' is no name of a shard: a-z, 0-9, '_' and '-', up to %d bytes",
                            a->name, AN_SHARD_NAME_MAX);
    if (strcmp(a->name, AN_SHARD_DEFAULT) == 0)
        return an_ctl_usage("shard add: '%s' is there always; the configuration says where", a->name);
    if (a->primary == NULL)
        return an_ctl_usage("shard add: --primary is missing");
    return check_place(a->primary, AN_HOSTS_MAX);
}

/* What tells databases apart, wherever they are reached. */
static int identify(struct an_db *db, char out[IDENTITY_MAX], struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_DATABASE_IDENTITY, NULL, 0, &res, err);
    if (rc == AN_OK)
        (void)snprintf(out, IDENTITY_MAX, "%.*s", AN_STR_ARG(an_result_get(res, 0, 0)));
    an_result_free(res);
    return rc;
}

static int check_schema(struct an_db *db, struct an_err *err)
{
    size_t missing;
    int rc = an_migrate_missing(db, &missing, err);
    if (rc == AN_OK && missing > 0)
        rc = an_fail(err, AN_EINVAL,
                     "its schema is older than this program: run annalsctl db migrate --primary first");
    return rc;
}

static int check_role(const struct an_conf *c, enum an_db_role role, const char *place, bool with_schema,
                      char identity[IDENTITY_MAX], struct an_err *err)
{
    struct an_db *db = an_db_new_at(c, role, place);
    int rc = an_db_ready(db, err);
    if (rc == AN_OK)
        rc = identify(db, identity, err);
    if (rc == AN_OK && with_schema)
        rc = check_schema(db, err);
    an_db_free(db);
    return rc;
}

/* Can all of our roles work there? */
static int check_primary(const struct an_conf *c, const char *place, char identity[IDENTITY_MAX],
                         struct an_err *err)
{
    static const struct {
        enum an_db_role role;
        const char *key;
    } roles[] = {{AN_DB_WRITER, "writer"},
                 {AN_DB_READER, "reader"},
                 {AN_DB_JOB, "job"},
                 {AN_DB_KEEPER, "keeper"}};
    for (size_t i = 0; i < AN_COUNT(roles); i++)
        if (check_role(c, roles[i].role, place, i == 0, identity, err) != AN_OK)
            return an_fail_within(err, "the primary, as database.%s", roles[i].key);
    return AN_OK;
}

/* The same database as its primary's? */
static int check_replica(const struct an_conf *c, const char *place, const char *identity, struct an_err *err)
{
    char found[IDENTITY_MAX];
    int rc = check_role(c, AN_DB_READER, place, false, found, err);
    if (rc != AN_OK)
        return an_fail_within(err, "replica %s", place);
    if (strcmp(found, identity) != 0)
        return an_fail(err, AN_EINVAL, "replica %s is none of this primary", place);
    return AN_OK;
}

static int check_apart(struct an_db *directory, const char *identity, struct an_err *err)
{
    char ours[IDENTITY_MAX];
    int rc = identify(directory, ours, err);
    if (rc == AN_OK && strcmp(ours, identity) == 0)
        rc = an_fail(err, AN_ECONFLICT, "this is the database of the shard '%s'", AN_SHARD_DEFAULT);
    return rc;
}

/* A text[] as PostgreSQL reads it. */
static void add_array(struct an_buf *out, const char *const *items, size_t count)
{
    an_buf_addc(out, '{');
    for (size_t i = 0; i < count; i++) {
        an_buf_adds(out, i == 0 ? "\"" : ",\"");
        for (const char *p = items[i]; *p != '\0'; p++) {
            if (*p == '"' || *p == '\\')
                an_buf_addc(out, '\\');
            an_buf_addc(out, *p);
        }
        an_buf_addc(out, '"');
    }
    an_buf_addc(out, '}');
}

static int insert(struct an_db *directory, const struct addition *a, const char *identity, struct an_err *err)
{
    struct an_buf replicas;
    an_buf_init(&replicas, ARRAY_MAX_BYTES);
    add_array(&replicas, a->replicas, a->replica_count);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(a->name)), AN_DB_TEXT(an_str(a->primary)),
                                         AN_DB_TEXT(((struct an_str){replicas.data, replicas.len})),
                                         AN_DB_TEXT(an_str(identity))};
    struct an_result *res = NULL;
    int rc = replicas.overflow
                 ? an_fail(err, AN_ETOOBIG, "too long a list of replicas")
                 : an_db_exec(directory, AN_STMT_SHARD_ADD, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_ECONFLICT, "there is a shard of this name, or on this database, already");
    an_result_free(res);
    an_buf_release(&replicas);
    return rc;
}

static void count(void *arg, const struct an_partition *p)
{
    size_t *made = arg;
    (void)p;
    ++*made;
}

/* So that whoever is put there can be written at once; annals-partition goes on with them. */
static int make_partitions(const struct an_conf *c, struct addition *a, struct an_err *err)
{
    struct an_db *db = an_db_new_at(c, AN_DB_JOB, a->primary);
    int rc = an_partition_ensure(db, c, false, count, &a->partitions, err);
    an_db_free(db);
    return rc;
}

static int add_checked(const struct an_ctl *ctl, struct addition *a, struct an_err *err)
{
    char identity[IDENTITY_MAX], words[AN_SHARD_NAME_MAX + 64];
    int rc = check_primary(ctl->conf, a->primary, identity, err);
    for (size_t i = 0; i < a->replica_count && rc == AN_OK; i++)
        rc = check_replica(ctl->conf, a->replicas[i], identity, err);
    if (rc != AN_OK)
        return rc;
    struct an_db *directory = an_db_new(ctl->conf, AN_DB_JOB);
    (void)snprintf(words, sizeof words, "shard %s is added, with %zu replicas", a->name, a->replica_count);
    rc = check_apart(directory, identity, err);
    if (rc == AN_OK)
        rc = record(ctl, "annals.shard.add", a->name, words, err);
    if (rc == AN_OK)
        rc = make_partitions(ctl->conf, a, err);
    if (rc == AN_OK)
        rc = insert(directory, a, identity, err);
    an_db_free(directory);
    return rc;
}

static int shard_add(const struct an_ctl *ctl)
{
    struct addition a = {.name = NULL};
    struct an_err err;
    int status = parse_add(ctl, &a);
    if (status != AN_EXIT_OK)
        return status;
    if (add_checked(ctl, &a, &err) != AN_OK)
        return an_ctl_failed(&err);
    if (ctl->json)
        (void)printf("{\"shard\": \"%s\", \"added\": true}\n", a.name);
    else
        (void)printf("%s: added, with %zu new partitions; it takes tenants that are put there\n", a.name,
                     a.partitions);
    return AN_EXIT_OK;
}

/* ---- list ---- */

static int64_t tenants_of(const struct an_result *counts, const char *name)
{
    int64_t n;
    for (size_t i = 0; i < an_result_rows(counts); i++)
        if (an_str_is(an_result_get(counts, i, 0), name) && an_result_int(counts, i, 1, &n))
            return n;
    return 0;
}

static void print_json(const struct an_directory_shard *s, int64_t tenants, const char *added)
{
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_addf(&line, "{\"shard\": \"%s\", \"state\": \"%s\", \"tenants\": %lld, \"primary\": ", s->name,
                s->draining ? "draining" : "open", (long long)tenants);
    if (s->primary[0] == '\0')
        an_buf_adds(&line, "null");
    else
        an_json_add_string(&line, an_str(s->primary));
    an_buf_adds(&line, ", \"replicas\": [");
    for (size_t i = 0; i < s->replica_count; i++) {
        an_buf_adds(&line, i == 0 ? "" : ", ");
        an_json_add_string(&line, an_str(s->replicas[i].place));
    }
    (void)printf("%s], \"added_at\": \"%s\"}\n", line.data, added);
    an_buf_release(&line);
}

static void print_shard(const struct an_directory_shard *s, int64_t tenants, bool json)
{
    char added[AN_TIME_LEN + 1];
    an_time_format(s->added_us, added);
    if (json) {
        print_json(s, tenants, added);
        return;
    }
    (void)printf("%-24s %-8s %8lld tenants  %s\n", s->name, s->draining ? "draining" : "open",
                 (long long)tenants, s->primary[0] == '\0' ? "as configured" : s->primary);
    for (size_t i = 0; i < s->replica_count; i++)
        (void)printf("%-24s replica  %s\n", "", s->replicas[i].place);
}

static int shard_list(const struct an_ctl *ctl)
{
    struct an_err err;
    struct an_directory_shard *list;
    struct an_result *counts = NULL;
    size_t count;
    struct an_arena *arena = an_arena_new(0);
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    int rc = an_directory_shards(db, arena, &list, &count, &err);
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_SHARD_TENANTS, NULL, 0, &counts, &err);
    for (size_t i = 0; i < count && rc == AN_OK; i++)
        print_shard(&list[i], tenants_of(counts, list[i].name), ctl->json);
    an_result_free(counts);
    an_db_free(db);
    an_arena_free(arena);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

/* ---- drain, open, remove ---- */

struct change {
    const char *action, *done;
    enum an_stmt stmt;
    const char *state; /* of shard_state; NULL: no parameter */
    const char *refusal;
};

static int check_known(const struct an_ctl *ctl, const char *name, struct an_err *err)
{
    const char *place;
    struct an_arena *arena = an_arena_new(0);
    int rc = an_ctl_shard_find(ctl, arena, name, &place, err);
    an_arena_free(arena);
    return rc;
}

static int change(const struct an_ctl *ctl, const struct change *c, const char *name, struct an_err *err)
{
    char words[AN_SHARD_NAME_MAX + 64];
    (void)snprintf(words, sizeof words, "shard %s %s", name, c->done);
    int rc = check_known(ctl, name, err);
    if (rc == AN_OK)
        rc = record(ctl, c->action, name, words, err);
    if (rc != AN_OK)
        return rc;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(name)), AN_DB_TEXT(an_str(c->state))};
    struct an_result *res = NULL;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    rc = an_db_exec(db, c->stmt, params, c->state == NULL ? 1 : 2, &res, err);
    /* 23503: a tenant came to it at this moment. */
    if (rc == AN_OK ? an_result_rows(res) == 0 : strcmp(an_db_sqlstate(db), "23503") == 0)
        rc = an_fail(err, AN_ENOENT, "%s", c->refusal);
    an_result_free(res);
    an_db_free(db);
    return rc == AN_OK ? rc : an_fail_within(err, "shard '%s'", name);
}

static int run_change(const struct an_ctl *ctl, const struct change *c)
{
    const char *name;
    struct an_err err;
    int status = an_ctl_parse(ctl, NULL, "NAME", &name);
    if (status != AN_EXIT_OK)
        return status;
    if (!an_ctl_shard_valid(name))
        return an_ctl_usage("%s: '%s' is no name of a shard", ctl->command->words, name);
    if (c->stmt == AN_STMT_SHARD_REMOVE && strcmp(name, AN_SHARD_DEFAULT) == 0)
        return an_ctl_usage("%s: '%s' is there always", ctl->command->words, name);
    if (change(ctl, c, name, &err) != AN_OK)
        return an_ctl_failed(&err);
    if (!ctl->json)
        (void)printf("shard %s %s\n", name, c->done);
    return AN_EXIT_OK;
}

static int shard_drain(const struct an_ctl *ctl)
{
    static const struct change c = {"annals.shard.drain", "takes no new tenants", AN_STMT_SHARD_STATE,
                                    "draining", "is not there any more"};
    return run_change(ctl, &c);
}

static int shard_open(const struct an_ctl *ctl)
{
    static const struct change c = {"annals.shard.open", "takes new tenants", AN_STMT_SHARD_STATE, "open",
                                    "is not there any more"};
    return run_change(ctl, &c);
}

static int shard_remove(const struct an_ctl *ctl)
{
    static const struct change c = {"annals.shard.remove", "is removed", AN_STMT_SHARD_REMOVE, NULL,
                                    "tenants live on it"};
    return run_change(ctl, &c);
}

const struct an_ctl_command an_ctl_shard[] = {
    {"shard add", "NAME --primary CONNINFO [--replica CONNINFO]...",
     "make a database known that tenants may live on; without user and password, which are the "
     "configuration's",
     true, shard_add},
    {"shard drain", "NAME", "let a shard take no new tenants", true, shard_drain},
    {"shard list", "", "all shards; with --json one object a line", true, shard_list},
    {"shard open", "NAME", "let a shard take new tenants again", true, shard_open},
    {"shard remove", "NAME", "forget a shard that no tenant lives on; its database stays as it is", true,
     shard_remove},
    {NULL, NULL, NULL, false, NULL},
};
