/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts, beside the statements of sql/queries, are prepared on a connection. Few shapes of search make
 * most of the requests; the one that was not used for the longest time gives way. The server keeps a plan
 * over all partitions for each, so there are few. */
#ifndef AN_DB_TEXTS_H
#define AN_DB_TEXTS_H

#include "an.h"
#include "base/text.h"

#define AN_TEXTS_MAX 32
#define AN_TEXT_MAX ((size_t)8 << 10) /* longer ones are seldom the same twice */

enum an_prepared { AN_NOT_PREPARED, AN_PREPARE_SENT, AN_PREPARED };

struct an_texts_place {
    char *sql; /* NULL: the place is free */
    size_t len;
    char name[12];          /* for the server */
    enum an_prepared state; /* left to the caller */
    uint64_t used;          /* private: the highest was used last */
};

struct an_texts {
    struct an_texts_place places[AN_TEXTS_MAX];
    uint64_t uses;
};

void an_texts_release(struct an_texts *t); /* accepts a zeroed one, and leaves one */
struct an_texts_place *an_texts_find(struct an_texts *t, struct an_str sql) AN_MUST_CHECK; /* or NULL */
/* Where a new text goes: a free place, or that of the text that gives way. */
struct an_texts_place *an_texts_victim(struct an_texts *t) AN_MUST_CHECK;
/* Puts a copy of the text there, not prepared. */
void an_texts_put(struct an_texts *t, struct an_texts_place *place, struct an_str sql);

#endif
