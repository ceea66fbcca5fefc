/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shard/replica.h"

#define SECOND INT64_C(1000000)
#define NOW (INT64_C(1700000000) * SECOND)
#define MAX_LAG_MS 10000

static const struct an_conf conf = {.replica_max_lag_ms = MAX_LAG_MS};
static struct an_replica replica;

static int setup(void **state)
{
    (void)state;
    an_replica_init(&replica, &conf, "default", &(struct an_shard_place){"near", "host=b"});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    an_replica_release(&replica);
    return 0;
}

/* What a replica says, one time after the other; seconds are counted from NOW. */
struct saying {
    const char *why;
    bool follows;
    uint64_t lsn;
    int64_t through_s, now_s;
    enum an_replica_state state;
    int64_t lag_ms;
};

static void say(const struct saying *s, size_t count)
{
    for (size_t i = 0; i < count; i++, s++) {
        struct an_freshness seen = {.replica = s->follows,
                                    .lsn = s->lsn,
                                    .through_us = NOW + s->through_s * SECOND,
                                    .now_us = NOW + s->now_s * SECOND};
        an_replica_saw(&replica, &seen);
        if (replica.state != s->state || replica.lag_ms != s->lag_ms)
            fail_msg("%s: state %d, %lld ms", s->why, (int)replica.state, (long long)replica.lag_ms);
        assert_true(replica.through_us == (s->follows ? seen.through_us : AN_TIME_MIN_US));
        assert_true(an_replica_is_fresh(&replica));
        assert_int_equal(an_replica_is_due(&replica), s->state == AN_REPLICA_NEAR);
    }
}

static void test_lag(void **state)
{
    (void)state;
    const struct saying said[] = {
        {"a little behind", true, 100, -1, 0, AN_REPLICA_NEAR, 1000},
        {"at the limit", true, 100, -1, 9, AN_REPLICA_NEAR, 10000},
        {"over it", true, 100, -1, 10, AN_REPLICA_FAR, 11000},
        {"back again", true, 200, 10, 11, AN_REPLICA_NEAR, 1000},
        {"its clock went back", true, 200, 11, 5, AN_REPLICA_NEAR, 0},
    };
    say(said, AN_COUNT(said));
}

static void test_primary_gone(void **state)
{
    (void)state;
    const struct saying said[] = {
        {"quiet for an hour, and nothing to replay", true, 100, -1, 0, AN_REPLICA_NEAR, 1000},
        {"the primary is gone: it names the last commit", true, 100, -3600, 1, AN_REPLICA_NEAR, 2000},
        {"and it has been for longer than the limit", true, 100, -3600, 20, AN_REPLICA_FAR, 21000},
        {"it has less than before: another server", true, 50, -3600, 21, AN_REPLICA_FAR, 3621000},
    };
    say(said, AN_COUNT(said));
}

static void test_no_replica(void **state)
{
    (void)state;
    const struct saying said[] = {
        {"it follows nobody, and so has everything", false, 0, 0, 0, AN_REPLICA_FAR, 0},
        {"it follows somebody again, and what it said counts for nothing", true, 100, -3600, 1,
         AN_REPLICA_FAR, 3601000},
    };
    say(said, AN_COUNT(said));
    struct an_freshness nothing = {.replica = true, .through_us = AN_TIME_MIN_US, .now_us = NOW};
    an_replica_release(&replica);
    (void)setup(state);
    an_replica_saw(&replica, &nothing);
    assert_int_equal(replica.state, AN_REPLICA_FAR);
    assert_string_equal(replica.why, "it has replayed nothing yet");
}

static void test_pauses(void **state)
{
    (void)state;
    const struct saying near = {"", true, 100, -1, 0, AN_REPLICA_NEAR, 1000};
    const struct an_err err = {AN_EAGAIN, "refused"};
    assert_true(an_replica_is_due(&replica)); /* not asked yet */
    say(&near, 1);
    static const int64_t ms[] = {250, 500, 1000, 2000, 4000, 8000, 16000, 16000};
    for (size_t i = 0; i < AN_COUNT(ms); i++) {
        an_replica_failed(&replica, &err);
        assert_int_equal(replica.state, AN_REPLICA_AWAY);
        assert_true(replica.pause.length_us == ms[i] * 1000);
        assert_false(an_replica_is_due(&replica));
    }
    assert_string_equal(replica.why, "refused");
    replica.pause.from_us -= 16 * SECOND;
    assert_true(an_replica_is_due(&replica));
    const struct saying back = {"what it had is forgotten", true, 100, -3600, 0, AN_REPLICA_FAR, 3600000};
    say(&back, 1);
    an_replica_failed(&replica, &err);
    assert_true(replica.pause.length_us == 250000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_primary_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_replica, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pauses, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
