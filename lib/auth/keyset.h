/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that an issuer's tokens are checked with: from a file that is read again when it changes, or
 * from a provider, by way of memory that the helper fills (keyring.h). */
#ifndef AN_AUTH_KEYSET_H
#define AN_AUTH_KEYSET_H

#include "an.h"
#include "auth/jwk.h"
#include "base/err.h"
#include "base/text.h"

struct an_conf_issuer;
struct an_keyring;
struct an_keyset;

/* AN_EINVAL: the file cannot be read or holds no usable set; file and reason are in err. */
int an_keyset_open(const char *path, struct an_keyset **out, struct an_err *err) AN_MUST_CHECK;
/* A provider's; there may be no keys yet. ring NULL: there never are. Both must outlive it. */
struct an_keyset *an_keyset_of_provider(struct an_keyring *ring,
                                        const struct an_conf_issuer *issuer) AN_MUST_CHECK;
void an_keyset_close(struct an_keyset *ks); /* accepts NULL */

/* Looks whether there are other keys. A file: one stat(), and where it is another one than last time, it
 * is read; a missing or bad one leaves the keys as they are, with one warning for each such file. A
 * provider: two words of memory; keys that are too old are dropped. True when the keys were replaced or
 * dropped: what was found or decided with the old ones is void. */
bool an_keyset_refresh(struct an_keyset *ks);

/* May this be called with each request? A file costs a system call. */
bool an_keyset_is_cheap(const struct an_keyset *ks);

/* Are there keys? False where the provider has not answered yet, or not for too long. */
bool an_keyset_ready(const struct an_keyset *ks);

/* Borrowed until the next refresh, or NULL. */
const struct an_jwk *an_keyset_find(const struct an_keyset *ks, struct an_str kid);

/* A token names a key that is not there: have the provider asked, some time soon. Costs next to nothing.
 */
void an_keyset_want(struct an_keyset *ks);

#endif
