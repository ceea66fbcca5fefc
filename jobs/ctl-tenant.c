/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/buf.h"
#include "base/json.h"
#include "ctl.h"
#include "db/db.h"
#include "event/event.h"
#include "proc/exit.h"
#include "shard/shard.h"

#define NAME_MAX_BYTES 256
#define LINE_MAX_BYTES 4096

/* Columns of tenant_show. */
enum { NAME, CREATED, SUSPENDED, CLASS, SHARD, PRESENCE };

/* A tenant that is to be made known. shard NULL: where new ones go. */
struct addition {
    const char *id, *name, *shard;
    bool added;                            /* false: it was there before */
    char lives_on[AN_SHARD_NAME_MAX + 1];
};

/* The row of a tenant in this database; AN_ENOENT: there is none. */
static int show(struct an_db *db, const char *id, struct an_result **out, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(id))};
    *out = NULL;
    int rc = an_db_exec(db, AN_STMT_TENANT_SHOW, params, AN_COUNT(params), out, err);
    if (rc != AN_OK || an_result_rows(*out) == 1)
        return rc;
    an_result_free(*out);
    *out = NULL;
    return an_fail(err, AN_ENOENT, "tenant '%s' is not known", id);
}

int an_ctl_tenant_find(const struct an_ctl *ctl, struct an_arena *arena, const char *tenant,
                       struct an_directory_shard *out, struct an_err *err)
{
    struct an_result *row = NULL;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    int rc = show(db, tenant, &row, err);
    an_db_free(db);
    if (rc == AN_OK) {
        struct an_str shard = an_result_get(row, 0, SHARD);
        *out = (struct an_directory_shard){.name = an_arena_strndup(arena, shard.data, shard.len)};
        rc = an_ctl_shard_find(ctl, arena, out->name, &out->primary, err);
    }
    an_result_free(row);
    return rc;
}

static int enter(struct an_db *db, struct addition *a, struct an_err *err)
{
    const char *shard = a->shard == NULL ? AN_SHARD_DEFAULT : a->shard;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(a->id)), AN_DB_TEXT(an_str(a->name)),
                                         AN_DB_TEXT(an_str(shard))};
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_TENANT_ADD, params, AN_COUNT(params), &res, err);
    a->added = an_result_rows(res) == 1;
    an_result_free(res);
    (void)snprintf(a->lives_on, sizeof a->lives_on, "%s", shard);
    return rc;
}

/* It was there before, or its shard takes nobody. */
static int look_where(const struct an_ctl *ctl, struct addition *a, struct an_err *err)
{
    struct an_result *row;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    int rc = show(db, a->id, &row, err);
    if (rc == AN_OK)
        (void)snprintf(a->lives_on, sizeof a->lives_on, "%.*s", AN_STR_ARG(an_result_get(row, 0, SHARD)));
    else if (rc == AN_ENOENT)
        rc = an_fail(err, AN_ENOENT, "shard '%s' is not known, or takes no new tenants", a->lives_on);
    if (rc == AN_OK && a->shard != NULL && strcmp(a->shard, a->lives_on) != 0)
        rc = an_fail(err, AN_ECONFLICT, "tenant '%s' lives on the shard '%s' already", a->id, a->lives_on);
    an_result_free(row);
    an_db_free(db);
    return rc;
}

/* On its shard, where the directory has the tenant on another than its own. */
static int settle(const struct an_ctl *ctl, const struct addition *a, struct an_err *err)
{
    if (strcmp(a->lives_on, AN_SHARD_DEFAULT) == 0)
        return AN_OK;
    const char *place;
    struct an_arena *arena = an_arena_new(0);
    int rc = an_ctl_shard_find(ctl, arena, a->lives_on, &place, err);
    if (rc == AN_OK) {
        const struct an_db_param params[] = {AN_DB_TEXT(an_str(a->id)), AN_DB_TEXT(an_str(a->name))};
        struct an_db *db = an_db_new_at(ctl->conf, AN_DB_WRITER, place);
        rc = an_db_exec(db, AN_STMT_TENANT_SETTLE, params, AN_COUNT(params), NULL, err);
        an_db_free(db);
    }
    an_arena_free(arena);
    return rc == AN_OK ? AN_OK : an_fail_within(err, "shard %s; run this again", a->lives_on);
}

/* The directory first: only one shard can get the tenant. What is left half done, the same command
 * completes. */
static int add(const struct an_ctl *ctl, struct addition *a, struct an_err *err)
{
    struct an_db *db = an_db_new(ctl->conf, AN_DB_WRITER);
    int rc = enter(db, a, err);
    an_db_free(db);
    if (rc == AN_OK && !a->added)
        rc = look_where(ctl, a, err);
    return rc == AN_OK ? settle(ctl, a, err) : rc;
}

static int parse_add(const struct an_ctl *ctl, struct addition *a)
{
    const struct an_ctl_option options[] = {
        {"name", .value = &a->name}, {"shard", .value = &a->shard}, {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, "ID", &a->id);
    if (status != AN_EXIT_OK)
        return status;
    if (strcmp(a->id, AN_TENANT_SYSTEM) == 0)
        return an_ctl_usage("tenant add: '%s' is the tenant of Annals itself", AN_TENANT_SYSTEM);
    if (!an_tenant_valid(an_str(a->id)))
        return an_ctl_usage(
            "tenant add: '%s' is no tenant id: letters, digits, '.', '_', '-', up to %d bytes", a->id,
            AN_TENANT_MAX);
    if (!an_ctl_line_valid(a->name, NAME_MAX_BYTES))
        return an_ctl_usage("tenant add: the name must be UTF-8 of up to %d bytes without control characters",
                            NAME_MAX_BYTES);
    if (a->shard != NULL && !an_ctl_shard_valid(a->shard))
        return an_ctl_usage("tenant add: '%s' is no name of a shard", a->shard);
    return AN_EXIT_OK;
}

static int tenant_add(const struct an_ctl *ctl)
{
    struct addition a = {.name = ""};
    struct an_err err;
    int status = parse_add(ctl, &a);
    if (status != AN_EXIT_OK)
        return status;
    if (add(ctl, &a, &err) != AN_OK)
        return an_ctl_failed(&err);
    if (ctl->json)
        (void)printf("{\"tenant\": \"%s\", \"added\": %s, \"shard\": \"%s\"}\n", a.id,
                     a.added ? "true" : "false", a.lives_on);
    else if (a.added)
        (void)printf("%s: added%s%s\n", a.id, a.shard == NULL ? "" : ", on the shard ",
                     a.shard == NULL ? "" : a.shard);
    else
        (void)printf("%s: was there already; nothing changed\n", a.id);
    return AN_EXIT_OK;
}

static void print_tenant(const struct an_result *res, size_t row, bool json)
{
    struct an_str id = an_result_get(res, row, 0), name = an_result_get(res, row, 1);
    struct an_str shard = an_result_get(res, row, 4);
    bool suspended = an_result_true(res, row, 3), elsewhere = !an_str_is(shard, AN_SHARD_DEFAULT);
    char created[AN_TIME_LEN + 1];
    an_ctl_time(res, row, 2, "", created);
    if (!json) {
        (void)printf("%-24.*s %s  %s%s%.*s%s%.*s\n", AN_STR_ARG(id), created, suspended ? "(suspended) " : "",
                     elsewhere ? "(on " : "", elsewhere ? (int)shard.len : 0, shard.data,
                     elsewhere ? ") " : "", AN_STR_ARG(name));
        return;
    }
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_adds(&line, "{\"tenant\": ");
    an_json_add_string(&line, id);
    an_buf_adds(&line, ", \"name\": ");
    an_json_add_string(&line, name);
    an_buf_addf(&line, ", \"created_at\": \"%s\", \"suspended\": %s, \"shard\": \"%.*s\"}", created,
                suspended ? "true" : "false", AN_STR_ARG(shard));
    (void)printf("%s\n", line.data);
    an_buf_release(&line);
}

static int tenant_list(const struct an_ctl *ctl)
{
    return an_ctl_print_rows(ctl, AN_DB_WRITER, AN_STMT_TENANT_LIST, NULL, 0, print_tenant);
}

/* What the directory and the tenant's own shard say. */
struct shown {
    struct an_result *row;
    char presence[16]; /* on its shard: "open", "closed", "hidden", "missing" */
    char class[65];    /* there */
    const char *advice; /* it is closed there: what to do; NULL: nothing */
};

static void print_shown(const char *id, const struct shown *t, bool json)
{
    struct an_str name = an_result_get(t->row, 0, NAME), class = an_str(t->class);
    struct an_str shard = an_result_get(t->row, 0, SHARD);
    bool suspended = an_result_true(t->row, 0, SUSPENDED);
    char created[AN_TIME_LEN + 1];
    an_ctl_time(t->row, 0, CREATED, "", created);
    if (!json) {
        (void)printf("tenant     %s\nname       %.*s\ncreated    %s\nsuspended  %s\nclass      %.*s\n"
                     "shard      %.*s\npresence   %s\n",
                     id, AN_STR_ARG(name), created, suspended ? "yes" : "no", AN_STR_ARG(class),
                     AN_STR_ARG(shard), t->presence);
        if (t->advice != NULL)
            (void)printf("           %s\n", t->advice);
        return;
    }
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_addf(&line, "{\"tenant\": \"%s\", \"name\": ", id);
    an_json_add_string(&line, name);
    an_buf_addf(&line,
                ", \"created_at\": \"%s\", \"suspended\": %s, \"class\": \"%.*s\", \"shard\": \"%.*s\"",
                created, suspended ? "true" : "false", AN_STR_ARG(class), AN_STR_ARG(shard));
    an_buf_addf(&line, ", \"presence\": \"%s\"", t->presence);
    if (t->advice != NULL) {
        an_buf_adds(&line, ", \"advice\": ");
        an_json_add_string(&line, an_str(t->advice));
    }
    (void)printf("%s}\n", line.data);
    an_buf_release(&line);
}

static void take_there(struct shown *t, const struct an_result *row)
{
    (void)snprintf(t->presence, sizeof t->presence, "%.*s", AN_STR_ARG(an_result_get(row, 0, PRESENCE)));
    (void)snprintf(t->class, sizeof t->class, "%.*s", AN_STR_ARG(an_result_get(row, 0, CLASS)));
}

static int look_there(const struct an_ctl *ctl, struct an_arena *arena, const char *id, struct shown *t,
                      struct an_err *err)
{
    struct an_directory_shard shard;
    struct an_result *row = NULL;
    int rc = an_ctl_tenant_find(ctl, arena, id, &shard, err);
    if (rc != AN_OK)
        return rc;
    struct an_db *db = an_db_new_at(ctl->conf, AN_DB_JOB, shard.primary);
    rc = show(db, id, &row, err);
    an_db_free(db);
    if (rc == AN_OK)
        take_there(t, row);
    an_result_free(row);
    return rc == AN_ENOENT ? AN_OK : rc; /* missing: "tenant add" completes it */
}

static int tenant_show(const struct an_ctl *ctl)
{
    const char *id;
    int status = an_ctl_parse(ctl, NULL, "ID", &id);
    if (status != AN_EXIT_OK)
        return status;
    if (!an_tenant_valid(an_str(id)))
        return an_ctl_usage("tenant show: '%s' is no tenant id", id);
    struct an_err err;
    struct shown t = {.presence = "missing"};
    struct an_arena *arena = an_arena_new(0);
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    int rc = show(db, id, &t.row, &err);
    an_db_free(db);
    if (rc == AN_OK)
        rc = look_there(ctl, arena, id, &t, &err);
    if (rc == AN_OK && strcmp(t.presence, "closed") == 0)
        rc = an_ctl_move_advice(ctl, arena, id, &t.advice, &err);
    if (rc == AN_OK)
        print_shown(id, &t, ctl->json);
    an_result_free(t.row);
    an_arena_free(arena);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

const struct an_ctl_command an_ctl_tenant[] = {
    {"tenant add", "ID [--name NAME] [--shard SHARD]",
     "make a tenant known; not needed where tenants.auto_create is on", true, tenant_add},
    {"tenant list", "", "all tenants; with --json one object a line", true, tenant_list},
    {"tenant show", "ID", "one tenant: its class, its shard, and whether it is open there", true,
     tenant_show},
    {NULL, NULL, NULL, false, NULL},
};
