/* SPDX-License-Identifier: Apache-2.0 */
/* What a client accepts (RFC 9110 section 12.5.1), and what it has already (section 13.1.2). */
#ifndef AN_HTTP_ACCEPT_H
#define AN_HTTP_ACCEPT_H

#include "an.h"
#include "base/text.h"

/* Does the value of Accept take this media type ("application/json")? The most specific range that fits
 * decides; an absent value takes everything. */
bool an_accepts(struct an_str accept, const char *type);

/* Does the value of If-None-Match name this entity tag (without its quotes)? Tags are compared weakly,
 * and one that Apache's mod_deflate has marked ("tag-gzip") is still the same. */
bool an_etag_matches(struct an_str if_none_match, struct an_str tag);

#endif
