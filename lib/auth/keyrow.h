/* SPDX-License-Identifier: Apache-2.0 */
/* A provider's keys in the database, for all hosts of an installation (table annals.issuer_keys). */
#ifndef AN_AUTH_KEYROW_H
#define AN_AUTH_KEYROW_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/db.h"
#include "http/client.h"

struct an_keyrow {
    int64_t fetched_us; /* which answer of the provider it is; 0: there is none */
    int64_t age_us;     /* since the provider was asked for it */
    char etag[AN_ETAG_MAX + 1];
};

/* What the database knows. known_us: fetched_us of what the caller has, 0: nothing; the text of another
 * answer is put into keys, which stays empty else. */
int an_keyrow_find(struct an_db *db, const struct an_conf_issuer *issuer, int64_t known_us,
                   struct an_buf *keys, struct an_keyrow *out, struct an_err *err) AN_MUST_CHECK;

/* Shall the caller ask the provider now? It is the only one then for floor_ms, in the whole installation;
 * not where the database has another answer than known_us. */
int an_keyrow_claim(struct an_db *db, const struct an_conf_issuer *issuer, int64_t known_us,
                    int64_t floor_ms, bool *claimed, struct an_err *err) AN_MUST_CHECK;

/* Leaves an answer, asked for age_us ago, to all. After a claim: there must be a row. */
int an_keyrow_put(struct an_db *db, const struct an_conf_issuer *issuer, struct an_str keys,
                  const char *etag, int64_t age_us, int64_t *fetched_us,
                  struct an_err *err) AN_MUST_CHECK;

#endif
