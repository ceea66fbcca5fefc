/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "db/texts.h"

static struct an_texts texts;

static struct an_str nth(char room[16], unsigned n)
{
    (void)snprintf(room, 16, "SELECT %u", n);
    return an_str(room);
}

static struct an_texts_place *put(unsigned n)
{
    char room[16];
    struct an_texts_place *place = an_texts_victim(&texts);
    an_texts_put(&texts, place, nth(room, n));
    return place;
}

static bool has(unsigned n)
{
    char room[16];
    return an_texts_find(&texts, nth(room, n)) != NULL;
}

static int clear(void **state)
{
    (void)state;
    an_texts_release(&texts);
    return 0;
}

static void test_found_again(void **state)
{
    (void)state;
    assert_false(has(1));
    struct an_texts_place *place = put(1);
    char room[16];
    assert_ptr_equal(an_texts_find(&texts, nth(room, 1)), place);
    assert_int_equal(place->state, AN_NOT_PREPARED);
    assert_false(has(10)); /* a longer text that begins the same */
    assert_false(has(2));
}

static void test_names_differ(void **state)
{
    (void)state;
    for (unsigned n = 0; n < AN_TEXTS_MAX; n++)
        (void)put(n);
    for (unsigned a = 0; a < AN_TEXTS_MAX; a++)
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(texts.places[a].name, texts.places[b].name);
}

static void test_the_longest_unused_gives_way(void **state)
{
    (void)state;
    for (unsigned n = 0; n < AN_TEXTS_MAX; n++)
        put(n)->state = AN_PREPARED;
    assert_true(has(0));
    struct an_texts_place *place = put(100); /* in the place of 1, for 0 was just used */
    assert_int_equal(place->state, AN_NOT_PREPARED);
    assert_true(has(100));
    assert_false(has(1));
    for (unsigned n = 0; n < AN_TEXTS_MAX; n++)
        assert_int_equal(has(n), n != 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_found_again, clear),
                                       cmocka_unit_test_teardown(test_names_differ, clear),
                                       cmocka_unit_test_teardown(test_the_longest_unused_gives_way, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
