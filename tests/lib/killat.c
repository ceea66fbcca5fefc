/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded into annals-ingest by LD_PRELOAD: kills (or stops) a worker at a named step of a shared commit.
 * The step is armed by a file in $KILLAT_FOLDER named STEP.kill or STEP.stop. The process that can remove
 * it is the one that dies: exactly one, and the test sees that it happened. Nothing in the product knows of
 * this; the steps show in the calls that the combiner makes (docs/design/combiner.md).
 * Who can remove STEP.pass is spared for the transaction that it is at.
 *
 * Of a leader:
 *   gathered   its slots are taken, nothing is sent
 *   sent       the transaction, or its beginning where COPY follows, is sent; no reply was read
 *   inserted   its rows are in and the commit on its way, the next leader was not woken
 *   copying    the outbox rows are there, the events on their way by COPY
 *   committed  the reply to COMMIT was read, nobody was told
 *   answered   all slots are DONE, the lane is still held
 *   left       the lane is free, nobody was woken
 * Of a follower:
 *   waiting    about to sleep
 *   woken      somebody has just woken it */
#include "an.h"

#include <dlfcn.h>
#include <errno.h>
#include <libpq-fe.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The function of that name that we stand before. Looked up late: libraries call some before we are
 * initialised. */
#define NEXT(name) \
    __extension__({ \
        static __typeof__(name) *next; \
        if (next == NULL) \
            *(void **)&next = dlsym(RTLD_NEXT, #name); \
        next; \
    })

static struct {
    pthread_mutex_t *lane; /* that we lead in */
    bool sent, committing, committed, spared;
} batch;

static bool take(const char *step, const char *what)
{
    char path[256];
    const char *folder = getenv("KILLAT_FOLDER");
    if (folder == NULL)
        return false;
    (void)snprintf(path, sizeof path, "%s/%s.%s", folder, step, what);
    return unlink(path) == 0;
}

static void at(const char *step)
{
    batch.spared = batch.spared || take(step, "pass");
    if (batch.spared)
        return;
    if (take(step, "kill"))
        (void)kill(getpid(), SIGKILL);
    if (take(step, "stop"))
        (void)kill(getpid(), SIGSTOP);
}

/* Only lanes and the owners of slots are tried; owners once, at the start. */
int pthread_mutex_trylock(pthread_mutex_t *m)
{
    int rc = NEXT(pthread_mutex_trylock)(m);
    batch.lane = rc == 0 || rc == EOWNERDEAD ? m : NULL;
    batch.sent = batch.committing = batch.committed = batch.spared = false;
    return rc;
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
    if (m == batch.lane) {
        if (batch.committed)
            at("answered");
        batch.lane = NULL;
    }
    return NEXT(pthread_mutex_unlock)(m);
}

/* Who takes a request is in no lane: what it was holding last is its slot. */
int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    batch.lane = NULL;
    return NEXT(accept4)(fd, address, len, flags);
}

int PQenterPipelineMode(PGconn *conn)
{
    if (batch.lane != NULL && !batch.sent)
        at("gathered");
    return NEXT(PQenterPipelineMode)(conn);
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                        const int *lengths, const int *formats, int format)
{
    batch.committing = batch.committing || strcmp(name, "commit") == 0;
    return NEXT(PQsendQueryPrepared)(conn, name, count, values, lengths, formats, format);
}

int PQpipelineSync(PGconn *conn)
{
    batch.sent = true;
    return NEXT(PQpipelineSync)(conn);
}

int PQisBusy(PGconn *conn)
{
    if (batch.lane != NULL && batch.sent)
        at("sent");
    return NEXT(PQisBusy)(conn);
}

int PQputCopyEnd(PGconn *conn, const char *error)
{
    if (batch.lane != NULL)
        at("copying");
    return NEXT(PQputCopyEnd)(conn, error);
}

int PQexitPipelineMode(PGconn *conn)
{
    if (batch.lane != NULL && batch.committing) {
        batch.committed = true;
        at("committed");
    }
    return NEXT(PQexitPipelineMode)(conn);
}

/* The combiner sleeps and wakes by it. */
long syscall(long number, ...)
{
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (size_t i = 0; i < AN_COUNT(arguments); i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    bool waits = number == SYS_futex && arguments[1] == FUTEX_WAIT;
    if (waits)
        at("waiting");
    bool wakes = number == SYS_futex && arguments[1] == FUTEX_WAKE;
    if (wakes && batch.lane == NULL && batch.committed)
        at("left");
    if (wakes && batch.lane != NULL && batch.sent)
        at("inserted");
    long rc = NEXT(syscall)(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                            arguments[5]);
    if (waits && rc == 0)
        at("woken");
    return rc;
}
