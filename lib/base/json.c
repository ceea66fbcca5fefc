/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <endian.h>

#include "base/json.h"
#include "base/mem.h"

/* Up to here names are compared pairwise; larger objects are sorted (an object with a million members must
 * not cost a million squared). */
#define PAIRWISE_MEMBERS 16

struct parser {
    struct an_arena *arena;
    const char *s;
    size_t len, pos;
    struct an_json_limits limits;
    size_t values;
    struct an_json *scratch; /* skipping: the one node that every value uses in turn */
    struct an_json_fault *fault;
};

/* One open array or object. */
struct level {
    struct an_json *container, *last;
    enum an_json_type type;
};

static bool refuse(struct parser *p, const char *code, const char *detail)
{
    p->fault->offset = p->pos;
    p->fault->code = code;
    p->fault->detail = detail;
    return false;
}

bool an_json_skip_space(struct an_str text, size_t *pos)
{
    while (*pos < text.len && (text.data[*pos] == ' ' || text.data[*pos] == '\n' || text.data[*pos] == '\r' ||
                               text.data[*pos] == '\t'))
        ++*pos;
    return *pos < text.len;
}

static bool skip_space(struct parser *p)
{
    if (p->pos < p->len && p->s[p->pos] > ' ') /* mostly there is none */
        return true;
    return an_json_skip_space((struct an_str){p->s, p->len}, &p->pos);
}

static int hex4(const char *s)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* At the four digits of a \u escape; moves behind them, and behind the second half of a pair. */
static bool check_unicode_escape(struct parser *p)
{
    int unit = p->len - p->pos >= 4 ? hex4(p->s + p->pos) : -1;
    if (unit < 0)
        return refuse(p, "syntax", "\\u needs four hexadecimal digits");
    if (unit == 0)
        return refuse(p, "nul", "the character U+0000 is not accepted");
    p->pos += 4;
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return refuse(p, "surrogate", "a low surrogate without a high one before it");
    if (unit < 0xD800 || unit > 0xDBFF)
        return true;
    int low = p->len - p->pos >= 6 && p->s[p->pos] == '\\' && p->s[p->pos + 1] == 'u'
                  ? hex4(p->s + p->pos + 2)
                  : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return refuse(p, "surrogate", "a high surrogate without a low one behind it");
    p->pos += 6;
    return true;
}

static bool plain(unsigned char c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

/* How many bytes at s are plain. Eight at once: each that is not gets its top bit set, and a borrow reaches
 * only bytes behind the first such. */
static size_t plain_run(const char *s, size_t len)
{
    static const uint64_t each = UINT64_C(0x0101010101010101), top = UINT64_C(0x8080808080808080);
    size_t i = 0;
    for (; len - i >= sizeof each; i += sizeof each) {
        uint64_t word;
        memcpy(&word, s + i, sizeof word);
        word = le64toh(word);
        uint64_t control = word - each * ' ';
        uint64_t quote = (word ^ each * '"') - each;
        uint64_t slash = (word ^ each * '\\') - each;
        uint64_t found = (word | control | quote | slash) & top;
        if (found != 0)
            return i + (size_t)__builtin_ctzll(found) / 8;
    }
    while (i < len && plain((unsigned char)s[i]))
        i++;
    return i;
}

/* At the opening quote; moves behind the closing one. */
static bool scan_string(struct parser *p, struct an_str *text, bool *escaped)
{
    size_t start = p->pos++;
    bool high = false;
    *escaped = false;
    for (;;) {
        p->pos += plain_run(p->s + p->pos, p->len - p->pos);
        if (p->pos == p->len)
            return refuse(p, "syntax", "a string is not closed");
        unsigned char c = (unsigned char)p->s[p->pos];
        if (c == '"')
            break;
        if (c == 0)
            return refuse(p, "nul", "the character U+0000 is not accepted");
        if (c < 0x20)
            return refuse(p, "syntax", "a raw control character in a string");
        p->pos++;
        if (c >= 0x80) {
            high = true;
            while (p->pos < p->len && (unsigned char)p->s[p->pos] >= 0x80)
                p->pos++;
        } else if (c == '\\') {
            *escaped = true;
            char e = p->pos < p->len ? p->s[p->pos] : '\0';
            if (e == '\0' || strchr("\"\\/bfnrtu", e) == NULL)
                return refuse(p, "syntax", "an unknown escape in a string");
            p->pos++;
            if (e == 'u' && !check_unicode_escape(p))
                return false;
        }
    }
    p->pos++;
    *text = (struct an_str){p->s + start, p->pos - start};
    if (high && !an_utf8_valid(text->data, text->len)) {
        p->pos = start;
        return refuse(p, "utf-8", "a string is not valid UTF-8");
    }
    return true;
}

static size_t scan_digits(struct parser *p)
{
    size_t start = p->pos;
    while (p->pos < p->len && p->s[p->pos] >= '0' && p->s[p->pos] <= '9')
        p->pos++;
    return p->pos - start;
}

static bool scan_number(struct parser *p)
{
    if (p->s[p->pos] == '-')
        p->pos++;
    bool zero = p->pos < p->len && p->s[p->pos] == '0';
    size_t digits = scan_digits(p);
    if (digits == 0 || (zero && digits > 1))
        return refuse(p, "syntax", "not a number as JSON writes it");
    if (p->pos < p->len && p->s[p->pos] == '.') {
        p->pos++;
        if (scan_digits(p) == 0)
            return refuse(p, "syntax", "a number needs digits after its point");
    }
    if (p->pos < p->len && (p->s[p->pos] == 'e' || p->s[p->pos] == 'E')) {
        p->pos++;
        if (p->pos < p->len && (p->s[p->pos] == '+' || p->s[p->pos] == '-'))
            p->pos++;
        if (scan_digits(p) == 0)
            return refuse(p, "syntax", "a number needs digits in its exponent");
    }
    return true;
}

static bool scan_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if (p->len - p->pos < n || memcmp(p->s + p->pos, word, n) != 0)
        return refuse(p, "syntax", "not a JSON value");
    p->pos += n;
    return true;
}

/* A string, number or word; for a bracket only the opening character is taken. */
static bool scan_value(struct parser *p, struct an_json *v)
{
    size_t start = p->pos;
    bool ok;
    switch (p->s[p->pos]) {
    case '{':
        v->type = AN_JSON_OBJECT;
        p->pos++;
        ok = true;
        break;
    case '[':
        v->type = AN_JSON_ARRAY;
        p->pos++;
        ok = true;
        break;
    case '"':
        v->type = AN_JSON_STRING;
        return scan_string(p, &v->text, &v->escaped);
    case 't':
        v->type = AN_JSON_TRUE;
        ok = scan_word(p, "true");
        break;
    case 'f':
        v->type = AN_JSON_FALSE;
        ok = scan_word(p, "false");
        break;
    case 'n':
        v->type = AN_JSON_NULL;
        ok = scan_word(p, "null");
        break;
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        v->type = AN_JSON_NUMBER;
        ok = scan_number(p);
        break;
    case '\0':
        return refuse(p, "nul", "the character U+0000 is not accepted");
    default:
        return refuse(p, "syntax", "not a JSON value");
    }
    v->text = (struct an_str){p->s + start, p->pos - start};
    return ok;
}

static int utf8_put(char *out, unsigned c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* Content of a scanned string that has escapes; never longer than its spelling. */
static struct an_str unescape(struct an_arena *a, struct an_str text)
{
    char *out = an_arena_alloc(a, text.len);
    size_t n = 0;
    for (size_t i = 1; i + 1 < text.len; i++) {
        char c = text.data[i];
        if (c != '\\') {
            out[n++] = c;
            continue;
        }
        c = text.data[++i];
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *at = strchr(from, c);
        if (c != 'u') {
            out[n++] = at == NULL ? c : to[at - from];
            continue;
        }
        unsigned unit = (unsigned)hex4(text.data + i + 1);
        i += 4;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            unsigned low = (unsigned)hex4(text.data + i + 3);
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            i += 6;
        }
        n += (size_t)utf8_put(out + n, unit);
    }
    return (struct an_str){out, n};
}

static struct an_str content(struct an_arena *a, struct an_str text, bool escaped)
{
    if (escaped)
        return unescape(a, text);
    return (struct an_str){text.data + 1, text.len - 2};
}

static int by_name(const void *left, const void *right)
{
    const struct an_json *a = *(struct an_json *const *)left, *b = *(struct an_json *const *)right;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return memcmp(a->name.data, b->name.data, a->name.len);
}

static bool same_name(const struct an_json *a, const struct an_json *b)
{
    return a->name.len == b->name.len && memcmp(a->name.data, b->name.data, a->name.len) == 0;
}

/* At the end of an object: are all its names different? */
static bool check_names(struct parser *p, struct an_json *object)
{
    bool twice = false;
    if (object->count <= PAIRWISE_MEMBERS) {
        for (struct an_json *m = object->child; m != NULL; m = m->next)
            for (struct an_json *n = m->next; n != NULL; n = n->next)
                twice = twice || same_name(m, n);
    } else {
        struct an_json **all = an_xmalloc(object->count * sizeof(struct an_json *));
        size_t count = 0;
        for (struct an_json *m = object->child; m != NULL; m = m->next)
            all[count++] = m;
        qsort(all, count, sizeof(struct an_json *), by_name);
        for (size_t i = 1; i < count; i++)
            twice = twice || same_name(all[i - 1], all[i]);
        free(all);
    }
    return !twice || refuse(p, "duplicate-member", "an object has two members of the same name");
}

/* Reads `"name" :` of a member into v. */
static bool scan_name(struct parser *p, struct an_json *v)
{
    if (p->pos == p->len || p->s[p->pos] != '"')
        return refuse(p, "syntax", "a member must begin with its name in quotes");
    bool escaped;
    if (!scan_string(p, &v->name_text, &escaped))
        return false;
    if (p->scratch == NULL)
        v->name = content(p->arena, v->name_text, escaped);
    (void)skip_space(p);
    if (p->pos == p->len || p->s[p->pos] != ':')
        return refuse(p, "syntax", "a colon must follow a member's name");
    p->pos++;
    (void)skip_space(p);
    return true;
}

/* At a place where a value must stand: makes its node and hangs it into the open container. */
static bool take_value(struct parser *p, struct level *open, struct an_json **out)
{
    if (p->values++ >= p->limits.values)
        return refuse(p, "values", "too many values");
    struct an_json *v = p->scratch;
    if (v == NULL) {
        v = an_arena_alloc(p->arena, sizeof *v);
        *v = (struct an_json){0};
    }
    if (open != NULL && open->type == AN_JSON_OBJECT && !scan_name(p, v))
        return false;
    if (p->pos == p->len)
        return refuse(p, "syntax", "the text ends where a value should stand");
    if (!scan_value(p, v))
        return false;
    if (open != NULL && p->scratch == NULL) {
        if (open->last == NULL)
            open->container->child = v;
        else
            open->last->next = v;
        open->last = v;
        open->container->count++;
    }
    *out = v;
    return true;
}

static char closer(const struct level *l)
{
    return l->type == AN_JSON_OBJECT ? '}' : ']';
}

/* Closes as many containers as end here; leaves p->pos at the next value where one must follow. */
static bool after_value(struct parser *p, struct level *stack, unsigned *depth)
{
    while (*depth > 0) {
        struct level *l = &stack[*depth - 1];
        (void)skip_space(p);
        char c = p->pos < p->len ? p->s[p->pos] : '\0';
        if (c == ',') {
            p->pos++;
            (void)skip_space(p);
            return true;
        }
        if (c != closer(l))
            return refuse(p, "syntax", "a comma or a closing bracket must follow a value");
        p->pos++;
        --*depth;
        if (p->scratch != NULL)
            continue;
        l->container->text.len = (size_t)(p->s + p->pos - l->container->text.data);
        if (l->type == AN_JSON_OBJECT && !check_names(p, l->container))
            return false;
    }
    return true;
}

static bool parse(struct parser *p, struct level *stack, struct an_json **out)
{
    unsigned depth = 0;
    struct an_json *root = NULL;
    do {
        struct an_json *v;
        if (!take_value(p, depth > 0 ? &stack[depth - 1] : NULL, &v))
            return false;
        if (root == NULL)
            root = v;
        if (v->type == AN_JSON_ARRAY || v->type == AN_JSON_OBJECT) {
            if (depth == p->limits.depth)
                return refuse(p, "depth", "nested too deeply");
            stack[depth++] = (struct level){.container = v, .type = v->type};
            (void)skip_space(p);
            if (p->pos == p->len || p->s[p->pos] != closer(&stack[depth - 1]))
                continue;
        } else if (depth + 1 > p->limits.depth) {
            return refuse(p, "depth", "nested too deeply");
        }
        if (!after_value(p, stack, &depth))
            return false;
    } while (depth > 0);
    *out = root;
    return true;
}

bool an_json_parse_at(struct an_arena *a, struct an_str text, size_t *pos,
                      const struct an_json_limits *limits, struct an_json **out, struct an_json_fault *fault)
{
    struct parser p = {
        .arena = a, .s = text.data, .len = text.len, .pos = *pos, .limits = *limits, .fault = fault};
    if (!skip_space(&p))
        return refuse(&p, "empty", "no JSON value");
    struct level *stack = an_arena_alloc(a, limits->depth * sizeof(struct level));
    bool ok = parse(&p, stack, out);
    *pos = p.pos;
    return ok;
}

bool an_json_skip_at(struct an_arena *a, struct an_str text, size_t *pos, unsigned depth,
                     struct an_json_fault *fault)
{
    struct an_json node = {0}, *root;
    struct parser p = {.arena = a, .s = text.data, .len = text.len, .pos = *pos, .fault = fault,
                       .limits = {.depth = depth, .values = SIZE_MAX}, .scratch = &node};
    if (!skip_space(&p))
        return refuse(&p, "empty", "no JSON value");
    struct level *stack = an_arena_alloc(a, depth * sizeof(struct level));
    bool ok = parse(&p, stack, &root);
    *pos = p.pos;
    return ok;
}

bool an_json_parse(struct an_arena *a, struct an_str text, const struct an_json_limits *limits,
                   struct an_json **out, struct an_json_fault *fault)
{
    size_t pos = 0;
    if (!an_json_parse_at(a, text, &pos, limits, out, fault))
        return false;
    if (!an_json_skip_space(text, &pos))
        return true;
    *fault = (struct an_json_fault){pos, "syntax", "something follows the JSON value"};
    return false;
}

struct an_json *an_json_get(const struct an_json *object, const char *name)
{
    if (object == NULL || object->type != AN_JSON_OBJECT)
        return NULL;
    struct an_str wanted = an_str(name);
    struct an_json *m = object->child;
    while (m != NULL && !an_str_equal(m->name, wanted))
        m = m->next;
    return m;
}

struct an_str an_json_string(struct an_arena *a, const struct an_json *value)
{
    if (value == NULL || value->type != AN_JSON_STRING)
        return (struct an_str){NULL, 0};
    return content(a, value->text, value->escaped);
}

bool an_json_int(const struct an_json *value, int64_t *out)
{
    return value != NULL && value->type == AN_JSON_NUMBER && !an_str_is(value->text, "-0") &&
           an_parse_i64(value->text, INT64_MIN, INT64_MAX, out);
}

bool an_json_add_string(struct an_buf *out, struct an_str s)
{
    bool ok = an_buf_addc(out, '"');
    size_t plain = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        ok = an_buf_add(out, s.data + plain, i - plain) && ok;
        plain = i + 1;
        if (c >= 0x20)
            ok = an_buf_addf(out, "\\%c", c) && ok;
        else
            ok = an_buf_addf(out, "\\u%04x", c) && ok;
    }
    ok = an_buf_add(out, s.data + plain, s.len - plain) && ok;
    return an_buf_addc(out, '"') && ok;
}
