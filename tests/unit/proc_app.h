/* SPDX-License-Identifier: Apache-2.0 */
/* The application that the tests of lib/proc run: one byte in, one struct answer out. 'd' makes the
 * worker die; after 's' it answers only when another byte has come. */
#ifndef TESTS_UNIT_PROC_APP_H
#define TESTS_UNIT_PROC_APP_H

#include "an.h"
#include "proc/prefork.h"

#define DEADLY_PAGE 66 /* workers with this search.page_default die as they start */
#define HELPFUL_MAX 777 /* search.page_max with which there is a helper */

struct answer {
    int pid;
    int index;
    int page; /* search.page_default: which configuration the worker has */
    int shared;
    int draining;
};

extern const struct an_app proc_app;

#endif
