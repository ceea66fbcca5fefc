/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the console, for the table in admin_routes.c. */
#ifndef AN_API_ADMIN_PAGES_H
#define AN_API_ADMIN_PAGES_H

#include "an.h"
#include "api/api.h"

int an_admin_login_page(struct an_call *call, struct an_err *err);
int an_admin_login(struct an_call *call, struct an_err *err);
int an_admin_logout(struct an_call *call, struct an_err *err);
int an_admin_events(struct an_call *call, struct an_err *err);
int an_admin_event(struct an_call *call, struct an_err *err);
int an_admin_status(struct an_call *call, struct an_err *err);

#endif
