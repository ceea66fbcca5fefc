/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "shard/tenants.h"

/* More than are remembered: still right, in bounded memory. */
static void test_tenants(void **state)
{
    (void)state;
    struct an_tenants known = {.slots = NULL};
    char id[16];
    for (unsigned n = 0; n < AN_TENANTS_MAX + 10; n++) {
        (void)snprintf(id, sizeof id, "t%u", n);
        assert_null(an_tenants_find(&known, an_str(id)));
        an_tenants_put(&known, an_str(id))->version = n;
        assert_int_equal(an_tenants_find(&known, an_str(id))->version, n);
        assert_true(known.count <= AN_TENANTS_MAX);
        if (n == 1000)
            assert_int_equal(an_tenants_find(&known, AN_STR("t7"))->version, 7);
    }
    assert_int_equal(known.count, 10);
    an_tenants_release(&known);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_tenants)};
    return cmocka_run_group_tests_name("tenants", tests, NULL, NULL);
}
