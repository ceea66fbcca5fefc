/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/problem.h"

static void test_every_type_is_complete(void **state)
{
    (void)state;
    for (int i = 0; i < AN_P__COUNT; i++) {
        assert_non_null(an_problem_slug((enum an_problem_type)i));
        assert_in_range(an_problem_status((enum an_problem_type)i), 400, 504);
        assert_string_not_equal(an_status_text(an_problem_status((enum an_problem_type)i)), "Unknown");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(an_problem_slug((enum an_problem_type)i),
                                    an_problem_slug((enum an_problem_type)j));
    }
}

static void test_document(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_faults faults;
    an_faults_init(&faults, a, 1);
    an_fault_add(&faults, AN_FAULT_POINTER, "/actor/\"id\"", "required", "It is %s.", "missing");
    an_fault_add(&faults, AN_FAULT_PARAMETER, "limit", "unknown", "Over the number that is kept.");
    struct an_problem p = {.type = AN_P_TOO_LARGE,
                           .detail = "One \"line\".",
                           .faults = &faults,
                           .has_limit = true,
                           .limit = 10,
                           .actual = 11};
    struct an_buf b;
    an_buf_init(&b, 4096);
    an_problem_add(&b, &p, "r-1");
    assert_string_equal(
        b.data,
        "{\"type\":\"/problems/too-large\",\"title\":\"The request is over a limit\",\"status\":413,"
        "\"detail\":\"One \\\"line\\\".\",\"request_id\":\"r-1\",\"errors\":[{\"pointer\":"
        "\"/actor/\\\"id\\\"\",\"code\":\"required\",\"detail\":\"It is missing.\"}],"
        "\"errors_omitted\":1,\"limit\":10,\"actual\":11}");
    an_buf_clear(&b);
    an_problem_add(&b, &(struct an_problem){.type = AN_P_NOT_FOUND}, NULL);
    assert_string_equal(
        b.data,
        "{\"type\":\"/problems/not-found\",\"title\":\"There is no such thing here\",\"status\":404}");
    an_buf_release(&b);
    an_arena_free(a);
}

static void add_answer(struct an_buf *out, const void *members_of)
{
    an_buf_addf(out, ",\"answer\":%d", *(const int *)members_of);
}

static void test_further_members(void **state)
{
    (void)state;
    const int answer = 42;
    struct an_buf b;
    an_buf_init(&b, 4096);
    an_problem_add(&b,
                   &(struct an_problem){.type = AN_P_NOT_FOUND,
                                        .add_members = add_answer,
                                        .members_of = &answer},
                   NULL);
    assert_string_equal(b.data, "{\"type\":\"/problems/not-found\",\"title\":\"There is no such thing here\","
                                "\"status\":404,\"answer\":42}");
    an_buf_release(&b);
}

static void test_reply_drops_what_was_there(void **state)
{
    (void)state;
    struct an_arena *a = an_arena_new(4096);
    struct an_reply rep;
    an_reply_init(&rep, a, NULL);
    an_reply_header(&rep, "ETag", AN_STR("\"x\""));
    an_reply_header(&rep, "Cache-Control", AN_STR("private, immutable"));
    an_reply_header(&rep, "Allow", AN_STR("GET"));
    an_buf_adds(&rep.body, "half a page");
    an_problem_reply(&rep, &(struct an_problem){.type = AN_P_UNAVAILABLE}, NULL);
    assert_int_equal(rep.status, 503);
    assert_null(an_reply_find(&rep, "ETag").data);
    assert_null(an_reply_find(&rep, "Cache-Control").data);
    assert_true(an_str_is(an_reply_find(&rep, "Allow"), "GET"));
    assert_true(an_str_is(an_reply_find(&rep, "Retry-After"), "1"));
    assert_true(an_str_is(an_reply_find(&rep, "content-type"), "application/problem+json"));
    assert_int_equal(rep.body.data[0], '{');
    an_buf_release(&rep.body);
    an_arena_free(a);
}

static void test_usual_translation(void **state)
{
    (void)state;
    static const struct {
        enum an_rc rc;
        int status;
    } rows[] = {{AN_EINVAL, 400},  {AN_EAUTH, 401},    {AN_EAGAIN, 503},
                {AN_ETOOBIG, 413}, {AN_EBACKEND, 500}, {AN_ENOENT, 404},
                {AN_EDENIED, 403}, {AN_ETIMEOUT, 504}, {AN_ECONFLICT, 409}};
    for (size_t i = 0; i < AN_COUNT(rows); i++)
        assert_int_equal(an_problem_status(an_problem_of(rows[i].rc)), rows[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_type_is_complete),
                                       cmocka_unit_test(test_document),
                                       cmocka_unit_test(test_further_members),
                                       cmocka_unit_test(test_reply_drops_what_was_there),
                                       cmocka_unit_test(test_usual_translation)};
    return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
