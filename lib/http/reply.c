/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "http/fcgi.h"
#include "http/reply.h"

#define KEEP ((size_t)64 << 10) /* of a body; a worker may have many replies */
#define HEAD_MAX ((size_t)64 << 10)
#define HEAD_USUAL ((size_t)512)

void an_reply_init(struct an_reply *rep, struct an_arena *arena, struct an_fcgi *fcgi)
{
    *rep = (struct an_reply){.arena = arena, .fcgi = fcgi, .status = 200};
    an_buf_init(&rep->body, AN_REPLY_MAX);
}

void an_reply_reset(struct an_reply *rep)
{
    an_buf_clear(&rep->body);
    an_buf_trim(&rep->body, KEEP);
    rep->request_id = NULL;
    rep->status = 200;
    rep->headers = NULL;
    rep->head = false;
    rep->started = false;
    rep->sent = 0;
}

static bool value_valid(struct an_str v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] == '\r' || v.data[i] == '\n' || v.data[i] == '\0')
            return false;
    return true;
}

void an_reply_header(struct an_reply *rep, const char *name, struct an_str value)
{
    if (!value_valid(value))
        return;
    struct an_header **at = &rep->headers;
    bool repeats = an_str_case_is(an_str(name), "Set-Cookie");
    while (*at != NULL && (repeats || !an_str_case_is(an_str((*at)->name), name)))
        at = &(*at)->next;
    if (*at == NULL)
        *at = an_arena_zalloc(rep->arena, sizeof **at);
    (*at)->name = name;
    (*at)->value = (struct an_str){
        an_arena_strndup(rep->arena, value.data == NULL ? "" : value.data, value.len), value.len};
}

void an_reply_headerf(struct an_reply *rep, const char *name, const char *fmt, ...)
{
    struct an_buf value;
    an_buf_init(&value, HEAD_MAX);
    va_list ap;
    va_start(ap, fmt);
    if (an_buf_addv(&value, fmt, ap))
        an_reply_header(rep, name, (struct an_str){value.data, value.len});
    va_end(ap);
    an_buf_release(&value);
}

void an_reply_type(struct an_reply *rep, const char *media_type)
{
    an_reply_header(rep, "Content-Type", an_str(media_type));
}

struct an_str an_reply_find(const struct an_reply *rep, const char *name)
{
    for (const struct an_header *h = rep->headers; h != NULL; h = h->next)
        if (an_str_case_is(an_str(h->name), name))
            return h->value;
    return (struct an_str){NULL, 0};
}

static int put(struct an_reply *rep, const char *data, size_t len, struct an_err *err)
{
    return rep->fcgi == NULL ? AN_OK : an_fcgi_write(rep->fcgi, data, len, err);
}

static void add_field(struct an_buf *head, const char *name, struct an_str value)
{
    an_buf_adds(head, name);
    an_buf_adds(head, ": ");
    an_buf_add(head, value.data, value.len);
    an_buf_adds(head, "\r\n");
}

/* Header fields and the empty line behind them; whole: the body is complete, so its length is known. */
static void add_head(const struct an_reply *rep, bool whole, struct an_buf *head)
{
    an_buf_adds(head, "Status: ");
    an_buf_addi(head, rep->status);
    an_buf_addc(head, ' ');
    an_buf_adds(head, an_status_text(rep->status));
    an_buf_adds(head, "\r\n");
    for (const struct an_header *h = rep->headers; h != NULL; h = h->next)
        add_field(head, h->name, h->value);
    if (rep->request_id != NULL)
        add_field(head, "X-Request-Id", an_str(rep->request_id));
    if (an_reply_find(rep, "Cache-Control").data == NULL)
        an_buf_adds(head, "Cache-Control: no-store\r\n");
    if (an_reply_find(rep, "X-Content-Type-Options").data == NULL)
        an_buf_adds(head, "X-Content-Type-Options: nosniff\r\n");
    bool bodiless = rep->status == 204 || rep->status == 304;
    if (whole && !bodiless) {
        an_buf_adds(head, "Content-Length: ");
        an_buf_addi(head, (int64_t)rep->body.len);
        an_buf_adds(head, "\r\n");
    }
    an_buf_adds(head, "\r\n");
}

static int start(struct an_reply *rep, bool whole, struct an_err *err)
{
    struct an_buf head;
    an_buf_init(&head, HEAD_MAX);
    (void)an_buf_reserve(&head, HEAD_USUAL);
    add_head(rep, whole, &head);
    rep->started = true;
    int rc = head.overflow ? an_fail(err, AN_EBACKEND, "the reply's header is over %zu bytes", HEAD_MAX)
                           : put(rep, head.data, head.len, err);
    an_buf_release(&head);
    return rc;
}

/* Sends what the body holds, behind the header if that is not out yet. */
static int send_body(struct an_reply *rep, bool whole, struct an_err *err)
{
    if (rep->body.overflow)
        return an_fail(err, AN_EBACKEND, "the reply is over %zu bytes", rep->body.limit);
    int rc = rep->started ? AN_OK : start(rep, whole, err);
    if (rc == AN_OK && !rep->head)
        rc = put(rep, rep->body.data, rep->body.len, err);
    if (!rep->head)
        rep->sent += rep->body.len;
    an_buf_clear(&rep->body);
    return rc;
}

int an_reply_flush(struct an_reply *rep, struct an_err *err)
{
    int rc = send_body(rep, false, err);
    if (rc == AN_OK && rep->fcgi != NULL)
        rc = an_fcgi_flush(rep->fcgi, err);
    return rc;
}

int an_reply_finish(struct an_reply *rep, struct an_err *err)
{
    return send_body(rep, true, err);
}

const char *an_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } names[] = {{200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {206, "Partial Content"},
                 {301, "Moved Permanently"},
                 {302, "Found"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {406, "Not Acceptable"},
                 {409, "Conflict"},
                 {410, "Gone"},
                 {413, "Content Too Large"},
                 {415, "Unsupported Media Type"},
                 {422, "Unprocessable Content"},
                 {429, "Too Many Requests"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {504, "Gateway Timeout"}};
    for (size_t i = 0; i < AN_COUNT(names); i++)
        if (names[i].status == status)
            return names[i].text;
    return "Unknown";
}
