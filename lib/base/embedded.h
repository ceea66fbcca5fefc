/* SPDX-License-Identifier: Apache-2.0 */
/* A text file that was built into the program by tools/embed.sh. */
#ifndef AN_BASE_EMBEDDED_H
#define AN_BASE_EMBEDDED_H

#include "an.h"

struct an_embedded {
    const char *name; /* file name without folders */
    const char *data; /* NUL-terminated text */
};

#endif
