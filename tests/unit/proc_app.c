/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "proc_app.h"

static void answer(const struct an_conf *c, int client, unsigned index, const int *shared)
{
    char command = 0;
    if (read(client, &command, 1) != 1)
        return;
    if (command == 'd')
        _exit(3);
    if (command == 's' && write(client, "h", 1) != 1)
        _exit(4);
    while (command == 's') /* slow: until another byte comes */
        if (read(client, &command, 1) != 1)
            return;
    struct answer a = {(int)getpid(), (int)index, (int)c->page_default, *shared, an_draining()};
    if (write(client, &a, sizeof a) != sizeof a)
        _exit(4);
}

static int work(const struct an_conf *c, int listen_fd, unsigned index, void *shared)
{
    if (c->page_default == DEADLY_PAGE)
        return 1;
    sigset_t waiting, before;
    (void)sigemptyset(&waiting);
    (void)sigaddset(&waiting, SIGTERM);
    while (!an_stopping) {
        int client = accept(listen_fd, NULL, NULL);
        if (client < 0)
            continue;
        (void)sigprocmask(SIG_BLOCK, &waiting, &before); /* it would break a read halfway */
        answer(c, client, index, shared);
        (void)close(client);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        if (an_worker_spent())
            return 0;
    }
    return 0;
}

static const struct an_conf_app *section(const struct an_conf *c)
{
    return &c->ingest;
}

static int check(const struct an_conf *c, struct an_err *err)
{
    return c->page_max == 999 ? an_fail(err, AN_EINVAL, "page_max 999 cannot work") : AN_OK;
}

static void *share(const struct an_conf *c)
{
    static int page;
    page = (int)c->page_default;
    return &page;
}

static bool wants_help(const struct an_conf *c)
{
    return c->page_max == HELPFUL_MAX;
}

/* Leaves its pid and search.page_default in a file, and never asks whether it should stop. */
static int help(const struct an_conf *c, void *shared)
{
    char path[96], text[64];
    struct an_err err;
    (void)snprintf(path, sizeof path, "%s/helper", c->run_dir);
    (void)snprintf(text, sizeof text, "%d %d %d", (int)getpid(), (int)c->page_default, *(const int *)shared);
    if (an_file_write(path, 0600, text, strlen(text), &err) != AN_OK)
        return 1;
    for (;;)
        (void)pause();
}

const struct an_app proc_app = {.name = "ingest",
                                  .section = section,
                                  .check = check,
                                  .share = share,
                                  .work = work,
                                  .wants_help = wants_help,
                                  .help = help};
