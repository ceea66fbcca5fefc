/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "conf/cidr.h"
#include "conf/url.h"

/* What stands between the scheme and the path, or absent where the scheme is none of ours. */
static struct an_str authority_of(struct an_str url, bool *secure)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < AN_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (!an_str_starts(url, schemes[i]))
            continue;
        *secure = i == 1;
        struct an_str rest = {url.data + len, url.len - len};
        size_t end = 0;
        while (end < rest.len && strchr("/?#", rest.data[end]) == NULL)
            end++;
        return (struct an_str){rest.data, end};
    }
    return (struct an_str){NULL, 0};
}

static bool is_name(struct an_str host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    for (size_t i = 0; i < host.len; i++)
        if (memchr(allowed, host.data[i], sizeof allowed - 1) == NULL)
            return false;
    return host.len > 0;
}

/* "host", "host:port", "[address]:port". The host is absent where it is none, the port where none is
 * named. */
static struct an_str host_of(struct an_str authority, struct an_str *port)
{
    static const struct an_str none = {NULL, 0};
    if (authority.len == 0 || authority.data[0] != '[') {
        struct an_str host = an_str_split(authority, ':', port);
        return is_name(host) ? host : none;
    }
    struct an_str rest,
        host = an_str_split((struct an_str){authority.data + 1, authority.len - 1}, ']', &rest);
    struct an_str between = an_str_split(rest, ':', port);
    return an_cidr_list_holds(AN_STR("::/0 0.0.0.0/0"), host) && rest.data != NULL && between.len == 0
               ? host
               : none;
}

static bool is_this_host(struct an_str host)
{
    return an_str_case_is(host, "localhost") || an_cidr_list_holds(AN_STR("127.0.0.0/8 ::1/128"), host);
}

const char *an_url_fault(struct an_str url)
{
    bool secure = false;
    if (url.len > AN_URL_MAX)
        return "is longer than 2048 bytes";
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.data[i] <= ' ' || (unsigned char)url.data[i] >= 0x7f)
            return "holds a blank or a character that must be escaped";
    struct an_str authority = authority_of(url, &secure), port;
    if (authority.data == NULL)
        return "must start with https://";
    if (memchr(authority.data, '@', authority.len) != NULL)
        return "must not hold a user name";
    if (memchr(url.data, '#', url.len) != NULL)
        return "must not hold a fragment";
    struct an_str host = host_of(authority, &port);
    int64_t number;
    if (host.len == 0 || (port.data != NULL && !an_parse_i64(port, 1, 65535, &number)))
        return "needs a host, and perhaps a port from 1 to 65535";
    if (!secure && !is_this_host(host))
        return "must start with https://: http:// is for this host alone";
    return NULL;
}

bool an_url_loopback(struct an_str url)
{
    bool secure;
    struct an_str authority = authority_of(url, &secure), port;
    return authority.data != NULL && is_this_host(host_of(authority, &port));
}
