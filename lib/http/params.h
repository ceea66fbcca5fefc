/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings, forms (application/x-www-form-urlencoded) and percent-encoding (RFC 3986). */
#ifndef AN_HTTP_PARAMS_H
#define AN_HTTP_PARAMS_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/text.h"

struct an_param {
    struct an_str name, value; /* percent-decoded, '+' is a blank; valid UTF-8, no NUL; never absent */
    struct an_param *next;
};

/* More than any form or search needs; filters walk the list for each field. */
#define AN_PARAMS_MAX 1024

/* Splits and decodes "a=1&b=%20"; *out NULL where there is none. AN_EINVAL with the parameter's name
 * where it is not valid UTF-8, has a broken escape, or a NUL, and for more than AN_PARAMS_MAX. For query
 * strings and for forms. */
int an_params_parse(struct an_arena *a, struct an_str text, struct an_param **out,
                    struct an_err *err) AN_MUST_CHECK;
/* The same; what is wrong becomes a fault that names the parameter. */
bool an_params_check(struct an_arena *a, struct an_str text, struct an_param **out,
                     struct an_faults *faults) AN_MUST_CHECK;

/* First one of that name, or NULL. */
const struct an_param *an_params_find(const struct an_param *list, const char *name);

/* One path segment, percent-decoded; false for %2F, %00, bad escapes and bad UTF-8. */
bool an_segment_decode(struct an_arena *a, struct an_str raw, struct an_str *out) AN_MUST_CHECK;
/* Appends s with everything but unreserved characters (RFC 3986) percent-encoded. */
bool an_percent_add(struct an_buf *out, struct an_str s);
/* Appends "name=value&name=value", percent-encoded: nothing in it needs quotes, in a shell either. */
void an_params_add(struct an_buf *out, const struct an_param *list);

#endif
