/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/html: templates compiled to a flat list of steps, and their rendering. The rules of white
 * space are those of the Mustache specification: a section, comment or partial tag alone on its line takes
 * the line away, and a partial alone on its line is indented as its tag is. */
#ifndef AN_HTML_MUSTACHE_H
#define AN_HTML_MUSTACHE_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "html/scope.h"

struct an_mustache; /* borrows from the text that it was compiled from */

/* AN_EINVAL: a fault, named with its line. On AN_OK the caller owns *out. */
int an_mustache_compile(struct an_str text, struct an_mustache **out, struct an_err *err) AN_MUST_CHECK;
void an_mustache_free(struct an_mustache *m); /* accepts NULL */

/* Finds the partial of that name; NULL with err filled where there is none. */
typedef const struct an_mustache *an_mustache_partial(void *arg, struct an_str name, struct an_err *err);

int an_mustache_render(const struct an_mustache *m, const struct an_scope *values,
                       an_mustache_partial *partial, void *arg, struct an_buf *out,
                       struct an_err *err) AN_MUST_CHECK;

#endif
