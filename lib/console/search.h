/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages about events share: the search as the console runs it, and the same request as curl. */
#ifndef AN_CONSOLE_SEARCH_H
#define AN_CONSOLE_SEARCH_H

#include "an.h"
#include "console/view.h"
#include "search/search.h"

/* Fills *s for the tenant of the page. */
int an_admin_search(struct an_admin *a, struct an_search *s, struct an_err *err) AN_MUST_CHECK;

/* A command that asks the API the same, ready to be pasted; the token is a variable of the shell. */
struct an_str an_admin_curl(struct an_admin *a, const char *path, const struct an_param *query);
/* A command that sends a first event. */
struct an_str an_admin_curl_first(struct an_admin *a);

#endif
