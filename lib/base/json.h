/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON (RFC 8259) that keeps the sender's spelling.
 *
 * Every value remembers its bytes as they were sent, so a document can be put together from them without
 * printing any number or string again: 1.10 stays 1.10, and 18446744073709551616 stays what it is. General
 * libraries change both (docs/design/json.md), which is why this parser is our own.
 *
 * Refused: anything after the value, NaN and Infinity, raw control characters, invalid UTF-8, a byte order
 * mark, \u0000, lone surrogates, two members of one object with the same name (compared after unescaping),
 * nesting over a ceiling. Nothing is recursive. */
#ifndef AN_BASE_JSON_H
#define AN_BASE_JSON_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

enum an_json_type {
    AN_JSON_NULL,
    AN_JSON_FALSE,
    AN_JSON_TRUE,
    AN_JSON_NUMBER,
    AN_JSON_STRING,
    AN_JSON_ARRAY,
    AN_JSON_OBJECT
};

struct an_json {
    enum an_json_type type;
    bool escaped;          /* string: has a backslash; so `inner` is not yet its content */
    uint32_t count;        /* members of an object, items of an array */
    struct an_str text;    /* its bytes as sent: quotes and brackets included; borrowed from the input */
    struct an_str name;    /* member: its name, unescaped */
    struct an_str name_text; /* member: its name as sent, with quotes */
    struct an_json *child; /* first member or item */
    struct an_json *next;  /* next member or item */
};

struct an_json_limits {
    unsigned depth;   /* the outermost value is at depth 1 */
    size_t values;    /* nodes; each takes sizeof(struct an_json) of the arena */
};

struct an_json_fault {
    size_t offset;      /* byte where it was noticed */
    /* "syntax", "utf-8", "nul", "surrogate", "duplicate-member", "depth", "values", "empty" */
    const char *code;
    const char *detail; /* a phrase for a person */
};

/* Parses one value that starts at text[*pos] (white space may stand before it) and moves *pos behind it.
 * What follows is the caller's business. Nodes live in the arena and borrow from text. False: see *fault. */
bool an_json_parse_at(struct an_arena *a, struct an_str text, size_t *pos,
                      const struct an_json_limits *limits, struct an_json **out,
                      struct an_json_fault *fault) AN_MUST_CHECK;

/* The same for a whole text: only white space may stand around the value. */
bool an_json_parse(struct an_arena *a, struct an_str text, const struct an_json_limits *limits,
                   struct an_json **out, struct an_json_fault *fault) AN_MUST_CHECK;

/* Moves *pos behind one value without keeping anything of it, in memory that does not grow with the
 * value: for finding the end of one that is over a size limit. Duplicate members are not noticed. */
bool an_json_skip_at(struct an_arena *a, struct an_str text, size_t *pos, unsigned depth,
                     struct an_json_fault *fault) AN_MUST_CHECK;

/* Moves *pos over white space; false at the end of the text. */
bool an_json_skip_space(struct an_str text, size_t *pos);

/* The member of an object, or NULL (also where it is no object). */
struct an_json *an_json_get(const struct an_json *object, const char *name);

/* A string's content: borrowed from the input where nothing is escaped, else made in the arena. Absent
 * (data NULL) where the value is NULL or no string. */
struct an_str an_json_string(struct an_arena *a, const struct an_json *value);

/* A number that is an integer without fraction or exponent, and fits. */
bool an_json_int(const struct an_json *value, int64_t *out) AN_MUST_CHECK;

/* Writing: appends s as a JSON string with its quotes. s must be valid UTF-8. */
bool an_json_add_string(struct an_buf *out, struct an_str s);

#endif
