/* SPDX-License-Identifier: Apache-2.0 */
/* Who a request comes from. */
#ifndef AN_HTTP_ADDR_H
#define AN_HTTP_ADDR_H

#include "an.h"
#include "base/text.h"

/* The client behind proxies: from the right of X-Forwarded-For, the first address that is not itself in
 * `trusted` (CIDR blocks separated by blanks); peer where that is not in `trusted`, or where the field
 * is absent. Stops in front of what is no address. Borrowed. */
struct an_str an_addr_client(struct an_str peer, struct an_str forwarded_for, struct an_str trusted);

#endif
