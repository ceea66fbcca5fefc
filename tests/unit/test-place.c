/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"
#include "db/place.h"

static const struct {
    const char *why, *who, *place, *led;
} led[] = {
    {"the place says where, the string who", "user=w dbname=d", "host=b port=6",
     "user='w' dbname='d' host='b' port='6'"},
    {"no port is inherited: it is another server", "host=a port=1 user=w", "host=b", "user='w' host='b'"},
    {"nor an address", "host=a hostaddr=10.0.0.1 user=w", "host=b", "user='w' host='b'"},
    {"what the place says counts", "user=w dbname=d sslmode=require", "host=b dbname=e sslmode=disable",
     "user='w' host='b' dbname='e' sslmode='disable'"},
    {"a URI", "postgresql://w@a:1/d", "postgresql://b:6", "user='w' dbname='d' host='b' port='6'"},
    {"quotes and backslashes", "user=w password='a\\'b\\\\c'", "host=b",
     "user='w' password='a\\'b\\\\c' host='b'"},
    {"another server need not be the one to write to", "host=a target_session_attrs=primary user=w", "host=b",
     "user='w' host='b'"},
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* libpq decides on the order of options, and what is the default of one. */
static char *sorted(const char *text, struct an_buf *out)
{
    char copy[512], *words[32], *save = NULL;
    size_t count = 0;
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        words[count++] = w;
    qsort(words, count, sizeof *words, compare);
    an_buf_clear(out);
    for (size_t i = 0; i < count; i++)
        an_buf_addf(out, "%s ", words[i]);
    return out->data;
}

static void test_led(void **state)
{
    (void)state;
    struct an_buf is, should;
    an_buf_init(&is, 512);
    an_buf_init(&should, 512);
    for (size_t i = 0; i < AN_COUNT(led); i++) {
        struct an_secret out = {NULL, 0};
        struct an_err err;
        int rc = an_place_lead(led[i].who, led[i].place, &out, &err);
        if (rc != AN_OK)
            fail_msg("%s: %s", led[i].why, err.text);
        assert_string_equal(sorted(out.data, &is), sorted(led[i].led, &should));
        an_secret_release(&out);
    }
    an_buf_release(&is);
    an_buf_release(&should);
}

static const struct {
    const char *why, *place, *message;
} refused[] = {
    {"it says who", "host=b user=w", "must not name user"},
    {"it holds a secret", "host=b password=geheim", "must not name password"},
    {"a URI that holds one", "postgresql://w:geheim@b", "must not name user"},
    {"it says nothing of where", "dbname=d", "names no host"},
    {"empty", "", "names no host"},
    {"no connection string", "host", "no connection string"},
    {"a word that libpq does not know", "host=b tenant=t", "no connection string"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(refused); i++) {
        struct an_err err = {AN_OK, ""};
        assert_int_equal(an_place_check(refused[i].place, &err), AN_EINVAL);
        if (strstr(err.text, refused[i].message) == NULL)
            fail_msg("%s: %s", refused[i].why, err.text);
        assert_null(strstr(err.text, "geheim"));
    }
}

static void test_hosts(void **state)
{
    (void)state;
    size_t count;
    assert_null(an_place_hosts("host=a", &count));
    assert_int_equal(count, 0);
    assert_null(an_place_hosts("nonsense", &count));
    struct an_host *hosts = an_place_hosts("host=a,b,c port=1,,3 hostaddr=,10.0.0.2,", &count);
    assert_int_equal(count, 3);
    assert_string_equal(hosts[1].host, "b");
    assert_string_equal(hosts[1].hostaddr, "10.0.0.2");
    assert_null(hosts[1].port);
    assert_null(hosts[2].hostaddr);
    assert_string_equal(hosts[2].port, "3");
    an_hosts_free(hosts, count);
    hosts = an_place_hosts("postgresql://a,b/d?port=6", &count);
    assert_int_equal(count, 2);
    assert_string_equal(hosts[0].port, "6");
    assert_string_equal(hosts[1].port, "6");
    an_hosts_free(hosts, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_led), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_hosts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
