/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "ctl.h"
#include "proc/exit.h"
#include "shard/shard.h"

#define TEXT_MAX_BYTES (1024 * 1024)

/* Connections that the workers of each program hold at most, to the servers of the default shard: one a
 * role and server. Who reads connects to each replica, and to the primary where there is none or it may
 * stand in; in two roles where database.platform is set. */
struct connections {
    long long ingest, search, admin;     /* of all servers */
    /* of all programs: as the writer; as the reader to the primary; to each replica */
    long long writing, reading, replica;
};

static struct connections count_connections(const struct an_conf *c)
{
    long long replicas = (long long)c->replica_count;
    long long primary = replicas == 0 || c->replica_fallback == AN_FALLBACK_PRIMARY ? 1 : 0;
    long long roles = c->db_platform.len > 0 ? 2 : 1;
    long long search = c->search.workers * roles, admin = c->admin.workers * roles;
    return (struct connections){.ingest = c->ingest.workers,
                                .search = search * (primary + replicas),
                                .admin = c->admin.workers + admin * (primary + replicas),
                                .writing = c->ingest.workers + c->admin.workers,
                                .reading = primary * (search + admin),
                                .replica = search + admin};
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

static void print_check_json(const struct an_conf *c, struct an_str problems)
{
    struct an_buf out;
    an_buf_init(&out, TEXT_MAX_BYTES);
    an_buf_addf(&out, "{\"good\": %s, \"problems\": [", c == NULL ? "false" : "true");
    add_problems_json(&out, problems);
    an_buf_addc(&out, ']');
    if (c != NULL) {
        struct connections n = count_connections(c);
        an_buf_addf(&out, ", \"connections\": {\"ingest\": %lld, \"search\": %lld, \"admin\": %lld", n.ingest,
                    n.search, n.admin);
        an_buf_addf(&out, ", \"primary\": %lld", n.writing + n.reading);
        for (size_t i = 0; i < c->replica_count; i++)
            an_buf_addf(&out, ", \"replica.%s\": %lld", c->replicas[i].name, n.replica);
        an_buf_addc(&out, '}');
    }
    (void)printf("%s}\n", out.data);
    an_buf_release(&out);
}

static void print_check(const struct an_conf *c, const char *path)
{
    struct connections n = count_connections(c);
    if (access(path, F_OK) == 0)
        (void)printf("%s: good\n", path);
    else
        (void)printf("%s: not there; the defaults are good\n", path);
    (void)printf("database connections of the workers: %lld (ingest %lld, search %lld, admin %lld);\n"
                 "one worker more of each program while a reload replaces them\n",
                 n.ingest + n.search + n.admin, n.ingest, n.search, n.admin);
    (void)printf("up to %lld to the primary: %lld write (ingest.workers + admin.workers)",
                 n.writing + n.reading, n.writing);
    /* As annals_reader, and as annals_platform. */
    const char *readers =
        c->db_platform.len > 0 ? "2 x (search.workers + admin.workers)" : "search.workers + admin.workers";
    if (n.reading > 0)
        (void)printf(", %lld read (%s)\n", n.reading, readers);
    else
        (void)printf("; nobody reads there (search.replica_fallback)\n");
    for (size_t i = 0; i < c->replica_count; i++)
        (void)printf("up to %lld to replica %s: %s\n", n.replica, c->replicas[i].name, readers);
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
