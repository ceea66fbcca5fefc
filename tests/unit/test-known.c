/* SPDX-License-Identifier: Apache-2.0 */
/* What workers remember together of the directory: what is newer, what is dropped, and what a dead writer
 * leaves. */
#include "an.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/buf.h"
#include "shard/known.h"

static void put(struct an_known *k, const char *history, const char *id, const char *shard, int64_t version)
{
    struct an_known_tenant t = {.version = version};
    (void)snprintf(t.shard, sizeof t.shard, "%s", shard);
    an_known_put(k, history, an_str(id), &t);
}

/* "" where it is not known. */
static const char *shard_of(struct an_known *k, const char *id)
{
    static struct an_known_tenant t;
    return an_known_find(k, an_str(id), &t) ? t.shard : "";
}

static void test_newest(void **state)
{
    (void)state;
    static const struct {
        const char *history, *shard;
        int64_t version;
        const char *then;
    } rows[] = {
        {"A", "", 1, ""},          /* a stranger is not kept */
        {"A", "one", 5, "one"},    /* the first */
        {"A", "two", 4, "one"},    /* somebody was told before, and is slower */
        {"A", "two", 5, "two"},    /* asked again */
        {"A", "three", 7, "three"},
        {"A", "", 6, "three"},
        {"A", "", 8, ""},          /* taken out */
        {"A", "three", 7, ""},     /* before that */
        {"A", "one", 9, "one"},
        {"B", "two", 10, "one"},   /* of a history that nobody follows */
        {"", "two", 10, "two"},    /* said by a replica */
    };
    struct an_known *k = an_known_new();
    an_known_follow(k, "A", 1);
    for (size_t i = 0; i < AN_COUNT(rows); i++) {
        put(k, rows[i].history, "t", rows[i].shard, rows[i].version);
        assert_string_equal(shard_of(k, "t"), rows[i].then);
    }
    assert_string_equal(shard_of(k, "tt"), "");
    an_known_free(k);
}

/* expected: NAME@PRIMARY,NUMBER=REPLICA... of each; NULL: there is none. */
static bool list_is(struct an_known *k, int64_t version, const char *expected)
{
    struct an_directory_shard *list;
    size_t count;
    if (!an_known_shards(k, version, arena, &list, &count))
        return expected == NULL;
    struct an_buf text;
    an_buf_init(&text, 1024);
    for (size_t i = 0; i < count; i++) {
        an_buf_addf(&text, "%s@%s", list[i].name, list[i].primary);
        for (size_t r = 0; r < list[i].replica_count; r++)
            an_buf_addf(&text, ",%s=%s", list[i].replicas[r].name, list[i].replicas[r].place);
        an_buf_addc(&text, ';');
    }
    bool same = expected != NULL && an_str_is((struct an_str){text.data, text.len}, expected);
    an_buf_release(&text);
    return same;
}

static void test_shards(void **state)
{
    (void)state;
    static const struct an_directory_shard list[] = {
        {.name = "default", .primary = ""},
        {.name = "one",
         .primary = "host=a",
         .replicas = {{"1", "host=b"}, {"2", "host=c"}},
         .replica_count = 2},
        {.name = "two", .primary = "host=d"}};
    struct an_known *k = an_known_new();
    assert_true(list_is(k, 0, NULL));
    an_known_put_shards(k, "", 5, list, 2);
    assert_true(list_is(k, 0, "default@;one@host=a,1=host=b,2=host=c;"));
    assert_true(list_is(k, 5, NULL));
    an_known_put_shards(k, "", 4, list, 1);
    assert_true(list_is(k, 4, "default@;one@host=a,1=host=b,2=host=c;"));
    an_known_put_shards(k, "", 6, list, 3);
    assert_true(list_is(k, 5, "default@;one@host=a,1=host=b,2=host=c;two@host=d;"));
    an_known_free(k);
}

/* One whose place does not fit is left out; the others are there. */
static void test_shards_too_long(void **state)
{
    (void)state;
    static char place[300000];
    memset(place, 'x', sizeof place - 1);
    const struct an_directory_shard list[] = {
        {.name = "default", .primary = ""},
        {.name = "long", .primary = place},
        {.name = "two", .primary = "host=d"}};
    struct an_known *k = an_known_new();
    an_known_put_shards(k, "", 1, list, AN_COUNT(list));
    assert_true(list_is(k, 0, "default@;two@host=d;"));
    an_known_free(k);
}

/* After a restored backup, what is said counts, although its version is lower. */
static void test_another_history(void **state)
{
    (void)state;
    static const struct an_directory_shard list[] = {{.name = "default", .primary = ""}};
    struct an_known *k = an_known_new();
    an_known_follow(k, "A", 9);
    an_known_put_shards(k, "A", 9, list, 1);
    put(k, "A", "t", "one", 9);
    put(k, "A", "u", "one", 9);
    an_known_follow(k, "A", 9);
    put(k, "A", "t", "two", 3);
    assert_string_equal(shard_of(k, "t"), "one");
    an_known_follow(k, "B", 3);
    assert_string_equal(shard_of(k, "t"), "one"); /* for want of a better answer */
    put(k, "B", "t", "two", 3);
    an_known_follow(k, "B", 4); /* another worker finds out later */
    put(k, "B", "t", "three", 2);
    assert_string_equal(shard_of(k, "t"), "two");
    assert_string_equal(shard_of(k, "u"), "one");
    assert_true(list_is(k, 0, NULL));
    an_known_put_shards(k, "B", 3, list, 1);
    assert_true(list_is(k, 0, "default@;"));
    an_known_follow(k, "B", 2); /* the same history, from a copy */
    put(k, "B", "t", "four", 1);
    assert_string_equal(shard_of(k, "t"), "four");
    an_known_free(k);
}

/* The one that is used stays; of the others the newest do. */
static void test_full(void **state)
{
    (void)state;
    struct an_known *k = an_known_new();
    char id[16];
    unsigned there = 0;
    put(k, "", "used", "one", 1);
    for (unsigned i = 0; i < 3 * AN_KNOWN_TENANTS; i++) {
        (void)snprintf(id, sizeof id, "t%u", i);
        put(k, "", id, "one", 1);
        assert_string_equal(shard_of(k, "used"), "one");
    }
    for (unsigned i = 0; i < 3 * AN_KNOWN_TENANTS; i++) {
        (void)snprintf(id, sizeof id, "t%u", i);
        there += strcmp(shard_of(k, id), "one") == 0;
    }
    assert_in_range(there, AN_KNOWN_TENANTS * 9 / 10, AN_KNOWN_TENANTS);
    assert_string_equal(shard_of(k, id), "one");
    an_known_free(k);
}

static void test_key(void **state)
{
    (void)state;
    unsigned char key[AN_SHA256_LEN] = "one", other[AN_SHA256_LEN] = "two", out[AN_SHA256_LEN];
    struct an_known *k = an_known_new();
    assert_false(an_known_key(k, out));
    an_known_put_key(k, key);
    assert_true(an_known_key(k, out));
    assert_memory_equal(out, key, sizeof out);
    an_known_put_key(k, other);
    assert_true(an_known_key(k, out));
    assert_memory_equal(out, other, sizeof out);
    an_known_free(k);
}

static void test_without_memory(void **state)
{
    (void)state;
    static const struct an_directory_shard list[] = {{.name = "default", .primary = ""}};
    unsigned char key[AN_SHA256_LEN] = "one";
    an_known_follow(NULL, "A", 1);
    an_known_put_shards(NULL, "A", 1, list, 1);
    assert_true(list_is(NULL, 0, NULL));
    put(NULL, "A", "t", "one", 1);
    assert_string_equal(shard_of(NULL, "t"), "");
    an_known_put_key(NULL, key);
    assert_false(an_known_key(NULL, key));
    an_known_free(NULL);
}

enum what { TENANT, LIST, KEY, WHAT_COUNT };

/* All that it puts is of one letter: names as long as may be, lists as long as the letter says. Until it
 * is killed. */
static AN_NORETURN void write_for_ever(struct an_known *k, enum what what, int64_t version)
{
    static struct an_directory_shard list[26];
    for (;; version++) {
        char text[AN_SHARD_NAME_MAX + 1];
        unsigned char key[AN_SHA256_LEN];
        char letter = (char)('a' + version % 26);
        size_t count = (size_t)(version % 26) + 1;
        struct an_known_tenant t = {.version = version};
        memset(text, letter, sizeof text - 1);
        text[sizeof text - 1] = '\0';
        memset(key, letter, sizeof key);
        for (size_t i = 0; i < count; i++)
            list[i] = (struct an_directory_shard){.name = text, .primary = text};
        memcpy(t.shard, text, sizeof text);
        if (what == TENANT)
            an_known_put(k, "", AN_STR("t"), &t);
        else if (what == LIST)
            an_known_put_shards(k, "", version, list, count);
        else
            an_known_put_key(k, key);
    }
}

static bool is_of_one_letter(const char *text, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (text[i] != text[0])
            return false;
    return true;
}

static bool check_whole(struct an_known *k, bool had_list)
{
    struct an_known_tenant t;
    if (an_known_find(k, AN_STR("t"), &t)) {
        assert_int_equal(strlen(t.shard), AN_SHARD_NAME_MAX);
        assert_true(is_of_one_letter(t.shard, AN_SHARD_NAME_MAX));
        assert_int_equal(t.shard[0], 'a' + t.version % 26);
    }
    struct an_directory_shard *list;
    size_t count;
    bool there = an_known_shards(k, 0, arena, &list, &count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list[i].name, list[0].primary);
        assert_true(is_of_one_letter(list[i].name, AN_SHARD_NAME_MAX));
        assert_int_equal(count, list[i].name[0] - 'a' + 1);
    }
    unsigned char key[AN_SHA256_LEN];
    assert_true(!an_known_key(k, key) || is_of_one_letter((const char *)key, sizeof key));
    assert_true(there || !had_list); /* it is never lost */
    return there;
}

/* Beside writers, each of which is killed at any instruction; the next goes on with what it left. */
static void test_killed_writers(void **state)
{
    (void)state;
    struct an_known *k = an_known_new();
    bool had_list = false;
    for (unsigned times = 0; times < 600; times++) {
        pid_t writer = fork();
        if (writer == 0)
            write_for_ever(k, times % WHAT_COUNT, (times + 1) * INT64_C(1000000)); /* newer than the last */
        for (unsigned i = 0; i < 20; i++)
            had_list = check_whole(k, had_list);
        (void)usleep(100 + times * 37 % 500);
        (void)kill(writer, SIGKILL);
        (void)waitpid(writer, NULL, 0);
        had_list = check_whole(k, had_list);
        an_arena_reset(arena);
    }
    put(k, "", "t", "one", INT64_MAX);
    assert_string_equal(shard_of(k, "t"), "one");
    an_known_free(k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest),     cmocka_unit_test(test_shards),
        cmocka_unit_test(test_shards_too_long), cmocka_unit_test(test_another_history),
        cmocka_unit_test(test_full),       cmocka_unit_test(test_key),
        cmocka_unit_test(test_without_memory),  cmocka_unit_test(test_killed_writers)};
    return cmocka_run_group_tests_name("known", tests, make_arena, free_arena);
}
