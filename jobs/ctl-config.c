/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <unistd.h>

#include "auth/keyfetch.h"
#include "base/buf.h"
#include "base/json.h"
#include "ctl.h"
#include "proc/exit.h"
#include "shard/shard.h"

#define TEXT_MAX_BYTES (1024 * 1024)

/* To one server, by role. */
struct connections {
    long long writer, reader, platform, job;
};

/* What the three programs of a host hold at most: each worker one for each role and server that it has ever
 * needed. */
struct counts {
    long long ingest, search, admin; /* by program, to all servers of the default shard */
    /* Of the default shard, and of each other. */
    struct connections primary, replica, shard_primary, shard_replica;
};

static long long sum(const struct connections *n)
{
    return n->writer + n->reader + n->platform + n->job;
}

/* The reader asks a primary where tenants live and how far it is, whatever search.replica_fallback; ingest
 * asks as the reader where the directory's primary does not answer the writer. The console has the role of
 * the jobs while it shows its status; searches across tenants are recorded by whoever makes them. */
static struct counts count_connections(const struct an_conf *c)
{
    long long replicas = (long long)c->replica_count, platform = c->db_platform.len > 0 ? 1 : 0;
    long long helper = an_keyfetch_wanted(c) ? 1 : 0; /* of each program, as the writer */
    long long ingest = c->ingest.workers, search = c->search.workers, admin = c->admin.workers;
    long long ingest_reads = replicas == 0 ? 0 : ingest;
    bool on_primary = replicas == 0 || c->replica_fallback == AN_FALLBACK_PRIMARY; /* searches */
    long long reads = 1 + replicas + platform * (on_primary + replicas);            /* of a worker */
    struct connections readers = {.reader = search + admin, .platform = platform * (search + admin)};
    struct counts n = {.ingest = ingest + helper + (1 + replicas) * ingest_reads,
                       .search = search * (reads + platform) + helper,
                       .admin = admin * (reads + 2) + helper,
                       .primary = readers,
                       .replica = readers,
                       .shard_primary = readers,
                       .shard_replica = readers};
    n.primary.writer = ingest + platform * search + admin + 3 * helper;
    n.primary.reader += ingest_reads;
    if (!on_primary)
        n.primary.platform = 0;
    n.primary.job = admin;
    n.replica.reader += ingest_reads;
    n.shard_primary.writer = ingest;
    return n;
}

static void add_problems_json(struct an_buf *out, struct an_str rest)
{
    const char *comma = "";
    while (rest.len > 0) {
        struct an_str line = an_str_split(rest, '\n', &rest);
        an_buf_adds(out, comma);
        an_json_add_string(out, line);
        comma = ", ";
    }
}

static void add_connections_json(struct an_buf *out, const char *server, const struct connections *n)
{
    an_buf_addf(out, ", \"%s\": {\"writer\": %lld, \"reader\": %lld, \"platform\": %lld, \"job\": %lld}",
                server, n->writer, n->reader, n->platform, n->job);
}

static void print_check_json(const struct an_conf *c, struct an_str problems)
{
    struct an_buf out;
    an_buf_init(&out, TEXT_MAX_BYTES);
    an_buf_addf(&out, "{\"good\": %s, \"problems\": [", c == NULL ? "false" : "true");
    add_problems_json(&out, problems);
    an_buf_addc(&out, ']');
    if (c != NULL) {
        struct counts n = count_connections(c);
        an_buf_addf(&out, ", \"connections\": {\"ingest\": %lld, \"search\": %lld, \"admin\": %lld", n.ingest,
                    n.search, n.admin);
        add_connections_json(&out, "primary", &n.primary);
        if (c->replica_count > 0)
            add_connections_json(&out, "replica", &n.replica);
        add_connections_json(&out, "shard_primary", &n.shard_primary);
        add_connections_json(&out, "shard_replica", &n.shard_replica);
        an_buf_addc(&out, '}');
    }
    (void)printf("%s}\n", out.data);
    an_buf_release(&out);
}

static void print_connections(const char *where, const struct connections *n)
{
    const struct {
        const char *role;
        long long count;
    } roles[] = {{"writer", n->writer}, {"reader", n->reader}, {"platform", n->platform}, {"job", n->job}};
    const char *before = " (";
    (void)printf("%s: %lld", where, sum(n));
    for (size_t i = 0; i < AN_COUNT(roles); i++) {
        if (roles[i].count == 0)
            continue;
        (void)printf("%s%s %lld", before, roles[i].role, roles[i].count);
        before = ", ";
    }
    (void)printf(")\n");
}

static void print_check(const struct an_conf *c, const char *path)
{
    struct counts n = count_connections(c);
    if (access(path, F_OK) == 0)
        (void)printf("%s: good\n", path);
    else
        (void)printf("%s: not there; the defaults are good\n", path);
    (void)printf("database connections of a host, at most: %lld (ingest %lld, search %lld, admin %lld);\n"
                 "those of one worker more of each program while a reload replaces them\n",
                 n.ingest + n.search + n.admin, n.ingest, n.search, n.admin);
    print_connections("to the primary", &n.primary);
    for (size_t i = 0; i < c->replica_count; i++) {
        char where[AN_SHARD_NAME_MAX + 16];
        (void)snprintf(where, sizeof where, "to replica %s", c->replicas[i].name);
        print_connections(where, &n.replica);
    }
    print_connections("for each further shard: to its primary", &n.shard_primary);
    print_connections("for each further shard: to each of its replicas", &n.shard_replica);
}

static bool add_fault(int rc, const struct an_err *err, struct an_buf *problems)
{
    if (rc != AN_OK)
        an_buf_addf(problems, "%s\n", err->text);
    return rc != AN_OK;
}

/* Do all roles and replicas lead to a server? */
static bool servers_good(const struct an_conf *c, struct an_buf *problems)
{
    static const enum an_db_role roles[] = {AN_DB_WRITER, AN_DB_READER, AN_DB_PLATFORM,
                                            AN_DB_JOB,    AN_DB_KEEPER, AN_DB_OWNER};
    struct an_err err;
    bool bad = add_fault(an_shard_check(c, &err), &err, problems);
    for (size_t i = 0; i < AN_COUNT(roles); i++)
        bad = add_fault(an_db_check(c, roles[i], &err), &err, problems) || bad;
    return !bad;
}

/* The same checks as those of all programs when they start. */
static struct an_conf *load_checked(const char *path, struct an_buf *problems)
{
    struct an_conf *c = an_conf_load(path, problems);
    if (c == NULL || servers_good(c, problems))
        return c;
    an_conf_free(c);
    return NULL;
}

static int config_check(const struct an_ctl *ctl)
{
    struct an_buf problems;
    an_buf_init(&problems, TEXT_MAX_BYTES);
    struct an_conf *c = load_checked(ctl->conf_path, &problems);
    if (ctl->json)
        print_check_json(c, (struct an_str){problems.data, problems.len});
    else
        (void)fputs(problems.data, stderr);
    if (c != NULL && !ctl->json)
        print_check(c, ctl->conf_path);
    int status = c == NULL ? AN_EXIT_CONF : AN_EXIT_OK;
    an_buf_release(&problems);
    an_conf_free(c);
    return status;
}

static int config_show(const struct an_ctl *ctl)
{
    bool with_origin = false;
    const struct an_ctl_option options[] = {{"origin", .on = &with_origin}, {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    struct an_buf out;
    an_buf_init(&out, TEXT_MAX_BYTES);
    if (ctl->json)
        an_conf_show_json(ctl->conf, &out);
    else
        an_conf_show(ctl->conf, with_origin, &out);
    (void)fputs(out.data, stdout);
    an_buf_release(&out);
    return AN_EXIT_OK;
}

static int config_dump(const struct an_ctl *ctl)
{
    (void)ctl;
    struct an_buf out;
    an_buf_init(&out, TEXT_MAX_BYTES);
    an_conf_dump(&out);
    (void)fputs(out.data, stdout);
    an_buf_release(&out);
    return AN_EXIT_OK;
}

const struct an_ctl_command an_ctl_config[] = {
    {"config check", "", "name every fault of the configuration", false, config_check},
    {"config show", "[--origin]", "print the values in force, and where each comes from", true,
     config_show},
    {"config dump", "", "print a commented file with every key and its default", false, config_dump},
    {NULL, NULL, NULL, false, NULL},
};
