/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/alg.h"

static const struct an_alg algs[] = {
    {"ES256", AN_KEY_P256}, {"ES384", AN_KEY_P384}, {"RS256", AN_KEY_RSA},
    {"RS384", AN_KEY_RSA},  {"RS512", AN_KEY_RSA},
};

const struct an_alg *an_alg_find(struct an_str name)
{
    for (size_t i = 0; i < AN_COUNT(algs); i++)
        if (an_str_is(name, algs[i].name))
            return &algs[i];
    return NULL;
}
