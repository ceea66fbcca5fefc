/* SPDX-License-Identifier: Apache-2.0 */
/* The filter form above the list, filled from the query, and the chips that take one filter away. */
#ifndef AN_CONSOLE_FILTERS_H
#define AN_CONSOLE_FILTERS_H

#include "an.h"
#include "console/view.h"

/* Adds the values of filters.html, and of the chips in events.html. */
void an_admin_filters(struct an_admin *a);

#endif
