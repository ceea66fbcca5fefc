/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <curl/curl.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/url.h"
#include "http/client.h"

struct an_client {
    CURL *curl;
    char message[CURL_ERROR_SIZE];
};

/* One answer while it comes in. */
struct answer {
    struct an_buf *body;
    struct an_got *got;
};

struct an_client *an_client_new(void)
{
    struct an_client *client = an_xcalloc(1, sizeof *client);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || (client->curl = curl_easy_init()) == NULL)
        abort();
    return client;
}

void an_client_free(struct an_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client);
}

/* Anything but `size` makes libcurl give up. */
static size_t take_body(char *data, size_t one, size_t size, void *arg)
{
    (void)one;
    struct answer *a = arg;
    return an_buf_add(a->body, data, size) ? size : 0;
}

static size_t take_header(char *data, size_t one, size_t size, void *arg)
{
    (void)one;
    struct answer *a = arg;
    struct an_str value, name = an_str_split((struct an_str){data, size}, ':', &value);
    if (!an_str_case_is(name, "ETag"))
        return size;
    while (value.len > 0 && (value.data[value.len - 1] == '\r' || value.data[value.len - 1] == '\n'))
        value.len--;
    value = an_str_trim(value);
    if (value.len <= AN_ETAG_MAX && !an_str_has_nul(value))
        (void)snprintf(a->got->etag, sizeof a->got->etag, "%.*s", AN_STR_ARG(value));
    return size;
}

static CURLcode set_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
#else
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTPS | CURLPROTO_HTTP);
#endif
}

/* Everything that does not depend on the answer; options not named here have safe defaults (no redirects,
 * no decompression, the certificate and its name are checked). */
static bool set_up(struct an_client *client, const struct an_get *get, struct curl_slist *headers,
                   struct answer *a)
{
    CURL *c = client->curl;
    curl_easy_reset(c);
    client->message[0] = '\0';
    bool ok = set_protocols(c) == CURLE_OK && curl_easy_setopt(c, CURLOPT_URL, get->url) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_ERRORBUFFER, client->message) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)get->timeout_ms) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_WRITEDATA, a) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
              curl_easy_setopt(c, CURLOPT_HEADERDATA, a) == CURLE_OK;
    if (ok && get->ca_file != NULL && get->ca_file[0] != '\0')
        ok = curl_easy_setopt(c, CURLOPT_CAINFO, get->ca_file) == CURLE_OK;
    if (ok &&
        an_url_loopback(an_str(get->url))) /* no proxy of the environment can reach this host for us */
        ok = curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
    return ok;
}

/* Is there a tag, and could it stand in a header? It has been kept elsewhere in between. */
static bool has_etag(const struct an_get *get)
{
    if (get->etag == NULL)
        return false;
    size_t len = 0;
    while (get->etag[len] > ' ' && get->etag[len] != 0x7f)
        len++;
    return len > 0 && len <= AN_ETAG_MAX && get->etag[len] == '\0';
}

static struct curl_slist *make_headers(const struct an_get *get)
{
    char field[sizeof "If-None-Match: " + AN_ETAG_MAX];
    struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
    if (list == NULL || !has_etag(get))
        return list;
    (void)snprintf(field, sizeof field, "If-None-Match: %s", get->etag);
    struct curl_slist *longer = curl_slist_append(list, field);
    return longer == NULL ? list : longer;
}

static int failed(const struct an_client *client, CURLcode code, const struct answer *a, const char *url,
                  struct an_err *err)
{
    const char *why = client->message[0] == '\0' ? curl_easy_strerror(code) : client->message;
    if (a->body->overflow)
        return an_fail(err, AN_ETOOBIG, "%s: the answer is longer than %zu bytes", url, a->body->limit);
    bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    return an_fail(err, untrusted ? AN_EBACKEND : AN_EAGAIN, "%s: %s", url, why);
}

static int judge_status(const struct an_get *get, int status, struct an_err *err)
{
    if (status == 200 || (status == 304 && has_etag(get)))
        return AN_OK;
    bool passes = status >= 500 || status == 408 || status == 429;
    return an_fail(err, passes ? AN_EAGAIN : AN_EBACKEND, "%s: answered with status %d", get->url,
                   status);
}

int an_client_get(struct an_client *client, const struct an_get *get, struct an_buf *body,
                  struct an_got *got, struct an_err *err)
{
    *got = (struct an_got){.status = 0};
    struct answer a = {body, got};
    struct curl_slist *headers = make_headers(get);
    if (headers == NULL || !set_up(client, get, headers, &a))
        abort(); /* out of memory, or a libcurl without what we need */
    CURLcode code = curl_easy_perform(client->curl);
    long status = 0;
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return failed(client, code, &a, get->url, err);
    got->status = (int)status;
    return judge_status(get, got->status, err);
}
