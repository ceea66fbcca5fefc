/* SPDX-License-Identifier: Apache-2.0 */
/* From a path to its route. Segments are decoded one by one, so "%2F" never becomes a border between
 * two; ".." and empty segments match nothing. A literal segment wins over a {…} one, in whatever order
 * the routes stand. */
#ifndef AN_API_ROUTE_H
#define AN_API_ROUTE_H

#include "an.h"
#include "api/api.h"

enum an_route_result {
    AN_ROUTE_FOUND,
    AN_ROUTE_NONE,      /* no such path */
    AN_ROUTE_METHOD,    /* the path is known, the method not */
    AN_ROUTE_OPTIONS,   /* OPTIONS on a known path */
    AN_ROUTE_ELSEWHERE, /* another application serves it: the web server sent it to the wrong socket */
    AN_ROUTE_MALFORMED  /* an escape in the path is not allowed */
};

struct an_route_match {
    const struct an_route *route; /* NULL unless the path is known */
    struct an_str arg;            /* what stood for {…}; absent */
    char allow[64];               /* methods of the path: "GET, HEAD, POST" */
};

/* Looks through several tables as if they were one. */
enum an_route_result an_route_find(const struct an_routes *const *tables, size_t count,
                                   struct an_arena *arena, enum an_method method, struct an_str path,
                                   struct an_route_match *out);

#endif
