/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "http/sign.h"
#include "search/cursor.h"

#define PURPOSE "cursor"
#define PAYLOAD_LEN 24 /* microseconds, id */
#define CONTEXT_MAX ((size_t)512 << 10)

static bool make_context(const struct an_search *s, const struct an_filter *f, struct an_buf *out)
{
    an_buf_init(out, CONTEXT_MAX);
    an_buf_addf(out, "%zu:", s->tenant.len);
    an_buf_add(out, s->tenant.data, s->tenant.len);
    an_filter_add_canonical(f, out);
    return !out->overflow;
}

bool an_cursor_add(const struct an_search *s, const struct an_filter *f, const struct an_position *last,
                   struct an_buf *out)
{
    unsigned char payload[PAYLOAD_LEN];
    for (int i = 0; i < 8; i++)
        payload[i] = (unsigned char)((uint64_t)last->timestamp_us >> (56 - 8 * i));
    memcpy(payload + 8, last->id.bytes, 16);
    struct an_buf context;
    bool ok = make_context(s, f, &context) &&
              an_sign(s->key, PURPOSE, (struct an_str){context.data, context.len}, payload,
                      sizeof payload, out);
    an_buf_release(&context);
    return ok;
}

bool an_cursor_read(const struct an_search *s, const struct an_filter *f, struct an_position *out)
{
    unsigned char payload[PAYLOAD_LEN];
    size_t len = sizeof payload;
    struct an_buf context;
    bool ok = make_context(s, f, &context) &&
              an_sign_verify(s->key, PURPOSE, (struct an_str){context.data, context.len}, f->cursor,
                             payload, &len) &&
              len == sizeof payload;
    an_buf_release(&context);
    if (!ok)
        return false;
    uint64_t us = 0;
    for (int i = 0; i < 8; i++)
        us = us << 8 | payload[i];
    out->timestamp_us = (int64_t)us;
    memcpy(out->id.bytes, payload + 8, 16);
    return true;
}
