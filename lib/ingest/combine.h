/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit across the workers of one host.
 *
 * Workers share memory that the master made before the fork. A worker with requests commits at once where
 * nobody else inserts: nobody waits for company. Where somebody does it puts their rows into its slot;
 * whoever leads next takes all waiting slots into one transaction and hands their results back. Requests
 * that do not fit into a slot together are committed without a lane.
 * Each shard has lanes of its own: what goes to different databases never meets in one transaction.
 *
 * An acknowledgement still means committed. A leader that dies leaves its lane to the next worker
 * (robust mutex), which puts the same rows again: they carry their ids, so what was committed is found,
 * not stored twice. The protocol and its model: docs/design/combiner.md. */
#ifndef AN_INGEST_COMBINE_H
#define AN_INGEST_COMBINE_H

#include "an.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/store.h"
#include "shard/shard.h"

struct an_combine; /* one worker's part in it */

/* In the master: the shared memory, or NULL where ingest.combine is off. Most of it is never touched. */
void *an_combine_share(const struct an_conf *c);

/* In the worker. shared NULL, or no slot left: everything is committed directly. */
struct an_combine *an_combine_join(void *shared, const struct an_conf *c) AN_MUST_CHECK;
void an_combine_leave(struct an_combine *me); /* accepts NULL */

/* So many requests of one worker may be put together. */
#define AN_COMBINE_PARTS 32

/* One request's rows, and what became of them. */
struct an_combine_part {
    struct an_rows *rows;
    int64_t received_us; /* when they were accepted, the same in every row */
    /* of an_combine_put_alone(): an earlier try may have committed them without a word */
    bool again;
    int rc; /* as of an_store_put(); AN_EAGAIN besides: no commit within ingest.commit_timeout, or the shard
             * did not answer a moment ago */
    uint64_t lsn;
    struct an_err err;   /* where rc is not AN_OK */
};

/* Commits 1 to AN_COMBINE_PARTS requests for one shard in company, each with an outcome of its own. */
void an_combine_put(struct an_combine *me, struct an_shard *shard, struct an_combine_part *parts,
                    size_t count);

/* Commits one request by itself: an atomic one, or a large one, which gains little. Fills part->rc and
 * the rest. */
void an_combine_put_alone(struct an_combine *me, struct an_shard *shard, struct an_combine_part *part,
                          bool atomic);

#endif
