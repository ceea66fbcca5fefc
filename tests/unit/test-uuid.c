/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/uuid.h"

/* The example of RFC 9562, appendix A.6. */
static void test_version_7(void **state)
{
    (void)state;
    const unsigned char unique[10] = {0xFC, 0xC3, 0xD8, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    struct an_uuid id = an_uuid7(INT64_C(1645557742000999), unique), back;
    char text[AN_UUID_LEN + 1];
    an_uuid_format(&id, text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_int_equal(an_uuid7_us(&id), INT64_C(1645557742000000));
    assert_true(an_uuid_parse(AN_STR("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), &back));
    assert_memory_equal(&back, &id, sizeof id);
}

static void test_all_bits_set(void **state)
{
    (void)state;
    unsigned char unique[10];
    memset(unique, 0xFF, sizeof unique);
    struct an_uuid id = an_uuid7(0, unique);
    char text[AN_UUID_LEN + 1];
    an_uuid_format(&id, text);
    assert_string_equal(text, "00000000-0000-7fff-bfff-ffffffffffff");
}

static void test_time_comes_back(void **state)
{
    (void)state;
    static const struct {
        int64_t us, ms;
    } times[] = {{0, 0},      {999, 0},    {1000, 1}, {-1, -1},
                 {-1000, -1}, {-1001, -2}, {AN_TIME_MIN_US, -62135596800000}};
    for (size_t i = 0; i < AN_COUNT(times); i++) {
        struct an_uuid id = an_uuid7_random(times[i].us);
        assert_int_equal(an_uuid7_us(&id), times[i].ms * 1000);
    }
}

static const char *const refused[] = {
    "",
    "017f22e279b07cc398c4dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
    "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
    "017f22e279-b0-7cc3-98c4-dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4+dc0c0c07398f",
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(refused); i++) {
        struct an_uuid id;
        if (an_uuid_parse(an_str(refused[i]), &id))
            fail_msg("\"%s\"", refused[i]);
    }
}

static void test_random_ids_differ(void **state)
{
    (void)state;
    struct an_uuid ids[300]; /* more than one fill of the pool */
    for (size_t i = 0; i < AN_COUNT(ids); i++) {
        ids[i] = an_uuid7_random(0);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&ids[i], &ids[j], sizeof ids[i]);
    }
}

/* What a worker makes after the fork is not what its parent makes. */
static void test_fork(void **state)
{
    (void)state;
    (void)an_uuid7_random(0);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct an_uuid id = an_uuid7_random(0);
        _exit(write(fd[1], &id, sizeof id) == (ssize_t)sizeof id ? 0 : 1);
    }
    struct an_uuid mine = an_uuid7_random(0), theirs;
    assert_int_equal(read(fd[0], &theirs, sizeof theirs), sizeof theirs);
    assert_memory_not_equal(&mine, &theirs, sizeof mine);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_7),
        cmocka_unit_test(test_all_bits_set),
        cmocka_unit_test(test_time_comes_back),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_random_ids_differ),
        cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
