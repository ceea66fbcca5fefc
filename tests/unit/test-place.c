/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "db/place.h"

static const char services[] = "[w]\nhost=pg1,pg2\nport=1,2\nuser=w\npassword=geheim\nkeepalives_idle=7\n"
                               "[addressed]\nhostaddr=10.0.0.1\nhost=pg1\nport=7777\ndbname=d\nuser=w\n"
                               "target_session_attrs=primary\n"
                               "[weak]\nsslmode=disable\ntarget_session_attrs=any\n"
                               "[broken]\npassword geheim\n";

/* What the environment says besides, "NAME=value NAME=value"; put back afterwards. */
static const char *const variables[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGSSLMODE",
    "PGTARGETSESSIONATTRS",
                                        "PGSERVICE"};

static void set_environment(const char *text)
{
    char copy[256], *save = NULL;
    for (size_t i = 0; i < AN_COUNT(variables); i++)
        (void)unsetenv(variables[i]);
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value = '\0';
        assert_int_equal(setenv(word, value + 1, 1), 0);
    }
}

static char file[] = "/tmp/an-place-XXXXXX";

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(file);
    bool written = fd >= 0 && write(fd, services, sizeof services - 1) == (ssize_t)(sizeof services - 1);
    return written && close(fd) == 0 && setenv("PGSERVICEFILE", file, 1) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(file);
}

static const struct {
    const char *why, *environment, *who, *place;
    const char *hosts;   /* "host/hostaddr/port", - where there is none */
    const char *options; /* which must be there, and with ! in front, which must not */
} found[] = {
    {"one host", "", "host=a port=1 user=w", NULL, "a/-/1", "user='w' !host='a' !target_session_attrs"},
    {"no host", "", "user=w dbname=d", "", "-/-/5432", "user='w' dbname='d'"},
    {"several", "", "host=a,b,c port=1,,3 hostaddr=,10.0.0.2,", NULL, "a/-/1 b/10.0.0.2/- c/-/3", ""},
    {"a port for all", "", "postgresql://a,b/d?port=6", NULL, "a/-/6 b/-/6", "dbname='d'"},
    {"any is somebody's wish", "", "host=a target_session_attrs=any", NULL, "a/-/5432",
     "target_session_attrs='any'"},
    {"quotes and backslashes", "", "user=w password='a\\'b\\\\c'", NULL, "-/-/5432", "password='a\\'b\\\\c'"},

    {"a service", "", "service=w", NULL, "pg1/-/1 pg2/-/2",
     "user='w' password='geheim' keepalives_idle='7' !service"},
    {"the string before the service", "", "service=w user=me host=a,b", NULL, "a/-/1 b/-/2", "user='me'"},
    {"the service before the environment", "PGHOST=e PGUSER=e", "service=w", NULL, "pg1/-/1 pg2/-/2",
     "user='w'"},
    {"the environment for what is left open", "PGHOST=a,b PGPORT=3 PGUSER=e", "dbname=d", NULL, "a/-/3 b/-/3",
     "user='e' dbname='d'"},
    {"a service that the environment names", "PGSERVICE=w", "dbname=d", NULL, "pg1/-/1 pg2/-/2",
     "user='w' dbname='d'"},
    {"TLS of the service", "PGSSLMODE=require", "service=weak", NULL, "-/-/5432", "sslmode='disable'"},
    {"TLS of the environment", "PGSSLMODE=require", "host=a", NULL, "a/-/5432", "sslmode='require'"},
    {"TLS of nobody", "", "host=a", NULL, "a/-/5432", "sslmode='prefer'"},
    {"a service wants a primary", "", "service=addressed", NULL, "pg1/10.0.0.1/7777",
     "target_session_attrs='primary' dbname='d'"},
    {"any in a service is as good as nothing", "", "service=weak", NULL, "-/-/5432", "!target_session_attrs"},

    {"the place says where, the string who", "", "user=w dbname=d", "host=b port=6", "b/-/6",
     "user='w' dbname='d'"},
    {"no port is inherited: it is another server", "", "host=a port=1 user=w", "host=b", "b/-/-", "user='w'"},
    {"nor an address", "", "host=a hostaddr=10.0.0.1 user=w", "host=b", "b/-/-", "user='w'"},
    {"nor of a service", "", "service=addressed", "host=b", "b/-/-",
     "user='w' dbname='d' !target_session_attrs"},
    {"nor a port of several", "", "service=w", "host=b port=6", "b/-/6", "user='w' password='geheim'"},
    {"nor of the environment", "PGHOST=e PGHOSTADDR=10.0.0.1 PGPORT=7 PGTARGETSESSIONATTRS=standby",
     "user=w", "host=b",
     "b/-/-", "user='w' hostaddr='' port='' !target_session_attrs"},
    {"what the place says counts", "", "user=w dbname=d sslmode=require",
     "host=b dbname=e sslmode=disable", "b/-/-",
     "user='w' dbname='e' sslmode='disable' !require"},
    {"and before a service too", "", "service=addressed", "host=b,c dbname=e target_session_attrs=any",
     "b/-/- c/-/-",
     "dbname='e' target_session_attrs='any' !primary"},
    {"URIs", "", "postgresql://w@a:1/d", "postgresql://b:6", "b/-/6", "user='w' dbname='d'"},
    {"another server need not be the one to write to", "", "host=a target_session_attrs=primary user=w",
     "host=b",
     "b/-/-", "!target_session_attrs"},
};

static const char *word(const char *text)
{
    return text == NULL ? "-" : text;
}

static void check_hosts(const char *why, const struct an_where *where, const char *hosts)
{
    struct an_buf is;
    an_buf_init(&is, 512);
    for (size_t i = 0; i < where->count; i++) {
        const struct an_host *h = &where->hosts[i];
        an_buf_addf(&is, "%s%s/%s/%s", i > 0 ? " " : "", word(h->host), word(h->hostaddr), word(h->port));
    }
    if (strcmp(is.data, hosts) != 0)
        fail_msg("%s: %s, not %s", why, is.data, hosts);
    an_buf_release(&is);
}

static void check_options(const char *why, const char *is, const char *options)
{
    char copy[256], *save = NULL;
    (void)snprintf(copy, sizeof copy, "%s", options);
    for (char *o = strtok_r(copy, " ", &save); o != NULL; o = strtok_r(NULL, " ", &save)) {
        bool wanted = o[0] != '!';
        if ((strstr(is, wanted ? o : o + 1) != NULL) != wanted)
            fail_msg("%s: %s in <%s>", why, o, is);
    }
}

static void test_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(found); i++) {
        struct an_where where;
        struct an_err err;
        set_environment(found[i].environment);
        if (an_where_find(found[i].who, found[i].place, &where, &err) != AN_OK)
            fail_msg("%s: %s", found[i].why, err.text);
        check_hosts(found[i].why, &where, found[i].hosts);
        check_options(found[i].why, where.options.data, found[i].options);
        an_where_release(&where);
    }
    set_environment("");
}

/* What was found is a connection string, and finds the same. */
static void test_found_again(void **state)
{
    (void)state;
    struct an_where where, again;
    struct an_err err;
    assert_int_equal(an_where_find("service=w application_name='it\\'s \\\\'", NULL, &where, &err), AN_OK);
    assert_int_equal(an_where_find(where.options.data, NULL, &again, &err), AN_OK);
    assert_string_equal(again.options.data, where.options.data);
    an_where_release(&where);
    an_where_release(&again);
}

static const struct {
    const char *why, *file, *who, *message;
} not_found[] = {
    {"no such service", file, "service=x", "definition of service \"x\" not found"},
    {"no such file", "/tmp/an-place-none", "service=w", "service file \"/tmp/an-place-none\" not found"},
    {"no service file", file, "service=broken", "syntax error in service file"},
    {"no connection string", file, "geheim", "no connection string"},
    {"an option that libpq does not know", file, "password=geheim tenant=t", "no connection string"},
    {"more ports than hosts", file, "service=w host=a", "1 hosts are named with 2 ports"},
    {"more addresses than hosts", file, "host=a hostaddr=10.0.0.1,10.0.0.2",
     "1 hosts are named with 2 addresses"},
    {"more than we go through", file, "host=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
     "17 hosts are named; 16 are the most"},
};

static void test_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(not_found); i++) {
        struct an_where where;
        struct an_err err = {AN_OK, ""};
        assert_int_equal(setenv("PGSERVICEFILE", not_found[i].file, 1), 0);
        assert_int_equal(an_where_find(not_found[i].who, NULL, &where, &err), AN_EINVAL);
        if (strstr(err.text, not_found[i].message) == NULL)
            fail_msg("%s: %s", not_found[i].why, err.text);
        assert_null(strstr(err.text, "geheim"));
        assert_null(where.hosts);
        assert_null(where.options.data);
    }
    assert_int_equal(setenv("PGSERVICEFILE", file, 1), 0);
}

static const struct {
    const char *why, *place, *message;
} refused[] = {
    {"it says who", "host=b user=w", "must not name user"},
    {"it holds a secret", "host=b password=geheim", "must not name password"},
    {"a URI that holds one", "postgresql://w:geheim@b", "must not name user"},
    {"who is in the file", "host=b service=w", "must not name service"},
    {"it says nothing of where", "dbname=d", "names no host"},
    {"empty", "", "names no host"},
    {"no connection string", "host", "no connection string"},
    {"a word that libpq does not know", "host=b tenant=t", "no connection string"},
    {"ports of other hosts", "host=a port=1,2", "1 hosts are named with 2 ports"},
    {"too many", "host=a,b,c", "names 3 hosts, where 2 may stand"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(refused); i++) {
        struct an_err err = {AN_OK, ""};
        assert_int_equal(an_place_check(refused[i].place, 2, &err), AN_EINVAL);
        if (strstr(err.text, refused[i].message) == NULL)
            fail_msg("%s: %s", refused[i].why, err.text);
        assert_null(strstr(err.text, "geheim"));
    }
    struct an_err err;
    assert_int_equal(an_place_check("host=a,b port=1", 2, &err), AN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found), cmocka_unit_test(test_found_again),
                                       cmocka_unit_test(test_not_found), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
