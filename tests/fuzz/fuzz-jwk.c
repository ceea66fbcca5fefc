/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets: each key that is accepted can be used. */
#include "an.h"

#include <assert.h>

#include "auth/jwk.h"
#include "log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct an_jwks set = {NULL, 0};
    struct an_err err;
    an_log_init("fuzz-jwk", AN_LOG_ERROR, AN_LOG_LOGFMT, ""); /* each key left out is a warning */
    int rc = an_jwks_parse((struct an_str){(const char *)data, size}, &set, &err);
    assert((rc == AN_OK) == (set.count > 0));
    for (size_t i = 0; i < set.count; i++) {
        const struct an_jwk *key = &set.keys[i];
        assert(an_jwks_find(&set, an_str(key->kid)) == key);
        assert(key->public.pkey != NULL);
        assert(key->public.signature_len >= 64 && key->public.signature_len <= 1024);
        assert(key->alg == NULL || key->alg->kind == key->kind);
    }
    (void)rc;
    an_jwks_release(&set);
    return 0;
}
