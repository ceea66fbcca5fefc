/* SPDX-License-Identifier: Apache-2.0 */
/* One request, whichever web server passed it on.
 *
 * Routing uses REQUEST_URI only (SCRIPT_NAME and PATH_INFO are split in four ways by four servers). Empty means
 * absent. Of a parameter sent twice by the web server the first counts. Everything lives in `arena`. */
#ifndef AN_HTTP_REQUEST_H
#define AN_HTTP_REQUEST_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#define AN_REQUEST_ID_MAX 64

enum an_method { AN_GET, AN_HEAD, AN_POST, AN_PUT, AN_DELETE, AN_OPTIONS, AN_METHOD_OTHER };

struct an_param {
    struct an_str name, value; /* percent-decoded, '+' is a blank; valid UTF-8, no NUL */
    struct an_param *next;
};

struct an_fcgi; /* http/fcgi.h */

struct an_request {
    struct an_arena *arena;
    struct an_fcgi *fcgi;       /* where headers and body come from; NULL in unit tests */
    enum an_method method;
    struct an_str method_text;
    struct an_str path;         /* raw path of REQUEST_URI without http.base_path, up to '?' */
    struct an_str query_text;   /* raw, absent where there is no '?' */
    struct an_param *query;     /* in the order sent */
    struct an_str remote_addr;  /* the client: the peer, or what a trusted proxy said */
    bool https;
    char request_id[AN_REQUEST_ID_MAX + 1]; /* X-Request-Id where it is [A-Za-z0-9._-]{1,64}, else made here */
};

/* A header field by its usual name ("Content-Type"); absent where not sent or empty. Borrowed. */
struct an_str an_request_header(const struct an_request *r, const char *name);

/* The body after Content-Encoding (identity, gzip, zstd) is undone, appended to *out, whose limit is the
 * ceiling of the decoded size; the compressed bytes have the same ceiling. Read to the end of the stream:
 * Content-Length may be absent, empty or wrong.
 * AN_ETOOBIG: over the limit. AN_EINVAL: shorter or longer than Content-Length, cut off, or not decodable
 * (nothing of it may be used). AN_ENOENT: an encoding we do not know (415). AN_ETIMEOUT: the peer stalled. */
int an_request_body(struct an_request *r, struct an_buf *out, struct an_err *err) AN_MUST_CHECK;

/* Media type of Content-Type without its parameters, in lower case; absent where there is none. */
struct an_str an_request_media_type(const struct an_request *r);

/* A cookie's value, or absent. */
struct an_str an_request_cookie(const struct an_request *r, const char *name);

/* First query parameter of that name, or NULL. */
const struct an_param *an_request_param(const struct an_request *r, const char *name);

/* Splits and decodes "a=1&b=%20"; AN_EINVAL with the parameter's name where it is not valid UTF-8, has a
 * broken escape, or a NUL. Used for query strings and for forms. */
int an_params_parse(struct an_arena *a, struct an_str text, struct an_param **out, struct an_err *err) AN_MUST_CHECK;

/* One path segment, percent-decoded; false for %2F, %00, bad escapes and bad UTF-8. */
bool an_segment_decode(struct an_arena *a, struct an_str raw, struct an_str *out) AN_MUST_CHECK;
/* Appends s with everything but unreserved characters (RFC 3986) percent-encoded. */
bool an_percent_add(struct an_buf *out, struct an_str s);

/* Is an address inside one of the CIDR blocks (separated by blanks)? */
bool an_addr_within(struct an_str addr, const char *blocks);

#endif
