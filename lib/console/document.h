/* SPDX-License-Identifier: Apache-2.0 */
/* An event's document, read to be shown. Values keep their spelling: a number is never printed again. */
#ifndef AN_CONSOLE_DOCUMENT_H
#define AN_CONSOLE_DOCUMENT_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/* Parses a stored document; nodes live in the arena. AN_EBACKEND: it is none. */
int an_document_read(struct an_arena *a, struct an_str text, const struct an_json **out,
                     struct an_err *err) AN_MUST_CHECK;

/* Content of the text member object.name; absent where there is none. */
struct an_str an_document_text(struct an_arena *a, const struct an_json *object, const char *name);

/* A value for a table cell: a string's content, anything else by its spelling. */
struct an_str an_document_shown(struct an_arena *a, const struct an_json *value);

/* The value over several lines, indented by two blanks. Scalars and names are copied as they are spelt. */
void an_document_pretty(struct an_buf *out, const struct an_json *value);

#endif
