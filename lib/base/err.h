/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes, split by what the caller should do, and the message that says what is wrong. */
#ifndef AN_BASE_ERR_H
#define AN_BASE_ERR_H

#include "an.h"

enum an_rc {
    AN_OK = 0,
    AN_EINVAL = -1,   /* the caller's data is wrong; the same call cannot succeed */
    AN_EAUTH = -2,    /* no valid proof of who is calling */
    AN_EAGAIN = -3,   /* a dependency is down or busy; the same call may work later */
    AN_ETOOBIG = -4,  /* a declared ceiling was reached */
    AN_EBACKEND = -5, /* a dependency answered nonsense, or refused what we may rightly ask */
    AN_ENOENT = -6,   /* the thing asked for does not exist, or not for this caller */
    AN_EDENIED = -7,  /* known, but not allowed */
    AN_ETIMEOUT = -8, /* over the time limit that the caller set */
    AN_ECONFLICT = -9, /* another thing already stands in that place */
    AN_EMOVED = -10   /* it lives elsewhere: ask where, and try there */
};

struct an_err {
    enum an_rc rc;
    char text[512]; /* lower case, no full stop, with the offending value, never a secret */
};

/* Fills err (which may be NULL) and returns rc, so that a refusal is one line. */
int an_fail(struct an_err *err, enum an_rc rc, const char *fmt, ...) AN_PRINTF(3, 4);

/* Puts "prefix: " before the message that err already holds; returns err->rc. */
int an_fail_within(struct an_err *err, const char *fmt, ...) AN_PRINTF(2, 3);

#endif
