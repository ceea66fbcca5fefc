/* SPDX-License-Identifier: Apache-2.0 */
/* A reply: status, header fields, body. It is sent whole after the handler returns; a handler that must
 * stream calls an_reply_flush() as it goes. */
#ifndef AN_HTTP_REPLY_H
#define AN_HTTP_REPLY_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/text.h"

struct an_fcgi;

struct an_header {
    const char *name;
    struct an_str value;
    struct an_header *next;
};

struct an_reply {
    struct an_arena *arena;
    struct an_fcgi *fcgi;   /* NULL in unit tests: what would be sent is only counted */
    const char *request_id; /* sent along as X-Request-Id; NULL: not */
    int status;             /* 200 unless set */
    struct an_header *headers;
    struct an_buf body; /* kept over requests; its limit is AN_REPLY_MAX */
    bool head;          /* HEAD: the body is counted, not sent */
    bool started;       /* header is out: status and headers cannot change any more */
    uint64_t sent;      /* body bytes sent */
};

/* A page of 1,000 events of 64 KiB, and something for the rest; longer replies must flush. */
#define AN_REPLY_MAX ((size_t)80 << 20)

void an_reply_init(struct an_reply *rep, struct an_arena *arena, struct an_fcgi *fcgi);
/* Empties it for the next request; memory over 64 KiB goes back. */
void an_reply_reset(struct an_reply *rep);

/* A field; the name is a literal, the value is copied, one that holds CR, LF or NUL is dropped. It
 * replaces the one of that name that is there (but Set-Cookie, which may stand there often). Where a
 * handler sets none: Cache-Control: no-store, X-Content-Type-Options: nosniff. */
void an_reply_header(struct an_reply *rep, const char *name, struct an_str value);
void an_reply_headerf(struct an_reply *rep, const char *name, const char *fmt, ...) AN_PRINTF(3, 4);
void an_reply_type(struct an_reply *rep, const char *media_type);
/* Value of a field set before; absent where there is none. */
struct an_str an_reply_find(const struct an_reply *rep, const char *name);

/* Sends what the body holds and empties it. AN_EAGAIN: the client is gone, stop working. */
int an_reply_flush(struct an_reply *rep, struct an_err *err) AN_MUST_CHECK;
/* Sends the rest, with Content-Length where nothing was flushed before. */
int an_reply_finish(struct an_reply *rep, struct an_err *err) AN_MUST_CHECK;

/* Name of a status code ("Unprocessable Entity"). */
const char *an_status_text(int status);

#endif
