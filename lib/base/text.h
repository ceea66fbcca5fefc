/* SPDX-License-Identifier: Apache-2.0 */
/* Text with a length, and strict parsing of numbers, durations and sizes. */
#ifndef AN_BASE_TEXT_H
#define AN_BASE_TEXT_H

#include "an.h"

/* Borrowed bytes with a length; not NUL-terminated, may hold NULs. data is NULL only for "absent". */
struct an_str {
    const char *data;
    size_t len;
};

/* A literal as an initialiser: AN_STR("text"). */
#define AN_STR(lit) ((struct an_str){.data = "" lit, .len = sizeof(lit) - 1})
/* For "%.*s": printf("%.*s", AN_STR_ARG(s)). */
#define AN_STR_ARG(s) (int)(s).len, (s).data == NULL ? "" : (s).data

struct an_str an_str(const char *s); /* of a C string; NULL gives an absent one */
bool an_str_equal(struct an_str a, struct an_str b);
bool an_str_is(struct an_str a, const char *s);
bool an_str_case_is(struct an_str a, const char *s); /* ASCII letters without case */
bool an_str_starts(struct an_str a, const char *prefix);
uint32_t an_str_hash(struct an_str a); /* FNV-1a: for tables of what nobody chooses to collide */
bool an_str_has_nul(struct an_str a);
struct an_str an_str_trim(struct an_str a); /* blanks and tabs at both ends */
/* The part before the first `sep`; *rest becomes what follows it (absent where there is no sep). */
struct an_str an_str_split(struct an_str a, char sep, struct an_str *rest);

/* Is it valid UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF)? */
bool an_utf8_valid(const char *s, size_t len);

/* The whole of s is one decimal number within min..max, without blanks or '+'. */
bool an_parse_i64(struct an_str s, int64_t min, int64_t max, int64_t *out) AN_MUST_CHECK;
/* "250ms" "30s" "5m" "5min" "12h" "30d", a plain 0; result in milliseconds. */
bool an_parse_duration_ms(struct an_str s, int64_t *out) AN_MUST_CHECK;
/* "512" "64KiB" "16MiB" "1GiB" (also KB, MB, GB as powers of 1000); result in bytes. */
bool an_parse_size(struct an_str s, uint64_t *out) AN_MUST_CHECK;

struct an_arena;
/* At most so many bytes, cut between characters and ended by an ellipsis where it was longer; a copy in
 * the arena. */
struct an_str an_text_clip(struct an_arena *a, struct an_str s, size_t max) AN_MUST_CHECK;

#endif
