/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "auth/signature.h"

int an_signature_check(const char *token, const struct an_alg *alg, const struct an_jwk *key,
                       struct an_err *err)
{
    size_t pem_len = key->pem == NULL ? 0 : strlen(key->pem);
    if (pem_len == 0 || pem_len > INT32_MAX)
        return an_fail(err, AN_EAUTH, "the key \"%s\" is empty", key->kid);
    jwt_t *jwt = NULL;
    bool good = jwt_decode(&jwt, token, (const unsigned char *)key->pem, (int)pem_len) == 0 && jwt != NULL;
    /* What libjwt says it did must be what we asked for: a result "none" would mean nothing was checked. */
    good = good && jwt_get_alg(jwt) == jwt_str_alg(alg->name);
    jwt_free(jwt);
    ERR_clear_error();
    return good ? AN_OK : an_fail(err, AN_EAUTH, "the signature is not that of the key \"%s\"", key->kid);
}

static int sign(jwt_t *jwt, const char *claims, const char *kid, const struct an_alg *alg,
                const char *private_pem, struct an_buf *out, struct an_err *err)
{
    if (jwt_add_grants_json(jwt, claims) != 0 || jwt_add_header(jwt, "kid", kid) != 0)
        return an_fail(err, AN_EINVAL, "the claims cannot be put into a token");
    if (jwt_set_alg(jwt, jwt_str_alg(alg->name), (const unsigned char *)private_pem,
                    (int)strlen(private_pem)) != 0)
        return an_fail(err, AN_EINVAL, "the key cannot be used with %s", alg->name);
    char *text = jwt_encode_str(jwt);
    ERR_clear_error();
    if (text == NULL)
        return an_fail(err, AN_EINVAL, "the private key is not one for %s", alg->name);
    int rc = an_buf_adds(out, text) ? AN_OK : an_fail(err, AN_ETOOBIG, "the token is too long");
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return rc;
}

int an_signature_make(const char *claims, const char *kid, const struct an_alg *alg, const char *private_pem,
                      struct an_buf *out, struct an_err *err)
{
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) != 0)
        return an_fail(err, AN_EINVAL, "libjwt cannot make a token");
    int rc = sign(jwt, claims, kid, alg, private_pem, out, err);
    jwt_free(jwt);
    return rc;
}
