/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/text.h"

static void test_list(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    struct an_faults f;
    an_faults_init(&f, a, 2);
    assert_null(f.first);
    char where[] = "/a";
    an_fault_add(&f, AN_FAULT_POINTER, where, "type", "must be %s", "a string");
    where[1] = 'b'; /* it was copied */
    an_fault_add(&f, AN_FAULT_PARAMETER, "limit", "range", "must be 1 to %d", 1000);
    an_fault_add(&f, AN_FAULT_HEADER, "Prefer", "value", "counted, not kept");
    assert_int_equal(f.count, 3);
    assert_string_equal(f.first->where, "/a");
    assert_string_equal(f.first->code, "type");
    assert_string_equal(f.first->detail, "must be a string");
    assert_ptr_equal(f.first->next, f.last);
    assert_int_equal(f.last->place, AN_FAULT_PARAMETER);
    assert_string_equal(f.last->detail, "must be 1 to 1000");
    assert_null(f.last->next);
    an_arena_free(a);
}

static void test_long_detail_is_cut(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    struct an_faults f;
    an_faults_init(&f, a, 1);
    an_fault_add(&f, AN_FAULT_POINTER, "", "type", "%2000d", 1);
    assert_int_equal(strlen(f.first->detail), 511);
    an_arena_free(a);
}

static const struct {
    const char *parent, *name, *pointer;
} pointers[] = {
    {"", "action", "/action"}, {"/actor", "id", "/actor/id"}, {"", "", "/"},
    {"", "a/b", "/a~1b"},      {"/x", "~/~", "/x/~0~1~0"},    {"", "a b\"\xC3\xA9", "/a b\"\xC3\xA9"},
};

static void test_pointers(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(1024);
    for (size_t i = 0; i < AN_COUNT(pointers); i++) {
        struct an_str name = an_str(pointers[i].name);
        assert_string_equal(an_pointer(a, pointers[i].parent, name.data, name.len), pointers[i].pointer);
    }
    an_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_long_detail_is_cut),
        cmocka_unit_test(test_pointers),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
