/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/suggest.h"
#include "conf/ini.h"
#include "conf/keys.h"

#define DEFAULT_PATH AN_SYSCONFDIR "/annals/annals.conf"
#define ENVIRONMENT_PREFIX "ANNALS_SET_"
#define FILE_LIMIT (1 << 20)
#define ISSUERS_MAX 64
#define SECTION_NAME_MAX 64

extern char **environ;

struct loader {
    struct an_conf *conf;
    struct an_buf *problems;
    unsigned faults;
    unsigned source;      /* counts files and variables, from 1 */
    const char *file;     /* the one being read; for the environment, the variable */
    bool world_readable;  /* that file */
    /* The section that the lines belong to. */
    char section[SECTION_NAME_MAX]; /* as written; empty: none or unknown, whose keys are not looked at */
    bool section_refused;
    const char *table;                 /* its section in the table of keys */
    struct an_conf_issuer *issuer;     /* where it is one */
    struct an_conf_value *values;      /* its values: by place of the key less `first_key` */
    size_t first_key;
};

const char *an_conf_default_path(void)
{
    const char *named = getenv("ANNALS_CONF");
    return named != NULL && named[0] != '\0' ? named : DEFAULT_PATH;
}

static void add_place(const struct loader *l, unsigned line, struct an_buf *out)
{
    an_buf_adds(out, l->file);
    if (line > 0)
        an_buf_addf(out, ":%u", line);
}

static char *place_dup(const struct loader *l, unsigned line)
{
    struct an_buf place;
    an_buf_init(&place, FILE_LIMIT);
    add_place(l, line, &place);
    char *copy = an_xstrdup(place.data);
    an_buf_release(&place);
    return copy;
}

static void fault(struct loader *l, unsigned line, const char *fmt, ...) AN_PRINTF(3, 4);
static void fault(struct loader *l, unsigned line, const char *fmt, ...)
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

static void fault_unknown(struct loader *l, unsigned line, const char *what, struct an_str name,
                          const char *const *known, size_t count)
{
    const char *near = an_suggest(name, known, count);
    if (near == NULL)
        fault(l, line, "%s %.*s", what, AN_STR_ARG(name));
    else
        fault(l, line, "%s %.*s (did you mean \"%s\"?)", what, AN_STR_ARG(name), near);
}

/* Sections. */

static bool issuer_name_valid(struct an_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.data[i]) == NULL)
            return false;
    return name.len > 0 && name.len < SECTION_NAME_MAX - sizeof AN_CONF_ISSUER;
}

static size_t first_key_of(const char *section)
{
    size_t i = 0;
    while (strcmp(an_conf_keys[i].section, section) != 0)
        i++;
    return i;
}

/* The issuer of that name, made where it is new; NULL where there are too many. */
static struct an_conf_issuer *want_issuer(struct an_conf *c, struct an_str name)
{
    for (size_t i = 0; i < c->issuer_count; i++)
        if (an_str_is(name, c->issuers[i].name))
            return &c->issuers[i];
    if (c->issuer_count == ISSUERS_MAX)
        return NULL;
    struct an_conf_issuer *issuer = &c->issuers[c->issuer_count++];
    issuer->name = an_xstrndup(name.data, name.len);
    return issuer;
}

static bool enter_issuer(struct loader *l, unsigned line, struct an_str name)
{
    if (!issuer_name_valid(name)) {
        fault(l, line, "[%s.NAME] needs a NAME of a-z, 0-9 and _", AN_CONF_ISSUER);
        return false;
    }
    l->issuer = want_issuer(l->conf, name);
    if (l->issuer == NULL) {
        fault(l, line, "more than %d issuers", ISSUERS_MAX);
        return false;
    }
    struct an_conf_issuer_values *values = &l->conf->values->issuer[l->issuer - l->conf->issuers];
    if (values->origin == NULL)
        values->origin = place_dup(l, line);
    l->table = AN_CONF_ISSUER;
    l->values = values->value;
    l->first_key = first_key_of(AN_CONF_ISSUER);
    return true;
}

static bool enter_plain(struct loader *l, unsigned line, struct an_str name)
{
    const char *known[64];
    size_t count = 0;
    for (size_t i = 0; i < an_conf_key_count; i++) {
        const char *section = an_conf_keys[i].section;
        if (an_conf_key_is_issuer(&an_conf_keys[i]))
            continue;
        if (an_str_is(name, section)) {
            l->table = section;
            l->issuer = NULL;
            l->values = l->conf->values->value;
            l->first_key = 0;
            return true;
        }
        if (count == 0 || strcmp(known[count - 1], section) != 0)
            known[count++] = section;
    }
    fault_unknown(l, line, "unknown section", name, known, count);
    return false;
}

static void on_section(void *data, unsigned line, struct an_str name)
{
    struct loader *l = data;
    struct an_str rest, head = an_str_split(name, '.', &rest);
    l->section_refused = false;
    l->section[0] = '\0';
    bool entered = an_str_is(head, AN_CONF_ISSUER) ? enter_issuer(l, line, rest) : enter_plain(l, line, name);
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

static void fault_unknown_key(struct loader *l, unsigned line, struct an_str name)
{
    const char *known[64];
    size_t count = 0;
    char what[SECTION_NAME_MAX + 32];
    for (size_t i = 0; i < an_conf_key_count; i++) {
        if (strcmp(an_conf_keys[i].section, l->table) == 0)
            known[count++] = an_conf_keys[i].name;
    }
    (void)snprintf(what, sizeof what, "%s: unknown key", l->section);
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

static void warn_readable(struct loader *l, unsigned line, const struct an_conf_key *key)
{
    add_place(l, line, l->problems);
    an_buf_addf(l->problems, ": warning: %s.%s: holds a password in a file that everybody can read: chmod o-r\n",
                l->section, key->name);
}

static void set_fallback(const struct an_conf_key *key, void *base)
{
    struct an_buf why;
    an_buf_init(&why, 4096);
    if (!an_conf_set(key, base, an_str(key->fallback), &why)) {
        (void)fprintf(stderr, "annals: default of %s.%s: %s\n", key->section, key->name, why.data);
        abort(); /* our own table is wrong */
    }
    an_buf_release(&why);
}

static void remember(struct loader *l, unsigned line, const struct an_conf_key *key, struct an_str text)
{
    struct an_conf_value *v = &l->values[(size_t)(key - an_conf_keys) - l->first_key];
    free(v->origin);
    v->origin = place_dup(l, line);
    free(v->text);
    v->text = key->kind == AN_CONF_SECRET ? NULL : an_xstrndup(text.data, text.len);
    v->source = l->source;
    v->line = line;
}

static void on_key(void *data, unsigned line, struct an_str name, struct an_str text)
{
    struct loader *l = data;
    if (l->section_refused)
        return;
    if (l->section[0] == '\0') {
        fault(l, line, "a key in front of the first [section]");
        return;
    }
    const struct an_conf_key *key = key_find(l->table, name);
    if (key == NULL) {
        fault_unknown_key(l, line, name);
        return;
    }
    const struct an_conf_value *before = &l->values[(size_t)(key - an_conf_keys) - l->first_key];
    if (before->source == l->source) {
        fault(l, line, "%s.%s: already set in line %u", l->section, key->name, before->line);
        return;
    }
    struct an_buf why;
    an_buf_init(&why, 4096);
    void *base = l->issuer != NULL ? (void *)l->issuer : (void *)l->conf;
    if (!an_conf_set(key, base, text, &why)) {
        fault(l, line, "%s.%s: %s", l->section, key->name, why.data);
        set_fallback(key, base); /* so that rules across keys find no second fault in it */
    } else if (key->kind == AN_CONF_SECRET && l->world_readable &&
             holds_password((struct an_secret *)((char *)base + key->offset)))
        warn_readable(l, line, key);
    an_buf_release(&why);
    remember(l, line, key, text);
}

static void on_fault(void *data, unsigned line, const char *what)
{
    fault(data, line, "%s", what);
}

/* Files. */

static void load_file(struct loader *l, const char *path, bool must_exist)
{
    struct an_buf text;
    struct an_err err;
    struct stat st;
    an_buf_init(&text, FILE_LIMIT);
    l->file = path;
    l->source++;
    l->section[0] = '\0';
    l->section_refused = false;
    l->world_readable = stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
    int rc = an_file_read(path, &text, &err);
    if (rc == AN_OK) {
        const struct an_ini_handler handler = {l, on_section, on_key, on_fault};
        an_ini_parse((struct an_str){text.data, text.len}, &handler);
    } else if (rc != AN_ENOENT || must_exist) {
        an_buf_addf(l->problems, "%s\n", err.text);
        l->faults++;
    }
    an_buf_release(&text);
}

static int is_conf_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_folder(struct loader *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? 0 : (int)(slash - path) + 1;
    struct an_buf folder, file;
    struct dirent **entries;
    an_buf_init(&folder, FILE_LIMIT);
    an_buf_init(&file, FILE_LIMIT);
    an_buf_addf(&folder, "%.*sconf.d", len, path);
    int count = scandir(folder.data, &entries, is_conf_file, by_bytes);
    for (int i = 0; i < count; i++) {
        an_buf_clear(&file);
        an_buf_addf(&file, "%s/%s", folder.data, entries[i]->d_name);
        load_file(l, file.data, true);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    an_buf_release(&folder);
    an_buf_release(&file);
}

/* Environment. */

/* "issuer_local_keys_file" -> section "issuer.local", key "keys_file": the key is known, the rest is NAME. */
static bool split_issuer(struct an_str rest, struct an_str *name, struct an_str *key)
{
    for (size_t i = first_key_of(AN_CONF_ISSUER); i < an_conf_key_count; i++) {
        size_t len = strlen(an_conf_keys[i].name);
        if (rest.len > len + 1 && rest.data[rest.len - len - 1] == '_' &&
            memcmp(rest.data + rest.len - len, an_conf_keys[i].name, len) == 0) {
            *name = (struct an_str){rest.data, rest.len - len - 1};
            *key = (struct an_str){rest.data + rest.len - len, len};
            return true;
        }
    }
    return false;
}

static void load_variable(struct loader *l, struct an_str lowered, struct an_str value)
{
    struct an_str rest, section = an_str_split(lowered, '_', &rest), key = rest, name;
    char full[SECTION_NAME_MAX];
    l->source++;
    if (an_str_is(section, AN_CONF_ISSUER)) {
        if (rest.data == NULL || !split_issuer(rest, &name, &key)) {
            fault(l, 0, "no key of an issuer: " ENVIRONMENT_PREFIX "ISSUER_<NAME>_<KEY>");
            return;
        }
        int n = snprintf(full, sizeof full, AN_CONF_ISSUER ".%.*s", AN_STR_ARG(name));
        section = (struct an_str){full, (size_t)n < sizeof full ? (size_t)n : sizeof full - 1};
    }
    on_section(l, 0, section);
    on_key(l, 0, key, value);
}

static void load_environment(struct loader *l)
{
    struct an_buf variable, lowered;
    an_buf_init(&variable, FILE_LIMIT);
    an_buf_init(&lowered, FILE_LIMIT);
    l->world_readable = false;
    for (char **e = environ; *e != NULL; e++) {
        struct an_str value, name = an_str_split(an_str(*e), '=', &value);
        if (value.data == NULL || !an_str_starts(name, ENVIRONMENT_PREFIX))
            continue;
        an_buf_clear(&variable);
        an_buf_clear(&lowered);
        an_buf_add(&variable, name.data, name.len);
        for (size_t i = strlen(ENVIRONMENT_PREFIX); i < name.len; i++)
            an_buf_addc(&lowered, (char)tolower((unsigned char)name.data[i]));
        l->file = variable.data;
        load_variable(l, (struct an_str){lowered.data, lowered.len}, value);
    }
    an_buf_release(&variable);
    an_buf_release(&lowered);
}

/* Defaults, and values that follow from others. */

static void set_default(const struct an_conf_key *key, void *base, struct an_conf_value *value)
{
    if (value->source != 0)
        return;
    set_fallback(key, base);
    if (key->kind != AN_CONF_SECRET)
        value->text = an_xstrdup(key->fallback);
}

static void set_defaults(struct an_conf *c)
{
    for (size_t k = 0; k < an_conf_key_count; k++) {
        if (!an_conf_key_is_issuer(&an_conf_keys[k]))
            set_default(&an_conf_keys[k], c, &c->values->value[k]);
        else
            for (size_t i = 0; i < c->issuer_count; i++)
                set_default(&an_conf_keys[k], &c->issuers[i],
                            &c->values->issuer[i].value[k - (an_conf_key_count - AN_CONF_ISSUER_KEYS)]);
    }
}

/* A socket's bare name lies in run_dir. */
static void place_socket(struct an_conf *c, struct an_conf_app *app)
{
    if (app->listen[0] == '\0' || strpbrk(app->listen, "/:") != NULL)
        return;
    struct an_buf path;
    an_buf_init(&path, FILE_LIMIT);
    an_buf_addf(&path, "%s/%s", c->run_dir, app->listen);
    free(app->listen);
    app->listen = an_xstrdup(path.data);
    an_buf_release(&path);
}

static struct an_conf *conf_new(void)
{
    struct an_conf *c = an_xcalloc(1, sizeof *c);
    c->issuers = an_xcalloc(ISSUERS_MAX, sizeof *c->issuers);
    c->values = an_xcalloc(1, sizeof *c->values);
    c->values->value = an_xcalloc(an_conf_key_count, sizeof *c->values->value);
    c->values->issuer = an_xcalloc(ISSUERS_MAX, sizeof *c->values->issuer);
    return c;
}

struct an_conf *an_conf_load(const char *path, struct an_buf *problems)
{
    struct loader l = {.conf = conf_new(), .problems = problems};
    load_file(&l, path, strcmp(path, DEFAULT_PATH) != 0);
    load_folder(&l, path);
    load_environment(&l);
    set_defaults(l.conf);
    place_socket(l.conf, &l.conf->ingest);
    place_socket(l.conf, &l.conf->search);
    place_socket(l.conf, &l.conf->admin);
    l.faults += an_conf_check(l.conf, problems);
    if (l.faults == 0)
        return l.conf;
    an_conf_free(l.conf);
    return NULL;
}
