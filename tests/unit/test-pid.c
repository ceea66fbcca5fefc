/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pid.h"

/* How many of itself, its child and its grandchild know themselves. */
static int count_right(int generations)
{
    int right = an_pid() == getpid() && an_pid() == getpid();
    if (generations == 1)
        return right;
    pid_t child = fork();
    if (child == 0)
        _exit(count_right(generations - 1));
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
        right += WEXITSTATUS(status);
    return right;
}

static void test_a_child_knows_itself(void **state)
{
    (void)state;
    assert_int_equal(count_right(3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_child_knows_itself)};
    return cmocka_run_group_tests_name("pid", tests, NULL, NULL);
}
