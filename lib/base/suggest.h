/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known word that is nearest to a mistyped one. */
#ifndef AN_BASE_SUGGEST_H
#define AN_BASE_SUGGEST_H

#include "an.h"
#include "base/text.h"

/* At most two edits (insert, delete, replace, swap of neighbours: optimal string alignment distance), and
 * fewer than half of the word; NULL where nothing is near. */
const char *an_suggest(struct an_str word, const char *const *known, size_t count);

#endif
