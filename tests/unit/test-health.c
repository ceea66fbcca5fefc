/* SPDX-License-Identifier: Apache-2.0 */
/* What workers tell each other of servers. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "db/health.h"

#define QUICK_US 1000
#define SLOW_US 3000000

static void test_numbers(void **state)
{
    (void)state;
    static struct an_health n;
    char name[16];
    an_health_init(&n);
    for (unsigned i = 0; i < AN_HEALTH_SERVERS; i++) {
        (void)snprintf(name, sizeof name, "shard-%u", i);
        assert_int_equal(an_health_number(&n, name), i);
    }
    assert_int_equal(an_health_number(&n, "one-more"), AN_HEALTH_SERVERS);
    assert_int_equal(an_health_number(&n, "shard-7"), 7);
}

static void test_away(void **state)
{
    (void)state;
    static struct an_health n;
    an_health_init(&n);
    uint32_t one = an_health_number(&n, "one");
    an_health_tried(&n, one, false, SLOW_US);
    assert_false(an_health_away(&n, one)); /* there is nobody to make room for */
    uint32_t two = an_health_number(&n, "two");
    an_health_tried(&n, two, false, QUICK_US);
    assert_false(an_health_away(&n, two));
    an_health_tried(&n, two, false, SLOW_US);
    assert_true(an_health_away(&n, two));
    assert_false(an_health_away(&n, one));
    an_health_tried(&n, two, true, SLOW_US);
    assert_false(an_health_away(&n, two));
}

/* Of those who come when its time is up, one is to try. */
static void test_one_tries(void **state)
{
    (void)state;
    static struct an_health n;
    an_health_init(&n);
    (void)!an_health_number(&n, "one");
    uint32_t two = an_health_number(&n, "two");
    atomic_store(&n.list[two].away_until_us, 1); /* long ago */
    assert_false(an_health_away(&n, two));
    assert_true(an_health_away(&n, two));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_away),
                                              cmocka_unit_test(test_one_tries)};
    return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
