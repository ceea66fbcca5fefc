/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/conf: what stands between the sources of a configuration (load.c) and the table of keys
 * (apply.c). */
#ifndef AN_CONF_LOADER_H
#define AN_CONF_LOADER_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"
#include "conf/keys.h"

#define AN_CONF_TEXT_MAX (1 << 20) /* bytes of a file, and of any text made from it */
#define AN_CONF_SECTION_MAX 64 /* bytes of a section's name */

struct an_conf_loader {
    struct an_conf *conf;
    struct an_buf *problems;
    unsigned faults;
    unsigned source;     /* counts files and variables, from 1 */
    const char *file;    /* the one being read; for the environment, the variable */
    bool world_readable; /* that file */
    /* The section that the lines belong to. */
    char section[AN_CONF_SECTION_MAX]; /* as written; empty: none yet, or one that was refused */
    bool section_refused;              /* its keys are not looked at */
    const char *table;                 /* its section in the table of keys */
    void *member;                      /* of the family that it belongs to; NULL: of none */
    struct an_conf_value *values;      /* its values: by place of the key less `first_key` */
    size_t first_key;
};

/* A section's head; line 0: no lines (environment). */
void an_conf_enter(struct an_conf_loader *l, unsigned line, struct an_str name);
/* A key of the section that was entered last. */
void an_conf_take(struct an_conf_loader *l, unsigned line, struct an_str name, struct an_str text);
/* "file:line: message" in *problems, and one fault more. */
void an_conf_fault(struct an_conf_loader *l, unsigned line, const char *fmt, ...) AN_PRINTF(3, 4);

/* The key's default, put into the struct that starts at base. */
void an_conf_set_fallback(const struct an_conf_key *key, void *base);
#endif
