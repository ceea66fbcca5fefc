/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/pidfile.h"

static int fail_errno(const struct an_pidfile *f, const char *what, struct an_err *err)
{
    return an_fail(err, AN_EINVAL, "cannot %s %s: %s", what, f->path, strerror(errno));
}

/* Locks the open file; who has it, where another process does. */
static int lock(const struct an_pidfile *f, struct an_err *err)
{
    struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(f->fd, F_SETLK, &wanted) == 0)
        return AN_OK;
    if (errno != EACCES && errno != EAGAIN)
        return fail_errno(f, "lock", err);
    struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(f->fd, F_GETLK, &holder) != 0 || holder.l_type == F_UNLCK)
        holder.l_pid = 0;
    return an_fail(err, AN_ECONFLICT, "already running as process %ld (%s)", (long)holder.l_pid, f->path);
}

/* Is the file that we have locked still the one of that name? A master that ends removes it. */
static bool still_there(const struct an_pidfile *f)
{
    struct stat mine, named;
    return fstat(f->fd, &mine) == 0 && stat(f->path, &named) == 0 && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

static int write_pid(const struct an_pidfile *f, struct an_err *err)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(f->fd, 0) != 0 || pwrite(f->fd, text, (size_t)n, 0) != n)
        return fail_errno(f, "write", err);
    return AN_OK;
}

int an_pidfile_open(const char *run_dir, const char *app, struct an_pidfile *out, struct an_err *err)
{
    int n = snprintf(out->path, sizeof out->path, "%s/%s.pid", run_dir, app);
    out->fd = -1;
    if (n < 0 || (size_t)n >= sizeof out->path)
        return an_fail(err, AN_EINVAL, "the path %s is too long", run_dir);
    for (;;) {
        out->fd = open(out->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (out->fd < 0)
            return fail_errno(out, "open", err);
        int rc = lock(out, err);
        if (rc == AN_OK && still_there(out))
            rc = write_pid(out, err);
        else if (rc == AN_OK)
            rc = AN_ENOENT;
        if (rc == AN_OK)
            return AN_OK;
        (void)close(out->fd);
        out->fd = -1;
        if (rc != AN_ENOENT)
            return rc;
    }
}

void an_pidfile_close(struct an_pidfile *f)
{
    if (f->fd < 0)
        return;
    (void)unlink(f->path); /* before the lock goes: nobody else's file can stand there yet */
    (void)close(f->fd);
    f->fd = -1;
}
