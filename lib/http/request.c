/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/uuid.h"
#include "conf/cidr.h"
#include "http/addr.h"
#include "http/decode.h"
#include "http/fcgi.h"
#include "http/request.h"

static const struct an_str absent = {NULL, 0};

static struct an_str param(const struct an_request *r, const char *name)
{
    return r->fcgi == NULL ? absent : an_fcgi_param(r->fcgi, name);
}

/* "Content-Type" is CONTENT_TYPE, "Annals-Tenant" is HTTP_ANNALS_TENANT (RFC 3875 section 4.1). */
struct an_str an_request_header(const struct an_request *r, const char *name)
{
    char key[80] = "HTTP_";
    bool plain = strcmp(name, "Content-Type") == 0 || strcmp(name, "Content-Length") == 0;
    size_t at = plain ? 0 : 5;
    for (; *name != '\0' && at < sizeof key - 1; name++)
        key[at++] = *name == '-' ? '_' : (char)(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
    key[at] = '\0';
    return param(r, key);
}

static enum an_method method_of(struct an_str text)
{
    static const char *const names[] = {[AN_GET] = "GET", [AN_HEAD] = "HEAD",     [AN_POST] = "POST",
                                        [AN_PUT] = "PUT", [AN_DELETE] = "DELETE", [AN_OPTIONS] = "OPTIONS"};
    for (size_t i = 0; i < AN_COUNT(names); i++)
        if (an_str_is(text, names[i]))
            return (enum an_method)i;
    return AN_METHOD_OTHER;
}

/* "http://host/path" (RFC 9112 section 3.2.2) names the same thing as "/path". */
static struct an_str without_authority(struct an_str uri)
{
    size_t at = an_str_starts(uri, "http://") ? 7 : an_str_starts(uri, "https://") ? 8 : 0;
    if (at == 0)
        return uri;
    while (at < uri.len && uri.data[at] != '/' && uri.data[at] != '?')
        at++;
    return (struct an_str){uri.data + at, uri.len - at};
}

/* Absent where path does not lie below base. */
static struct an_str without_base(struct an_str path, const char *base)
{
    size_t len = base == NULL ? 0 : strlen(base);
    while (len > 0 && base[len - 1] == '/')
        len--;
    if (path.len <= len || memcmp(path.data, base, len) != 0 || path.data[len] != '/')
        return absent;
    return (struct an_str){path.data + len, path.len - len};
}

static bool request_id_valid(struct an_str s)
{
    if (s.len == 0 || s.len > AN_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static void set_request_id(struct an_request *r)
{
    struct an_str sent = an_request_header(r, "X-Request-Id");
    if (request_id_valid(sent)) {
        memcpy(r->request_id, sent.data, sent.len);
        r->request_id[sent.len] = '\0';
        return;
    }
    struct an_uuid id = an_uuid7_random(an_clock_us());
    an_uuid_format(&id, r->request_id);
}

static void set_client(struct an_request *r, const struct an_conf *c)
{
    r->peer_addr = param(r, "REMOTE_ADDR");
    r->https =
        an_str_case_is(param(r, "HTTPS"), "on") || an_str_case_is(param(r, "REQUEST_SCHEME"), "https");
    r->remote_addr = r->peer_addr;
    struct an_str trusted = an_str(c->trusted_proxies);
    if (r->fcgi == NULL || !an_cidr_list_holds(trusted, r->peer_addr))
        return;
    struct an_str forwarded = an_fcgi_param_once(r->fcgi, "HTTP_X_FORWARDED_FOR");
    struct an_str scheme = an_fcgi_param_once(r->fcgi, "HTTP_X_FORWARDED_PROTO");
    r->remote_addr = an_addr_client(r->peer_addr, forwarded, trusted);
    if (scheme.data != NULL)
        r->https = an_str_case_is(scheme, "https");
}

void an_request_init(struct an_request *r, struct an_arena *arena, struct an_fcgi *f,
                     const struct an_conf *c)
{
    *r = (struct an_request){.arena = arena, .fcgi = f};
    r->method_text = param(r, "REQUEST_METHOD");
    r->method = method_of(r->method_text);
    struct an_str uri = without_authority(param(r, "REQUEST_URI"));
    r->path = without_base(an_str_split(uri, '?', &r->query_text), c->base_path);
    set_client(r, c);
    set_request_id(r);
}

bool an_request_query(struct an_request *r, struct an_faults *faults)
{
    return an_params_check(r->arena, r->query_text, &r->query, faults);
}

const struct an_param *an_request_param(const struct an_request *r, const char *name)
{
    return an_params_find(r->query, name);
}

struct an_str an_request_media_type(const struct an_request *r)
{
    struct an_str rest, type = an_str_trim(an_str_split(an_request_header(r, "Content-Type"), ';', &rest));
    if (type.len == 0)
        return absent;
    char *lower = an_arena_strndup(r->arena, type.data, type.len);
    for (char *p = lower; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return (struct an_str){lower, type.len};
}

struct an_str an_request_cookie(const struct an_request *r, const char *name)
{
    struct an_str rest = an_request_header(r, "Cookie");
    while (rest.len > 0) {
        struct an_str value, pair = an_str_split(rest, ';', &rest);
        if (an_str_is(an_str_trim(an_str_split(pair, '=', &value)), name))
            return an_str_trim(value);
    }
    return absent;
}

/* The body as it comes, counted, with a ceiling of its own: a decoder may swallow much and give out
 * little. */
struct wire {
    struct an_request *r;
    uint64_t limit;
    bool ended; /* in an orderly way */
};

static int wire_read(void *arg, char *out, size_t len, size_t *got, struct an_err *err)
{
    struct wire *w = arg;
    int rc = an_fcgi_read(w->r->fcgi, out, len, got, err);
    w->r->body_bytes += *got;
    w->ended = rc == AN_OK && *got == 0;
    if (rc == AN_OK && w->r->body_bytes > w->limit)
        return an_fail(err, AN_ETOOBIG, "the body is over %llu bytes", (unsigned long long)w->limit);
    return rc;
}

/* What Content-Length promises; -1 where it is absent. */
static int promised_length(const struct an_request *r, int64_t *out, struct an_err *err)
{
    struct an_str text = an_request_header(r, "Content-Length");
    *out = -1;
    if (text.data != NULL && !an_parse_i64(text, 0, INT64_MAX, out))
        return an_fail(err, AN_EINVAL, "Content-Length is not a number");
    return AN_OK;
}

int an_request_body(struct an_request *r, struct an_buf *out, struct an_err *err)
{
    enum an_coding coding;
    int64_t promised;
    if (r->fcgi == NULL)
        return AN_OK;
    if (!an_coding_parse(an_request_header(r, "Content-Encoding"), &coding))
        return an_fail(err, AN_ENOENT, "Content-Encoding is not one of identity, gzip, zstd");
    int rc = promised_length(r, &promised, err);
    if (rc != AN_OK)
        return rc;
    if (promised >= 0 && (uint64_t)promised > out->limit - out->len)
        return an_fail(err, AN_ETOOBIG, "the body is over %zu bytes", out->limit);
    if (promised > 0 && coding == AN_CODING_IDENTITY)
        (void)an_buf_reserve(out, (size_t)promised);
    struct wire w = {.r = r, .limit = out->limit};
    rc = an_decode(coding, &(struct an_source){wire_read, &w}, out, err);
    /* then it may not be decodable either */
    bool lost = w.ended && promised > 0 && r->body_bytes < (uint64_t)promised;
    if (!lost && (rc != AN_OK || promised < 0 || r->body_bytes == (uint64_t)promised))
        return rc;
    return an_fail(err, lost ? AN_EAGAIN : AN_EINVAL, "Content-Length is %lld, the body has %llu bytes",
                   (long long)promised, (unsigned long long)r->body_bytes);
}
