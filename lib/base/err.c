/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>

#include "base/err.h"

int an_fail(struct an_err *err, enum an_rc rc, const char *fmt, ...)
{
    if (err == NULL)
        return rc;
    err->rc = rc;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return rc;
}

int an_fail_within(struct an_err *err, const char *fmt, ...)
{
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->text) {
        size_t room = sizeof err->text - (size_t)n;
        (void)snprintf(err->text + n, room, ": %.*s", (int)room, inner); /* what does not fit is cut */
    }
    return err->rc;
}
