/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: which shards there are, in the database of the shard `default`. See
 * docs/design/shards.md. */
#ifndef AN_SHARD_DIRECTORY_H
#define AN_SHARD_DIRECTORY_H

#include "an.h"
#include "base/arena.h"
#include "db/db.h"
#include "shard/shard.h"

struct an_directory_shard {
    const char *name;
    const char *primary; /* its place (db/place.h); "" for `default`: where database.* lead */
    struct an_shard_place replicas[AN_SHARD_REPLICAS_MAX]; /* of `default`: none, they are configured */
    size_t replica_count;
    bool draining; /* takes no new tenants */
    int64_t added_us;
};

/* All of them, by name; `default` is always among them. The strings live in the arena. db: a connection to
 * the directory, in any role that serves. AN_ENOENT: the schema there knows of no shards yet. */
int an_directory_shards(struct an_db *db, struct an_arena *arena, struct an_directory_shard **list,
                        size_t *count, struct an_err *err) AN_MUST_CHECK;

/* What is to be done on a shard, by its place; `of` says among how many. */
typedef int an_directory_work(const struct an_directory_shard *shard, size_t of, void *arg,
                              struct an_err *err);
/* On each shard in turn; role: in which the directory is asked. One that fails does not keep the others from
 * their turn: the code is that of the first which did, and the message says of each why. */
int an_directory_each(const struct an_conf *c, enum an_db_role role, an_directory_work *work, void *arg,
                      struct an_err *err) AN_MUST_CHECK;

#endif
