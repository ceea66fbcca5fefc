/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"
#include "base/digest.h"
#include "base/pid.h"
#include "base/uuid.h"

struct an_uuid an_uuid7(int64_t us, const unsigned char unique[10])
{
    struct an_uuid id;
    int64_t ms = us / 1000 - (us % 1000 < 0);
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (unsigned char)((uint64_t)ms >> (40 - 8 * i));
    memcpy(id.bytes + 6, unique, 10);
    id.bytes[6] = (unsigned char)(0x70 | (id.bytes[6] & 0x0F));
    id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3F));
    return id;
}

struct an_uuid an_uuid7_random(int64_t us)
{
    static unsigned char pool[1000]; /* one call to the generator serves a hundred ids */
    static size_t left;
    static pid_t owner; /* a child must not hand out what its parent may hand out too */
    if (left == 0 || owner != an_pid()) {
        an_random(pool, sizeof pool);
        left = sizeof pool;
        owner = an_pid();
    }
    left -= 10;
    return an_uuid7(us, pool + left);
}

int64_t an_uuid7_us(const struct an_uuid *id)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return (int64_t)(ms << 16) / 65536 * 1000; /* 48 bits, signed: years before 1970 too */
}

void an_uuid_format(const struct an_uuid *id, char out[AN_UUID_LEN + 1])
{
    static const unsigned char groups[] = {4, 2, 2, 2, 6};
    const unsigned char *in = id->bytes;
    for (size_t g = 0; g < AN_COUNT(groups); g++) {
        if (g > 0)
            *out++ = '-';
        an_hex_encode(in, groups[g], out);
        in += groups[g];
        out += 2 * groups[g];
    }
}

bool an_uuid_parse(struct an_str s, struct an_uuid *id)
{
    static const unsigned char groups[] = {4, 2, 2, 2, 6};
    if (s.len != AN_UUID_LEN)
        return false;
    unsigned char *out = id->bytes;
    for (size_t g = 0; g < AN_COUNT(groups); g++) {
        if (g > 0) {
            if (s.data[0] != '-')
                return false;
            s.data++;
        }
        if (!an_hex_decode((struct an_str){s.data, 2 * (size_t)groups[g]}, out, groups[g]))
            return false;
        s.data += 2 * groups[g];
        out += groups[g];
    }
    return true;
}
