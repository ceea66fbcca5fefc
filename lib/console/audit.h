/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks at the log is in the log: events of the console itself, in the tenant `annals`. */
#ifndef AN_CONSOLE_AUDIT_H
#define AN_CONSOLE_AUDIT_H

#include "an.h"
#include "console/view.h"

/* Commits an event "annals.console.<what>" of the session's subject on its tenant. event_id may be absent.
 * What was asked for (path and query) becomes metadata.query. Not AN_OK: nothing is known to be recorded, and
 * nothing may be shown. */
int an_admin_audit(struct an_admin *a, const char *what, struct an_str event_id,
                   struct an_err *err) AN_MUST_CHECK;

/* The same for a look that changes nothing: while the primary is away, the record is a line of this
 * program's log, unless admin.record_fallback is refuse. */
int an_admin_audit_look(struct an_admin *a, const char *what, struct an_str event_id,
                        struct an_err *err) AN_MUST_CHECK;

#endif
