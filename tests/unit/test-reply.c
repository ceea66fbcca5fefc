/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "http/fcgi.h"
#include "http/reply.h"

/* The sink: what a reply writes lands here in place of a web server (linked with --wrap). */
static struct an_buf sink;
static bool sink_gone;
static unsigned flushes;

int __wrap_an_fcgi_write(struct an_fcgi *f, const char *data, size_t len, struct an_err *err);
int __wrap_an_fcgi_write(struct an_fcgi *f, const char *data, size_t len, struct an_err *err)
{
    (void)f;
    if (sink_gone)
        return an_fail(err, AN_EAGAIN, "gone");
    an_buf_add(&sink, data, len);
    return AN_OK;
}

int __wrap_an_fcgi_flush(struct an_fcgi *f, struct an_err *err);
int __wrap_an_fcgi_flush(struct an_fcgi *f, struct an_err *err)
{
    (void)f;
    flushes++;
    return sink_gone ? an_fail(err, AN_EAGAIN, "gone") : AN_OK;
}

static struct an_arena *arena;
static struct an_reply rep;

static int set_up(void **state)
{
    (void)state;
    static char somewhere; /* stands for a connection that the sink never looks at */
    arena = an_arena_new(4096);
    an_buf_init(&sink, (size_t)1 << 20);
    an_reply_init(&rep, arena, (struct an_fcgi *)(void *)&somewhere);
    sink_gone = false;
    flushes = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    an_buf_release(&rep.body);
    an_buf_release(&sink);
    an_arena_free(arena);
    return 0;
}

static void test_whole_reply(void **state)
{
    (void)state;
    struct an_err err;
    rep.status = 201;
    rep.request_id = "r-1";
    an_reply_type(&rep, "application/json");
    an_reply_type(&rep, "text/plain");
    an_reply_headerf(&rep, "X-Number", "%d", 7);
    an_buf_adds(&rep.body, "hello");
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_string_equal(
        sink.data, "Status: 201 Created\r\nContent-Type: text/plain\r\nX-Number: 7\r\nX-Request-Id: r-1\r\n"
                   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                   "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(rep.sent, 5);
}

static void test_head_counts_and_sends_nothing(void **state)
{
    (void)state;
    struct an_err err;
    rep.head = true;
    an_buf_adds(&rep.body, "hello");
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_non_null(strstr(sink.data, "Content-Length: 5\r\n\r\n"));
    assert_null(strstr(sink.data, "hello"));
    assert_int_equal(rep.sent, 0);
}

static void test_no_length_without_a_body(void **state)
{
    (void)state;
    struct an_err err;
    rep.status = 304;
    an_reply_header(&rep, "Cache-Control", AN_STR("private, immutable"));
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_null(strstr(sink.data, "Content-Length"));
    assert_null(strstr(sink.data, "no-store"));
}

static void test_stream(void **state)
{
    (void)state;
    struct an_err err;
    an_buf_adds(&rep.body, "one ");
    assert_int_equal(an_reply_flush(&rep, &err), AN_OK);
    assert_true(rep.started);
    an_buf_adds(&rep.body, "two");
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_null(strstr(sink.data, "Content-Length"));
    assert_non_null(strstr(sink.data, "\r\n\r\none two"));
    assert_int_equal(rep.sent, 7);
    assert_int_equal(flushes, 1);
}

static void test_client_gone(void **state)
{
    (void)state;
    struct an_err err;
    sink_gone = true;
    an_buf_adds(&rep.body, "one");
    assert_int_equal(an_reply_flush(&rep, &err), AN_EAGAIN);
}

static void test_fields_cannot_be_forged(void **state)
{
    (void)state;
    struct an_err err;
    an_reply_header(&rep, "X-A", AN_STR("1\r\nX-Evil: 1"));
    an_reply_header(&rep, "X-B", AN_STR("1\nX-Evil: 1"));
    an_reply_headerf(&rep, "X-Zero", "1%cX", '\0');
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_null(strstr(sink.data, "X-Evil"));
    assert_null(strstr(sink.data, "X-Zero"));
}

static void test_cookies_repeat(void **state)
{
    (void)state;
    struct an_err err;
    an_reply_header(&rep, "Set-Cookie", AN_STR("a=1"));
    an_reply_header(&rep, "Set-Cookie", AN_STR("b=2"));
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_non_null(strstr(sink.data, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
}

static void test_too_long_is_our_fault(void **state)
{
    (void)state;
    struct an_err err;
    rep.body.limit = 4;
    an_buf_adds(&rep.body, "hello");
    assert_int_equal(an_reply_finish(&rep, &err), AN_EBACKEND);
    assert_int_equal(sink.len, 0);
    assert_false(rep.started);
}

static void test_reset(void **state)
{
    (void)state;
    struct an_err err;
    rep.status = 404;
    rep.head = true;
    an_reply_type(&rep, "text/plain");
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    an_reply_reset(&rep);
    an_buf_clear(&sink);
    assert_int_equal(an_reply_finish(&rep, &err), AN_OK);
    assert_memory_equal(sink.data, "Status: 200 OK\r\n", 16);
    assert_null(strstr(sink.data, "text/plain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_reply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_head_counts_and_sends_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_length_without_a_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fields_cannot_be_forged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cookies_repeat, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long_is_our_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down)};
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
