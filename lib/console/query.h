/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a console page: tidying what a form sends, and links that change one thing of it. */
#ifndef AN_CONSOLE_QUERY_H
#define AN_CONSOLE_QUERY_H

#include "an.h"
#include "base/arena.h"
#include "http/params.h"

/* A form sends every field, also the empty ones, and times without a zone. Returns the list that the API
 * would take: no empty values, times with seconds and "Z", `last` (a duration) as `from`, metadata_path and
 * metadata_value as metadata.<path>. *changed: it differs from what came, so the browser should be sent
 * there. */
struct an_param *an_query_tidy(struct an_arena *a, const struct an_param *sent, int64_t now_us,
                               bool *changed);

/* Every parameter but those of that name. Order is kept; the nodes are new, the text is shared. */
struct an_param *an_query_without(struct an_arena *a, const struct an_param *list, const char *name);
/* Every parameter but that one node. */
struct an_param *an_query_except(struct an_arena *a, const struct an_param *list, const struct an_param *one);
/* The list with one more at its end. */
struct an_param *an_query_with(struct an_arena *a, const struct an_param *list, const char *name,
                               struct an_str value);

#endif
