/* SPDX-License-Identifier: Apache-2.0 */
/* What a discovery document may say; providers themselves are in tests/http/test_idp.py. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "auth/provider.h"

#define ISS "https://login.example.com/realms/a"

static const struct {
    const char *why, *text, *url, *fault;
} documents[] = {
    {"as it should be", "{\"issuer\":\"" ISS "\",\"jwks_uri\":\"https://login.example.com/certs\"}",
     "https://login.example.com/certs", NULL},
    {"much more beside it",
     "{\"scopes_supported\":[\"openid\",{\"a\":[]}],\"issuer\":\"" ISS "\",\"x\":null,"
     "\"jwks_uri\":\"https:\\/\\/login.example.com\\/certs\"}",
     "https://login.example.com/certs", NULL},
    {"another issuer", "{\"issuer\":\"" ISS "/\",\"jwks_uri\":\"https://a/\"}", NULL,
     "is that of issuer"},
    {"no issuer", "{\"jwks_uri\":\"https://a/\"}", NULL, "is that of issuer"},
    {"no address", "{\"issuer\":\"" ISS "\"}", NULL, "names no jwks_uri"},
    {"an address that is no text", "{\"issuer\":\"" ISS "\",\"jwks_uri\":[\"https://a/\"]}", NULL,
     "names no jwks_uri"},
    {"an address in the clear", "{\"issuer\":\"" ISS "\",\"jwks_uri\":\"http://a/\"}", NULL,
     "must start with https"},
    {"a file", "{\"issuer\":\"" ISS "\",\"jwks_uri\":\"file:///etc/passwd\"}", NULL,
     "must start with https"},
    {"two addresses", "{\"issuer\":\"" ISS "\",\"jwks_uri\":\"https://a/\",\"jwks_uri\":\"https://b/\"}",
     NULL, "not valid JSON"},
    {"a page", "<html></html>", NULL, "not valid JSON"},
    {"nothing", "", NULL, "not valid JSON"},
    {"no object", "[]", NULL, "is that of issuer"},
};

static void test_discovery(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(documents); i++) {
        char *url = NULL;
        struct an_err err = {AN_OK, ""};
        int rc = an_discovery_parse(an_str(documents[i].text), ISS, &url, &err);
        if (documents[i].url != NULL && (rc != AN_OK || strcmp(url, documents[i].url) != 0))
            fail_msg("%s: %s", documents[i].why, err.text);
        if (documents[i].fault != NULL &&
            (rc != AN_EINVAL || strstr(err.text, documents[i].fault) == NULL))
            fail_msg("%s: %d <%s>", documents[i].why, rc, err.text);
        free(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discovery),
    };
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
