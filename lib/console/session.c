/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"
#include "base/digest.h"
#include "console/session.h"
#include "log/log.h"

#define SECRET_BYTES 32

void an_session_secret(char out[AN_SESSION_SECRET_LEN + 1])
{
    unsigned char random[SECRET_BYTES];
    struct an_buf text;
    an_buf_init(&text, AN_SESSION_SECRET_LEN);
    an_random(random, sizeof random);
    an_base64url_add(&text, random, sizeof random);
    memcpy(out, text.data, AN_SESSION_SECRET_LEN + 1);
    an_buf_release(&text);
}

void an_session_hash(struct an_str secret, char out[AN_SESSION_HASH_LEN + 1])
{
    unsigned char digest[AN_SHA256_LEN];
    an_sha256(secret.data, secret.len, digest);
    out[0] = '\\';
    out[1] = 'x';
    an_hex_encode(digest, sizeof digest, out + 2);
}

/* ---- the cookie ---- */

static bool secure(const struct an_call *call)
{
    int wanted = call->ctx->conf->cookie_secure;
    return wanted == AN_ON || (wanted == AN_AUTO && call->req->https);
}

/* Browsers accept __Host- only with Secure and Path=/, and then from this very host alone. Without HTTPS the
 * port stands in the name instead: cookies are shared by all ports of a host, and two consoles of one machine
 * must not sign each other out. */
static const char *cookie_name(const struct an_call *call)
{
    if (secure(call))
        return "__Host-annals-session";
    struct an_str port;
    an_str_split(an_request_header(call->req, "Host"), ':', &port);
    int64_t number;
    if (port.data != NULL && an_parse_i64(port, 1, 65535, &number))
        return an_arena_printf(call->arena, "annals-session-%d", (int)number);
    return "annals-session";
}

void an_session_cookie(struct an_call *call, struct an_str id)
{
    int64_t age_s = id.data == NULL ? 0 : call->ctx->conf->session_ttl_ms / 1000;
    an_reply_headerf(call->rep, "Set-Cookie", "%s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                     cookie_name(call), AN_STR_ARG(id), (long long)age_s, secure(call) ? "; Secure" : "");
}

static struct an_str cookie(const struct an_call *call)
{
    struct an_str id = an_request_cookie(call->req, cookie_name(call));
    return id.len == AN_SESSION_SECRET_LEN ? id : (struct an_str){NULL, 0};
}

/* ---- rows ---- */

static struct an_str copy(struct an_arena *a, struct an_str s)
{
    return (struct an_str){an_arena_strndup(a, s.data, s.len), s.len};
}

/* Columns: subject, tenant, scopes, csrf. */
static int read_row(struct an_call *call, const struct an_result *r, struct an_session *out,
                    struct an_err *err)
{
    if (an_result_rows(r) == 0)
        return an_fail(err, AN_ENOENT, "no such session");
    int64_t scopes;
    if (!an_result_int(r, 0, 2, &scopes) || scopes < 0 || scopes > UINT16_MAX)
        return an_fail(err, AN_EBACKEND, "session has no valid scopes");
    out->subject = copy(call->arena, an_result_get(r, 0, 0));
    out->tenant = copy(call->arena, an_result_get(r, 0, 1));
    out->scopes = (unsigned)scopes;
    out->csrf = copy(call->arena, an_result_get(r, 0, 3));
    return AN_OK;
}

struct sight {
    const struct an_db_param *digest;
    struct an_result *rows;
};

static int see(struct an_server *server, void *arg, struct an_err *err)
{
    struct sight *sight = arg;
    return an_db_exec(server->db, AN_STMT_SESSION_SEE, sight->digest, 1, &sight->rows, err);
}

int an_session_find(struct an_call *call, struct an_session *out, struct an_err *err)
{
    struct an_str id = cookie(call);
    if (id.data == NULL)
        return an_fail(err, AN_ENOENT, "no session cookie");
    char hash[AN_SESSION_HASH_LEN + 1];
    an_session_hash(id, hash);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(hash))};
    struct an_result *r = NULL;
    int rc = an_db_exec(call->ctx->writer, AN_STMT_SESSION_FIND, params, AN_COUNT(params), &r, err);
    if (rc == AN_EAGAIN && an_shard_has_replicas(call->ctx->directory)) {
        struct sight sight = {.digest = params};
        rc = an_shard_read(call->ctx->directory, NULL, see, &sight, err);
        r = sight.rows;
    }
    if (rc == AN_OK)
        rc = read_row(call, r, out, err);
    an_result_free(r);
    return rc;
}

int an_session_start(struct an_call *call, struct an_str token, struct an_session *out,
                     char id[AN_SESSION_SECRET_LEN + 1], struct an_err *err)
{
    struct an_db *db = call->ctx->writer;
    char token_hash[AN_SESSION_HASH_LEN + 1], id_hash[AN_SESSION_HASH_LEN + 1];
    char csrf[AN_SESSION_SECRET_LEN + 1], ttl_ms[24];
    if (an_db_exec(db, AN_STMT_SESSION_CLEAR, NULL, 0, NULL, err) != AN_OK)
        an_log_warn("console", "cannot clear ended sessions: %s", err->text); /* a login may go on without */
    an_session_secret(id);
    an_session_secret(csrf);
    an_session_hash(token, token_hash);
    an_session_hash(an_str(id), id_hash);
    (void)snprintf(ttl_ms, sizeof ttl_ms, "%lld", (long long)call->ctx->conf->session_ttl_ms);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(token_hash)), AN_DB_TEXT(an_str(id_hash)),
                                         AN_DB_TEXT(an_str(csrf)), AN_DB_TEXT(an_str(ttl_ms))};
    struct an_result *r = NULL;
    int rc = an_db_exec(db, AN_STMT_SESSION_START, params, AN_COUNT(params), &r, err);
    if (rc == AN_OK)
        rc = read_row(call, r, out, err);
    an_result_free(r);
    return rc;
}

int an_session_end(struct an_call *call, struct an_str id, struct an_err *err)
{
    if (id.data == NULL)
        id = cookie(call);
    if (id.data == NULL)
        return AN_OK;
    char hash[AN_SESSION_HASH_LEN + 1];
    an_session_hash(id, hash);
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(hash))};
    return an_db_exec(call->ctx->writer, AN_STMT_SESSION_END, params, AN_COUNT(params), NULL, err);
}
