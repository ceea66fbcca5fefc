/* SPDX-License-Identifier: Apache-2.0 */
/* Text on its way into a page. */
#ifndef AN_HTML_ESCAPE_H
#define AN_HTML_ESCAPE_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"

/* Escapes & < > " ' (and nothing else): for quoted attributes. */
bool an_html_add(struct an_buf *out, struct an_str text);

/* For text between tags: escapes the same five, and shows what an eye cannot (base/unicode.h):
 * <mark class="cp" title="right-to-left override">U+202E</mark>. Bytes that are not UTF-8 become U+FFFD. */
bool an_html_add_visible(struct an_buf *out, struct an_str text);

#endif
