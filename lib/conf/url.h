/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of services that we trust with what they answer. */
#ifndef AN_CONF_URL_H
#define AN_CONF_URL_H

#include "an.h"
#include "base/text.h"

#define AN_URL_MAX 2048

/* "https://host[:port][/path][?query]", or the same with http:// where the host is this one (localhost,
 * 127.0.0.0/8, [::1]): what travels in the clear anybody on the way may change. NULL, or why it will not
 * do: user names, fragments, blanks and control characters are refused too. */
const char *an_url_fault(struct an_str url) AN_MUST_CHECK;

/* Is the host of a good URL this one? */
bool an_url_loopback(struct an_str url);

#endif
