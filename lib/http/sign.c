/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"
#include "base/digest.h"
#include "http/sign.h"

#define TAG_LEN 16

/* The context (a filter in canonical spelling) is as long as a query string may be. */
static bool tag_of(const struct an_secret *key, const char *purpose, struct an_str context,
                   const void *payload, size_t len, unsigned char tag[AN_SHA256_LEN])
{
    struct an_buf signed_text;
    an_buf_init(&signed_text, (size_t)1 << 20);
    an_buf_add(&signed_text, purpose, strlen(purpose) + 1);
    an_buf_add(&signed_text, context.data, context.len);
    an_buf_addc(&signed_text, '\0');
    an_buf_add(&signed_text, payload, len);
    bool ok = !signed_text.overflow && key->len > 0;
    if (ok)
        an_hmac_sha256(key->data, key->len, signed_text.data, signed_text.len, tag);
    an_buf_release(&signed_text);
    return ok;
}

bool an_sign(const struct an_secret *key, const char *purpose, struct an_str context, const void *payload,
             size_t len, struct an_buf *out)
{
    unsigned char value[AN_SIGN_PAYLOAD_MAX + AN_SHA256_LEN];
    if (len > AN_SIGN_PAYLOAD_MAX || !tag_of(key, purpose, context, payload, len, value + len))
        return false;
    memcpy(value, payload, len);
    return an_base64url_add(out, value, len + TAG_LEN);
}

bool an_sign_verify(const struct an_secret *key, const char *purpose, struct an_str context,
                    struct an_str value, void *payload, size_t *len)
{
    unsigned char bytes[AN_SIGN_PAYLOAD_MAX + TAG_LEN], tag[AN_SHA256_LEN];
    size_t got = sizeof bytes;
    if (!an_base64url_decode(value, bytes, &got) || got < TAG_LEN || got - TAG_LEN > *len)
        return false;
    size_t payload_len = got - TAG_LEN;
    if (!tag_of(key, purpose, context, bytes, payload_len, tag) ||
        !an_ct_equal(tag, bytes + payload_len, TAG_LEN))
        return false;
    memcpy(payload, bytes, payload_len);
    *len = payload_len;
    return true;
}
