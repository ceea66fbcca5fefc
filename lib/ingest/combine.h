/* SPDX-License-Identifier: Apache-2.0 */
/* Group commit across the workers of one host.
 *
 * Workers share memory that the master made before the fork. A worker with a request takes a free lane and
 * commits at once: nobody waits for company. Where both lanes are busy it puts its rows into its slot; whoever gets
 * a lane next takes all waiting slots into one transaction and hands their results back. Two lanes, so that one
 * transaction's COPY overlaps the other's flush to disk.
 *
 * An acknowledgement still means committed. A leader that dies leaves its lane to the next worker (robust mutex),
 * which puts the same rows again: they carry their ids, so what was committed is found, not stored twice. The
 * protocol and its model: docs/design/combiner.md. */
#ifndef AN_INGEST_COMBINE_H
#define AN_INGEST_COMBINE_H

#include "an.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/db.h"
#include "db/store.h"

struct an_combine; /* one worker's part in it */

/* In the master: the shared memory, or NULL where ingest.combine is off. Most of it is never touched. */
void *an_combine_share(const struct an_conf *c);

/* In the worker. shared NULL, or no slot left: everything is committed directly. */
struct an_combine *an_combine_join(void *shared, const struct an_conf *c, struct an_db *writer) AN_MUST_CHECK;
void an_combine_leave(struct an_combine *me); /* accepts NULL */

/* As an_store_put() for one request's rows. received_us: when they were accepted, the same in every row. A batch
 * that is atomic or too large for a slot is committed directly. AN_EAGAIN besides: no commit within
 * ingest.commit_timeout. */
int an_combine_put(struct an_combine *me, struct an_rows *rows, bool atomic, int64_t received_us, uint64_t *lsn,
                   struct an_err *err) AN_MUST_CHECK;

#endif
