/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a page of the console: session, scopes and tenant for every page, and the proof that a POST
 * comes from a page of ours. */
#ifndef AN_CONSOLE_GUARD_H
#define AN_CONSOLE_GUARD_H

#include "an.h"
#include "console/view.h"

/* Fills a page for a session that may see it. Not AN_OK: the reply becomes the error page of that code. */
typedef int an_admin_page(struct an_admin *a, struct an_err *err);

/* A page for sessions with one of these scopes; without a session the reply is 401 and says how to get one.
 */
int an_admin_serve(struct an_call *call, unsigned scopes, an_admin_page *page,
                   struct an_err *err) AN_MUST_CHECK;

/* Reads the form of a POST. *form NULL on AN_OK: the reply is already an error page. */
int an_admin_form(struct an_admin *a, struct an_param **form, struct an_err *err) AN_MUST_CHECK;

/* Did a page of this console send the request? By Sec-Fetch-Site and Origin, where the browser sent them; a
 * client that sends neither is no browser, and has no cookies of ours to abuse. */
bool an_admin_same_origin(const struct an_call *call) AN_MUST_CHECK;
/* Does the form hold the session's CSRF token? */
bool an_admin_csrf_valid(const struct an_admin *a, const struct an_param *form) AN_MUST_CHECK;

#endif
