/* SPDX-License-Identifier: Apache-2.0 */
/* From a request body to committed events and a reply that says what became of each. */
#ifndef AN_INGEST_INGEST_H
#define AN_INGEST_INGEST_H

#include "an.h"
#include "base/arena.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/store.h"
#include "http/problem.h"
#include "http/reply.h"
#include "shard/router.h"

enum an_body_kind { AN_BODY_JSON, AN_BODY_NDJSON };

struct an_ingest; /* one a worker */
/* shared: of an_combine_share(), or NULL. Both must outlive it. */
struct an_ingest *an_ingest_new(const struct an_conf *c, struct an_router *router,
                                void *shared) AN_MUST_CHECK;
void an_ingest_free(struct an_ingest *in); /* accepts NULL */

struct an_ingest_call {
    struct an_arena *arena;
    struct an_str tenant;
    struct an_shard *shard; /* where the tenant lives, as the router says */
    struct an_str body;
    enum an_body_kind kind;
    bool atomic;   /* all or none */
    bool minimal;  /* Prefer: return=minimal */
    bool any_time; /* scope audit:import */
    const char *request_id;
};

/* A request goes through in two steps, with the commit between them, so that a worker can commit several at
 * once:
 *
 *   held = an_ingest_take() -> (more of them) -> an_ingest_commit() -> an_ingest_answer(held) */
struct an_ingest_held;

/* Takes the events of a request. NULL: nothing of it is to be stored, and *rep says why. Else it is
 * held; its arena and request_id must live until it is answered, its body need not. At most
 * AN_INGEST_HELD at a time. */
#define AN_INGEST_HELD 32
struct an_ingest_held *an_ingest_take(struct an_ingest *in, const struct an_ingest_call *call,
                                      struct an_reply *rep) AN_MUST_CHECK;
/* False for an atomic batch, which fails as a whole, for a large one, which gains little, and where tenants
 * cannot share a transaction (an_store_shares()): they are committed alone. */
bool an_ingest_wants_company(const struct an_ingest_held *held) AN_MUST_CHECK;
/* Commits all that is held. */
void an_ingest_commit(struct an_ingest *in);
/* True where the tenant turned out to live elsewhere: the answer waits until it is known where, so
 * others come first. */
bool an_ingest_must_follow(const struct an_ingest_held *held) AN_MUST_CHECK;
/* Fills the reply (problem documents too), and in *written where its events are (lsn 0: nowhere); lets go of
 * it. Where the tenant has moved, its events go after it first, within ingest.commit_timeout. Not AN_OK:
 * nothing is known to be stored, and the caller answers with the usual translation of the code. */
int an_ingest_answer(struct an_ingest_held *held, struct an_reply *rep, struct an_need *written,
                     struct an_err *err) AN_MUST_CHECK;

/* One event of our own (logins, reads by admins, what a job did), written to the tenant AN_TENANT_SYSTEM.
 * json: with AN_INGEST_OWN_MAX as its limit; AN_ETOOBIG where that was too little. */
#define AN_INGEST_OWN_MAX ((size_t)16 << 10)
int an_ingest_own(struct an_ingest *in, struct an_arena *arena, const struct an_buf *json,
                  struct an_err *err) AN_MUST_CHECK;

#endif
