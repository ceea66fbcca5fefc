/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/jwk.h"
#include "auth/provider.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "conf/url.h"

#define DISCOVERY_MAX_BYTES (64 * 1024)

struct an_provider {
    const struct an_conf_issuer *conf;
    char *keys_url; /* what discovery found; NULL: not asked yet, or it is time to ask again */
};

const char *an_provider_source(const struct an_conf_issuer *issuer)
{
    return issuer->discovery_url[0] != '\0' ? issuer->discovery_url : issuer->keys_url;
}

struct an_provider *an_provider_new(const struct an_conf_issuer *issuer)
{
    struct an_provider *p = an_xcalloc(1, sizeof *p);
    p->conf = issuer;
    return p;
}

void an_provider_free(struct an_provider *p)
{
    if (p == NULL)
        return;
    free(p->keys_url);
    free(p);
}

static int read_discovery(struct an_arena *a, struct an_str text, const char *issuer, char **keys_url,
                          struct an_err *err)
{
    static const struct an_json_limits limits = {.depth = 16, .values = 8192};
    struct an_json *root;
    struct an_json_fault fault;
    if (!an_json_parse(a, text, &limits, &root, &fault))
        return an_fail(err, AN_EINVAL, "the discovery document is not valid JSON at byte %zu: %s",
                       fault.offset, fault.detail);
    struct an_str named = an_json_string(a, an_json_get(root, "issuer"));
    if (!an_str_is(named, issuer))
        return an_fail(err, AN_EINVAL, "the discovery document is that of issuer \"%.*s\"",
                       AN_STR_ARG(named));
    struct an_str url = an_json_string(a, an_json_get(root, "jwks_uri"));
    if (url.data == NULL)
        return an_fail(err, AN_EINVAL, "the discovery document names no jwks_uri");
    const char *fault_of_url = an_url_fault(url);
    if (fault_of_url != NULL)
        return an_fail(err, AN_EINVAL, "jwks_uri \"%.*s\" %s", AN_STR_ARG(url), fault_of_url);
    *keys_url = an_xstrndup(url.data, url.len);
    return AN_OK;
}

int an_discovery_parse(struct an_str text, const char *issuer, char **keys_url, struct an_err *err)
{
    struct an_arena *a = an_arena_new(0);
    int rc = read_discovery(a, text, issuer, keys_url, err);
    an_arena_free(a);
    return rc;
}

static int get(const struct an_provider *p, struct an_client *client, const char *url, const char *etag,
               struct an_buf *body, struct an_got *got, struct an_err *err)
{
    const struct an_get how = {.url = url,
                               .ca_file = p->conf->ca_file,
                               .etag = etag,
                               .timeout_ms = p->conf->fetch_timeout_ms};
    return an_client_get(client, &how, body, got, err);
}

static int discover(struct an_provider *p, struct an_client *client, struct an_err *err)
{
    struct an_buf text;
    struct an_got got;
    an_buf_init(&text, DISCOVERY_MAX_BYTES);
    int rc = get(p, client, p->conf->discovery_url, NULL, &text, &got, err);
    if (rc == AN_OK)
        rc = an_discovery_parse((struct an_str){text.data, text.len}, p->conf->issuer, &p->keys_url, err);
    an_buf_release(&text);
    return rc;
}

/* A set that no token could be checked with must not take the place of one that is. */
static int judge(struct an_str text, struct an_err *err)
{
    struct an_jwks keys = {NULL, 0};
    int rc = an_jwks_parse(text, &keys, err);
    an_jwks_release(&keys);
    return rc;
}

static int fetch(struct an_provider *p, struct an_client *client, const char *etag, struct an_buf *keys,
                 struct an_got *got, struct an_err *err)
{
    const char *url = p->conf->keys_url;
    if (p->conf->discovery_url[0] != '\0') {
        if (p->keys_url == NULL) {
            int rc = discover(p, client, err);
            if (rc != AN_OK)
                return rc;
        }
        url = p->keys_url;
    }
    int rc = get(p, client, url, etag, keys, got, err);
    if (rc == AN_OK && got->status == 200) {
        rc = judge((struct an_str){keys->data, keys->len}, err);
        if (rc != AN_OK)
            (void)an_fail_within(err, "%s", url);
    }
    return rc;
}

int an_provider_fetch(struct an_provider *p, struct an_client *client, const char *etag,
                      struct an_buf *keys, struct an_got *got, struct an_err *err)
{
    int rc = fetch(p, client, etag, keys, got, err);
    if (rc != AN_OK) {
        free(p->keys_url);
        p->keys_url = NULL;
    }
    return rc;
}
