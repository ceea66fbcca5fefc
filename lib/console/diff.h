/* SPDX-License-Identifier: Apache-2.0 */
/* A change of one member, before and after: which part of the text differs. */
#ifndef AN_CONSOLE_DIFF_H
#define AN_CONSOLE_DIFF_H

#include "an.h"
#include "base/text.h"

/* A text in three parts; where there is nothing to point out, all of it is in head. */
struct an_diff {
    struct an_str head, part, tail;
};

/* Splits both texts (UTF-8) into what they begin with alike, what differs, and what they end with alike. A
 * part may be empty. Texts that have little in common are left whole. */
void an_diff_split(struct an_str before, struct an_str after, struct an_diff *old_text,
                   struct an_diff *new_text);

#endif
