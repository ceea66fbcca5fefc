/* SPDX-License-Identifier: Apache-2.0 */
/* Replays tests/corpus/json and, where tests/lib/json-suite.sh has fetched it, JSONTestSuite. */
#include "an.h"

#include <dirent.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"

static void read_file(const char *path, struct an_buf *out)
{
    struct an_err err;
    an_buf_clear(out);
    if (an_file_read(path, out, &err) != AN_OK)
        fail_msg("%s", err.text);
}

static bool accepts(struct an_arena *a, const struct an_buf *text)
{
    struct an_json_limits limits = {.depth = 32, .values = 100000};
    struct an_json_fault fault;
    struct an_json *v;
    an_arena_reset(a);
    return an_json_parse(a, (struct an_str){text->data, text->len}, &limits, &v, &fault);
}

/* Whether the text of that name must be accepted. */
typedef bool expectation(const char *name, const char *readme);

static int only_json(const struct dirent *entry)
{
    return fnmatch("[yni]_*.json", entry->d_name, 0) == 0;
}

/* Returns how many texts there were; -1 where there is no such folder. */
static int replay(const char *folder, expectation *expect, const char *readme)
{
    struct dirent **list;
    int count = scandir(folder, &list, only_json, alphasort), bad = 0;
    if (count < 0)
        return -1;
    struct an_arena *a = an_arena_new(65536);
    struct an_buf text;
    an_buf_init(&text, 1 << 20);
    for (int i = 0; i < count; i++) {
        const char *name = list[i]->d_name;
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        read_file(path, &text);
        if (accepts(a, &text) != expect(name, readme)) {
            print_error("%s: %s\n", name, expect(name, readme) ? "refused" : "accepted");
            bad++;
        }
        free(list[i]);
    }
    free(list);
    an_buf_release(&text);
    an_arena_free(a);
    assert_int_equal(bad, 0);
    return count;
}

/* The first row "| `pattern` | accepted or refused | ..." that matches. */
static bool documented(const char *name, const char *readme)
{
    struct an_str rest = an_str(readme);
    while (rest.data != NULL) {
        struct an_str row = an_str_split(rest, '\n', &rest), after, pattern;
        (void)an_str_split(row, '`', &after);
        pattern = an_str_split(after, '`', &after);
        char glob[128];
        (void)snprintf(glob, sizeof glob, "%.*s", AN_STR_ARG(pattern));
        if (an_str_starts(row, "| `i_") && strlen(glob) > 2 && fnmatch(glob, name, 0) == 0)
            return an_str_starts(after, " | accepted |");
    }
    fail_msg("%s: README.md says nothing of it", name);
    return false;
}

static bool expect_own(const char *name, const char *readme)
{
    return name[0] == 'i' ? documented(name, readme) : name[0] == 'y';
}

static void test_own_texts(void **state)
{
    (void)state;
    const char *srcdir = getenv("srcdir");
    char folder[4096], path[4200];
    (void)snprintf(folder, sizeof folder, "%s/tests/corpus/json", srcdir == NULL ? "." : srcdir);
    (void)snprintf(path, sizeof path, "%s/README.md", folder);
    struct an_buf readme;
    an_buf_init(&readme, 65536);
    read_file(path, &readme);
    int count = replay(folder, expect_own, readme.data);
    if (count < 250)
        fail_msg("%s: only %d texts", folder, count);
    an_buf_release(&readme);
}

/* What we refuse on purpose though the grammar allows it: U+0000 and duplicate names. */
static const char *const forbidden[] = {"y_*null_escape*", "y_*escaped_null*", "y_object_duplicated_*"};

/* Their free choices: any number is kept as it is; half surrogates, other encodings, byte order marks and
 * deep nesting are refused. */
static bool expect_suite(const char *name, const char *readme)
{
    (void)readme;
    for (size_t i = 0; i < AN_COUNT(forbidden); i++)
        if (fnmatch(forbidden[i], name, 0) == 0)
            return false;
    return name[0] == 'y' || fnmatch("i_number_*", name, 0) == 0;
}

static void test_json_test_suite(void **state)
{
    (void)state;
    const char *tests = getenv("ANNALS_TEST_CACHE");
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char folder[4096];
    if (tests != NULL)
        (void)snprintf(folder, sizeof folder, "%s/json-suite", tests);
    else if (cache != NULL)
        (void)snprintf(folder, sizeof folder, "%s/annals-tests/json-suite", cache);
    else
        (void)snprintf(folder, sizeof folder, "%s/.cache/annals-tests/json-suite", home == NULL ? "" : home);
    int count = replay(folder, expect_suite, NULL);
    if (count < 0) {
        print_message("JSONTestSuite is not there: tests/lib/json-suite.sh fetches it\n");
        skip();
    }
    if (count < 250)
        fail_msg("%s: only %d texts", folder, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_texts),
        cmocka_unit_test(test_json_test_suite),
    };
    return cmocka_run_group_tests_name("json-corpus", tests, NULL, NULL);
}
