/* SPDX-License-Identifier: Apache-2.0 */
/* One request, whichever web server passed it on.
 *
 * Routing uses REQUEST_URI only (SCRIPT_NAME and PATH_INFO are split in four ways by four servers).
 * Empty means absent. Of a parameter sent twice by the web server the first counts. Everything lives in
 * `arena`. */
#ifndef AN_HTTP_REQUEST_H
#define AN_HTTP_REQUEST_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/text.h"
#include "conf/conf.h"
#include "http/params.h"

#define AN_REQUEST_ID_MAX 64

enum an_method { AN_GET, AN_HEAD, AN_POST, AN_PUT, AN_DELETE, AN_OPTIONS, AN_METHOD_OTHER };

struct an_fcgi; /* http/fcgi.h */

struct an_request {
    struct an_arena *arena;
    struct an_fcgi *fcgi; /* where headers and body come from; NULL in unit tests */
    enum an_method method;
    struct an_str method_text;
    struct an_str path; /* raw path of REQUEST_URI without http.base_path, up to '?'; absent: not ours */
    struct an_str query_text;  /* raw, absent where there is no '?' */
    struct an_param *query;    /* in the order sent; set by an_request_query() */
    struct an_str peer_addr;   /* who the web server talks to */
    struct an_str remote_addr; /* the client: the peer, or what a trusted proxy said */
    bool https;
    uint64_t body_bytes; /* body bytes read so far, as sent */
    /* X-Request-Id where it is [A-Za-z0-9._-]{1,64}, else made here. */
    char request_id[AN_REQUEST_ID_MAX + 1];
};

/* Fills r from the running request of f. Reads http.base_path and http.trusted_proxies. */
void an_request_init(struct an_request *r, struct an_arena *arena, struct an_fcgi *f,
                     const struct an_conf *c);

/* Fills r->query; false: faults names the parameter that is wrong. */
bool an_request_query(struct an_request *r, struct an_faults *faults) AN_MUST_CHECK;

/* A header field by its usual name ("Content-Type"); absent where not sent or empty. Borrowed. */
struct an_str an_request_header(const struct an_request *r, const char *name);

/* The body after Content-Encoding (identity, gzip, zstd) is undone, appended to *out, whose limit is the
 * ceiling of the decoded size; the compressed bytes have the same ceiling. Read to the end of the
 * stream: Content-Length may be absent, empty or wrong. AN_ETOOBIG: over the limit. AN_EINVAL: longer than
 * Content-Length, cut off, stalled, or not decodable (nothing of it may be used). AN_EAGAIN: shorter than
 * Content-Length, so the web server has lost some of it: the client did send all.
 * AN_ENOENT: an encoding we do not know (415). */
int an_request_body(struct an_request *r, struct an_buf *out, struct an_err *err) AN_MUST_CHECK;

/* Media type of Content-Type without its parameters, in lower case; absent where there is none. */
struct an_str an_request_media_type(const struct an_request *r);

/* A cookie's value, or absent. */
struct an_str an_request_cookie(const struct an_request *r, const char *name);

/* First query parameter of that name, or NULL. */
const struct an_param *an_request_param(const struct an_request *r, const char *name);

#endif
