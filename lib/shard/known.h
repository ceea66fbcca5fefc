/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers of a program were told by the directory, in memory that they share, so that it is not
 * lost with the one that asked: which shards there are, where tenants live, and the key that signs cursors
 * and write tokens.
 *
 * Nobody believes it while the directory can be asked: it is what the router (router.h) goes on with where
 * it knows nothing better by itself. So it needs to be the newest that was said, and no newer. Versions are
 * those of the directory.
 *
 * One lock for all, held as long as it takes to copy an entry. A worker may die at any instruction: what
 * it was writing is not there then, or is what was there before. All functions accept NULL: nothing is
 * known, and nothing is kept. */
#ifndef AN_SHARD_KNOWN_H
#define AN_SHARD_KNOWN_H

#include "an.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/text.h"
#include "shard/directory.h"

#define AN_KNOWN_TENANTS 16384
#define AN_HISTORY_MAX 47 /* bytes of the directory's history (sql/queries/directory_version.sql) */

struct an_known;

/* In the master, before the fork. NULL where there is no memory for it. */
struct an_known *an_known_new(void) AN_MUST_CHECK;
void an_known_free(struct an_known *k);

/* history: of the directory as the caller knows it; empty: it does not. What was said in another history
 * than the one that an_known_follow() named last is not kept. */

/* The directory has this history and is at this version. Where that cannot follow from what is kept,
 * anything that is said from now on is newer. */
void an_known_follow(struct an_known *k, const char *history, int64_t version);

/* Name, primary and replicas of each; those that do not fit are not kept, nor is a list that is older. */
void an_known_put_shards(struct an_known *k, const char *history, int64_t version,
                         const struct an_directory_shard *list, size_t count);
/* The strings live in the arena. False: there is no list, or none newer than `version`. */
bool an_known_shards(struct an_known *k, int64_t version, struct an_arena *arena,
                     struct an_directory_shard **list, size_t *count) AN_MUST_CHECK;

struct an_known_tenant {
    char shard[AN_SHARD_NAME_MAX + 1]; /* empty: the directory does not know the tenant */
    int64_t version;
    bool suspended;
};

/* Keeps it, unless there is something newer. Where there is no place for it, the one goes that nobody
 * has put or found for longer than some others. */
void an_known_put(struct an_known *k, const char *history, struct an_str id, const struct an_known_tenant *t);
/* False: nothing was said of it, or that it is not known. */
bool an_known_find(struct an_known *k, struct an_str id, struct an_known_tenant *out) AN_MUST_CHECK;

/* The signing key. False: it was never put. */
bool an_known_key(struct an_known *k, unsigned char out[AN_SHA256_LEN]) AN_MUST_CHECK;
void an_known_put_key(struct an_known *k, const unsigned char key[AN_SHA256_LEN]);

#endif
