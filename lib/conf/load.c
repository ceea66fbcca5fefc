/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "conf/ini.h"
#include "conf/loader.h"

#define DEFAULT_PATH AN_SYSCONFDIR "/annals/annals.conf"
#define ENVIRONMENT_PREFIX "ANNALS_SET_"

extern char **environ;

const char *an_conf_default_path(void)
{
    const char *named = getenv("ANNALS_CONF");
    return named != NULL && named[0] != '\0' ? named : DEFAULT_PATH;
}

/* Files. */

static void on_section(void *data, unsigned line, struct an_str name)
{
    an_conf_enter(data, line, name);
}

static void on_key(void *data, unsigned line, struct an_str name, struct an_str value)
{
    an_conf_take(data, line, name, value);
}

static void on_fault(void *data, unsigned line, const char *what)
{
    an_conf_fault(data, line, "%s", what);
}

static void load_file(struct an_conf_loader *l, const char *path, bool must_exist)
{
    struct an_buf text;
    struct an_err err;
    struct stat st;
    an_buf_init(&text, AN_CONF_TEXT_MAX);
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

static void load_folder(struct an_conf_loader *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? 0 : (int)(slash - path) + 1;
    struct an_buf folder, file;
    struct dirent **entries;
    an_buf_init(&folder, AN_CONF_TEXT_MAX);
    an_buf_init(&file, AN_CONF_TEXT_MAX);
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

/* "local_keys_file" of the issuers -> NAME "local", key "keys_file": keys are known, the rest is NAME. */
static bool split_name(const struct an_conf_family *f, struct an_str rest, struct an_str *name,
                       struct an_str *key)
{
    size_t first = an_conf_first_key(f->section), end = first + an_conf_count_keys(f->section);
    for (size_t i = first; i < end; i++) {
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

static void fault_no_key(struct an_conf_loader *l, const struct an_conf_family *f)
{
    char section[AN_CONF_SECTION_MAX];
    size_t len = strlen(f->section);
    for (size_t i = 0; i <= len; i++)
        section[i] = (char)toupper((unsigned char)f->section[i]);
    an_conf_fault(l, 0, "no key of %s: " ENVIRONMENT_PREFIX "%s_<NAME>_<KEY>", f->one, section);
}

static void load_variable(struct an_conf_loader *l, struct an_str lowered, struct an_str value)
{
    struct an_str rest, section = an_str_split(lowered, '_', &rest), key = rest, name;
    char full[AN_CONF_SECTION_MAX];
    l->source++;
    const struct an_conf_family *f = an_conf_family_find(section);
    if (f != NULL) {
        if (rest.data == NULL || !split_name(f, rest, &name, &key)) {
            fault_no_key(l, f);
            return;
        }
        int n = snprintf(full, sizeof full, "%s.%.*s", f->section, AN_STR_ARG(name));
        section = (struct an_str){full, (size_t)n < sizeof full ? (size_t)n : sizeof full - 1};
    }
    an_conf_enter(l, 0, section);
    an_conf_take(l, 0, key, value);
}

static void load_environment(struct an_conf_loader *l)
{
    struct an_buf variable, lowered;
    an_buf_init(&variable, AN_CONF_TEXT_MAX);
    an_buf_init(&lowered, AN_CONF_TEXT_MAX);
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
    an_conf_set_fallback(key, base);
    if (key->kind != AN_CONF_SECRET)
        value->text = an_xstrdup(key->fallback);
}

static void set_defaults(struct an_conf *c)
{
    for (size_t k = 0; k < an_conf_key_count; k++) {
        const struct an_conf_key *key = &an_conf_keys[k];
        const struct an_conf_family *f = an_conf_family_find(an_str(key->section));
        if (f == NULL) {
            set_default(key, c, &c->values->value[k]);
            continue;
        }
        size_t place = k - an_conf_first_key(f->section);
        for (size_t i = 0; i < an_conf_family_count(c, f); i++)
            set_default(key, an_conf_family_member(c, f, i),
                        &c->values->named[f - an_conf_families][i].value[place]);
    }
}

/* A socket's bare name lies in run_dir. */
static void place_socket(struct an_conf *c, struct an_conf_app *app)
{
    if (app->listen[0] == '\0' || strpbrk(app->listen, "/:") != NULL)
        return;
    struct an_buf path;
    an_buf_init(&path, AN_CONF_TEXT_MAX);
    an_buf_addf(&path, "%s/%s", c->run_dir, app->listen);
    free(app->listen);
    app->listen = an_xstrdup(path.data);
    an_buf_release(&path);
}

static struct an_conf *conf_new(void)
{
    struct an_conf *c = an_xcalloc(1, sizeof *c);
    c->values = an_xcalloc(1, sizeof *c->values);
    c->values->value = an_xcalloc(an_conf_key_count, sizeof *c->values->value);
    c->issuers = an_xcalloc(an_conf_families[AN_CONF_ISSUERS].max, sizeof *c->issuers);
    c->replicas = an_xcalloc(an_conf_families[AN_CONF_REPLICAS].max, sizeof *c->replicas);
    for (size_t f = 0; f < AN_CONF_FAMILY__COUNT; f++) {
        size_t max = an_conf_families[f].max, keys = an_conf_count_keys(an_conf_families[f].section);
        c->values->named[f] = an_xcalloc(max, sizeof *c->values->named[f]);
        for (size_t i = 0; i < max; i++)
            c->values->named[f][i].value = an_xcalloc(keys, sizeof *c->values->named[f][i].value);
    }
    return c;
}

struct an_conf *an_conf_load(const char *path, struct an_buf *problems)
{
    struct an_conf_loader l = {.conf = conf_new(), .problems = problems};
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
