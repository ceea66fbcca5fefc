/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/alg.h"

static const struct an_alg algs[] = {
    {"ES256", AN_KEY_P256, "SHA256", false}, {"ES384", AN_KEY_P384, "SHA384", false},
    {"RS256", AN_KEY_RSA, "SHA256", false},  {"RS384", AN_KEY_RSA, "SHA384", false},
    {"RS512", AN_KEY_RSA, "SHA512", false},  {"PS256", AN_KEY_RSA, "SHA256", true},
    {"PS384", AN_KEY_RSA, "SHA384", true},   {"PS512", AN_KEY_RSA, "SHA512", true},
    {"EdDSA", AN_KEY_ED25519, NULL, false},
};

const struct an_alg *an_alg_find(struct an_str name)
{
    for (size_t i = 0; i < AN_COUNT(algs); i++)
        if (an_str_is(name, algs[i].name))
            return &algs[i];
    return NULL;
}
