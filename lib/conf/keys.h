/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/conf: the table of keys, and what the loader remembers beside the values. */
#ifndef AN_CONF_KEYS_H
#define AN_CONF_KEYS_H

#include "an.h"
#include "base/buf.h"
#include "base/text.h"
#include "conf/conf.h"

enum an_conf_kind {
    AN_CONF_TEXT,     /* char * */
    AN_CONF_SECRET,   /* struct an_secret */
    AN_CONF_NUMBER,   /* int64_t */
    AN_CONF_OCTAL,    /* int64_t */
    AN_CONF_DURATION, /* int64_t, milliseconds */
    AN_CONF_SIZE,     /* uint64_t, bytes */
    AN_CONF_SWITCH,   /* bool: on, off */
    AN_CONF_WORD      /* int: place of the value in `words` */
};

struct an_conf_key {
    const char *section; /* that of a family stands for every section of it */
    const char *name;
    enum an_conf_kind kind;
    size_t offset;            /* in struct an_conf, or in the family's struct */
    const char *fallback;     /* the default, spelt as in a file */
    const char *help;         /* also the comment in packaging/annals.conf; lines are broken at '\n' */
    int64_t min, max;         /* numbers, durations, sizes */
    const char *const *words; /* AN_CONF_WORD: ends with NULL */
    bool restart;             /* a reload leaves the old value in force */
};

/* Keys of one section stand together, sections in the order of a file. */
extern const struct an_conf_key an_conf_keys[];
extern const size_t an_conf_key_count;

/* Sections of which there may be many, each with a NAME: [issuer.NAME]. */
struct an_conf_family {
    const char *section;    /* "issuer" */
    const char *one, *many; /* in sentences: "an issuer", "issuers" */
    const char *example;    /* a NAME */
    size_t list, count;     /* offsets in struct an_conf: the array, how many of it are there */
    size_t size;            /* of its struct, which begins with the name */
    size_t max;
};
enum { AN_CONF_ISSUERS, AN_CONF_REPLICAS, AN_CONF_FAMILY__COUNT };
extern const struct an_conf_family an_conf_families[AN_CONF_FAMILY__COUNT];

/* NULL: a section that there is once. */
const struct an_conf_family *an_conf_family_find(struct an_str section);
size_t an_conf_family_count(const struct an_conf *c, const struct an_conf_family *f);
void *an_conf_family_member(const struct an_conf *c, const struct an_conf_family *f, size_t i);
const char *an_conf_family_name(const struct an_conf *c, const struct an_conf_family *f, size_t i);
/* The keys of a section: place of the first, and how many there are. */
size_t an_conf_first_key(const char *section);
size_t an_conf_count_keys(const char *section);

/* One sentence about a section, for the head of its part of a file. */
const char *an_conf_section_help(const char *section);

/* Where a value came from. Secrets have no text here. */
struct an_conf_value {
    char *text;   /* as it was spelt */
    char *origin; /* "file:line", "ANNALS_SET_X"; NULL: the default */
    unsigned source; /* number of the file that set it last; 0: none */
    unsigned line;
};

struct an_conf_named_values {
    char *origin;                /* of the section's first head; NULL: there is no such section */
    struct an_conf_value *value; /* by place among the section's keys */
};

struct an_conf_values {
    struct an_conf_value *value;                                 /* by place in an_conf_keys */
    struct an_conf_named_values *named[AN_CONF_FAMILY__COUNT]; /* by place in the family's array */
};

/* Parses text for key into the struct that starts at base. False, with the reason in *why, where it does
 * not fit. */
bool an_conf_set(const struct an_conf_key *key, void *base, struct an_str text,
                 struct an_buf *why) AN_MUST_CHECK;

/* Rules that concern several keys or need a closer look. Adds a line to *problems for each fault; the
 * count. */
unsigned an_conf_check(const struct an_conf *c, struct an_buf *problems);

/* The value of a key of one section, as the loader remembers it. */
const struct an_conf_value *an_conf_value(const struct an_conf *c, const char *section, const char *name);

#endif
