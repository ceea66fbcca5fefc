/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int fail_errno(struct an_err *err, const char *what, const char *path)
{
    enum an_rc rc = errno == ENOENT ? AN_ENOENT : AN_EINVAL;
    return an_fail(err, rc, "%s %s: %s", what, path, strerror(errno));
}

int an_file_read(const char *path, struct an_buf *out, struct an_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "cannot open", path);
    int rc = AN_OK;
    char chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = fail_errno(err, "cannot read", path);
            break;
        }
        if (!an_buf_add(out, chunk, (size_t)n)) {
            rc = an_fail(err, AN_ETOOBIG, "%s: larger than %zu bytes", path, out->limit);
            break;
        }
    }
    (void)close(fd);
    return rc;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        (void)snprintf(folder, sizeof folder, ".");
    else
        (void)snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

int an_file_write(const char *path, mode_t mode, const void *data, size_t len, struct an_err *err)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp)
        return an_fail(err, AN_EINVAL, "the path %s is too long", path);
    int fd = mkstemp(temp);
    if (fd < 0)
        return fail_errno(err, "cannot create", temp);
    bool ok = fchmod(fd, mode) == 0 && write_all(fd, data, len) == 0;
    int rc = ok ? AN_OK : fail_errno(err, "cannot write", temp);
    (void)close(fd);
    if (ok && rename(temp, path) != 0)
        rc = fail_errno(err, "cannot replace", path);
    if (rc != AN_OK)
        (void)unlink(temp);
    else
        sync_folder(path);
    return rc;
}
