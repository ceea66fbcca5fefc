/* SPDX-License-Identifier: Apache-2.0 */
/* What a search asks for: parsed once from the query parameters, one tree for all engines.
 * Repeats of a parameter are OR among positives, every negative (leading '!') must hold; different
 * parameters are AND. A value that begins with '!' or '\' itself gets a '\' in front. */
#ifndef AN_SEARCH_FILTER_H
#define AN_SEARCH_FILTER_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/request.h"

enum an_field {
    AN_F_ACTION, /* exact, or a prefix where the value ended in ".*" (prefix keeps the dot) */
    AN_F_ACTOR,  /* id, and type where it has one */
    AN_F_ACTOR_ID,
    AN_F_ACTOR_TYPE,
    AN_F_ENTITY, /* type, and id where it has one */
    AN_F_ENTITY_ID,
    AN_F_ENTITY_TYPE,
    AN_F_OUTCOME,
    AN_F_IP,      /* CIDR */
    AN_F_ID,      /* uuid */
    AN_F_METADATA /* path and value: strings by content, numbers and booleans by spelling */
};

struct an_term {
    enum an_field field;
    bool negative, prefix;
    struct an_str type;  /* AN_F_ACTOR, AN_F_ENTITY: absent where any */
    struct an_str value; /* absent for AN_F_ENTITY by type alone */
    struct an_str *path; /* AN_F_METADATA: members below metadata */
    size_t path_len;
    struct an_uuid id; /* AN_F_ID */
    struct an_term *next;
};

struct an_filter {
    int64_t from_us, to_us; /* [from, to); AN_TIME_MIN_US, AN_TIME_MAX_US + 1 where not given */
    struct an_term *terms;  /* terms of one field (and metadata path) stand together */
    struct an_str q;        /* full text; absent */
    bool require_complete;
    bool ascending;
    int64_t limit;
    struct an_str cursor; /* as sent; absent */
    struct an_str engine; /* "auto" */
    /* counts only */
    struct an_str by;       /* action actor entity_type outcome tenant; absent */
    struct an_str interval; /* minute hour day month; absent */
};

enum an_filter_kind { AN_FILTER_SEARCH, AN_FILTER_COUNTS };

/* What one search may ask for, so that no request makes a statement without bounds. */
#define AN_TERMS_MAX 100

/* Terms of one parameter: OR among the positives, all of the negatives. */
bool an_term_together(const struct an_term *a, const struct an_term *b);

/* False: every unknown, empty or bad parameter is a fault that names it. Borrows from the parameters
 * and lives in the arena of `faults`. */
bool an_filter_parse(const struct an_param *params, enum an_filter_kind kind, int64_t page_default,
                     int64_t page_max, struct an_filter *out, struct an_faults *faults) AN_MUST_CHECK;

/* Filter and order in one canonical spelling (without cursor and limit), to bind cursors to. */
void an_filter_add_canonical(const struct an_filter *f, struct an_buf *out);

#endif
