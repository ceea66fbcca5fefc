/* SPDX-License-Identifier: Apache-2.0 */
/* The console: the table of its addresses, and its handlers for that table. */
#ifndef AN_CONSOLE_PAGES_H
#define AN_CONSOLE_PAGES_H

#include "an.h"
#include "api/api.h"

extern const struct an_routes an_admin_routes;

int an_admin_login_page(struct an_call *call, struct an_err *err);
int an_admin_login(struct an_call *call, struct an_err *err);
int an_admin_logout(struct an_call *call, struct an_err *err);
int an_admin_events(struct an_call *call, struct an_err *err);
int an_admin_event(struct an_call *call, struct an_err *err);
int an_admin_status(struct an_call *call, struct an_err *err);

#endif
