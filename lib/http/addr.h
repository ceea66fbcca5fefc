/* SPDX-License-Identifier: Apache-2.0 */
/* Network addresses as text, and who a request comes from. */
#ifndef AN_HTTP_ADDR_H
#define AN_HTTP_ADDR_H

#include "an.h"
#include "base/text.h"

/* Is an address inside one of the CIDR blocks (separated by blanks or commas)? An IPv4 address that is written as an
 * IPv6 one (::ffff:192.0.2.1) counts as IPv4. False for what is no address; a block that is none matches nothing. */
bool an_addr_within(struct an_str addr, const char *blocks);

/* The client behind proxies: from the right of X-Forwarded-For, the first address that is not itself in `trusted`;
 * peer where that is not in `trusted`, or where the field is absent or not made of addresses. Borrowed. */
struct an_str an_addr_client(struct an_str peer, struct an_str forwarded_for, const char *trusted);

#endif
