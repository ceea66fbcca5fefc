/* SPDX-License-Identifier: Apache-2.0 */
/* UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 bits that make it unique. */
#ifndef AN_BASE_UUID_H
#define AN_BASE_UUID_H

#include "an.h"
#include "base/text.h"

#define AN_UUID_LEN 36

struct an_uuid {
    unsigned char bytes[16];
};

/* The time of `us` (its millisecond) and `unique` for the other bits; version and variant are set. */
struct an_uuid an_uuid7(int64_t us, const unsigned char unique[10]);
/* The same with random bits. */
struct an_uuid an_uuid7_random(int64_t us);
/* The millisecond that it carries, as microseconds. */
int64_t an_uuid7_us(const struct an_uuid *id);

void an_uuid_format(const struct an_uuid *id, char out[AN_UUID_LEN + 1]);
/* 8-4-4-4-12 hexadecimal digits, either case. */
bool an_uuid_parse(struct an_str s, struct an_uuid *id) AN_MUST_CHECK;

#endif
