/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <getopt.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/db.h"
#include "event/event.h"
#include "proc/exit.h"

#define NAME_MAX_BYTES 256
#define LINE_MAX_BYTES 4096

/* Shown on terminals: no control character (C0, DEL, or C1, which is C2 80 to C2 9F in UTF-8). */
static bool name_valid(struct an_str name)
{
    if (name.len > NAME_MAX_BYTES || !an_utf8_valid(name.data, name.len))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i],
                      before = i == 0 ? 0 : (unsigned char)name.data[i - 1];
        if (c < 0x20 || c == 0x7F || (before == 0xC2 && c < 0xA0))
            return false;
    }
    return true;
}

/* *added: false where it was there before. */
static int add(struct an_db *db, struct an_str id, struct an_str name, bool *added, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(id), AN_DB_TEXT(name), AN_DB_TEXT(AN_STR("default"))};
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_TENANT_ADD, params, AN_COUNT(params), &res, err);
    *added = an_result_rows(res) == 1;
    an_result_free(res);
    return rc;
}

static int tenant_add(const struct an_ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {{"name", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    struct an_str name = AN_STR("");
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter != 'n')
            return an_ctl_usage("tenant add takes ID and --name NAME");
        name = an_str(optarg);
    }
    if (argc - optind != 1)
        return an_ctl_usage("tenant add takes one ID");
    struct an_str id = an_str(argv[optind]);
    if (an_str_is(id, AN_TENANT_SYSTEM))
        return an_ctl_usage("tenant add: '%s' is the tenant of Annals itself", AN_TENANT_SYSTEM);
    if (!an_tenant_valid(id))
        return an_ctl_usage(
            "tenant add: '%s' is no tenant id: letters, digits, '.', '_', '-', up to %d bytes",
            argv[optind], AN_TENANT_MAX);
    if (!name_valid(name))
        return an_ctl_usage(
            "tenant add: the name must be UTF-8 of up to %d bytes without control characters",
            NAME_MAX_BYTES);
    struct an_err err;
    bool added;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_WRITER);
    int rc = add(db, id, name, &added, &err);
    an_db_free(db);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    if (ctl->json)
        (void)printf("{\"tenant\": \"%s\", \"added\": %s}\n", argv[optind], added ? "true" : "false");
    else
        (void)printf("%s: %s\n", argv[optind], added ? "added" : "was there already; nothing changed");
    return AN_EXIT_OK;
}

static void print_tenant(const struct an_result *res, size_t row, bool json)
{
    struct an_str id = an_result_get(res, row, 0), name = an_result_get(res, row, 1);
    bool suspended = an_str_is(an_result_get(res, row, 3), "t");
    char created[AN_TIME_LEN + 1] = "";
    int64_t created_us;
    if (an_result_int(res, row, 2, &created_us))
        an_time_format(created_us, created);
    if (!json) {
        (void)printf("%-24.*s %s  %s%.*s\n", AN_STR_ARG(id), created, suspended ? "(suspended) " : "",
                     AN_STR_ARG(name));
        return;
    }
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_adds(&line, "{\"tenant\": ");
    an_json_add_string(&line, id);
    an_buf_adds(&line, ", \"name\": ");
    an_json_add_string(&line, name);
    an_buf_addf(&line, ", \"created_at\": \"%s\", \"suspended\": %s}", created,
                suspended ? "true" : "false");
    (void)printf("%s\n", line.data);
    an_buf_release(&line);
}

static int tenant_list(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc > 1)
        return an_ctl_usage("tenant list: unexpected argument '%s'", argv[1]);
    return an_ctl_print_rows(ctl, AN_DB_WRITER, AN_STMT_TENANT_LIST, NULL, 0, print_tenant);
}

const struct an_ctl_command an_ctl_tenant[] = {
    {"tenant add", "ID [--name NAME]", "make a tenant known; not needed where tenants.auto_create is on",
     true, tenant_add},
    {"tenant list", "", "all tenants; with --json one object a line", true, tenant_list},
    {NULL, NULL, NULL, false, NULL},
};
