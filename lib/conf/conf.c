/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/json.h"
#include "conf/keys.h"

static struct an_conf_value *named_value(const struct an_conf *c, const struct an_conf_family *f,
                                         size_t member, size_t key)
{
    return &c->values->named[f - an_conf_families][member].value[key - an_conf_first_key(f->section)];
}

static const struct an_conf_family *family_of(const struct an_conf_key *key)
{
    return an_conf_family_find(an_str(key->section));
}

const struct an_conf_value *an_conf_value(const struct an_conf *c, const char *section, const char *name)
{
    struct an_str name_of, head = an_str_split(an_str(section), '.', &name_of);
    const struct an_conf_family *f = an_conf_family_find(head);
    for (size_t k = 0; k < an_conf_key_count; k++) {
        if (!an_str_is(head, an_conf_keys[k].section) || strcmp(an_conf_keys[k].name, name) != 0)
            continue;
        if (f == NULL)
            return &c->values->value[k];
        for (size_t i = 0; i < an_conf_family_count(c, f); i++)
            if (an_str_is(name_of, an_conf_family_name(c, f, i)))
                return named_value(c, f, i, k);
    }
    return NULL;
}

static void release_field(const struct an_conf_key *key, void *base, struct an_conf_value *value)
{
    void *where = (char *)base + key->offset;
    if (key->kind == AN_CONF_TEXT)
        free(*(char **)where);
    else if (key->kind == AN_CONF_SECRET)
        an_secret_release(where);
    free(value->text);
    free(value->origin);
}

static void release_family(struct an_conf *c, const struct an_conf_family *f)
{
    struct an_conf_named_values *named = c->values->named[f - an_conf_families];
    size_t first = an_conf_first_key(f->section), keys = an_conf_count_keys(f->section);
    for (size_t i = 0; i < an_conf_family_count(c, f); i++) {
        for (size_t k = first; k < first + keys; k++)
            release_field(&an_conf_keys[k], an_conf_family_member(c, f, i), named_value(c, f, i, k));
        free(named[i].origin);
        free(*(char **)an_conf_family_member(c, f, i));
    }
    for (size_t i = 0; i < f->max; i++)
        free(named[i].value);
    free(named);
    free(an_conf_family_member(c, f, 0));
}

void an_conf_free(struct an_conf *c)
{
    if (c == NULL)
        return;
    for (size_t k = 0; k < an_conf_key_count; k++)
        if (family_of(&an_conf_keys[k]) == NULL)
            release_field(&an_conf_keys[k], c, &c->values->value[k]);
    for (size_t f = 0; f < AN_CONF_FAMILY__COUNT; f++)
        release_family(c, &an_conf_families[f]);
    free(c->values->value);
    free(c->values);
    free(c);
}

void an_conf_keep_fixed(struct an_conf *fresh, const struct an_conf *old, struct an_buf *changed)
{
    for (size_t k = 0; k < an_conf_key_count; k++) {
        const struct an_conf_key *key = &an_conf_keys[k];
        if (!key->restart) /* none of a family does */
            continue;
        void *mine = (char *)fresh + key->offset;
        const void *theirs = (const char *)old + key->offset;
        if (key->kind == AN_CONF_TEXT) {
            char **text = mine, *const *old_text = theirs;
            if (strcmp(*text, *old_text) == 0)
                continue;
            free(*text);
            *text = an_xstrdup(*old_text);
        } else {
            int64_t *number = mine;
            const int64_t *old_number = theirs;
            if (*number == *old_number)
                continue;
            *number = *old_number;
        }
        an_buf_addf(changed, "%s%s.%s", changed->len == 0 ? "" : " ", key->section, key->name);
    }
}

/* What is in force: a socket's path may have been completed since it was spelt. */
static const char *shown_text(const struct an_conf_key *key, const void *base,
                              const struct an_conf_value *value)
{
    const void *where = (const char *)base + key->offset;
    if (key->kind == AN_CONF_SECRET)
        return ((const struct an_secret *)where)->len > 0 ? "(set)" : "";
    return key->kind == AN_CONF_TEXT ? *(char *const *)where : value->text;
}

typedef void show_fn(struct an_buf *out, const char *name, const char *text, const char *origin);

static void show_value(const struct an_conf_key *key, const char *section, const void *base,
                       const struct an_conf_value *value, show_fn *show, struct an_buf *out)
{
    char name[192];
    (void)snprintf(name, sizeof name, "%s.%s", section, key->name);
    show(out, name, shown_text(key, base, value), value->origin == NULL ? "default" : value->origin);
}

static void show_family(const struct an_conf *c, const struct an_conf_family *f, show_fn *show,
                        struct an_buf *out)
{
    size_t first = an_conf_first_key(f->section), keys = an_conf_count_keys(f->section);
    for (size_t i = 0; i < an_conf_family_count(c, f); i++) {
        char section[128];
        (void)snprintf(section, sizeof section, "%s.%s", f->section, an_conf_family_name(c, f, i));
        for (size_t k = first; k < first + keys; k++)
            show_value(&an_conf_keys[k], section, an_conf_family_member(c, f, i), named_value(c, f, i, k),
                       show, out);
    }
}

static void show_all(const struct an_conf *c, show_fn *show, struct an_buf *out)
{
    for (size_t k = 0; k < an_conf_key_count; k++)
        if (family_of(&an_conf_keys[k]) == NULL)
            show_value(&an_conf_keys[k], an_conf_keys[k].section, c, &c->values->value[k], show, out);
    for (size_t f = 0; f < AN_CONF_FAMILY__COUNT; f++)
        show_family(c, &an_conf_families[f], show, out);
}

static void show_plain(struct an_buf *out, const char *name, const char *text, const char *origin)
{
    (void)origin;
    an_buf_addf(out, "%s =%s%s\n", name, text[0] == '\0' ? "" : " ", text);
}

static void show_origin(struct an_buf *out, const char *name, const char *text, const char *origin)
{
    an_buf_addf(out, "%s =%s%s  # %s\n", name, text[0] == '\0' ? "" : " ", text, origin);
}

static void show_json(struct an_buf *out, const char *name, const char *text, const char *origin)
{
    an_buf_adds(out, out->data[out->len - 1] == '{' ? "\n  " : ",\n  ");
    an_json_add_string(out, an_str(name));
    an_buf_adds(out, ": {\"value\": ");
    an_json_add_string(out, an_str(text));
    an_buf_adds(out, ", \"origin\": ");
    an_json_add_string(out, an_str(origin));
    an_buf_addc(out, '}');
}

void an_conf_show(const struct an_conf *c, bool with_origin, struct an_buf *out)
{
    show_all(c, with_origin ? show_origin : show_plain, out);
}

void an_conf_show_json(const struct an_conf *c, struct an_buf *out)
{
    an_buf_addc(out, '{');
    show_all(c, show_json, out);
    an_buf_adds(out, "\n}\n");
}

static void dump_help(struct an_buf *out, const char *help)
{
    struct an_str rest = an_str(help);
    while (rest.data != NULL) {
        struct an_str line = an_str_split(rest, '\n', &rest);
        an_buf_addf(out, "# %.*s\n", AN_STR_ARG(line));
    }
}

void an_conf_dump(struct an_buf *out)
{
    an_buf_adds(out, "# Configuration of Annals: every key with its default. Remove a # to change one.\n"
                     "# See annals.conf(5). Check with: annalsctl config check\n");
    const char *section = "";
    for (size_t k = 0; k < an_conf_key_count; k++) {
        const struct an_conf_key *key = &an_conf_keys[k];
        if (strcmp(section, key->section) != 0) {
            section = key->section;
            an_buf_addf(out, "\n# %s\n", an_conf_section_help(section));
            const struct an_conf_family *f = family_of(key);
            if (f != NULL)
                an_buf_addf(out, "#[%s.%s]\n", section, f->example);
            else
                an_buf_addf(out, "[%s]\n", section);
        }
        dump_help(out, key->help);
        an_buf_addf(out, "#%s =%s%s\n", key->name, key->fallback[0] == '\0' ? "" : " ", key->fallback);
    }
}
