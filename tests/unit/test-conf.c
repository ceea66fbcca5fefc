/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "conf/cidr.h"
#include "conf/conf.h"
#include "conf/url.h"

/* A folder for each test, with annals.conf and, where wanted, conf.d. */
struct fixture {
    char folder[64], file[128];
    struct an_buf problems;
    struct an_conf *conf;
};

static void write_text(const char *path, const char *text, mode_t mode)
{
    struct an_err err;
    if (an_file_write(path, mode, text, strlen(text), &err) != AN_OK)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct fixture *f = an_xcalloc(1, sizeof *f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/an-conf-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->file, sizeof f->file, "%s/annals.conf", f->folder);
    an_buf_init(&f->problems, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    an_conf_free(f->conf);
    an_buf_release(&f->problems);
    free(f);
    return 0;
}

static void load(struct fixture *f, const char *text)
{
    write_text(f->file, text, 0600);
    an_conf_free(f->conf);
    an_buf_clear(&f->problems);
    f->conf = an_conf_load(f->file, &f->problems);
}

/* What must be said of a text: the whole of it behind "FILE:"; NULL: it is good. */
static const struct {
    const char *why, *text, *problem;
} cases[] = {
    {"nothing at all", "", NULL},
    {"comments, blanks and Windows line ends", "# x\r\n\r\n  [ log ]\t\r\n\t level=warn\r\n", NULL},
    {"last line without its end", "[log]\nlevel = warn", NULL},
    {"a value may hold = and #", "[database]\nreader = host=/run#1 dbname=a\n", NULL},
    {"unknown section with its neighbour", "[proces]\nx = 1\n",
     "1: unknown section [proces] (did you mean \"process\"?)"},
    {"unknown section without one", "[frobnicate]\n", "1: unknown section [frobnicate]"},
    {"unknown key", "[search]\nworkrs = 1\n", "2: search.workrs: unknown key (did you mean \"workers\"?)"},
    {"key of another section", "[log]\nworkers = 1\n", "2: log.workers: unknown key"},
    {"twice in one file", "[search]\nworkers = 1\n\nworkers = 2\n",
     "4: search.workers: already set in line 2"},
    {"twice, in two parts of a section", "[log]\nlevel = info\n[http]\n[log]\nlevel = warn\n",
     "5: log.level: already set in line 2"},
    {"key in front of every section", "workers = 1\n", "1: a key in front of the first [section]"},
    {"no key and no section", "[log]\nwarn\n", "2: neither [section] nor key = value"},
    {"value without key", "[log]\n= 1\n", "2: a value without a key"},
    {"section not closed", "[log\n", "1: a section's name stands between [ and ]"},
    {"bracket alone", "[", "1: a section's name stands between [ and ]"},
    {"section without name", "[ ]\n", "1: a section without a name"},
    {"comment of another format", "; x\n", "1: comments start with #"},
    {"control character", "[log]\nlevel = wa\x01rn\n", "2: control characters or bytes that are not UTF-8"},
    {"no UTF-8", "[log]\ntrace = \xFF\n", "2: control characters or bytes that are not UTF-8"},
    {"byte order mark", "\xEF\xBB\xBF[log]\n", "1: a byte order mark stands in front"},
    {"word that is near", "[log]\nlevel = warm\n",
     "2: log.level: 'warm' is none of error, warn, info, trace (did you mean \"warn\"?)"},
    {"yes is not on", "[tenants]\nauto_create = yes\n", "2: tenants.auto_create: 'yes' is none of off, on"},
    {"number with a unit", "[search]\nworkers = 4s\n", "2: search.workers: '4s' is not a whole number"},
    {"number out of range", "[search]\nworkers = 0\n", "2: search.workers: '0' is out of range: 1 to 512"},
    {"duration without unit", "[process]\nio_timeout = 10\n",
     "2: process.io_timeout: '10' is not a duration such as 250ms, 30s, 5min, 12h or 30d"},
    {"duration out of range", "[admin]\nsession_ttl = 31d\n",
     "2: admin.session_ttl: '31d' is out of range: 1min to 30d"},
    {"duration whose least is nothing", "[process]\ndrain_timeout = 2h\n",
     "2: process.drain_timeout: '2h' is out of range: 0 to 1h"},
    {"size with a wrong unit", "[limits]\nevent_bytes = 64kb\n",
     "2: limits.event_bytes: '64kb' is not a size such as 512, 64KiB or 16MiB"},
    {"size out of range", "[limits]\nevent_bytes = 17MiB\n",
     "2: limits.event_bytes: '17MiB' is out of range: 1KiB to 16MiB"},
    {"mode that is not octal", "[ingest]\nsocket_mode = 0680\n",
     "2: ingest.socket_mode: '0680' is not an octal mode such as 0660"},
    {"mode out of range", "[ingest]\nsocket_mode = 1777\n",
     "2: ingest.socket_mode: '1777' is out of range: 0000 to 0777"},
    {"default page larger than the largest", "[search]\npage_default = 2000\n",
     "2: search.page_default: 2000 is more than search.page_max, 1000"},
    {"the same, seen from the other key", "[search]\npage_max = 10\n",
     "2: search.page_max: 10 is less than search.page_default, 50"},
    {"batch smaller than an event", "[limits]\nbatch_bytes = 32KiB\n",
     "2: limits.batch_bytes: 32768 is less than limits.event_bytes, 65536"},
    {"one bad value is one fault", "[search]\npage_max = x\n",
     "2: search.page_max: 'x' is not a whole number"},
    {"address that others reach", "[ingest]\nlisten = 0.0.0.0:9000\n",
     "2: ingest.listen: '0.0.0.0:9000' is no loopback address (127.0.0.1:PORT, [::1]:PORT): FastCGI "
     "knows no "
     "access control"},
    {"port out of range", "[ingest]\nlisten = [::1]:65536\n",
     "2: ingest.listen: '[::1]:65536' needs a port from 1 to 65535"},
    {"loopback", "[ingest]\nlisten = [::1]:65535\n[search]\nlisten = 127.0.0.1:1\n", NULL},
    {"socket in no certain folder", "[ingest]\nlisten = run/a.sock\n",
     "2: ingest.listen: 'run/a.sock' is neither an absolute path nor a name without a slash"},
    {"one socket for two programs", "[search]\nlisten = ingest.sock\n",
     "2: search.listen: '/run/annals/ingest.sock' is also that of ingest"},
    {"no network", "[http]\nmonitor_from = ::1/128 10.0.0.0/33\n",
     "2: http.monitor_from: '10.0.0.0/33' is no network such as 10.0.0.0/8 or fd00::/8"},
    {"base path with a slash behind", "[http]\nbase_path = /audit/\n",
     "2: http.base_path: '/audit/' must be a path that starts with a slash and ends without one"},
    {"URL without scheme", "[admin]\npublic_url = example.org\n",
     "2: admin.public_url: 'example.org' must start with http:// or https://"},
    {"relative run folder",
     "[process]\nrun_dir = run\n[ingest]\nlisten=/a\n[search]\nlisten=/b\n[admin]\nlisten=/c\n",
     "2: process.run_dir: 'run' is not an absolute path"},
    {"issuer with a bad name", "[issuer.Local]\n", "1: [issuer.NAME] needs a NAME of a-z, 0-9 and _"},
    {"issuer without a name", "[issuer]\n", "1: [issuer.NAME] needs a NAME of a-z, 0-9 and _"},
    {"issuer without keys", "[issuer.a]\nissuer = https://a\n",
     "1: issuer.a.keys_file: one of keys_file, keys_url and discovery_url is required"},
    {"keys from two places", "[issuer.a]\nissuer = i\nkeys_file = /k\nkeys_url = https://a/k\n",
     "4: issuer.a.keys_url: cannot stand beside keys_file"},
    {"keys in the clear", "[issuer.a]\nissuer = i\nkeys_url = http://a.example/k\n",
     "3: issuer.a.keys_url: 'http://a.example/k' must start with https://: http:// is for this host alone"},
    {"discovery of something else", "[issuer.a]\nissuer = i\ndiscovery_url = /realms/a\n",
     "3: issuer.a.discovery_url: '/realms/a' must start with https://"},
    {"a floor above the time to live",
     "[issuer.a]\nissuer = i\nkeys_url = https://a/k\nkeys_ttl = 30s\n",
     "4: issuer.a.keys_ttl: 30000 is less than issuer.a.keys_refresh_floor, 60000"},
    {"stale before old", "[issuer.a]\nissuer = i\nkeys_url = https://a/k\nkeys_max_stale = 5min\n",
     "4: issuer.a.keys_max_stale: must be longer than keys_ttl"},
    {"a map without a scope", "[issuer.a]\nissuer = i\nkeys_file = /k\nscope_map = a=audit:read b\n",
     "4: issuer.a.scope_map: 'b' is not of the form role=scope"},
    {"a provider", "[issuer.a]\nissuer = i\ndiscovery_url = https://a/b\nscope_map = a=audit:read\n", NULL},
    {"issuer without issuer", "[issuer.a]\nkeys_file = /k\n", "1: issuer.a.issuer: is required"},
    {"algorithm that shares its secret",
     "[issuer.a]\nissuer = i\nkeys_file = /k\nalgorithms = ES256 HS256\n",
     "4: issuer.a.algorithms: 'HS256' is refused: anybody who can check such a token can make one"},
    {"algorithm of other services", "[issuer.a]\nissuer = i\nkeys_file = /k\nalgorithms = ES512\n",
     "4: issuer.a.algorithms: 'ES512' is not supported; use ES256, RS256 or EdDSA"},
    {"algorithm misspelt", "[issuer.a]\nissuer = i\nkeys_file = /k\nalgorithms = ES257\n",
     "4: issuer.a.algorithms: 'ES257' is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, "
     "ES384, EdDSA (did you mean \"ES256\"?)"},
    {"no algorithm", "[issuer.a]\nissuer = i\nkeys_file = /k\nalgorithms =\n",
     "4: issuer.a.algorithms: must not be empty"},
    {"all algorithms",
     "[issuer.a]\nissuer = i\nkeys_file = /k\nalgorithms = RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 "
     "EdDSA\n", NULL},
    {"two issuers of one name",
     "[issuer.a]\nissuer = i\nkeys_file = /k\n[issuer.b]\nissuer = i\nkeys_file = /k\n",
     "5: issuer.b.issuer: 'i' is also that of [issuer.a]"},
    {"a replica", "[replica.near]\nconninfo = host=b port=6\n", NULL},
    {"a replica that is nowhere", "[replica.near]\n", "1: replica.near.conninfo: is required"},
    {"replica with a bad name", "[replica.A-1]\n", "1: [replica.NAME] needs a NAME of a-z, 0-9 and _"},
    {"key of an issuer", "[replica.a]\nissuer = i\n[replica.a]\nconninfo = host=b\n",
     "2: replica.a.issuer: unknown key"},
    {"less than what is never behind", "[search]\nreplica_max_lag = 1s\n",
     "2: search.replica_max_lag: '1s' is out of range: 2s to 1d"},
    {"a fallback misspelt", "[search]\nreplica_fallback = primry\n",
     "2: search.replica_fallback: 'primry' is none of primary, refuse (did you mean \"primary\"?)"},
};

static void test_faults(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        char expected[512] = "";
        load(f, cases[i].text);
        if (cases[i].problem != NULL)
            (void)snprintf(expected, sizeof expected, "%s:%s\n", f->file, cases[i].problem);
        if (strcmp(f->problems.data, expected) != 0 || (f->conf != NULL) != (cases[i].problem == NULL))
            fail_msg("%s: expected <%s>, got <%s>", cases[i].why, expected, f->problems.data);
    }
}

static void test_all_faults_at_once(void **state)
{
    struct fixture *f = *state;
    load(f, "[log]\nlevel = x\nshape = y\n[serch]\n[search]\npage_max = 1\n");
    assert_null(f->conf);
    unsigned lines = 0;
    for (const char *p = f->problems.data; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, 4);
}

static void test_values(void **state)
{
    struct fixture *f = *state;
    load(f, "[process]\nrun_dir = /srv/run\ndrain_timeout = 250ms\n"
            "[log]\nlevel = error\nformat = json\n"
            "[ingest]\nsocket_mode = 0600\n"
            "[limits]\nevent_bytes = 1MiB\n"
            "[database]\nprepared = off\nwriter = host=/x dbname=y\n"
            "[partition]\nperiod = quarter\n"
            "[issuer.local]\nissuer = https://i\nkeys_file = /k.json\n");
    assert_non_null(f->conf);
    assert_int_equal(f->conf->drain_timeout_ms, 250);
    assert_int_equal(f->conf->log_level, 0);
    assert_int_equal(f->conf->log_format, 1);
    assert_int_equal(f->conf->ingest.socket_mode, 0600);
    assert_string_equal(f->conf->ingest.listen, "/srv/run/ingest.sock");
    assert_int_equal(f->conf->event_bytes, 1 << 20);
    assert_false(f->conf->db_prepared);
    assert_string_equal(f->conf->db_writer.data, "host=/x dbname=y");
    assert_int_equal(f->conf->partition_period, AN_PERIOD_QUARTER);
    assert_int_equal(f->conf->issuer_count, 1);
    assert_string_equal(f->conf->issuers[0].name, "local");
    assert_string_equal(f->conf->issuers[0].audience, "annals");
    assert_string_equal(f->conf->issuers[0].tenant_claim, "tenant_id");
    assert_true(f->conf->tenant_auto_create);
    assert_int_equal(f->conf->past_window_ms, INT64_C(30) * 86400000);
}

/* defaults < file < conf.d in the order of names < environment */
static void test_sources(void **state)
{
    struct fixture *f = *state;
    char path[192];
    (void)snprintf(path, sizeof path, "%s/conf.d", f->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/conf.d/10-a.conf", f->folder);
    write_text(path, "[search]\nworkers = 11\npage_default = 11\n", 0600);
    (void)snprintf(path, sizeof path, "%s/conf.d/20-b.conf", f->folder);
    write_text(path, "[search]\nworkers = 12\n", 0600);
    (void)snprintf(path, sizeof path, "%s/conf.d/.30-hidden.conf", f->folder);
    write_text(path, "[search]\nworkers = 13\n", 0600);
    (void)snprintf(path, sizeof path, "%s/conf.d/40-old.conf.orig", f->folder);
    write_text(path, "[search]\nworkers = 14\n", 0600);
    (void)setenv("ANNALS_SET_SEARCH_PAGE_MAX", "99", 1);
    (void)setenv("ANNALS_SET_ISSUER_MY_OWN_KEYS_FILE", "/k", 1);
    (void)setenv("ANNALS_SET_ISSUER_MY_OWN_ISSUER", "https://o", 1);
    load(f, "[search]\nworkers = 10\npage_default = 10\npage_max = 10\n[ingest]\nworkers = 10\n");
    (void)unsetenv("ANNALS_SET_SEARCH_PAGE_MAX");
    (void)unsetenv("ANNALS_SET_ISSUER_MY_OWN_KEYS_FILE");
    (void)unsetenv("ANNALS_SET_ISSUER_MY_OWN_ISSUER");
    assert_string_equal(f->problems.data, "");
    assert_non_null(f->conf);
    assert_int_equal(f->conf->ingest.workers, 10);
    assert_int_equal(f->conf->search.workers, 12);
    assert_int_equal(f->conf->page_default, 11);
    assert_int_equal(f->conf->page_max, 99);
    assert_string_equal(f->conf->issuers[0].name, "my_own");

    struct an_buf shown;
    char expected[256];
    an_buf_init(&shown, 1 << 20);
    an_conf_show(f->conf, true, &shown);
    (void)snprintf(expected, sizeof expected, "search.workers = 12  # %s/conf.d/20-b.conf:2\n", f->folder);
    assert_non_null(strstr(shown.data, expected));
    (void)snprintf(expected, sizeof expected, "ingest.workers = 10  # %s:6\n", f->file);
    assert_non_null(strstr(shown.data, expected));
    assert_non_null(strstr(shown.data, "search.page_max = 99  # ANNALS_SET_SEARCH_PAGE_MAX\n"));
    assert_non_null(strstr(shown.data, "admin.workers = 2  # default\n"));
    an_buf_release(&shown);
}

static void test_bad_environment(void **state)
{
    static const struct {
        const char *name, *value, *problem;
    } variables[] = {
        {"ANNALS_SET_SERCH_WORKERS", "1",
         "ANNALS_SET_SERCH_WORKERS: unknown section [serch] (did you mean \"search\"?)\n"},
        {"ANNALS_SET_SEARCH", "1", "ANNALS_SET_SEARCH: search.: unknown key\n"},
        {"ANNALS_SET_SEARCH_WORKERS", "",
         "ANNALS_SET_SEARCH_WORKERS: search.workers: '' is not a whole number\n"},
        {"ANNALS_SET_ISSUER_A", "1",
         "ANNALS_SET_ISSUER_A: no key of an issuer: ANNALS_SET_ISSUER_<NAME>_<KEY>\n"},
        {"ANNALS_SET_ISSUER", "1",
         "ANNALS_SET_ISSUER: no key of an issuer: ANNALS_SET_ISSUER_<NAME>_<KEY>\n"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < AN_COUNT(variables); i++) {
        (void)setenv(variables[i].name, variables[i].value, 1);
        load(f, "");
        (void)unsetenv(variables[i].name);
        assert_null(f->conf);
        assert_string_equal(f->problems.data, variables[i].problem);
    }
}

static void test_missing_file(void **state)
{
    struct fixture *f = *state;
    f->conf = an_conf_load(f->file, &f->problems);
    assert_null(f->conf);
    assert_non_null(strstr(f->problems.data, "annals.conf: No such file or directory\n"));
}

static void test_secrets(void **state)
{
    static const struct {
        const char *value;
        mode_t mode;
        bool warned;
    } files[] = {
        {"user=x password=sesame", 0644, true},
        {"postgresql://u:sesame@/db", 0644, true},
        {"user=x password = sesame", 0640, false},
        {"user=x passfile=/etc/pass", 0644, false},
        {"postgresql://u@h:5432/db", 0644, false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < AN_COUNT(files); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "[database]\nwriter = %s\n", files[i].value);
        write_text(f->file, text, files[i].mode);
        an_conf_free(f->conf);
        an_buf_clear(&f->problems);
        f->conf = an_conf_load(f->file, &f->problems);
        assert_non_null(f->conf);
        if ((strstr(f->problems.data, ":2: warning: database.writer: ") != NULL) != files[i].warned)
            fail_msg("%s: %s", files[i].value, f->problems.data);
        assert_null(strstr(f->problems.data, "sesame"));
        an_buf_clear(&f->problems);
        an_conf_show(f->conf, true, &f->problems);
        an_conf_show_json(f->conf, &f->problems);
        assert_null(strstr(f->problems.data, "sesame"));
        assert_non_null(strstr(f->problems.data, "database.writer = (set)"));
    }
}

static void test_dump_is_good(void **state)
{
    struct fixture *f = *state;
    struct an_buf dump;
    an_buf_init(&dump, 1 << 20);
    an_conf_dump(&dump);
    load(f, dump.data);
    assert_non_null(f->conf);
    /* Every key that is commented out can be switched on as it stands. */
    char *issuer = strstr(dump.data, "#[issuer.local]");
    assert_non_null(issuer);
    *issuer = '\0';
    for (char *p = dump.data; (p = strstr(p, "\n#")) != NULL; p++)
        if (p[2] != ' ')
            p[1] = ' ';
    load(f, dump.data);
    assert_string_equal(f->problems.data, "");
    assert_non_null(f->conf);
    an_buf_release(&dump);
}

static void test_keep_fixed(void **state)
{
    struct fixture *f = *state;
    load(f, "[process]\nrun_dir = /a\n[ingest]\nsocket_mode = 0600\nworkers = 3\n");
    struct an_conf *old = f->conf;
    f->conf = NULL;
    load(f, "[process]\nrun_dir = /b\n[ingest]\nworkers = 5\n[search]\nlisten = /a/search.sock\n");
    assert_non_null(f->conf);
    an_buf_clear(&f->problems);
    an_conf_keep_fixed(f->conf, old, &f->problems);
    assert_string_equal(f->problems.data, "process.run_dir ingest.listen ingest.socket_mode admin.listen");
    assert_string_equal(f->conf->run_dir, "/a");
    assert_string_equal(f->conf->ingest.listen, "/a/ingest.sock");
    assert_int_equal(f->conf->ingest.socket_mode, 0600);
    assert_int_equal(f->conf->ingest.workers, 5);
    an_conf_free(old);
}

static void test_networks(void **state)
{
    static const struct {
        const char *list, *address;
        bool holds;
    } networks[] = {
        {"127.0.0.0/8 ::1/128", "127.9.9.9", true}, {"127.0.0.0/8 ::1/128", "::1", true},
        {"127.0.0.0/8 ::1/128", "::2", false},      {"127.0.0.0/8", "128.0.0.1", false},
        {"10.0.0.128/25", "10.0.0.127", false},     {"10.0.0.128/25", "10.0.0.255", true},
        {"10.0.0.1", "10.0.0.1", true},             {"10.0.0.1", "10.0.0.2", false},
        {"0.0.0.0/0", "1.2.3.4", true},             {"0.0.0.0/0", "::1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},    {"fd00::/8", "fdff::1", true},
        {"", "127.0.0.1", false},                   {"127.0.0.0/8", "", false},
        {"127.0.0.0/8", "localhost", false},        {"  ::1   10.0.0.0/8 ", "10.0.0.1", true},
    };
    (void)state;
    struct an_str bad;
    for (size_t i = 0; i < AN_COUNT(networks); i++) {
        assert_true(an_cidr_list_valid(an_str(networks[i].list), &bad));
        if (an_cidr_list_holds(an_str(networks[i].list), an_str(networks[i].address)) != networks[i].holds)
            fail_msg("%s in %s", networks[i].address, networks[i].list);
    }
    assert_false(an_cidr_list_valid(AN_STR("::1 10.0.0/8"), &bad));
    assert_true(an_str_is(bad, "10.0.0/8"));
    assert_false(an_cidr_list_valid(AN_STR("10.0.0.0/"), &bad));
    assert_false(an_cidr_list_valid(AN_STR("10.0.0.0/-1"), &bad));
}

static const struct {
    const char *why, *url, *fault;
} urls[] = {
    {"plain", "https://login.example.com/realms/a/.well-known/openid-configuration", NULL},
    {"with a port and a query", "https://login.example.com:8443/keys?use=sig", NULL},
    {"without a path", "https://login.example.com", NULL},
    {"an address", "https://10.1.2.3/keys", NULL},
    {"this host in the clear", "http://localhost:8180/keys", NULL},
    {"this host by address", "http://127.0.0.1/keys", NULL},
    {"this host by IPv6", "http://[::1]:8180/keys", NULL},
    {"another host in the clear", "http://login.example.com/keys", "must start with https://: http://"},
    {"another address in the clear", "http://[2001:db8::1]/keys", "must start with https://: http://"},
    {"a name that begins like this host", "http://127.0.0.1.example.com/",
     "must start with https://: http://"},
    {"a user name that looks like this host", "http://127.0.0.1@example.com/", "must not hold a user name"},
    {"a backslash, which some take for a slash", "http://127.0.0.1\\example.com/", "needs a host"},
    {"no scheme", "login.example.com/keys", "must start with https://"},
    {"another scheme", "file:///etc/passwd", "must start with https://"},
    {"empty", "", "must start with https://"},
    {"no host", "https:///keys", "needs a host"},
    {"no port", "https://example.com:/keys", "needs a host"},
    {"a port too large", "https://example.com:65536/keys", "needs a host"},
    {"something behind the bracket", "http://[::1]x/keys", "needs a host"},
    {"no address in brackets", "http://[localhost]/keys", "needs a host"},
    {"a fragment", "https://example.com/keys#a", "must not hold a fragment"},
    {"a blank", "https://example.com/my keys", "holds a blank"},
    {"a line end", "https://example.com/\r\nX: y", "holds a blank"},
    {"not ASCII", "https://ex\xc3\xa4mple.com/", "holds a blank"},
};

static void test_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(urls); i++) {
        const char *fault = an_url_fault(an_str(urls[i].url));
        bool as_expected = urls[i].fault == NULL ? fault == NULL :
                                                   fault != NULL && strstr(fault, urls[i].fault) == fault;
        if (!as_expected)
            fail_msg("%s: <%s>", urls[i].why, fault == NULL ? "nothing" : fault);
    }
    assert_true(an_url_loopback(AN_STR("https://localhost/")));
    assert_true(an_url_loopback(AN_STR("http://[::1]:80/")));
    assert_false(an_url_loopback(AN_STR("https://example.com/localhost")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_faults_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dump_is_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keep_fixed, setup, teardown),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
