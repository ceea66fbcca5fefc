/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that does not return NULL, and size arithmetic that does not wrap.
 * A process that is out of memory exits with status 70 after one line on stderr: a worker is cheap to
 * lose, its master forks another. So a size from outside is checked against a ceiling before it gets here. */
#ifndef AN_BASE_MEM_H
#define AN_BASE_MEM_H

#include "an.h"

void *an_xmalloc(size_t size) AN_MUST_CHECK;
void *an_xcalloc(size_t count, size_t size) AN_MUST_CHECK;
void *an_xrealloc(void *p, size_t size) AN_MUST_CHECK;
char *an_xstrdup(const char *s) AN_MUST_CHECK;
char *an_xstrndup(const char *s, size_t len) AN_MUST_CHECK;

/* False, and *out untouched, where the result does not fit. */
bool an_add_size(size_t a, size_t b, size_t *out) AN_MUST_CHECK;

/* A password, key or token. A type of its own, so that no "%s" and no log call takes it by accident. */
struct an_secret {
    char *data; /* NUL-terminated; NULL where unset */
    size_t len;
};
void an_secret_set(struct an_secret *s, const char *data, size_t len);
void an_wipe(void *p, size_t len); /* of a secret in memory of your own; no compiler leaves it out */
void an_secret_release(struct an_secret *s); /* wipes it; accepts an empty one */

/* Same bytes? Takes the same time wherever they differ. */
bool an_ct_equal(const void *a, const void *b, size_t len) AN_MUST_CHECK;

#endif
