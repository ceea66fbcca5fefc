/* SPDX-License-Identifier: Apache-2.0 */
/* Who is signed in to the console. Sessions and one-time links are rows of the database, known by the SHA-256
 * of a secret that only the browser, or the person with the link, has. */
#ifndef AN_CONSOLE_SESSION_H
#define AN_CONSOLE_SESSION_H

#include "an.h"
#include "api/api.h"

/* 32 random bytes in base64url, and a NUL: session ids, tokens of links, CSRF tokens. */
#define AN_SESSION_SECRET_LEN 43

struct an_session {
    struct an_str subject, tenant; /* tenant AN_PLATFORM: any */
    struct an_str csrf;
    unsigned scopes;
};

void an_session_secret(char out[AN_SESSION_SECRET_LEN + 1]);
/* The text of a bytea parameter: "\x" and the digest in hex. */
#define AN_SESSION_HASH_LEN 66
void an_session_hash(struct an_str secret, char out[AN_SESSION_HASH_LEN + 1]);

/* The session that the request's cookie names; while the primary is away, as a replica knows it.
 * AN_ENOENT: none, or it has ended. */
int an_session_find(struct an_call *call, struct an_session *out, struct an_err *err) AN_MUST_CHECK;
/* Uses up a one-time link and starts a session, in one statement; *id is the new secret. AN_ENOENT: the link
 * is unknown, used, or too old. Rows of ended sessions and links are cleared away at the same occasion. */
int an_session_start(struct an_call *call, struct an_str token, struct an_session *out,
                     char id[AN_SESSION_SECRET_LEN + 1], struct an_err *err) AN_MUST_CHECK;
/* Ends the session of that id, or of the request's cookie where id is absent. */
int an_session_end(struct an_call *call, struct an_str id, struct an_err *err) AN_MUST_CHECK;

/* Sets the cookie, or takes it away where id is absent. */
void an_session_cookie(struct an_call *call, struct an_str id);

#endif
