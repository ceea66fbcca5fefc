/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/write_token.h"
#include "http/sign.h"

#define PURPOSE "write-token"
#define POSITION 8 /* bytes; the shard's name follows */

bool an_write_token_add(const struct an_secret *key, struct an_str tenant, const struct an_need *written,
                        struct an_buf *out)
{
    unsigned char payload[POSITION + AN_SHARD_NAME_MAX];
    size_t len = strlen(written->shard);
    for (int i = 0; i < POSITION; i++)
        payload[i] = (unsigned char)(written->lsn >> (56 - 8 * i));
    memcpy(payload + POSITION, written->shard, len);
    return an_sign(key, PURPOSE, tenant, payload, POSITION + len, out);
}

bool an_write_token_read(const struct an_secret *key, struct an_str tenant, struct an_str token,
                         struct an_need *written)
{
    unsigned char payload[AN_SIGN_PAYLOAD_MAX];
    size_t len = sizeof payload;
    *written = (struct an_need){.lsn = 0};
    if (!an_sign_verify(key, PURPOSE, tenant, token, payload, &len) || len <= POSITION ||
        len > POSITION + AN_SHARD_NAME_MAX)
        return false;
    for (int i = 0; i < POSITION; i++)
        written->lsn = written->lsn << 8 | payload[i];
    memcpy(written->shard, payload + POSITION, len - POSITION);
    return true;
}
