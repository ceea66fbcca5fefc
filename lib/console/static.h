/* SPDX-License-Identifier: Apache-2.0 */
/* GET /admin/static/{name}: the files of www/static, which are part of the program. */
#ifndef AN_CONSOLE_STATIC_H
#define AN_CONSOLE_STATIC_H

#include "an.h"
#include "api/api.h"

/* The file's address with the first digits of its digest as `v`: a new build has new addresses, so browsers
 * may keep what they got for good. In the arena. */
struct an_str an_admin_static_url(struct an_call *call, const char *name);

int an_admin_static(struct an_call *call, struct an_err *err);

#endif
