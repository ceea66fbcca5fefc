/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/directory.h"

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

static int start_shard(struct an_directory_shard *s, struct an_arena *arena, const struct an_result *res, size_t row,
                       struct an_err *err)
{
    *s = (struct an_directory_shard){.name = text_of(arena, res, row, NAME),
                                     .primary = text_of(arena, res, row, PRIMARY),
                                     .draining = an_str_is(an_result_get(res, row, DRAINING), "t")};
    if (!an_result_int(res, row, ADDED, &s->added_us))
        return an_fail(err, AN_EBACKEND, "db: shard_list: not a time");
    return AN_OK;
}

/* More than can be used are not looked at. */
static void add_replica(struct an_directory_shard *s, struct an_arena *arena, const struct an_result *res, size_t row)
{
    if (an_result_get(res, row, REPLICA).data == NULL || s->replica_count == AN_SHARD_REPLICAS_MAX)
        return;
    const char *name = an_arena_printf(arena, "%zu", s->replica_count + 1);
    s->replicas[s->replica_count++] = (struct an_shard_place){name, text_of(arena, res, row, REPLICA)};
}

int an_directory_shards(struct an_db *db, struct an_arena *arena, struct an_directory_shard **list, size_t *count,
                        struct an_err *err)
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
