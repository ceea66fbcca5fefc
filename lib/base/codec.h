/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal and base64url (RFC 4648 section 5, without padding), both strict when reading. */
#ifndef AN_BASE_CODEC_H
#define AN_BASE_CODEC_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"

/* out: 2 * len characters and a NUL. */
void an_hex_encode(const unsigned char *in, size_t len, char *out);
/* in has exactly 2 * len characters, either case. */
bool an_hex_decode(struct an_str in, unsigned char *out, size_t len) AN_MUST_CHECK;

bool an_base64url_add(struct an_buf *out, const void *in, size_t len);
/* Refuses padding, blanks, foreign characters, and left-over bits that are not zero, so that one value has
 * one spelling. *len: room in out before, bytes written after. */
bool an_base64url_decode(struct an_str in, unsigned char *out, size_t *len) AN_MUST_CHECK;

#endif
