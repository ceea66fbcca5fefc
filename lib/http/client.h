/* SPDX-License-Identifier: Apache-2.0 */
/* Asking other servers over HTTP, through libcurl; client.c is the only includer of curl/curl.h. One
 * request at a time, on a connection of its own. */
#ifndef AN_HTTP_CLIENT_H
#define AN_HTTP_CLIENT_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"

struct an_client;

/* Made after the fork. */
struct an_client *an_client_new(void) AN_MUST_CHECK;
void an_client_free(struct an_client *client); /* accepts NULL */

#define AN_ETAG_MAX 255

struct an_get {
    const char *url; /* one that an_url_fault() finds nothing wrong with */
    const char
        *ca_file;     /* certificates (PEM) that may vouch for the server; NULL or empty: the system's */
    const char *etag; /* of what we have, with its quotes; NULL or empty: nothing */
    int64_t timeout_ms; /* for all of it: name, connection, answer */
};

struct an_got {
    int status;                 /* 200, or 304 where `etag` still holds */
    char etag[AN_ETAG_MAX + 1]; /* of the answer; empty where it has none, or an overlong one */
};

/* GET. The certificate must be valid for the host; redirects are not followed and nothing is
 * decompressed, so what is read never exceeds body's limit. AN_OK: 200, with the answer appended to body,
 * or 304. AN_EAGAIN: no connection, no answer in time, broken off, or a status of 500 and above, 408 or
 * 429. AN_ETOOBIG: longer than body's limit. AN_EBACKEND: another status, or a certificate that will not
 * do. After a failure body may hold a part of an answer. */
int an_client_get(struct an_client *client, const struct an_get *get, struct an_buf *body,
                  struct an_got *got, struct an_err *err) AN_MUST_CHECK;

#endif
