/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest FastCGI application: reads the body, answers 204. What the web server and FastCGI can
 * do alone.
 * usage: empty WORKERS, with the listening socket on file descriptor 0. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcgiapp.h>

static int serve(void)
{
    FCGX_Request r;
    char body[65536];
    if (FCGX_Init() != 0 || FCGX_InitRequest(&r, 0, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&r) == 0) {
        while (FCGX_GetStr(body, sizeof body, r.in) > 0)
            ;
        (void)FCGX_PutS("Status: 204 No Content\r\n\r\n", r.out);
        FCGX_Finish_r(&r);
    }
    return 0;
}

int main(int argc, char **argv)
{
    long workers = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    for (long i = 0; i < workers; i++)
        if (fork() == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            return serve();
        }
    while (wait(NULL) > 0)
        ;
    return 0;
}
