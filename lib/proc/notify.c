/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "proc/notify.h"

void an_notify(const char *fmt, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') /* Linux's abstract names begin with a NUL */
        to.sun_path[0] = '\0';
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (n > 0 && (size_t)n < sizeof text)
        (void)sendto(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, len);
    (void)close(fd);
}

int64_t an_notify_watchdog_us(void)
{
    const char *us_text = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");
    int64_t us, pid;
    if (us_text == NULL || !an_parse_i64(an_str(us_text), 1, INT64_MAX, &us))
        return 0;
    if (pid_text != NULL && (!an_parse_i64(an_str(pid_text), 1, INT64_MAX, &pid) || pid != getpid()))
        return 0;
    return us / 2;
}
