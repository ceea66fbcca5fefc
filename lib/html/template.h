/* SPDX-License-Identifier: Apache-2.0 */
/* Pages from www/templates: the subset of Mustache (mustache(5)) that has variables {{x}} (escaped, the only
 * way to print a value), sections {{#x}}..{{/x}}, inverted sections {{^x}}..{{/x}}, comments, and partials
 * {{> x}}. No {{{x}}}, no {{&x}}, no lambdas, no set-delimiter: what is not there cannot be misused.
 * Templates are embedded at build time. Their values are a tree made in the request's arena.
 *
 * Between tags of the page a value is text: characters that cannot be seen, or that change the order of
 * others, are shown as a mark with their code point (html/escape.h). Inside a tag a value stands in a quoted
 * attribute, and only there; its characters are kept, so that a form sends back what it was given. */
#ifndef AN_HTML_TEMPLATE_H
#define AN_HTML_TEMPLATE_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/embedded.h"
#include "base/err.h"
#include "base/text.h"
#include "html/escape.h"

/* A value: text, true, or a list of scopes; a scope is a set of named values. Names are literals; text is
 * borrowed. Absent and empty text, false, and a list without items count as false. The last value of a name
 * wins. */
struct an_scope;
struct an_scope *an_scope_new(struct an_arena *a) AN_MUST_CHECK;
void an_scope_text(struct an_scope *s, const char *name, struct an_str value);
void an_scope_textf(struct an_scope *s, const char *name, const char *fmt, ...) AN_PRINTF(3, 4);
void an_scope_flag(struct an_scope *s, const char *name, bool value);
/* Appends one item to the list `name` and returns its scope, whose names hide the outer ones. */
struct an_scope *an_scope_item(struct an_scope *s, const char *name);

/* Renders www/templates/<name>.html. AN_EINVAL: no such template, or a syntax fault in it (our own bug).
 * AN_ETOOBIG: the page is over the limit of `out`. */
int an_template_render(const char *name, const struct an_scope *values, struct an_buf *out,
                       struct an_err *err) AN_MUST_CHECK;

/* A file of www/static ("annals.css"), or NULL. */
const struct an_embedded *an_static_find(struct an_str name);

#endif
