/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "proc/listen.h"

#define BACKLOG 512
#define FIRST_LISTEN_FD 3 /* where the protocol of sd_listen_fds(3) starts */

static bool is_listening(int fd)
{
    int yes = 0;
    socklen_t len = sizeof yes;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes != 0;
}

/* Moves the socket off standard input, which everything else takes for a file to read. */
static int take_standard_input(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDIN_FILENO);
        (void)close(null);
    }
    return fd;
}

/* The one socket of LISTEN_FDS; -1 where there is none for us. */
static int take_listen_fd(struct an_err *err)
{
    const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
    int64_t pid, count;
    if (pid_text == NULL || count_text == NULL || !an_parse_i64(an_str(pid_text), 1, INT64_MAX, &pid) ||
        pid != getpid() || !an_parse_i64(an_str(count_text), 0, 1024, &count) || count == 0)
        return -1;
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (count != 1)
        return an_fail(err, AN_EINVAL, "%lld sockets were handed over (LISTEN_FDS); one is wanted",
                       (long long)count);
    if (!is_listening(FIRST_LISTEN_FD))
        return an_fail(err, AN_EINVAL, "file descriptor 3 (LISTEN_FDS) is not a listening socket");
    (void)fcntl(FIRST_LISTEN_FD, F_SETFD, FD_CLOEXEC);
    return FIRST_LISTEN_FD;
}

static int fail_errno(struct an_err *err, const char *what, const char *where)
{
    return an_fail(err, AN_EINVAL, "cannot %s %s: %s", what, where, strerror(errno));
}

_Static_assert(sizeof((struct an_listen_socket){0}.where) > sizeof((struct sockaddr_un){0}.sun_path),
               "a path that can be bound can be remembered");

static int unix_address(const char *path, struct sockaddr_un *out, struct an_err *err)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof out->sun_path)
        return an_fail(err, AN_EINVAL, "the socket's path %s is longer than %zu bytes", path,
                       sizeof out->sun_path - 1);
    memcpy(out->sun_path, path, strlen(path));
    return AN_OK;
}

/* Makes room for our socket: removes what a dead program has left, and nothing else. */
static int remove_stale(const struct sockaddr_un *address, struct an_err *err)
{
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) != 0)
        return AN_OK;
    if (!S_ISSOCK(st.st_mode))
        return an_fail(err, AN_ECONFLICT, "%s exists and is not a socket", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_errno(err, "make a socket for", path);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool dead = rc != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    if (!dead)
        return an_fail(err, AN_ECONFLICT, "another program is serving %s", path);
    return unlink(path) == 0 ? AN_OK : fail_errno(err, "remove the old socket", path);
}

static int set_access(const struct an_conf_app *app, struct an_err *err)
{
    if (app->socket_group[0] != '\0') {
        const struct group *group = getgrnam(app->socket_group);
        if (group == NULL)
            return an_fail(err, AN_EINVAL, "there is no group '%s' (socket_group)", app->socket_group);
        if (chown(app->listen, (uid_t)-1, group->gr_gid) != 0)
            return fail_errno(err, "set the group of", app->listen);
    }
    if (chmod(app->listen, (mode_t)app->socket_mode) != 0)
        return fail_errno(err, "set the mode of", app->listen);
    return AN_OK;
}

static int bind_unix(const struct an_conf_app *app, struct an_listen_socket *out, struct an_err *err)
{
    struct sockaddr_un address;
    struct stat st;
    int rc = unix_address(app->listen, &address, err);
    if (rc == AN_OK)
        rc = remove_stale(&address, err);
    if (rc != AN_OK)
        return rc;
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return fail_errno(err, "make a socket for", app->listen);
    mode_t before = umask(0777); /* nobody connects before mode and group are set */
    bool bound = bind(out->fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)umask(before);
    if (!bound)
        return fail_errno(err, "bind", app->listen);
    rc = set_access(app, err);
    if (rc == AN_OK && lstat(app->listen, &st) != 0)
        rc = fail_errno(err, "look at", app->listen);
    if (rc != AN_OK) {
        (void)unlink(app->listen);
        return rc;
    }
    out->made = true;
    out->device = st.st_dev;
    out->inode = st.st_ino;
    return AN_OK;
}

/* The configuration's check has let loopback addresses through alone. */
static int bind_loopback(const struct an_conf_app *app, struct an_listen_socket *out, struct an_err *err)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_v6 = app->listen[0] == '[';
    int64_t port;
    if (!an_parse_i64(an_str(strrchr(app->listen, ':') + 1), 1, 65535, &port))
        return an_fail(err, AN_EINVAL, "%s has no port", app->listen);
    v4.sin_port = v6.sin6_port = htons((uint16_t)port);
    out->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return fail_errno(err, "make a socket for", app->listen);
    int yes = 1;
    (void)setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    if (bind(out->fd, address, is_v6 ? sizeof v6 : sizeof v4) != 0)
        return an_fail(err, errno == EADDRINUSE ? AN_ECONFLICT : AN_EINVAL, "cannot bind %s: %s",
                       app->listen, strerror(errno));
    return AN_OK;
}

int an_listen_open(const struct an_conf_app *app, struct an_listen_socket *out, struct an_err *err)
{
    *out = (struct an_listen_socket){.fd = -1, .where = "an inherited socket"};
    if (is_listening(STDIN_FILENO)) {
        out->fd = take_standard_input();
        return out->fd >= 0 ? AN_OK : fail_errno(err, "take", "the socket on standard input");
    }
    struct an_err handed_over = {AN_OK, ""};
    out->fd = take_listen_fd(&handed_over);
    if (out->fd >= 0)
        return AN_OK;
    if (handed_over.rc != AN_OK) {
        *err = handed_over;
        return err->rc;
    }
    (void)snprintf(out->where, sizeof out->where, "%s", app->listen);
    int rc = strchr(app->listen, '/') != NULL ? bind_unix(app, out, err) : bind_loopback(app, out, err);
    if (rc == AN_OK && listen(out->fd, BACKLOG) != 0)
        rc = fail_errno(err, "listen on", app->listen);
    if (rc != AN_OK)
        an_listen_close(out);
    return rc;
}

void an_listen_close(struct an_listen_socket *l)
{
    struct stat st;
    if (l->made && lstat(l->where, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        (void)unlink(l->where);
    if (l->fd >= 0)
        (void)close(l->fd);
    l->made = false;
    l->fd = -1;
}
