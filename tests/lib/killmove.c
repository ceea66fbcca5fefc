/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded into annalsctl by LD_PRELOAD: kills it where it sends a statement for the $KILLMOVE_NUMBERth
 * time (1: the first): $KILLMOVE_STATEMENT is its name. Before anything of it is sent, or, with
 * $KILLMOVE_AFTER, when the server has it and no answer was read. Nothing in the product knows of this. */
#include "an.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

/* The function of that name that we stand before. */
#define NEXT(name) \
    __extension__({ \
        static __typeof__(name) *next; \
        if (next == NULL) \
            *(void **)&next = dlsym(RTLD_NEXT, #name); \
        next; \
    })

static bool sent;

int PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                        const int *lengths, const int *formats, int format)
{
    static int times;
    const char *wanted = getenv("KILLMOVE_STATEMENT"), *number = getenv("KILLMOVE_NUMBER");
    if (wanted != NULL && strcmp(wanted, name) == 0 && ++times == (number == NULL ? 1 : number[0] - '0')) {
        if (getenv("KILLMOVE_AFTER") == NULL)
            (void)kill(getpid(), SIGKILL);
        sent = true;
    }
    return NEXT(PQsendQueryPrepared)(conn, name, count, values, lengths, formats, format);
}

/* The first thing that is asked once all was flushed. */
int PQisBusy(PGconn *conn)
{
    if (sent) {
        (void)usleep(20000);
        (void)kill(getpid(), SIGKILL);
    }
    return NEXT(PQisBusy)(conn);
}
