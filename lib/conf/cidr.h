/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in CIDR notation, several separated by blanks: "127.0.0.0/8 ::1/128". */
#ifndef AN_CONF_CIDR_H
#define AN_CONF_CIDR_H

#include "an.h"
#include "base/text.h"

/* False, with the first bad one in *bad, where an item is no address or network. */
bool an_cidr_list_valid(struct an_str list, struct an_str *bad) AN_MUST_CHECK;

/* Does any network of a valid list hold the address? False for text that is no address. An IPv4 address
 * written in IPv6 (::ffff:10.0.0.1) counts as the IPv4 address. */
bool an_cidr_list_holds(struct an_str list, struct an_str address) AN_MUST_CHECK;

#endif
