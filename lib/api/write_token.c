/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/write_token.h"
#include "http/sign.h"

#define PURPOSE "write-token"

bool an_write_token_add(const struct an_secret *key, struct an_str tenant, uint64_t lsn, struct an_buf *out)
{
    unsigned char payload[8];
    for (int i = 0; i < 8; i++)
        payload[i] = (unsigned char)(lsn >> (56 - 8 * i));
    return an_sign(key, PURPOSE, tenant, payload, sizeof payload, out);
}

bool an_write_token_read(const struct an_secret *key, struct an_str tenant, struct an_str token, uint64_t *lsn)
{
    unsigned char payload[AN_SIGN_PAYLOAD_MAX];
    size_t len = sizeof payload;
    if (!an_sign_verify(key, PURPOSE, tenant, token, payload, &len) || len != 8)
        return false;
    *lsn = 0;
    for (int i = 0; i < 8; i++)
        *lsn = *lsn << 8 | payload[i];
    return true;
}
