/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/migrate.h"
#include "db/place.h"
#include "proc/exit.h"
#include "shard/directory.h"
#include "upkeep/partition.h"

#define TEXT_MAX_BYTES (256 * 1024)

struct state {
    struct an_migration list[AN_MIGRATIONS_MAX];
    size_t count, missing;
    int64_t horizon_us; /* 0: not known, some table has no partitions */
};

static int read_state(struct an_db *db, struct state *s, struct an_err *err)
{
    int rc = an_migrate_status(db, s->list, AN_MIGRATIONS_MAX, &s->count, err);
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

/* Which database: that of the shard `default`, unless an option says otherwise. */
struct where {
    const char *shard, *primary;
    bool all, dry_run;
};

static int parse(const struct an_ctl *ctl, const struct an_ctl_option *options,
                 const struct where *w)
{
    struct an_err err;
    const char *command = ctl->command->words;
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    if (w->shard != NULL && !an_ctl_shard_valid(w->shard))
        return an_ctl_usage("%s: '%s' is no name of a shard", command, w->shard);
    if (w->primary != NULL && an_place_check(w->primary, AN_HOSTS_MAX, &err) != AN_OK)
        return an_ctl_usage("%s: %s", command, err.text);
    if (w->all + (w->shard != NULL) + (w->primary != NULL) > 1)
        return an_ctl_usage("%s: takes one of --shard, --all-shards and --primary", command);
    return AN_EXIT_OK;
}

static int find_place(const struct an_ctl *ctl, struct an_arena *arena, const struct where *w,
                      const char **place, struct an_err *err)
{
    *place = w->primary;
    return w->shard == NULL ? AN_OK : an_ctl_shard_find(ctl, arena, w->shard, place, err);
}

static int db_status(const struct an_ctl *ctl)
{
    static struct state s;
    struct where w = {.shard = NULL};
    const struct an_ctl_option options[] = {{"shard", .value = &w.shard}, {NULL, .value = NULL}};
    struct an_err err;
    const char *place;
    int status = parse(ctl, options, &w);
    if (status != AN_EXIT_OK)
        return status;
    struct an_arena *arena = an_arena_new(0);
    int rc = find_place(ctl, arena, &w, &place, &err);
    if (rc == AN_OK) {
        struct an_db *db = an_db_new_at(ctl->conf, AN_DB_OWNER, place);
        rc = read_state(db, &s, &err);
        an_db_free(db);
    }
    an_arena_free(arena);
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
        rc = an_migrate_status(db, s.list, AN_MIGRATIONS_MAX, &s.count, err);
    if (rc != AN_OK)
        return rc;
    for (size_t i = 0; i < s.count; i++)
        if (!s.list[i].applied && !ctl->json)
            (void)printf("would apply %s\n", s.list[i].name);
    if (ctl->json)
        print_state_json(&s);
    return AN_OK;
}

static int migrate_at(const struct an_ctl *ctl, const char *place, bool dry_run, struct an_err *err)
{
    struct an_db *db = an_db_new_at(ctl->conf, AN_DB_OWNER, place);
    int rc = migrate(ctl, db, dry_run, err);
    an_db_free(db);
    return rc;
}

/* One after the other; one that fails does not keep the others from their turn. */
static int migrate_all(const struct an_ctl *ctl, struct an_arena *arena, bool dry_run)
{
    struct an_err err;
    struct an_directory_shard *list;
    size_t count;
    int status = AN_EXIT_OK;
    if (migrate_at(ctl, NULL, dry_run, &err) != AN_OK) /* the directory first: the others stand in it */
        return an_ctl_failed(&err);
    struct an_db *db = an_db_new(ctl->conf, AN_DB_OWNER);
    int rc = an_directory_shards(db, arena, &list, &count, &err);
    an_db_free(db);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    for (size_t i = 0; i < count; i++) {
        if (list[i].primary[0] == '\0')
            continue;
        if (!ctl->json)
            (void)printf("shard %s\n", list[i].name);
        if (migrate_at(ctl, list[i].primary, dry_run, &err) != AN_OK) {
            (void)an_fail_within(&err, "shard %s", list[i].name);
            status = an_ctl_failed(&err);
        }
    }
    return status;
}

static int migrate_where(const struct an_ctl *ctl, struct an_arena *arena, const struct where *w)
{
    struct an_err err;
    const char *place;
    if (w->all)
        return migrate_all(ctl, arena, w->dry_run);
    int rc = find_place(ctl, arena, w, &place, &err);
    if (rc == AN_OK)
        rc = migrate_at(ctl, place, w->dry_run, &err);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

static int db_migrate(const struct an_ctl *ctl)
{
    struct where w = {.shard = NULL};
    const struct an_ctl_option options[] = {{"dry-run", .on = &w.dry_run},
                                            {"shard", .value = &w.shard},
                                            {"all-shards", .on = &w.all},
                                            {"primary", .value = &w.primary},
                                            {NULL, .value = NULL}};
    int status = parse(ctl, options, &w);
    if (status != AN_EXIT_OK)
        return status;
    struct an_arena *arena = an_arena_new(0);
    status = migrate_where(ctl, arena, &w);
    an_arena_free(arena);
    return status;
}

const struct an_ctl_command an_ctl_db[] = {
    {"db migrate", "[--dry-run] [--shard NAME | --all-shards | --primary CONNINFO]",
     "bring the schema up to date, of the default shard unless told otherwise; may be repeated "
     "and started twice", true,
     db_migrate},
    {"db status", "[--shard NAME]",
     "what is applied and until when partitions are ready; exit status 1 when behind", true, db_status},
    {NULL, NULL, NULL, false, NULL},
};
