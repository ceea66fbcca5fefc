/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl retention: how long events are kept. A change is recorded before it is made. */
#include "an.h"

#include "ctl.h"
#include "event/event.h"
#include "ingest/recorder.h"
#include "proc/exit.h"
#include "shard/directory.h"
#include "upkeep/retention.h"

#define CLASS_MAX 64
#define DAYS_MAX  36500
#define FOR_EVER  "forever"

/* As a type of an event: [a-z0-9][a-z0-9_.:-]* */
static bool class_valid(const char *name)
{
    struct an_str s = an_str(name);
    return s.len <= CLASS_MAX && an_action_valid(s);
}

struct setting {
    const struct an_ctl *ctl;
    const char *class, *days; /* days NULL: for ever */
};

/* The directory's statement comes first: it is what the rounds of annals-partition bring to shards that
 * this one does not reach. */
static int set_at(const struct setting *s, const char *place, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(s->class)), AN_DB_TEXT(an_str(s->days))};
    struct an_db *db = an_db_new_at(s->ctl->conf, AN_DB_JOB, place);
    int rc = an_db_exec(db, AN_STMT_RETENTION_SET, params, AN_COUNT(params), NULL, err);
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err);
    an_db_free(db);
    return rc;
}

static int set_on_shard(const struct an_directory_shard *shard, size_t of, void *arg, struct an_err *err)
{
    (void)of;
    return shard->primary[0] == '\0' ? AN_OK : set_at(arg, shard->primary, err);
}

static int set_class(struct setting *s, const struct an_recorder_event *event, struct an_err *err)
{
    int rc = an_ctl_record(s->ctl, event, err);
    if (rc == AN_OK)
        rc = set_at(s, NULL, err);
    return rc == AN_OK ? an_directory_each(s->ctl->conf, AN_DB_JOB, set_on_shard, s, err) : rc;
}

static int retention_set(const struct an_ctl *ctl)
{
    if (ctl->argc != 3)
        return an_ctl_usage("retention set takes CLASS and DAYS, or 'forever'");
    const char *class = ctl->argv[1], *days = ctl->argv[2];
    bool for_ever = strcmp(days, FOR_EVER) == 0;
    int64_t n;
    if (!class_valid(class))
        return an_ctl_usage("retention set: '%s' is no class: a-z, 0-9, '.', '_', '-', up to %d bytes",
                            class, CLASS_MAX);
    if (!for_ever && !an_parse_i64(an_str(days), 1, DAYS_MAX, &n))
        return an_ctl_usage("retention set: '%s' is neither 1 to %d days nor '%s'", days, DAYS_MAX,
                            FOR_EVER);
    char words[256];
    (void)snprintf(words, sizeof words, "class %s keeps events %s%s", class, for_ever ? "for ever" : days,
                   for_ever ? "" : " days");
    const struct an_recorder_event event = {.action = "annals.retention.set",
                                            .entity_type = "retention_class",
                                            .entity_id = class,
                                            .description = words};
    struct setting setting = {ctl, class, for_ever ? NULL : days};
    struct an_err err;
    if (set_class(&setting, &event, &err) != AN_OK)
        return an_ctl_failed(&err);
    if (!ctl->json)
        (void)printf("%s\n", words);
    return AN_EXIT_OK;
}

static void print_class(const struct an_ctl_list *list, const struct an_result *res, size_t row,
                        const char *shard)
{
    struct an_str name = an_result_get(res, row, 0), days = an_result_get(res, row, 1),
                  tenants = an_result_get(res, row, 2);
    bool for_ever = days.data == NULL;
    if (list->ctl->json)
        (void)printf("{\"shard\": \"%s\", \"class\": \"%.*s\", \"keep_days\": %.*s, \"tenants\": %.*s}\n",
                     shard, AN_STR_ARG(name), for_ever ? 4 : (int)days.len, for_ever ? "null" : days.data,
                     AN_STR_ARG(tenants));
    else
        (void)printf("%-24.*s %8.*s%s  %.*s tenants\n", AN_STR_ARG(name), for_ever ? 7 : (int)days.len,
                     for_ever ? FOR_EVER : days.data, for_ever ? "     " : " days", AN_STR_ARG(tenants));
}

static int retention_list(const struct an_ctl *ctl)
{
    const struct an_ctl_list list = {
        .ctl = ctl, .role = AN_DB_JOB, .stmt = AN_STMT_RETENTION_LIST, .print = print_class};
    return an_ctl_print_shards(&list);
}

struct assignment {
    const char *tenant, *class;
};

/* db: on the tenant's shard, where the class may not be known yet. */
static int assign(const struct assignment *a, struct an_db *directory, struct an_db *db, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(a->tenant)), AN_DB_TEXT(an_str(a->class))};
    struct an_result *res = NULL;
    int rc = an_retention_bring(directory, db, err);
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_TENANT_RETENTION, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_ENOENT, "tenant '%s' is not known there, or is being moved", a->tenant);
    else if (rc == AN_OK && !an_result_true(res, 0, 0))
        rc = an_fail(err, AN_ENOENT, "class '%s' is not known: annalsctl retention set %s DAYS", a->class,
                     a->class);
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err);
    an_result_free(res);
    return rc;
}

/* Where it lives. */
static int assign_there(const struct an_ctl *ctl, const struct assignment *a,
                        const struct an_recorder_event *event, struct an_err *err)
{
    struct an_directory_shard shard;
    struct an_arena *arena = an_arena_new(0);
    int rc = an_ctl_tenant_find(ctl, arena, a->tenant, &shard, err);
    if (rc == AN_OK)
        rc = an_ctl_record(ctl, event, err);
    if (rc == AN_OK) {
        struct an_db *directory = an_db_new(ctl->conf, AN_DB_JOB);
        struct an_db *db = an_db_new_at(ctl->conf, AN_DB_JOB, shard.primary);
        rc = assign(a, shard.primary[0] == '\0' ? NULL : directory, db, err);
        an_db_free(db);
        an_db_free(directory);
    }
    an_arena_free(arena);
    return rc;
}

static int tenant_retention(const struct an_ctl *ctl)
{
    if (ctl->argc != 3)
        return an_ctl_usage("tenant retention takes ID and CLASS");
    const char *tenant = ctl->argv[1], *class = ctl->argv[2];
    if (!an_tenant_valid(an_str(tenant)))
        return an_ctl_usage("tenant retention: '%s' is no tenant id", tenant);
    if (!class_valid(class))
        return an_ctl_usage("tenant retention: '%s' is no class", class);
    char words[256];
    (void)snprintf(words, sizeof words, "tenant %s is to be of class %s", tenant, class);
    const struct an_recorder_event event = {.action = "annals.retention.assign",
                                            .entity_type = "retention_class",
                                            .entity_id = class,
                                            .tenant = tenant,
                                            .description = words};
    const struct assignment assignment = {tenant, class};
    struct an_err err;
    if (assign_there(ctl, &assignment, &event, &err) != AN_OK)
        return an_ctl_failed(&err);
    if (!ctl->json)
        (void)printf("tenant %s is of class %s\n", tenant, class);
    return AN_EXIT_OK;
}

static void print_trust(const struct an_ctl_list *list, const struct an_result *res, size_t row,
                        const char *shard)
{
    bool *any = list->arg;
    (void)shard;
    *any = true;
    if (list->ctl->json)
        return;
    char now[AN_TIME_LEN + 1];
    an_ctl_time(res, row, 0, "", now);
    (void)printf("from %s on, annals-partition believes the clock\n", now);
}

static int retention_resume(const struct an_ctl *ctl)
{
    const struct an_recorder_event event = {.action = "annals.retention.resume",
                                            .entity_type = "job",
                                            .entity_id = "annals-partition",
                                            .description =
                                                "the clock is right; partitions may be dropped by it"};
    bool any = false;
    const struct an_ctl_list list = {
        .ctl = ctl, .role = AN_DB_JOB, .stmt = AN_STMT_JOB_CLOCK_TRUST, .print = print_trust, .arg = &any};
    struct an_err err;
    if (an_ctl_record(ctl, &event, &err) != AN_OK)
        return an_ctl_failed(&err);
    int status = an_ctl_print_shards(&list);
    if (status != AN_EXIT_OK || any)
        return status;
    (void)an_fail(&err, AN_ENOENT, "annals-partition has not run yet");
    return an_ctl_failed(&err);
}

const struct an_ctl_command an_ctl_retention[] = {
    {"retention list", "", "the classes, how long each keeps events, and how many tenants are of it",
     true, retention_list},
    {"retention set", "CLASS DAYS|forever", "how long a class keeps events; 'default' is everybody's",
     true, retention_set},
    {"retention resume", "",
     "let partitions be dropped again after the clock jumped, or the job stood still", true,
     retention_resume},
    {"tenant retention", "ID CLASS", "put a tenant into a class", true, tenant_retention},
    {NULL, NULL, NULL, false, NULL},
};
