/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling: bearer tokens (JWT, RFC 7519; practices of RFC 8725) of the configured issuers.
 *
 * Order of the checks (docs/design/auth.md says why): size, three segments, strict base64url; header strict
 * JSON, `alg` in the issuer's list, `kid` known, `crit` and `b64` refused, the key's type and curve match
 * `alg`; then the signature; then the claims: exp (required, integer), nbf, iat, iss (exact), aud (text or
 * list), tenant, scopes. */
#ifndef AN_AUTH_AUTH_H
#define AN_AUTH_AUTH_H

#include "an.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "conf/conf.h"

enum an_scope_bit {
    AN_SCOPE_WRITE = 1,  /* audit:write */
    AN_SCOPE_READ = 2,   /* audit:read */
    AN_SCOPE_IMPORT = 4, /* audit:import: any open partition */
    AN_SCOPE_ADMIN = 8   /* audit:admin; includes read */
};
#define AN_PLATFORM "*" /* tenant claim of a principal that may name any tenant in Annals-Tenant */

struct an_principal {
    char subject[257];  /* `sub`; empty where the token has none */
    char tenant[129];   /* AN_PLATFORM for the platform's own people */
    char issuer[65];    /* section name: "local" */
    unsigned scopes;    /* enum an_scope_bit; with ADMIN stands READ */
    int64_t expires_us;
};

struct an_keyring;
struct an_auth; /* issuers with their keys, and the cache of verified tokens; one a worker */

/* AN_EINVAL: an issuer's key file, algorithms or scope_map cannot be used (reason in err). ring: where the
 * helper leaves the keys of providers; NULL: they have none. Both c and ring must outlive *out. */
int an_auth_open(const struct an_conf *c, struct an_keyring *ring, struct an_auth **out,
                 struct an_err *err) AN_MUST_CHECK;
void an_auth_close(struct an_auth *auth); /* accepts NULL */

/* authorization: the whole field ("Bearer ..."). AN_EAUTH: err says why in words for the log; the client
 * is told no more than "invalid_token" (RFC 6750), or nothing where the field is absent. On AN_OK *out
 * is borrowed until the next call. Key files that changed are read again (looked at once a second).
 * AN_EAGAIN: there are no keys of the token's issuer at the moment. */
int an_auth_check(struct an_auth *auth, struct an_arena *arena, struct an_str authorization,
                  const struct an_principal **out, struct an_err *err) AN_MUST_CHECK;

/* The same checks without the cache, for tests and `annalsctl token check`. */
int an_auth_verify(struct an_auth *auth, struct an_arena *arena, struct an_str token,
                   struct an_principal *out, struct an_err *err) AN_MUST_CHECK;

const char *an_scopes_name(enum an_scope_bit bit); /* "audit:write" */
/* Words separated by blanks or commas -> bits; false for an unknown word. */
bool an_scopes_parse(struct an_str words, unsigned *out) AN_MUST_CHECK;

#endif
