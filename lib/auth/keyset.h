/* SPDX-License-Identifier: Apache-2.0 */
/* A key set that lives in a file and is read again when the file changes. */
#ifndef AN_AUTH_KEYSET_H
#define AN_AUTH_KEYSET_H

#include "an.h"
#include "auth/jwk.h"
#include "base/err.h"
#include "base/text.h"

struct an_keyset;

/* AN_EINVAL: the file cannot be read or holds no usable set; file and reason are in err. */
int an_keyset_open(const char *path, struct an_keyset **out, struct an_err *err) AN_MUST_CHECK;
void an_keyset_close(struct an_keyset *ks); /* accepts NULL */

/* One stat(); where the file is another one than last time, it is read. True when the keys were
 * replaced: what was found or decided with the old ones is void. A missing or bad file leaves the keys
 * as they are, with one warning for each such file. */
bool an_keyset_refresh(struct an_keyset *ks);

/* Borrowed until the next refresh, or NULL. */
const struct an_jwk *an_keyset_find(const struct an_keyset *ks, struct an_str kid);

#endif
