/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"
#include "base/digest.h"
#include "console/static.h"
#include "console/view.h"

#define TAG_BYTES 8

static void tag_of(const struct an_embedded *file, char out[2 * TAG_BYTES + 1])
{
    unsigned char digest[AN_SHA256_LEN];
    an_sha256(file->data, strlen(file->data), digest);
    an_hex_encode(digest, TAG_BYTES, out);
}

struct an_str an_admin_static_url(struct an_call *call, const char *name)
{
    char tag[2 * TAG_BYTES + 1] = "";
    const struct an_embedded *file = an_static_find(an_str(name));
    if (file != NULL)
        tag_of(file, tag);
    return an_str(
        an_arena_printf(call->arena, "%s/admin/static/%s?v=%s", call->ctx->conf->base_path, name, tag));
}

static const char *media_type(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {{".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < AN_COUNT(types); i++)
        if (strcmp(dot, types[i].suffix) == 0)
            return types[i].type;
    return "text/plain; charset=utf-8";
}

int an_admin_static(struct an_call *call, struct an_err *err)
{
    struct an_admin a;
    an_admin_init(&a, call);
    const struct an_embedded *file = an_static_find(call->arg);
    if (file == NULL)
        return an_admin_error(&a, 404, NULL, err);
    char tag[2 * TAG_BYTES + 1];
    tag_of(file, tag);
    char etag[sizeof tag + 2];
    (void)snprintf(etag, sizeof etag, "\"%s\"", tag);
    const struct an_param *wanted = an_params_find(call->req->query, "v");
    bool exact = wanted != NULL && an_str_is(wanted->value, tag);
    an_reply_header(call->rep, "Cache-Control",
                    exact ? AN_STR("public, max-age=31536000, immutable") : AN_STR("no-cache"));
    an_reply_header(call->rep, "ETag", an_str(etag));
    if (an_str_is(an_request_header(call->req, "If-None-Match"), etag)) {
        call->rep->status = 304;
        return AN_OK;
    }
    an_reply_type(call->rep, media_type(file->name));
    an_buf_adds(&call->rep->body, file->data);
    return AN_OK;
}
