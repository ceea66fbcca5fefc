/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <getopt.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/migrate.h"
#include "db/partition.h"
#include "proc/exit.h"

#define MIGRATIONS_MAX 1024
#define TEXT_MAX_BYTES (256 * 1024)

struct state {
    struct an_migration list[MIGRATIONS_MAX];
    size_t count, missing;
    int64_t horizon_us; /* 0: not known, some table has no partitions */
};

static int read_state(struct an_db *db, struct state *s, struct an_err *err)
{
    int rc = an_migrate_status(db, s->list, MIGRATIONS_MAX, &s->count, err);
    s->missing = 0;
    s->horizon_us = 0;
    for (size_t i = 0; i < s->count && rc == AN_OK; i++)
        s->missing += !s->list[i].applied;
    if (rc != AN_OK || s->missing > 0)
        return rc;
    rc = an_partition_horizon(db, &s->horizon_us, err);
    return rc == AN_ENOENT ? AN_OK : rc;
}

static void print_state(const struct state *s)
{
    char until[AN_TIME_LEN + 1] = "none: run annals-partition";
    for (size_t i = 0; i < s->count; i++) {
        const struct an_migration *m = &s->list[i];
        const char *when = !m->applied                ? "missing"
                           : m->applied_at[0] == '\0' ? "applied"
                                                      : m->applied_at;
        (void)printf("%-32s %s\n", m->name, when);
    }
    if (s->horizon_us != 0)
        an_time_format(s->horizon_us, until);
    if (s->missing == 0)
        (void)printf("%-32s %s\n", "partitions until", until);
}

static void print_state_json(const struct state *s)
{
    struct an_buf out;
    char until[AN_TIME_LEN + 1];
    an_buf_init(&out, TEXT_MAX_BYTES);
    an_buf_addf(&out, "{\"missing\": %zu, \"migrations\": [", s->missing);
    for (size_t i = 0; i < s->count; i++) {
        const struct an_migration *m = &s->list[i];
        an_buf_addf(&out, "%s{\"name\": \"%s\", \"applied\": %s", i == 0 ? "" : ", ", m->name,
                    m->applied ? "true" : "false");
        if (m->applied_at[0] != '\0')
            an_buf_addf(&out, ", \"applied_at\": \"%s\"", m->applied_at);
        an_buf_addc(&out, '}');
    }
    an_buf_adds(&out, "], \"partitions_until\": ");
    if (s->horizon_us != 0) {
        an_time_format(s->horizon_us, until);
        an_buf_addf(&out, "\"%s\"}", until);
    } else {
        an_buf_adds(&out, "null}");
    }
    (void)printf("%s\n", out.data);
    an_buf_release(&out);
}

static int db_status(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc > 1)
        return an_ctl_usage("db status: unexpected argument '%s'", argv[1]);
    static struct state s;
    struct an_err err;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_OWNER);
    int rc = read_state(db, &s, &err);
    an_db_free(db);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    if (ctl->json)
        print_state_json(&s);
    else
        print_state(&s);
    bool behind = s.missing > 0 || s.horizon_us <= an_clock_us();
    return behind ? AN_EXIT_FAILED : AN_EXIT_OK;
}

static void print_applied(const struct an_migration *m, void *arg)
{
    const struct an_ctl *ctl = arg;
    if (!ctl->json)
        (void)printf("applied %s\n", m->name);
    (void)fflush(stdout);
}

static int migrate(const struct an_ctl *ctl, struct an_db *db, bool dry_run, struct an_err *err)
{
    static struct state s;
    struct an_ctl for_progress = *ctl;
    int rc = dry_run ? AN_OK : an_migrate(db, print_applied, &for_progress, err);
    if (rc == AN_OK)
        rc = an_migrate_status(db, s.list, MIGRATIONS_MAX, &s.count, err);
    if (rc != AN_OK)
        return rc;
    for (size_t i = 0; i < s.count; i++)
        if (!s.list[i].applied && !ctl->json)
            (void)printf("would apply %s\n", s.list[i].name);
    if (ctl->json)
        print_state_json(&s);
    return AN_OK;
}

static int db_migrate(const struct an_ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"dry-run", no_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    bool dry_run = false;
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter != 'n')
            return an_ctl_usage("db migrate takes --dry-run alone");
        dry_run = true;
    }
    if (optind < argc)
        return an_ctl_usage("db migrate: unexpected argument '%s'", argv[optind]);
    struct an_err err;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_OWNER);
    int rc = migrate(ctl, db, dry_run, &err);
    an_db_free(db);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

const struct an_ctl_command an_ctl_db[] = {
    {"db migrate", "[--dry-run]", "bring the schema up to date; may be repeated and started twice", true,
     db_migrate},
    {"db status", "", "what is applied and until when partitions are ready; exit status 1 when behind",
     true, db_status},
    {NULL, NULL, NULL, false, NULL},
};
