/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl hold: events that must stay whatever their age. Placing and releasing one is recorded before
 * it is done. */
#include "an.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/db.h"
#include "event/event.h"
#include "ingest/recorder.h"
#include "proc/exit.h"

#define REASON_MAX_BYTES 512
#define LINE_MAX_BYTES   8192
#define WORDS_MAX        (REASON_MAX_BYTES + 256)

/* Columns of hold_list. */
enum { ID, TENANT, FROM, TO, REASON, PLACED_BY, PLACED_AT, RELEASED_BY, RELEASED_AT };

struct hold {
    const char *tenant, *reason;
    char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1]; /* empty: no bound */
    struct an_directory_shard shard;                 /* where the tenant lives */
    char id[24];                                     /* there */
};

static int take_time(const char *option, const char *text, char out[AN_TIME_LEN + 1])
{
    int64_t us;
    if (text == NULL)
        return AN_EXIT_OK;
    if (!an_time_parse(an_str(text), &us))
        return an_ctl_usage("hold add: %s takes a time such as 2026-11-23T00:00:00Z, not '%s'", option, text);
    an_time_format(us, out);
    return AN_EXIT_OK;
}

static int parse_add(const struct an_ctl *ctl, struct hold *h)
{
    const char *from = NULL, *to = NULL;
    const struct an_ctl_option options[] = {
        {"from", .value = &from},
        {"to", .value = &to},
        {"reason", .value = &h->reason},
        {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, "TENANT", &h->tenant);
    if (status == AN_EXIT_OK)
        status = take_time("--from", from, h->from);
    if (status == AN_EXIT_OK)
        status = take_time("--to", to, h->to);
    if (status != AN_EXIT_OK)
        return status;
    if (!an_tenant_valid(an_str(h->tenant)))
        return an_ctl_usage("hold add: '%s' is no tenant id", h->tenant);
    if (h->reason == NULL)
        return an_ctl_usage("hold add: --reason is missing");
    if (h->reason[0] == '\0' || !an_ctl_line_valid(h->reason, REASON_MAX_BYTES))
        return an_ctl_usage("hold add: --reason takes one line of UTF-8 of 1 to %d bytes", REASON_MAX_BYTES);
    if (h->from[0] != '\0' && h->to[0] != '\0' && strcmp(h->from, h->to) >= 0)
        return an_ctl_usage("hold add: --from must lie before --to");
    return AN_EXIT_OK;
}

static int record(const struct an_ctl *ctl, const char *action, const char *type, const char *id,
                  const char *tenant, const char *words, struct an_err *err)
{
    const struct an_recorder_event event = {action, type, id, tenant, words};
    return an_ctl_record(ctl, &event, err);
}

static void describe(const struct hold *h, char words[WORDS_MAX])
{
    (void)snprintf(words, WORDS_MAX, "legal hold on tenant %s, from %s to %s: %s", h->tenant,
                   h->from[0] != '\0' ? h->from : "the beginning", h->to[0] != '\0' ? h->to : "the end",
                   h->reason);
}

/* db: on the tenant's shard. */
static int put(struct an_db *db, struct hold *h, struct an_err *err)
{
    const struct an_db_param params[] = {
        AN_DB_TEXT(an_str(h->tenant)), AN_DB_TEXT(an_str(h->from[0] != '\0' ? h->from : NULL)),
        AN_DB_TEXT(an_str(h->to[0] != '\0' ? h->to : NULL)), AN_DB_TEXT(an_str(h->reason)),
        AN_DB_TEXT(an_str(an_ctl_operator()))};
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_HOLD_ADD, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_ENOENT, "tenant '%s' is not known there, or is being moved", h->tenant);
    else if (rc == AN_OK)
        (void)snprintf(h->id, sizeof h->id, "%.*s", AN_STR_ARG(an_result_get(res, 0, 0)));
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err);
    an_result_free(res);
    return rc;
}

static int place(const struct an_ctl *ctl, struct an_arena *arena, struct hold *h, struct an_err *err)
{
    char words[WORDS_MAX];
    describe(h, words);
    int rc = an_ctl_tenant_find(ctl, arena, h->tenant, &h->shard, err);
    if (rc == AN_OK)
        rc = record(ctl, "annals.hold.add", "tenant", h->tenant, NULL, words, err);
    if (rc != AN_OK)
        return rc;
    struct an_db *db = an_db_new_at(ctl->conf, AN_DB_JOB, h->shard.primary);
    rc = put(db, h, err);
    an_db_free(db);
    return rc;
}

static int hold_add(const struct an_ctl *ctl)
{
    struct hold h = {.tenant = NULL};
    struct an_err err;
    int status = parse_add(ctl, &h);
    if (status != AN_EXIT_OK)
        return status;
    struct an_arena *arena = an_arena_new(0);
    if (place(ctl, arena, &h, &err) != AN_OK)
        status = an_ctl_failed(&err);
    else if (ctl->json)
        (void)printf("{\"id\": %s, \"shard\": \"%s\"}\n", h.id, h.shard.name);
    else if (h.shard.primary[0] == '\0')
        (void)printf("hold %s on tenant %s\n", h.id, h.tenant);
    else
        (void)printf("hold %s on tenant %s, shard %s\n", h.id, h.tenant, h.shard.name);
    an_arena_free(arena);
    return status;
}

/* ---- list ---- */

static void add_value(struct an_buf *out, const struct an_result *res, size_t row, size_t column,
                      bool is_time)
{
    struct an_str s = an_result_get(res, row, column);
    char text[AN_TIME_LEN + 1];
    if (s.data == NULL) {
        an_buf_adds(out, "null");
        return;
    }
    if (is_time)
        an_ctl_time(res, row, column, "", text);
    an_json_add_string(out, is_time ? an_str(text) : s);
}

static void print_json(const struct an_result *res, size_t row, const char *shard)
{
    static const struct {
        const char *name;
        int column;
        bool time;
    } members[] = {{"tenant", TENANT, false},
                   {"from", FROM, true},
                   {"to", TO, true},
                   {"reason", REASON, false},
                   {"placed_by", PLACED_BY, false},
                   {"placed_at", PLACED_AT, true},
                   {"released_by", RELEASED_BY, false},
                   {"released_at", RELEASED_AT, true}};
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_addf(&line, "{\"id\": %.*s, \"shard\": \"%s\"", AN_STR_ARG(an_result_get(res, row, ID)), shard);
    for (size_t i = 0; i < AN_COUNT(members); i++) {
        an_buf_addf(&line, ", \"%s\": ", members[i].name);
        add_value(&line, res, row, (size_t)members[i].column, members[i].time);
    }
    (void)printf("%s}\n", line.data);
    an_buf_release(&line);
}

static void print_words(const struct an_result *res, size_t row)
{
    char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1], placed[AN_TIME_LEN + 1], released[AN_TIME_LEN + 1];
    an_ctl_time(res, row, FROM, "the beginning", from);
    an_ctl_time(res, row, TO, "the end", to);
    an_ctl_time(res, row, PLACED_AT, "", placed);
    an_ctl_time(res, row, RELEASED_AT, "", released);
    (void)printf("%.*s: tenant %.*s, from %s to %s: %.*s (placed by %.*s, %s",
                 AN_STR_ARG(an_result_get(res, row, ID)), AN_STR_ARG(an_result_get(res, row, TENANT)),
                 from, to, AN_STR_ARG(an_result_get(res, row, REASON)),
                 AN_STR_ARG(an_result_get(res, row, PLACED_BY)), placed);
    if (released[0] != '\0')
        (void)printf("; released by %.*s, %s", AN_STR_ARG(an_result_get(res, row, RELEASED_BY)),
                     released);
    (void)printf(")\n");
}

static void print_hold(const struct an_ctl_list *list, const struct an_result *res, size_t row,
                       const char *shard)
{
    if (list->ctl->json)
        print_json(res, row, shard);
    else
        print_words(res, row);
}

static int hold_list(const struct an_ctl *ctl)
{
    bool all = false;
    const struct an_ctl_option options[] = {{"all", .on = &all}, {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(all ? "t" : "f"))};
    const struct an_ctl_list list = {.ctl = ctl,
                                     .role = AN_DB_JOB,
                                     .stmt = AN_STMT_HOLD_LIST,
                                     .params = params,
                                     .count = AN_COUNT(params),
                                     .print = print_hold};
    return an_ctl_print_shards(&list);
}

/* ---- release ---- */

/* A number is a hold's on its shard. */
struct release {
    const char *id, *shard;
};

static int parse_release(const struct an_ctl *ctl, struct release *r)
{
    const struct an_ctl_option options[] = {{"shard", .value = &r->shard}, {NULL, .value = NULL}};
    int64_t n;
    int status = an_ctl_parse(ctl, options, "ID", &r->id);
    if (status != AN_EXIT_OK)
        return status;
    if (!an_parse_i64(an_str(r->id), 1, INT64_MAX, &n))
        return an_ctl_usage("hold release: '%s' is no id of a hold", r->id);
    if (!an_ctl_shard_valid(r->shard))
        return an_ctl_usage("hold release: '%s' is no name of a shard", r->shard);
    return AN_EXIT_OK;
}

static int let_go(struct an_db *db, const struct release *r, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(r->id)), AN_DB_TEXT(an_str(an_ctl_operator()))};
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_HOLD_RELEASE, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_ENOENT, "no hold %s is in force on shard %s", r->id, r->shard);
    if (rc == AN_OK)
        rc = an_db_exec(db, AN_STMT_RETENTION_REFRESH, NULL, 0, NULL, err);
    an_result_free(res);
    return rc;
}

static int release(const struct an_ctl *ctl, struct an_arena *arena, const struct release *r,
                   struct an_err *err)
{
    bool home = strcmp(r->shard, AN_SHARD_DEFAULT) == 0;
    const char *where;
    char words[AN_SHARD_NAME_MAX + 64];
    (void)snprintf(words, sizeof words, "legal hold %s%s%s is released", r->id, home ? "" : " on shard ",
                   home ? "" : r->shard);
    int rc = an_ctl_shard_find(ctl, arena, r->shard, &where, err);
    if (rc == AN_OK)
        rc = record(ctl, "annals.hold.release", "legal_hold", r->id, NULL, words, err);
    if (rc != AN_OK)
        return rc;
    struct an_db *db = an_db_new_at(ctl->conf, AN_DB_JOB, where);
    rc = let_go(db, r, err);
    an_db_free(db);
    return rc;
}

static int hold_release(const struct an_ctl *ctl)
{
    struct release r = {.shard = AN_SHARD_DEFAULT};
    struct an_err err;
    int status = parse_release(ctl, &r);
    if (status != AN_EXIT_OK)
        return status;
    struct an_arena *arena = an_arena_new(0);
    if (release(ctl, arena, &r, &err) != AN_OK)
        status = an_ctl_failed(&err);
    else if (!ctl->json)
        (void)printf("hold %s is released\n", r.id);
    an_arena_free(arena);
    return status;
}

const struct an_ctl_command an_ctl_hold[] = {
    {"hold add", "TENANT --reason TEXT [--from TIME] [--to TIME]",
     "keep a tenant's events whatever their age, until released", true, hold_add},
    {"hold list", "[--all]", "holds in force on each shard; with --all those that were released too", true,
     hold_list},
    {"hold release", "ID [--shard NAME]", "let a hold go; its id is that of its shard", true, hold_release},
    {NULL, NULL, NULL, false, NULL},
};
