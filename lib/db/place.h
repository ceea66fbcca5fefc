/* SPDX-License-Identifier: Apache-2.0 */
/* Where a PostgreSQL server is, apart from who we are there. A place is a libpq connection string
 * (keywords and values, or a URI) without user and secrets: "host=pg2 port=5432". The configuration says
 * who: database.writer, database.reader and the others. */
#ifndef AN_DB_PLACE_H
#define AN_DB_PLACE_H

#include "an.h"
#include "base/err.h"
#include "base/mem.h"

#define AN_HOSTS_MAX 16

/* Is this a place, of `most` hosts at most? AN_EINVAL: no connection string, it names nobody's host or
 * too many, or it says who (user, password, service). */
int an_place_check(const char *place, size_t most, struct an_err *err) AN_MUST_CHECK;

struct an_host {
    char *host, *hostaddr, *port; /* NULL: libpq's default */
};

/* Where a connection goes, and who we are there. Nothing is left to be looked up, neither in a service
 * file nor in the environment. */
struct an_where {
    struct an_secret options; /* a connection string: all but the hosts */
    struct an_host *hosts;    /* at least one, in their order */
    size_t count;
};

/* The connection string `who`, completed as libpq does it: what the string leaves open comes from its
 * service, what that leaves open from the environment. The service file is read now, so who asks again
 * has what it says then. Led to a place (NULL or "": to none), what the place says counts, and host,
 * hostaddr, port and target_session_attrs of `who` do not, wherever they came from. target_session_attrs
 * is in the options where somebody named it; "any" only where the string itself or the place did.
 * AN_EINVAL: a service that cannot be found, a file that cannot be read, no place, or `who` is no
 * connection string; no message repeats a value of them. */
int an_where_find(const char *who, const char *place, struct an_where *out, struct an_err *err) AN_MUST_CHECK;
void an_where_release(struct an_where *w); /* accepts an empty one */

#endif
