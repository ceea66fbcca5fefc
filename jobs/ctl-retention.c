/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl retention: how long events are kept. A change is recorded before it is made. */
#include "an.h"

#include "base/clock.h"
#include "ctl.h"
#include "db/db.h"
#include "event/event.h"
#include "own.h"
#include "proc/exit.h"

#define CLASS_MAX 64
#define DAYS_MAX  36500
#define FOR_EVER  "forever"

/* As a type of an event: [a-z0-9][a-z0-9_.:-]* */
static bool class_valid(const char *name)
{
    struct an_str s = an_str(name);
    return s.len <= CLASS_MAX && an_action_valid(s);
}

/* Records it, then runs the statement, and lets what searches show follow. On AN_OK *out has the rows;
 * out may be NULL. */
static int change(const struct an_ctl *ctl, const struct an_own_event *event, enum an_stmt stmt,
                  const struct an_db_param *params, size_t count, struct an_result **out,
                  struct an_err *err)
{
    int rc = an_ctl_record(ctl, event, err);
    if (rc != AN_OK)
        return rc;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    rc = an_db_exec(db, stmt, params, count, out, err);
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err);
    an_db_free(db);
    return rc;
}

static int retention_set(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc != 3)
        return an_ctl_usage("retention set takes CLASS and DAYS, or 'forever'");
    const char *class = argv[1], *days = argv[2];
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
    const struct an_own_event event = {.action = "annals.retention.set",
                                       .entity_type = "retention_class",
                                       .entity_id = class,
                                       .description = words};
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(class)),
                                         AN_DB_TEXT(an_str(for_ever ? NULL : days))};
    struct an_err err;
    int rc = change(ctl, &event, AN_STMT_RETENTION_SET, params, AN_COUNT(params), NULL, &err);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    if (!ctl->json)
        (void)printf("%s\n", words);
    return AN_EXIT_OK;
}

static void print_class(const struct an_result *res, size_t row, bool json)
{
    struct an_str name = an_result_get(res, row, 0), days = an_result_get(res, row, 1),
                  tenants = an_result_get(res, row, 2);
    bool for_ever = days.data == NULL;
    if (json)
        (void)printf("{\"class\": \"%.*s\", \"keep_days\": %.*s, \"tenants\": %.*s}\n", AN_STR_ARG(name),
                     for_ever ? 4 : (int)days.len, for_ever ? "null" : days.data, AN_STR_ARG(tenants));
    else
        (void)printf("%-24.*s %8.*s%s  %.*s tenants\n", AN_STR_ARG(name), for_ever ? 7 : (int)days.len,
                     for_ever ? FOR_EVER : days.data, for_ever ? "     " : " days", AN_STR_ARG(tenants));
}

static int retention_list(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc > 1)
        return an_ctl_usage("retention list: unexpected argument '%s'", argv[1]);
    return an_ctl_print_rows(ctl, AN_DB_JOB, AN_STMT_RETENTION_LIST, NULL, 0, print_class);
}

static int tenant_retention(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc != 3)
        return an_ctl_usage("tenant retention takes ID and CLASS");
    const char *tenant = argv[1], *class = argv[2];
    if (!an_tenant_valid(an_str(tenant)))
        return an_ctl_usage("tenant retention: '%s' is no tenant id", tenant);
    if (!class_valid(class))
        return an_ctl_usage("tenant retention: '%s' is no class", class);
    char words[256];
    (void)snprintf(words, sizeof words, "tenant %s is to be of class %s", tenant, class);
    const struct an_own_event event = {.action = "annals.retention.assign",
                                       .entity_type = "retention_class",
                                       .entity_id = class,
                                       .tenant = tenant,
                                       .description = words};
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(tenant)), AN_DB_TEXT(an_str(class))};
    struct an_result *res = NULL;
    struct an_err err;
    int rc = change(ctl, &event, AN_STMT_TENANT_RETENTION, params, AN_COUNT(params), &res, &err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(&err, AN_ENOENT, "tenant '%s' is not known here, or is being moved", tenant);
    else if (rc == AN_OK && !an_str_is(an_result_get(res, 0, 0), "t"))
        rc = an_fail(&err, AN_ENOENT, "class '%s' is not known: annalsctl retention set %s DAYS", class,
                     class);
    an_result_free(res);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    if (!ctl->json)
        (void)printf("tenant %s is of class %s\n", tenant, class);
    return AN_EXIT_OK;
}

static int retention_resume(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc > 1)
        return an_ctl_usage("retention resume: unexpected argument '%s'", argv[1]);
    const struct an_own_event event = {.action = "annals.retention.resume",
                                       .entity_type = "job",
                                       .entity_id = "annals-partition",
                                       .description =
                                           "the clock is right; partitions may be dropped by it"};
    struct an_result *res = NULL;
    struct an_err err;
    int64_t now_us;
    int rc = change(ctl, &event, AN_STMT_JOB_CLOCK_TRUST, NULL, 0, &res, &err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(&err, AN_ENOENT, "annals-partition has not run yet");
    else if (rc == AN_OK && an_result_int(res, 0, 0, &now_us) && !ctl->json) {
        char now[AN_TIME_LEN + 1];
        an_time_format(now_us, now);
        (void)printf("from %s on, annals-partition believes the clock\n", now);
    }
    an_result_free(res);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
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
