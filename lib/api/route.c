/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/route.h"

#define SEGMENTS_MAX 8 /* more than any route has */

struct segments {
    struct an_str at[SEGMENTS_MAX];
    size_t count;
    bool too_many;
};

/* False: one of them cannot be decoded. */
static bool split_path(struct an_arena *arena, struct an_str path, struct segments *out)
{
    *out = (struct segments){.count = 0};
    struct an_str rest = {path.data + 1, path.len - 1};
    while (rest.data != NULL) {
        struct an_str segment;
        if (!an_segment_decode(arena, an_str_split(rest, '/', &rest), &segment))
            return false;
        if (out->count == SEGMENTS_MAX)
            out->too_many = true;
        else
            out->at[out->count++] = segment;
    }
    return true;
}

/* "." and ".." are resolved by some clients and servers and not by others: they name nothing here. */
static bool may_be_argument(struct an_str s)
{
    return s.len > 0 && !an_str_is(s, ".") && !an_str_is(s, "..");
}

/* 0: no match; 2: literally; 1: with *arg in place of {…}. */
static int fits(const struct segments *s, const char *pattern, struct an_str *arg)
{
    int how = 2;
    struct an_str rest = an_str(pattern + 1);
    *arg = (struct an_str){NULL, 0};
    for (size_t i = 0; i < s->count; i++) {
        if (rest.data == NULL)
            return 0;
        struct an_str part = an_str_split(rest, '/', &rest);
        if (an_str_starts(part, "{") && may_be_argument(s->at[i])) {
            *arg = s->at[i];
            how = 1;
        } else if (!an_str_equal(part, s->at[i])) {
            return 0;
        }
    }
    return rest.data == NULL ? how : 0;
}

static void build_allow(const bool allowed[], struct an_route_match *out)
{
    static const struct {
        enum an_method method;
        const char *names;
    } known[] = {{AN_GET, "GET, HEAD"}, {AN_POST, "POST"}, {AN_PUT, "PUT"}, {AN_DELETE, "DELETE"}};
    size_t at = 0;
    for (size_t i = 0; i < AN_COUNT(known); i++)
        if (allowed[known[i].method])
            at += (size_t)snprintf(out->allow + at, sizeof out->allow - at, "%s%s", at > 0 ? ", " : "",
                                   known[i].names);
}

struct search {
    struct segments path;
    enum an_method method;
    struct an_route_match *out;
    bool allowed[AN_METHOD_OTHER + 1];
    bool found; /* out->route has the wanted method */
    int how;    /* it fits */
};

static void consider(struct search *s, const struct an_route *r)
{
    struct an_str arg;
    int how = fits(&s->path, r->path, &arg);
    if (how == 0)
        return;
    s->allowed[r->method] = true;
    bool wanted = r->method == s->method;
    bool better = wanted ? !s->found || how > s->how : s->out->route == NULL;
    if (!better)
        return;
    s->out->route = r;
    s->out->arg = arg;
    s->how = how;
    s->found = wanted;
}

enum an_route_result an_route_find(const struct an_routes *const *tables, size_t count,
                                   struct an_arena *arena, enum an_method method, struct an_str path,
                                   struct an_route_match *out)
{
    struct search s = {.method = method == AN_HEAD ? AN_GET : method, .out = out};
    *out = (struct an_route_match){.route = NULL};
    if (path.data == NULL)
        return AN_ROUTE_NONE;
    if (!split_path(arena, path, &s.path))
        return AN_ROUTE_MALFORMED;
    for (size_t t = 0; t < count && !s.path.too_many; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            consider(&s, &tables[t]->routes[i]);
    build_allow(s.allowed, out);
    if (out->route == NULL)
        return AN_ROUTE_NONE;
    if (method == AN_OPTIONS)
        return AN_ROUTE_OPTIONS;
    if (!s.found)
        return AN_ROUTE_METHOD;
    return out->route->handle == NULL ? AN_ROUTE_ELSEWHERE : AN_ROUTE_FOUND;
}
