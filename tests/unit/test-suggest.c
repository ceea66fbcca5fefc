/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/suggest.h"

static const char *const known[] = {"action", "actor", "entities", "timestamp", "id",
                                    "a-word-of-more-than-sixty-four-letters-which-nobody-would-mistype"};

static const struct {
    const char *why, *word, *best; /* best NULL: nothing near */
} cases[] = {
    {"a letter missing", "acion", "action"},
    {"a letter too many", "acttion", "action"},
    {"a letter replaced", "axtion", "action"},
    {"neighbours swapped count once", "atcino", "action"},
    {"two edits", "timstmp", "timestamp"},
    {"three edits", "timsmp", NULL},
    {"the nearest of two", "actior", "action"},
    {"the word itself", "actor", "actor"},
    {"half of a short word would change", "it", NULL},
    {"one of three letters", "idx", "id"},
    {"case counts as an edit", "Actor", "actor"},
    {"another word", "severity", NULL},
    {"nothing", "", NULL},
    {"longer than any word we know", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     NULL},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        const char *best = an_suggest(an_str(cases[i].word), known, AN_COUNT(known));
        if ((best == NULL) != (cases[i].best == NULL) || (best != NULL && strcmp(best, cases[i].best) != 0))
            fail_msg("%s: %s", cases[i].why, best == NULL ? "nothing" : best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
