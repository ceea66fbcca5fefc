/* SPDX-License-Identifier: Apache-2.0 */
/* Annals-Write-Token: the WAL position that a commit reached on its shard, signed. A search that sends
 * it back reads its own writes. The token is bound to the tenant. */
#ifndef AN_API_WRITE_TOKEN_H
#define AN_API_WRITE_TOKEN_H

#include "an.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "shard/shard.h"

bool an_write_token_add(const struct an_secret *key, struct an_str tenant, const struct an_need *written,
                        struct an_buf *out);
/* False: not made by us for this tenant. */
bool an_write_token_read(const struct an_secret *key, struct an_str tenant, struct an_str token,
                         struct an_need *written) AN_MUST_CHECK;

#endif
