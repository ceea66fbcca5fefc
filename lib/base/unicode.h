/* SPDX-License-Identifier: Apache-2.0 */
/* Characters that could deceive a reader: what log lines escape and pages mark. */
#ifndef AN_BASE_UNICODE_H
#define AN_BASE_UNICODE_H

#include "an.h"
#include "base/text.h"

/* Bytes of the UTF-8 character that s begins with, and its code point; 0 where there is none. s is not
 * empty. */
size_t an_utf8_decode(struct an_str s, uint32_t *cp) AN_MUST_CHECK;

/* Could it end a line, drive a terminal, change the order of others, or not be seen at all? Control
 * characters (but tab and line feed), separators of lines and paragraphs, directional controls, what has
 * no glyph. Then *label (where not NULL) is a name for it: "right-to-left override". */
bool an_codepoint_hidden(uint32_t cp, const char **label) AN_MUST_CHECK;

#endif
