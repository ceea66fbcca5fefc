/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what the parser hands on is clean text, and every kind of value takes or refuses
 * it. */
#include "an.h"

#include <assert.h>

#include "conf/cidr.h"
#include "conf/ini.h"
#include "conf/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct an_str s)
{
    assert(s.data != NULL && an_utf8_valid(s.data, s.len) && !an_str_has_nul(s));
    assert(s.len == 0 || memchr(s.data, '\n', s.len) == NULL);
}

static void on_section(void *last_line, unsigned line, struct an_str name)
{
    check_text(name);
    assert(line >= *(unsigned *)last_line);
    *(unsigned *)last_line = line;
}

/* The value as each key of the table would take it. */
static void try_kinds(struct an_str value)
{
    struct an_conf scratch = {0};
    union {
        struct an_conf_issuer issuer;
        struct an_conf_replica replica;
    } member = {.issuer = {0}};
    struct an_buf why;
    an_buf_init(&why, 4096);
    for (size_t i = 0; i < an_conf_key_count; i++) {
        const struct an_conf_key *key = &an_conf_keys[i];
        bool of_family = an_conf_family_find(an_str(key->section)) != NULL;
        char *base = of_family ? (char *)&member : (char *)&scratch;
        an_buf_clear(&why);
        assert(an_conf_set(key, base, value, &why) == (why.len == 0));
        if (key->kind == AN_CONF_TEXT) {
            free(*(char **)(base + key->offset));
            *(char **)(base + key->offset) = NULL; /* a key of another family may lie there */
        } else if (key->kind == AN_CONF_SECRET)
            an_secret_release((struct an_secret *)(base + key->offset));
    }
    an_buf_release(&why);
}

static void on_key(void *last_line, unsigned line, struct an_str name, struct an_str value)
{
    struct an_str bad;
    on_section(last_line, line, name);
    check_text(value);
    assert(name.len > 0 && (an_cidr_list_valid(value, &bad) || bad.data != NULL));
    try_kinds(value);
}

static void on_fault(void *last_line, unsigned line, const char *what)
{
    assert(what != NULL && line >= *(unsigned *)last_line);
    *(unsigned *)last_line = line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned last_line = 0;
    const struct an_ini_handler handler = {&last_line, on_section, on_key, on_fault};
    an_ini_parse((struct an_str){(const char *)data, size}, &handler);
    return 0;
}
