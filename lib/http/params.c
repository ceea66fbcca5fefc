/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/codec.h"
#include "http/params.h"

/* What is wrong with a text, as a code and a phrase; code NULL: nothing. */
struct complaint {
    const char *code, *phrase;
};

/* Undoes percent-encoding; every escape must be whole, the result UTF-8 without NUL. */
static struct complaint decode(struct an_arena *a, struct an_str raw, bool plus_is_blank,
                               struct an_str *out)
{
    char *to = an_arena_alloc(a, raw.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.data[i];
        if (c == '%') {
            if (raw.len - i < 3 || !an_hex_decode((struct an_str){raw.data + i + 1, 2}, &c, 1))
                return (struct complaint){"escape", "has a '%' without two hexadecimal digits"};
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0')
            return (struct complaint){"nul", "holds a NUL"};
        to[len++] = (char)c;
    }
    to[len] = '\0';
    *out = (struct an_str){to, len};
    if (!an_utf8_valid(to, len))
        return (struct complaint){"utf-8", "is not valid UTF-8"};
    return (struct complaint){NULL, NULL};
}

/* A name for a message: as it was sent (it may be undecodable), cut, printable ASCII only. */
static const char *shown(struct an_arena *a, struct an_str raw)
{
    char *name = an_arena_strndup(a, raw.data, raw.len > 64 ? 64 : raw.len);
    for (char *p = name; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    return name;
}

/* *where is the name of the parameter that the complaint is about. */
static struct complaint parse(struct an_arena *a, struct an_str text, struct an_param **out,
                              const char **where)
{
    struct complaint bad = {NULL, NULL};
    size_t count = 0;
    *out = NULL;
    for (struct an_param **end = out; text.len > 0;) {
        struct an_str piece = an_str_split(text, '&', &text), value;
        if (piece.len == 0)
            continue;
        struct an_str name = an_str_split(piece, '=', &value);
        struct an_param *p = an_arena_zalloc(a, sizeof *p);
        if (++count > AN_PARAMS_MAX)
            bad = (struct complaint){"too-many", "is one too many"};
        if (bad.code == NULL)
            bad = decode(a, name, true, &p->name);
        if (bad.code == NULL)
            bad = decode(a, value, true, &p->value);
        if (bad.code != NULL) {
            *where = shown(a, name);
            return bad;
        }
        *end = p;
        end = &p->next;
    }
    return bad;
}

int an_params_parse(struct an_arena *a, struct an_str text, struct an_param **out, struct an_err *err)
{
    const char *where = "";
    struct complaint bad = parse(a, text, out, &where);
    return bad.code == NULL ? AN_OK : an_fail(err, AN_EINVAL, "parameter '%s' %s", where, bad.phrase);
}

bool an_params_check(struct an_arena *a, struct an_str text, struct an_param **out,
                     struct an_faults *faults)
{
    const char *where = "";
    struct complaint bad = parse(a, text, out, &where);
    if (bad.code != NULL)
        an_fault_add(faults, AN_FAULT_PARAMETER, where, bad.code, "The parameter %s.", bad.phrase);
    return bad.code == NULL;
}

const struct an_param *an_params_find(const struct an_param *list, const char *name)
{
    for (; list != NULL; list = list->next)
        if (an_str_is(list->name, name))
            return list;
    return NULL;
}

bool an_segment_decode(struct an_arena *a, struct an_str raw, struct an_str *out)
{
    return decode(a, raw, false, out).code == NULL && memchr(out->data, '/', out->len) == NULL;
}

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool an_percent_add(struct an_buf *out, struct an_str s)
{
    bool ok = true;
    for (size_t i = 0; i < s.len; i++)
        if (unreserved(s.data[i]))
            ok = an_buf_addc(out, s.data[i]) && ok;
        else
            ok = an_buf_addf(out, "%%%02X", (unsigned char)s.data[i]) && ok;
    return ok;
}

void an_params_add(struct an_buf *out, const struct an_param *list)
{
    for (const struct an_param *p = list; p != NULL; p = p->next) {
        if (p != list)
            an_buf_addc(out, '&');
        an_percent_add(out, p->name);
        an_buf_addc(out, '=');
        an_percent_add(out, p->value);
    }
}
