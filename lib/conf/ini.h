/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a configuration file: "[section]", "key = value", comments with '#' in front, empty lines.
 * No quoting, no continuation: a value is what stands behind '=', without the blanks around it. */
#ifndef AN_CONF_INI_H
#define AN_CONF_INI_H

#include "an.h"
#include "base/text.h"

struct an_ini_handler {
    void *data;
    /* A section's head; then each of its keys. Text is borrowed for the call. */
    void (*section)(void *data, unsigned line, struct an_str name);
    void (*key)(void *data, unsigned line, struct an_str name, struct an_str value);
    /* A line that is none of these. */
    void (*fault)(void *data, unsigned line, const char *what);
};

/* Goes through the whole text, whatever is wrong with it. */
void an_ini_parse(struct an_str text, const struct an_ini_handler *handler);

#endif
