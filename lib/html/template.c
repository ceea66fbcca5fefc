/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/mem.h"
#include "html/mustache.h"
#include "html/template.h"
#include "html/www_list.h"

/* Compiled at first use, kept for the life of the process: one slot a template. */
static struct an_mustache **compiled;

static bool named(const char *file, struct an_str name)
{
    size_t len = strlen(file);
    return len == name.len + strlen(".html") && memcmp(file, name.data, name.len) == 0 &&
           strcmp(file + name.len, ".html") == 0;
}

static const struct an_mustache *find(void *arg, struct an_str name, struct an_err *err)
{
    (void)arg;
    if (compiled == NULL)
        compiled = an_xcalloc(an_template_files_count, sizeof(*compiled));
    for (size_t i = 0; i < an_template_files_count; i++) {
        if (!named(an_template_files[i].name, name))
            continue;
        if (compiled[i] == NULL &&
            an_mustache_compile(an_str(an_template_files[i].data), &compiled[i], err) != AN_OK) {
            an_fail_within(err, "template %.*s", AN_STR_ARG(name));
            return NULL;
        }
        return compiled[i];
    }
    an_fail(err, AN_EINVAL, "no template named \"%.*s\"", AN_STR_ARG(name));
    return NULL;
}

int an_template_render(const char *name, const struct an_scope *values, struct an_buf *out,
                       struct an_err *err)
{
    const struct an_mustache *m = find(NULL, an_str(name), err);
    if (m == NULL)
        return AN_EINVAL;
    return an_mustache_render(m, values, find, NULL, out, err);
}

const struct an_embedded *an_static_find(struct an_str name)
{
    for (size_t i = 0; i < an_static_files_count; i++)
        if (an_str_is(name, an_static_files[i].name))
            return &an_static_files[i];
    return NULL;
}
