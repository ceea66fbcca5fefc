/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "base/suggest.h"
#include "conf/loader.h"

/* More than there are sections, or keys of one. */
#define KNOWN_MAX 64

static void add_place(const struct an_conf_loader *l, unsigned line, struct an_buf *out)
{
    an_buf_adds(out, l->file);
    if (line > 0)
        an_buf_addf(out, ":%u", line);
}

static char *place_dup(const struct an_conf_loader *l, unsigned line)
{
    struct an_buf place;
    an_buf_init(&place, AN_CONF_TEXT_MAX);
    add_place(l, line, &place);
    char *copy = an_xstrdup(place.data);
    an_buf_release(&place);
    return copy;
}

void an_conf_fault(struct an_conf_loader *l, unsigned line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_place(l, line, l->problems);
    an_buf_adds(l->problems, ": ");
    an_buf_addv(l->problems, fmt, ap);
    an_buf_addc(l->problems, '\n');
    va_end(ap);
    l->faults++;
}

/* "what, an unknown kind", with the nearest of what is known. */
static void fault_unknown(struct an_conf_loader *l, unsigned line, const char *what, struct an_str name,
                          const char *const *known, size_t count)
{
    const char *near = an_suggest(name, known, count);
    if (near == NULL)
        an_conf_fault(l, line, "%s", what);
    else
        an_conf_fault(l, line, "%s (did you mean \"%s\"?)", what, near);
}

/* Sections. */

static bool name_valid(const struct an_conf_family *f, struct an_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.data[i]) == NULL)
            return false;
    return name.len > 0 && name.len < AN_CONF_SECTION_MAX - strlen(f->section) - 1;
}

/* The place of the member of that name, made where it is new; f->max where there are too many. */
static size_t want_member(struct an_conf *c, const struct an_conf_family *f, struct an_str name)
{
    size_t *count = (size_t *)(void *)((char *)c + f->count);
    for (size_t i = 0; i < *count; i++)
        if (an_str_is(name, an_conf_family_name(c, f, i)))
            return i;
    if (*count == f->max)
        return f->max;
    char **member = an_conf_family_member(c, f, *count); /* begins with its name */
    *member = an_xstrndup(name.data, name.len);
    return (*count)++;
}

static bool enter_family(struct an_conf_loader *l, unsigned line, const struct an_conf_family *f,
                         struct an_str name)
{
    if (!name_valid(f, name)) {
        an_conf_fault(l, line, "[%s.NAME] needs a NAME of a-z, 0-9 and _", f->section);
        return false;
    }
    size_t place = want_member(l->conf, f, name);
    if (place == f->max) {
        an_conf_fault(l, line, "more than %zu %s", f->max, f->many);
        return false;
    }
    struct an_conf_named_values *values = &l->conf->values->named[f - an_conf_families][place];
    if (values->origin == NULL)
        values->origin = place_dup(l, line);
    l->member = an_conf_family_member(l->conf, f, place);
    l->table = f->section;
    l->values = values->value;
    l->first_key = an_conf_first_key(f->section);
    return true;
}

static bool enter_plain(struct an_conf_loader *l, unsigned line, struct an_str name)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    char what[128];
    for (size_t i = 0; i < an_conf_key_count; i++) {
        const char *section = an_conf_keys[i].section;
        if (an_conf_family_find(an_str(section)) != NULL)
            continue;
        if (an_str_is(name, section)) {
            l->table = section;
            l->member = NULL;
            l->values = l->conf->values->value;
            l->first_key = 0;
            return true;
        }
        if (count == 0 || strcmp(known[count - 1], section) != 0)
            known[count++] = section;
    }
    (void)snprintf(what, sizeof what, "unknown section [%.*s]", AN_STR_ARG(name));
    fault_unknown(l, line, what, name, known, count);
    return false;
}

void an_conf_enter(struct an_conf_loader *l, unsigned line, struct an_str name)
{
    struct an_str rest, head = an_str_split(name, '.', &rest);
    l->section_refused = false;
    l->section[0] = '\0';
    const struct an_conf_family *f = an_conf_family_find(head);
    bool entered = f != NULL ? enter_family(l, line, f, rest) : enter_plain(l, line, name);
    if (entered)
        (void)snprintf(l->section, sizeof l->section, "%.*s", AN_STR_ARG(name));
    else
        l->section_refused = true;
}

/* Keys. */

static const struct an_conf_key *key_find(const char *table, struct an_str name)
{
    for (size_t i = 0; i < an_conf_key_count; i++)
        if (strcmp(an_conf_keys[i].section, table) == 0 && an_str_is(name, an_conf_keys[i].name))
            return &an_conf_keys[i];
    return NULL;
}

static void fault_unknown_key(struct an_conf_loader *l, unsigned line, struct an_str name)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    char what[128];
    for (size_t i = 0; i < an_conf_key_count; i++)
        if (strcmp(an_conf_keys[i].section, l->table) == 0)
            known[count++] = an_conf_keys[i].name;
    (void)snprintf(what, sizeof what, "%s.%.*s: unknown key", l->section, AN_STR_ARG(name));
    fault_unknown(l, line, what, name, known, count);
}

/* A password inside a connection string: "password=..." or "scheme://user:password@". */
static bool holds_password(const struct an_secret *s)
{
    for (const char *p = s->data; (p = strstr(p, "password")) != NULL; p += strlen("password")) {
        const char *after = p + strlen("password");
        if (after[strspn(after, " \t")] == '=')
            return true;
    }
    const char *authority = strstr(s->data, "://");
    if (authority == NULL)
        return false;
    authority += strlen("://");
    size_t user = strcspn(authority, ":@/?");
    return authority[user] == ':' && strcspn(authority, "@") < strcspn(authority, "/?");
}

static void warn_readable(struct an_conf_loader *l, unsigned line, const struct an_conf_key *key)
{
    add_place(l, line, l->problems);
    an_buf_addf(l->problems,
                ": warning: %s.%s: holds a password in a file that everybody can read: chmod o-r\n",
                l->section, key->name);
}

void an_conf_set_fallback(const struct an_conf_key *key, void *base)
{
    struct an_buf why;
    an_buf_init(&why, 4096);
    if (!an_conf_set(key, base, an_str(key->fallback), &why)) {
        (void)fprintf(stderr, "annals: default of %s.%s: %s\n", key->section, key->name, why.data);
        abort(); /* our own table is wrong */
    }
    an_buf_release(&why);
}

static void remember(struct an_conf_loader *l, unsigned line, const struct an_conf_key *key,
                     struct an_str text)
{
    struct an_conf_value *v = &l->values[(size_t)(key - an_conf_keys) - l->first_key];
    free(v->origin);
    v->origin = place_dup(l, line);
    free(v->text);
    v->text = key->kind == AN_CONF_SECRET ? NULL : an_xstrndup(text.data, text.len);
    v->source = l->source;
    v->line = line;
}

void an_conf_take(struct an_conf_loader *l, unsigned line, struct an_str name, struct an_str text)
{
    if (l->section_refused)
        return;
    if (l->section[0] == '\0') {
        an_conf_fault(l, line, "a key in front of the first [section]");
        return;
    }
    const struct an_conf_key *key = key_find(l->table, name);
    if (key == NULL) {
        fault_unknown_key(l, line, name);
        return;
    }
    const struct an_conf_value *before = &l->values[(size_t)(key - an_conf_keys) - l->first_key];
    if (before->source == l->source) {
        an_conf_fault(l, line, "%s.%s: already set in line %u", l->section, key->name, before->line);
        return;
    }
    struct an_buf why;
    an_buf_init(&why, 4096);
    void *base = l->member != NULL ? l->member : l->conf;
    if (!an_conf_set(key, base, text, &why)) {
        an_conf_fault(l, line, "%s.%s: %s", l->section, key->name, why.data);
        an_conf_set_fallback(key, base); /* so that rules across keys find no second fault in it */
    } else if (key->kind == AN_CONF_SECRET && l->world_readable &&
               holds_password((struct an_secret *)((char *)base + key->offset))) {
        warn_readable(l, line, key);
    }
    an_buf_release(&why);
    remember(l, line, key, text);
}
