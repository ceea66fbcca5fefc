/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets of providers in memory that all processes of a program share: the helper writes, workers read.
 *
 * Nobody ever waits for anybody. There is one writer (the helper, and no second one before the first is
 * dead), so a place needs no lock: it has room for two sets, and the writer fills the one that is not in
 * use before it says that it is. A reader copies, then looks whether the writer has come round to that
 * room meanwhile. Who dies halfway leaves nothing behind that counts. */
#ifndef AN_AUTH_KEYRING_H
#define AN_AUTH_KEYRING_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"
#include "conf/conf.h"

struct an_keyring;
struct an_key_place; /* of one provider */

/* In the master, before the fork. NULL where there is no memory for it. */
struct an_keyring *an_keyring_new(void) AN_MUST_CHECK;
void an_keyring_free(struct an_keyring *ring); /* accepts NULL */

/* The provider's place, or NULL: the helper has made none yet. Another address is another provider. */
struct an_key_place *an_keyring_find(struct an_keyring *ring, const struct an_conf_issuer *issuer);

/* Counts the sets that were put there; 0: none yet. */
uint64_t an_key_place_version(const struct an_key_place *place);
/* When (an_clock_mono_us) the provider was last asked with success; what it said then is the set. */
int64_t an_key_place_good_us(const struct an_key_place *place);
/* Puts the set into out (emptied before), its version into *version. False: there is none, or the writer
 * is too quick for us. */
bool an_key_place_read(const struct an_key_place *place, struct an_buf *out,
                       uint64_t *version) AN_MUST_CHECK;
/* A token names a key that is not there: the helper should ask. */
void an_key_place_want(struct an_keyring *ring, struct an_key_place *place);

/* The helper's part. */

/* Made where there is none; NULL where all places are taken. */
struct an_key_place *an_keyring_make(struct an_keyring *ring, const struct an_conf_issuer *issuer);
/* keys: up to AN_JWKS_MAX_BYTES. */
void an_key_place_put(struct an_key_place *place, struct an_str keys, int64_t good_us);
/* The set is still what the provider says. */
void an_key_place_confirm(struct an_key_place *place, int64_t good_us);
/* Is a key wanted? Each call of an_key_place_want() since the last one counts once. */
bool an_key_place_wanted(struct an_key_place *place);
/* When the provider was last asked, however it ended; kept here so that a new helper knows. */
int64_t an_key_place_tried_us(const struct an_key_place *place);
void an_key_place_set_tried(struct an_key_place *place, int64_t tried_us);
/* Sleeps until a key is wanted somewhere, at most us. */
void an_keyring_wait(struct an_keyring *ring, int64_t us);

#endif
