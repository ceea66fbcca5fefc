/* SPDX-License-Identifier: Apache-2.0 */
/* Where a PostgreSQL server is, apart from who we are there. A place is a libpq connection string
 * (keywords and values, or a URI) without user and secrets: "host=pg2 port=5432". The configuration says
 * who: database.writer, database.reader and the others. */
#ifndef AN_DB_PLACE_H
#define AN_DB_PLACE_H

#include "an.h"
#include "base/err.h"
#include "base/mem.h"

/* Is this a place? AN_EINVAL: no connection string, it names nobody's host, or it says who (user,
 * password). */
int an_place_check(const char *place, struct an_err *err) AN_MUST_CHECK;

/* The connection string `who`, led to the place: what the place says counts, and host, hostaddr, port and
 * target_session_attrs of `who` do not. *out is set anew. AN_EINVAL: as above, or `who` is no connection
 * string. */
int an_place_lead(const char *who, const char *place, struct an_secret *out,
                  struct an_err *err) AN_MUST_CHECK;

/* One host of a connection string that names several. */
struct an_host {
    char *host, *hostaddr, *port; /* NULL: not named */
};

/* The hosts, where the string names more than one; else, or where it is none, NULL and 0.
 * an_hosts_free() them. */
#define AN_HOSTS_MAX 16
struct an_host *an_place_hosts(const char *conninfo, size_t *count) AN_MUST_CHECK;
void an_hosts_free(struct an_host *hosts, size_t count); /* accepts NULL */

#endif
