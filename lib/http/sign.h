/* SPDX-License-Identifier: Apache-2.0 */
/* Small signed values that a client carries and sends back: page cursors and write tokens. A value is
 * base64url(payload || first 16 bytes of HMAC-SHA-256(key, purpose || 0 || context || 0 || payload)): opaque,
 * bound to its purpose and context (tenant, filter, order), never expiring. */
#ifndef AN_HTTP_SIGN_H
#define AN_HTTP_SIGN_H

#include "an.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define AN_SIGN_PAYLOAD_MAX 256

bool an_sign(const struct an_secret *key, const char *purpose, struct an_str context, const void *payload,
             size_t len, struct an_buf *out);
/* *len: room before, payload bytes after. False: not made by us for this purpose and context. */
bool an_sign_verify(const struct an_secret *key, const char *purpose, struct an_str context,
                    struct an_str value, void *payload, size_t *len) AN_MUST_CHECK;

#endif
