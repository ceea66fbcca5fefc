/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "conf/cidr.h"
#include "http/addr.h"

static bool is_address(struct an_str s)
{
    return an_cidr_list_holds(AN_STR("0.0.0.0/0 ::/0"), s);
}

/* "192.0.2.1:4711", "[2001:db8::1]:443" and "[2001:db8::1]" without port and brackets. */
static struct an_str without_port(struct an_str s)
{
    struct an_str rest;
    if (an_str_starts(s, "["))
        return an_str_split((struct an_str){s.data + 1, s.len - 1}, ']', &rest);
    struct an_str host = an_str_split(s, ':', &rest);
    bool one_colon = rest.data != NULL && memchr(rest.data, ':', rest.len) == NULL;
    return one_colon ? host : s;
}

/* Cuts the last item off a list separated by commas. */
static struct an_str last_item(struct an_str *list)
{
    size_t start = list->len;
    while (start > 0 && list->data[start - 1] != ',')
        start--;
    struct an_str item = {list->data + start, list->len - start};
    list->len = start > 0 ? start - 1 : 0;
    return without_port(an_str_trim(item));
}

struct an_str an_addr_client(struct an_str peer, struct an_str forwarded_for, struct an_str trusted)
{
    struct an_str client = peer;
    while (forwarded_for.len > 0 && an_cidr_list_holds(trusted, client)) {
        struct an_str before = last_item(&forwarded_for);
        if (!is_address(before))
            break;
        client = before;
    }
    return client;
}
