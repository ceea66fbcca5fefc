/* SPDX-License-Identifier: Apache-2.0 */
/* From a request body to committed events and a reply that says what became of each. */
#ifndef AN_INGEST_INGEST_H
#define AN_INGEST_INGEST_H

#include "an.h"
#include "base/arena.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/db.h"
#include "db/store.h"
#include "http/problem.h"
#include "http/reply.h"

enum an_body_kind { AN_BODY_JSON, AN_BODY_NDJSON };

struct an_ingest; /* one a worker: its row buffers */
/* shared: of an_combine_share(), or NULL. */
struct an_ingest *an_ingest_new(const struct an_conf *c, struct an_db *writer, void *shared) AN_MUST_CHECK;
void an_ingest_free(struct an_ingest *in); /* accepts NULL */

struct an_ingest_call {
    struct an_arena *arena;
    struct an_str tenant;
    struct an_str body;
    enum an_body_kind kind;
    bool atomic;   /* all or none */
    bool minimal;  /* Prefer: return=minimal */
    bool any_time; /* scope audit:import */
    const char *request_id;
};

/* Fills the reply (problem documents too) and *lsn. Not AN_OK: nothing is known to be stored, and the caller answers
 * with the usual translation of the code. */
int an_ingest_accept(struct an_ingest *in, const struct an_ingest_call *call, struct an_reply *rep, uint64_t *lsn,
                     struct an_err *err) AN_MUST_CHECK;

/* One event of our own (console logins, reads by admins), written to tenant's log. */
int an_ingest_own(struct an_ingest *in, struct an_arena *arena, struct an_str tenant, struct an_str json,
                  struct an_err *err) AN_MUST_CHECK;

#endif
