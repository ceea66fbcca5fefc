/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "html/escape.h"
#include "html/mustache.h"

#define PARTIALS_MAX 16 /* partials inside of partials: more is a circle */
#define NONE SIZE_MAX

/* Where in the page a step stands: between tags, inside one, or inside one of its quoted attributes. */
enum place { BODY, TAG, DOUBLE_QUOTED, SINGLE_QUOTED };

enum kind { TEXT, VALUE, SECTION, INVERTED, END, PARTIAL };

struct step {
    enum kind kind;
    enum place place;
    struct an_str text;   /* TEXT: literal; else the name */
    struct an_str indent; /* PARTIAL: what stands before it on a line of its own */
    size_t end;           /* SECTION, INVERTED: index of its END; while open, the section around it or NONE */
};

struct an_mustache {
    struct step *steps;
    size_t count, alloc;
};

/* ---- compiling ---- */

struct compiler {
    struct an_mustache *m;
    struct an_str text;
    size_t pos;
    enum place place;
    size_t open; /* innermost open section, or NONE */
    struct an_err *err;
};

struct tag {
    char sigil; /* '#' '^' '/' '!' '>', or 0 for a variable */
    struct an_str name;
    size_t start, end; /* with its braces */
};

static int fault(struct compiler *c, size_t at, const char *what, struct an_str name)
{
    unsigned line = 1;
    for (size_t i = 0; i < at; i++)
        line += c->text.data[i] == '\n';
    return an_fail(c->err, AN_EINVAL, "line %u: %s \"%.*s\"", line, what, AN_STR_ARG(name));
}

static struct step *add_step(struct compiler *c, enum kind kind, struct an_str text)
{
    struct an_mustache *m = c->m;
    if (m->count == m->alloc) {
        m->alloc = m->alloc == 0 ? 32 : m->alloc * 2;
        m->steps = an_xrealloc(m->steps, m->alloc * sizeof(*m->steps));
    }
    struct step *s = &m->steps[m->count++];
    *s = (struct step){.kind = kind, .place = c->place, .text = text, .end = NONE};
    return s;
}

static enum place place_after(enum place place, char ch)
{
    switch (place) {
    case BODY:
        return ch == '<' ? TAG : BODY;
    case TAG:
        return ch == '>' ? BODY : ch == '"' ? DOUBLE_QUOTED : ch == '\'' ? SINGLE_QUOTED : TAG;
    case DOUBLE_QUOTED:
        return ch == '"' ? TAG : DOUBLE_QUOTED;
    case SINGLE_QUOTED:
        return ch == '\'' ? TAG : SINGLE_QUOTED;
    }
    return place;
}

static void add_text(struct compiler *c, size_t from, size_t to)
{
    if (from >= to)
        return;
    add_step(c, TEXT, (struct an_str){c->text.data + from, to - from});
    for (size_t i = from; i < to; i++)
        c->place = place_after(c->place, c->text.data[i]);
}

static size_t find(struct an_str text, size_t from, const char two[2])
{
    for (size_t i = from; i + 1 < text.len; i++)
        if (text.data[i] == two[0] && text.data[i + 1] == two[1])
            return i;
    return NONE;
}

static bool name_valid(struct an_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.data[i];
        if (!(ch >= 'a' && ch <= 'z') && !(ch >= '0' && ch <= '9') && ch != '_')
            return false;
    }
    return name.len > 0;
}

/* Reads the tag that starts at `start`. */
static int read_tag(struct compiler *c, size_t start, struct tag *tag)
{
    size_t close = find(c->text, start + 2, "}}");
    if (close == NONE)
        return fault(c, start, "tag is not closed:", AN_STR("{{"));
    struct an_str inner = {c->text.data + start + 2, close - start - 2};
    tag->end = close + 2;
    if (inner.len > 0 && strchr("#^/!>", inner.data[0]) != NULL) {
        tag->sigil = inner.data[0];
        inner.data++;
        inner.len--;
    }
    tag->name = an_str_trim(inner);
    if (tag->sigil != '!' && !name_valid(tag->name))
        return fault(c, start, "not a name of ours:", tag->name);
    return AN_OK;
}

static bool blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* Is the tag alone on its line? Then *from is where the line begins and *to where the next one does. */
static bool alone(const struct compiler *c, const struct tag *tag, size_t *from, size_t *to)
{
    size_t start = tag->start;
    while (start > 0 && blank(c->text.data[start - 1]))
        start--;
    if (start > 0 && c->text.data[start - 1] != '\n')
        return false;
    size_t end = tag->end;
    while (end < c->text.len && blank(c->text.data[end]))
        end++;
    if (end < c->text.len && c->text.data[end] == '\r')
        end++;
    if (end < c->text.len && c->text.data[end] != '\n')
        return false;
    *from = start;
    *to = end < c->text.len ? end + 1 : end;
    return true;
}

static int close_section(struct compiler *c, const struct tag *tag)
{
    if (c->open == NONE)
        return fault(c, tag->start, "closes what is not open:", tag->name);
    size_t opened = c->open;
    struct step *section = &c->m->steps[opened];
    if (!an_str_equal(section->text, tag->name))
        return fault(c, tag->start, "closes another section:", tag->name);
    if (section->place != c->place)
        return fault(c, tag->start, "section does not end where a tag or attribute ends:", tag->name);
    c->open = section->end;
    section->end = c->m->count;
    add_step(c, END, tag->name);
    return AN_OK;
}

static int compile_tag(struct compiler *c, const struct tag *tag, struct an_str indent)
{
    switch (tag->sigil) {
    case '!':
        return AN_OK;
    case '#':
    case '^':
        add_step(c, tag->sigil == '#' ? SECTION : INVERTED, tag->name)->end = c->open;
        c->open = c->m->count - 1;
        return AN_OK;
    case '/':
        return close_section(c, tag);
    case '>':
        if (c->place != BODY)
            return fault(c, tag->start, "partial inside of a tag:", tag->name);
        add_step(c, PARTIAL, tag->name)->indent = indent;
        return AN_OK;
    default:
        if (c->place == TAG)
            return fault(c, tag->start, "value in a tag without quotes:", tag->name);
        add_step(c, VALUE, tag->name);
        return AN_OK;
    }
}

static int compile(struct compiler *c)
{
    while (c->pos < c->text.len) {
        size_t start = find(c->text, c->pos, "{{");
        if (start == NONE)
            break;
        struct tag tag = {.start = start};
        int rc = read_tag(c, start, &tag);
        if (rc != AN_OK)
            return rc;
        size_t from = tag.start;
        size_t to = tag.end;
        struct an_str indent = {"", 0};
        if (tag.sigil != 0 && alone(c, &tag, &from, &to))
            indent = (struct an_str){c->text.data + from, tag.start - from};
        add_text(c, c->pos, from);
        rc = compile_tag(c, &tag, indent);
        if (rc != AN_OK)
            return rc;
        c->pos = to;
    }
    add_text(c, c->pos, c->text.len);
    if (c->open != NONE)
        return fault(c, c->text.len, "section is not closed:", c->m->steps[c->open].text);
    if (c->place != BODY)
        return fault(c, c->text.len, "ends inside of a tag:", AN_STR(""));
    return AN_OK;
}

int an_mustache_compile(struct an_str text, struct an_mustache **out, struct an_err *err)
{
    struct compiler c = {.text = text, .open = NONE, .err = err};
    c.m = an_xcalloc(1, sizeof(*c.m));
    int rc = compile(&c);
    if (rc != AN_OK) {
        an_mustache_free(c.m);
        return rc;
    }
    *out = c.m; /* the caller's now */
    return AN_OK;
}

void an_mustache_free(struct an_mustache *m)
{
    if (m == NULL)
        return;
    free(m->steps);
    free(m);
}

/* ---- rendering ---- */

/* The scopes that a name is looked up in, innermost first. */
struct frame {
    const struct an_scope *scope;
    const struct frame *up;
};

struct run {
    an_mustache_partial *partial;
    void *arg;
    struct an_buf *out;
    struct an_err *err;
    unsigned partials;    /* how deep */
    bool line_start;      /* the template (not a value) has just ended a line */
    struct an_str indent; /* of the running partial */
};

static const struct an_value *look_up(const struct frame *frame, struct an_str name)
{
    for (; frame != NULL; frame = frame->up) {
        const struct an_value *v = an_scope_find(frame->scope, name);
        if (v != NULL)
            return v;
    }
    return NULL;
}

static bool truthy(const struct an_value *v)
{
    return v != NULL && (v->flag || v->text.len > 0 || v->first != NULL);
}

static void begin_line(struct run *r)
{
    if (r->line_start)
        an_buf_add(r->out, r->indent.data, r->indent.len);
    r->line_start = false;
}

static void render_text(struct run *r, struct an_str text)
{
    if (r->indent.len == 0) {
        an_buf_add(r->out, text.data, text.len);
        return;
    }
    while (text.len > 0) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t len = newline == NULL ? text.len : (size_t)(newline - text.data) + 1;
        begin_line(r);
        an_buf_add(r->out, text.data, len);
        r->line_start = newline != NULL;
        text.data += len;
        text.len -= len;
    }
}

static void render_value(struct run *r, const struct step *s, const struct frame *frame)
{
    const struct an_value *v = look_up(frame, s->text);
    begin_line(r);
    if (v == NULL)
        return;
    if (s->place == BODY)
        an_html_add_visible(r->out, v->text);
    else
        an_html_add(r->out, v->text);
}

static int render_steps(struct run *r, const struct an_mustache *m, size_t from, size_t to,
                        const struct frame *frame);

static int render_partial(struct run *r, const struct step *s, const struct frame *frame)
{
    if (r->partials == PARTIALS_MAX)
        return an_fail(r->err, AN_EINVAL, "partial \"%.*s\" is in a circle", AN_STR_ARG(s->text));
    const struct an_mustache *m = r->partial(r->arg, s->text, r->err);
    if (m == NULL)
        return AN_EINVAL;
    if (s->indent.len == 0)
        begin_line(r);
    /* The indents of partials around this one count too. */
    char *indent = an_xmalloc(r->indent.len + s->indent.len + 1);
    memcpy(indent, r->indent.data, r->indent.len);
    memcpy(indent + r->indent.len, s->indent.data, s->indent.len);
    struct run inner = *r;
    inner.indent = (struct an_str){indent, r->indent.len + s->indent.len};
    inner.line_start = s->indent.len > 0 || r->line_start;
    inner.partials++;
    int rc = render_steps(&inner, m, 0, m->count, frame);
    r->line_start = inner.line_start;
    free(indent);
    return rc;
}

static int render_section(struct run *r, const struct an_mustache *m, size_t at, const struct frame *frame)
{
    const struct step *s = &m->steps[at];
    const struct an_value *v = look_up(frame, s->text);
    if (s->kind == INVERTED)
        return truthy(v) ? AN_OK : render_steps(r, m, at + 1, s->end, frame);
    if (!truthy(v))
        return AN_OK;
    if (v->first == NULL)
        return render_steps(r, m, at + 1, s->end, frame);
    int rc = AN_OK;
    for (const struct an_scope *item = v->first; item != NULL && rc == AN_OK; item = item->next) {
        struct frame inner = {.scope = item, .up = frame};
        rc = render_steps(r, m, at + 1, s->end, &inner);
    }
    return rc;
}

/* Recursion goes as deep as our own templates nest sections, and PARTIALS_MAX partials. */
static int render_steps(struct run *r, const struct an_mustache *m, size_t from, size_t to,
                        const struct frame *frame)
{
    int rc = AN_OK;
    for (size_t i = from; i < to && rc == AN_OK; i++) {
        const struct step *s = &m->steps[i];
        switch (s->kind) {
        case TEXT:
            render_text(r, s->text);
            break;
        case VALUE:
            render_value(r, s, frame);
            break;
        case SECTION:
        case INVERTED:
            rc = render_section(r, m, i, frame);
            i = s->end;
            break;
        case PARTIAL:
            rc = render_partial(r, s, frame);
            break;
        case END:
            break;
        }
    }
    return rc;
}

int an_mustache_render(const struct an_mustache *m, const struct an_scope *values,
                       an_mustache_partial *partial, void *arg, struct an_buf *out, struct an_err *err)
{
    struct run r = {.partial = partial, .arg = arg, .out = out, .err = err, .indent = {"", 0}};
    struct frame root = {.scope = values};
    int rc = render_steps(&r, m, 0, m->count, &root);
    if (rc == AN_OK && out->overflow)
        rc = an_fail(err, AN_ETOOBIG, "page is over %zu bytes", out->limit);
    return rc;
}
