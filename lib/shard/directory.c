/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "shard/directory.h"

/* Columns of shard_list. */
enum { NAME, PRIMARY, REPLICA, DRAINING, ADDED };

static const char *text_of(struct an_arena *arena, const struct an_result *res, size_t row, size_t column)
{
    struct an_str s = an_result_get(res, row, column);
    return an_arena_strndup(arena, s.data, s.len);
}

static bool same_shard(const struct an_directory_shard *s, const struct an_result *res, size_t row)
{
    return an_str_is(an_result_get(res, row, NAME), s->name);
}

static int start_shard(struct an_directory_shard *s, struct an_arena *arena, const struct an_result *res,
                       size_t row, struct an_err *err)
{
    *s = (struct an_directory_shard){.name = text_of(arena, res, row, NAME),
                                     .primary = text_of(arena, res, row, PRIMARY),
                                     .draining = an_result_true(res, row, DRAINING)};
    if (!an_result_int(res, row, ADDED, &s->added_us))
        return an_fail(err, AN_EBACKEND, "db: shard_list: not a time");
    return AN_OK;
}

/* More than can be used are not looked at. */
static void add_replica(struct an_directory_shard *s, struct an_arena *arena, const struct an_result *res,
                        size_t row)
{
    if (an_result_get(res, row, REPLICA).data == NULL || s->replica_count == AN_SHARD_REPLICAS_MAX)
        return;
    const char *name = an_arena_printf(arena, "%zu", s->replica_count + 1);
    s->replicas[s->replica_count++] = (struct an_shard_place){name, text_of(arena, res, row, REPLICA)};
}

int an_directory_shards(struct an_db *db, struct an_arena *arena, struct an_directory_shard **list,
                        size_t *count, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(db, AN_STMT_SHARD_LIST, NULL, 0, &res, err);
    size_t rows = an_result_rows(res);
    *count = 0;
    *list = an_arena_alloc(arena, (rows + 1) * sizeof **list);
    for (size_t i = 0; i < rows && rc == AN_OK; i++) {
        if (*count == 0 || !same_shard(&(*list)[*count - 1], res, i))
            rc = start_shard(&(*list)[(*count)++], arena, res, i, err);
        add_replica(&(*list)[*count - 1], arena, res, i);
    }
    an_result_free(res);
    return rc;
}

/* Another failure behind those that *all has already. */
static void add_failure(struct an_err *all, const struct an_err *one)
{
    struct an_err before = *all;
    if (before.rc == AN_OK)
        *all = *one;
    else
        (void)an_fail(all, before.rc, "%s; %s", before.text, one->text);
}

int an_directory_each(const struct an_conf *c, enum an_db_role role, an_directory_work *work, void *arg,
                      struct an_err *err)
{
    struct an_directory_shard *list;
    size_t count;
    struct an_err all = {.rc = AN_OK};
    struct an_arena *arena = an_arena_new(0);
    struct an_db *db = an_db_new(c, role);
    int rc = an_directory_shards(db, arena, &list, &count, &all);
    an_db_free(db);
    for (size_t i = 0; rc == AN_OK && i < count; i++) {
        struct an_err one = {.rc = AN_OK};
        if (work(&list[i], count, arg, &one) == AN_OK)
            continue;
        if (count > 1)
            (void)an_fail_within(&one, "shard %s", list[i].name);
        add_failure(&all, &one);
    }
    an_arena_free(arena);
    return all.rc == AN_OK ? AN_OK : an_fail(err, all.rc, "%s", all.text);
}
