/* SPDX-License-Identifier: Apache-2.0 */
/* An identity provider: asks it for its key set, by discovery (OpenID Connect Discovery 1.0, section 4)
 * where it is configured so. */
#ifndef AN_AUTH_PROVIDER_H
#define AN_AUTH_PROVIDER_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "conf/conf.h"
#include "http/client.h"

/* Which of its URLs the configuration names. */
const char *an_provider_source(const struct an_conf_issuer *issuer);

/* The address of the set from the text of a discovery document; the caller frees *keys_url. AN_EINVAL: it
 * is no such document, or one of another issuer, or the address may not be asked. */
int an_discovery_parse(struct an_str text, const char *issuer, char **keys_url,
                       struct an_err *err) AN_MUST_CHECK;

struct an_provider;
struct an_provider *an_provider_new(const struct an_conf_issuer *issuer)
    AN_MUST_CHECK;                            /* which must outlive it */
void an_provider_free(struct an_provider *p); /* accepts NULL */

/* One or two requests, each within fetch_timeout. AN_OK: got->status is 200 and the set's text in keys,
 * which is a set with a usable key, or 304: what `etag` stands for still holds. Else nothing of what was
 * answered counts: codes of an_client_get(), and AN_EINVAL for an answer that is no such thing. Discovery
 * is asked at first, and again after a failure. */
int an_provider_fetch(struct an_provider *p, struct an_client *client, const char *etag,
                      struct an_buf *keys, struct an_got *got, struct an_err *err) AN_MUST_CHECK;

#endif
