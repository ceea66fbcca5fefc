/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/err.h"

static void test_message_and_code(void **state)
{
    (void)state;
    struct an_err err;
    assert_int_equal(an_fail(&err, AN_ENOENT, "no %s", "file"), AN_ENOENT);
    assert_int_equal(err.rc, AN_ENOENT);
    assert_string_equal(err.text, "no file");
    assert_int_equal(an_fail_within(&err, "issuer %d", 7), AN_ENOENT);
    assert_string_equal(err.text, "issuer 7: no file");
    assert_int_equal(an_fail(NULL, AN_EAGAIN, "unheard"), AN_EAGAIN);
}

/* What does not fit is cut at the end, whichever part it is. */
static void test_too_long(void **state)
{
    (void)state;
    struct an_err err;
    const int room = sizeof err.text - 1;
    (void)an_fail(&err, AN_EINVAL, "%0*d", 2 * room, 7);
    assert_int_equal(strlen(err.text), room);
    (void)an_fail_within(&err, "outer");
    assert_int_equal(strlen(err.text), room);
    assert_memory_equal(err.text, "outer: 000", 10);
    (void)an_fail_within(&err, "%0*d", 2 * room, 7);
    assert_int_equal(strlen(err.text), room);
    assert_null(strchr(err.text, 'o'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_and_code),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
