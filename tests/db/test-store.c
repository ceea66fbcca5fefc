/* SPDX-License-Identifier: Apache-2.0 */
/* an_store_put() against a real server, named by ANNALS_TEST_PG (the writer) and ANNALS_TEST_PG_OWNER
 * (who may look at everything). test_store.py starts one and runs this in several set-ups. Each test has
 * a tenant of its own. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/codec.h"
#include "db/internal.h"
#include "db/merge.h"
#include "db/rows.h"
#include "db/store.h"
#include "fixture.h"
#include "server.h"

static bool may_copy; /* the writer's role has BYPASSRLS */

static struct an_rows batch;
static uint64_t lsn;

static void add(const char *tenant, unsigned n, const char *variant)
{
    struct an_event ev = fixture_event(tenant, n, 0, variant, 2);
    an_rows_add(&batch, &ev, ev.timestamp_us + 5);
}

static void put(bool atomic)
{
    if (an_store_put(writer, &batch, atomic, &lsn, &err) != AN_OK)
        fail_msg("%s", err.text);
}

/* Adds events first..last of the usual content and puts them. */
static void put_range(const char *tenant, unsigned first, unsigned last)
{
    an_rows_clear(&batch);
    for (unsigned n = first; n <= last; n++)
        add(tenant, n, "a");
    put(false);
}

static void assert_stored(size_t index, enum an_stored stored)
{
    static const char *const names[] = {"new",   "duplicate", "conflict", "no place",
                                        "unfit", "refused",   "not"};
    if (batch.rows[index].stored != stored)
        fail_msg("item %zu is %s, not %s", index, names[batch.rows[index].stored], names[stored]);
}

static void set_presence(const char *tenant, const char *presence)
{
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(tenant)), AN_DB_TEXT(an_str(presence))};
    an_result_free(
        query("UPDATE annals.tenants SET presence = $2 WHERE tenant_id = $1", params, AN_COUNT(params)));
}

static int64_t events_of(const char *tenant)
{
    return ask("SELECT count(*) FROM annals.events WHERE tenant_id = $1", tenant);
}

/* Every event has its entities, and is named by the outbox once. */
static void assert_whole(const char *tenant, int64_t events)
{
    assert_int_equal(events_of(tenant), events);
    assert_int_equal(ask("SELECT count(*) FROM annals.event_entities WHERE tenant_id = $1", tenant),
                     2 * events);
    assert_int_equal(
        ask("SELECT count(*) FROM annals.events AS e JOIN annals.event_entities AS n"
            " ON n.event_id = e.id AND n.\"timestamp\" = e.\"timestamp\" AND n.tenant_id = e.tenant_id"
            " WHERE e.tenant_id = $1",
            tenant),
        2 * events);
    assert_int_equal(ask("SELECT count(*) FROM (SELECT unnest(event_ids) FROM annals.outbox WHERE "
                         "tenant_id = $1) AS o",
                         tenant),
                     events);
    assert_int_equal(
        ask("SELECT count(*) FROM annals.outbox AS o CROSS JOIN LATERAL unnest(o.event_ids) AS i (id)"
            " JOIN annals.events AS e ON e.id = i.id AND e.tenant_id = o.tenant_id"
            " WHERE o.tenant_id = $1",
            tenant),
        events);
}

static void test_new(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("new");
    put_range(tenant, 0, 5);
    assert_true(lsn > 0);
    for (size_t i = 0; i < 6; i++)
        assert_stored(i, AN_STORED_NEW);
    assert_whole(tenant, 6);
}

/* What goes in as binary comes out with the same value in each column. */
static void test_columns(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("columns");
    put_range(tenant, 0, 2);
    struct an_event ev = fixture_event(tenant, 1, 0, "a", 2);
    char id[AN_UUID_LEN + 1], digest[2 * AN_SHA256_LEN + 1], times[64];
    an_uuid_format(&ev.id, id);
    an_hex_encode(ev.digest, sizeof ev.digest, digest);
    (void)snprintf(times, sizeof times, "%lld %lld", (long long)ev.timestamp_us,
                   (long long)ev.timestamp_us + 5);
    const struct an_str expected[] = {an_str(times),  ev.action,        ev.actor_type,
                                      ev.actor_id,    AN_STR("denied"), AN_STR("2001:db8::7"),
                                      an_str(digest), ev.document};
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(tenant)), AN_DB_TEXT(an_str(id))};
    struct an_result *res = query(
        "SELECT concat_ws(' ', (extract(epoch FROM \"timestamp\") * 1000000)::bigint,"
        " (extract(epoch FROM received_at) * 1000000)::bigint), action, actor_type, actor_id, outcome,"
        " host(source_ip), encode(digest, 'hex'), document::text"
        " FROM annals.events WHERE tenant_id = $1 AND id = $2 AND payload_ref = ''",
        params, AN_COUNT(params));
    assert_int_equal(an_result_rows(res), 1);
    for (size_t i = 0; i < AN_COUNT(expected); i++)
        if (!an_str_equal(an_result_get(res, 0, i), expected[i]))
            fail_msg("column %zu is '%.*s'", i, AN_STR_ARG(an_result_get(res, 0, i)));
    an_result_free(res);
    assert_int_equal(
        ask("SELECT count(*) FROM annals.events WHERE tenant_id = $1 AND source_ip IS NULL", tenant), 1);
}

static void test_repeat(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("repeat");
    put_range(tenant, 0, 9);
    an_rows_clear(&batch);
    for (unsigned n = 0; n <= 9; n++) {
        struct an_event ev = fixture_event(tenant, n, 0, "a", 2);
        an_rows_add(&batch, &ev, ev.timestamp_us + 1000000); /* accepted a second later */
    }
    put(false);
    assert_true(lsn > 0); /* what was written before is to be found behind it */
    for (size_t i = 0; i < 10; i++) {
        assert_stored(i, AN_STORED_DUPLICATE);
        assert_int_equal(batch.rows[i].received_us,
                         batch.rows[i].timestamp_us + 5); /* that of the first */
    }
    assert_whole(tenant, 10);
}

static void test_each_its_own(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("mixed");
    put_range(tenant, 0, 3);
    an_rows_clear(&batch);
    add(tenant, 9, "a"); /* new, and later than what follows */
    add(tenant, 1, "a"); /* there */
    add(tenant, 2, "b"); /* there with another content */
    add(tenant, 5, "a"); /* new */
    add(tenant, 5, "a"); /* the same again */
    add(tenant, 5, "b"); /* the same identity with another content */
    add(tenant, 2, "a"); /* behind a conflict: the first content again */
    put(false);
    static const enum an_stored expected[] = {
        AN_STORED_NEW,       AN_STORED_DUPLICATE, AN_STORED_CONFLICT, AN_STORED_NEW,
        AN_STORED_DUPLICATE, AN_STORED_CONFLICT,  AN_STORED_DUPLICATE};
    for (size_t i = 0; i < AN_COUNT(expected); i++)
        assert_stored(i, expected[i]);
    assert_true(lsn > 0);
    assert_whole(tenant, 6);
    assert_int_equal(
        ask("SELECT count(*) FROM annals.events WHERE tenant_id = $1 AND document::text LIKE '%\"b %'",
            tenant),
        0);
}

static void test_repeat_within_a_new_batch(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("within");
    an_rows_clear(&batch);
    add(tenant, 1, "a");
    add(tenant, 1, "a");
    put(false);
    assert_stored(0, AN_STORED_NEW);
    assert_stored(1, AN_STORED_DUPLICATE);
    assert_whole(tenant, 1);
}

static void test_no_partition(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("place");
    struct an_event old = fixture_event(tenant, 1, 9000, "a", 2),
                    far = fixture_event(tenant, 2, -9000, "a", 2);
    an_rows_clear(&batch);
    an_rows_add(&batch, &old, old.timestamp_us);
    add(tenant, 3, "a");
    far = fixture_event(tenant, 2, -9000, "a", 2);
    an_rows_add(&batch, &far, far.timestamp_us);
    put(false);
    assert_stored(0, AN_STORED_NO_PLACE);
    assert_stored(1, AN_STORED_NEW);
    assert_stored(2, AN_STORED_NO_PLACE);
    assert_whole(tenant, 1);
}

static void test_atomic(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("atomic");
    put_range(tenant, 0, 1);
    an_rows_clear(&batch);
    add(tenant, 5, "a");
    add(tenant, 0, "b");
    add(tenant, 1, "a");
    put(true);
    assert_stored(0, AN_STORED_NOT);
    assert_stored(1, AN_STORED_CONFLICT);
    assert_stored(2, AN_STORED_NOT);
    assert_int_equal(lsn, 0);
    assert_whole(tenant, 2);

    an_rows_clear(&batch); /* a repeat is no failure */
    add(tenant, 5, "a");
    add(tenant, 1, "a");
    put(true);
    assert_stored(0, AN_STORED_NEW);
    assert_stored(1, AN_STORED_DUPLICATE);
    assert_whole(tenant, 3);
}

/* Two tenants, the same ids: neither sees the other. */
static void test_tenants_apart(void **state)
{
    (void)state;
    char one[64];
    (void)snprintf(one, sizeof one, "%s", fresh_tenant("one"));
    const char *other = fresh_tenant("other");
    struct an_event ev = fixture_event(one, 1, 0, "a", 2);
    for (int i = 0; i < 2; i++) {
        ev.tenant_id = an_str(i == 0 ? one : other);
        an_rows_clear(&batch);
        an_rows_add(&batch, &ev, ev.timestamp_us);
        put(false);
        assert_stored(0, AN_STORED_NEW);
    }
    assert_whole(one, 1);
    assert_whole(other, 1);
}

/* What the combiner does: requests of several tenants in one transaction, one outbox row a tenant, all
 * or nothing. */
static void count_told(void *arg)
{
    ++*(int *)arg;
}

/* Whoever wants to know hears of rows that are in before their commit: of few, of many, not of what was
 * refused. */
static void test_stored_is_told(void **state)
{
    (void)state;
    int told = 0;
    const char *tenant = fresh_tenant("told");
    if (!may_copy)
        skip(); /* what is done the slow way is not told of */
    an_store_tell(writer, count_told, &told);
    put_range(tenant, 1, 3);
    assert_int_equal(told, 1);
    put_range(tenant, 11, 400);
    assert_int_equal(told, 2);
    put_range(tenant, 3, 4); /* of which one is there */
    assert_int_equal(told, 2);
    an_store_tell(writer, NULL, NULL);
    put_range(tenant, 5, 6);
    assert_int_equal(told, 2);
    assert_whole(tenant, 396);
}

static void test_several_at_once(void **state)
{
    (void)state;
    char one[64];
    (void)snprintf(one, sizeof one, "%s", fresh_tenant("one"));
    const char *other = fresh_tenant("other"), *const tenants[] = {one, other, one};
    struct an_rows rows[3], *parts[3];
    for (unsigned i = 0; i < 3; i++) {
        an_rows_init(&rows[i]);
        parts[i] = &rows[i];
        for (unsigned n = 0; n < 4; n++) { /* the third request is older than the first */
            struct an_event ev = fixture_event(tenants[i], n, i == 2 ? 1 : 0, "a", 2);
            an_rows_add(&rows[i], &ev, ev.timestamp_us);
        }
    }
    assert_int_equal(an_store_put_all(writer, parts, 3, &lsn, &err), may_copy ? AN_OK : AN_ECONFLICT);
    if (may_copy) {
        assert_true(lsn > 0);
        assert_int_equal(rows[2].rows[3].stored, AN_STORED_NEW);
        assert_whole(one, 8);
        assert_whole(other, 4);
        assert_int_equal(ask("SELECT count(*) FROM annals.outbox WHERE tenant_id = $1", one), 1);
        /* One that is there already spoils all of them, and says which way out. */
        assert_int_equal(an_store_put_all(writer, parts + 1, 1, &lsn, &err), AN_ECONFLICT);
        assert_whole(other, 4);
    }
    for (unsigned i = 0; i < 3; i++)
        an_rows_release(&rows[i]);
}

/* One batch of each path, refused while the tenant lives elsewhere, and taken when it lives here. */
static void assert_fenced(const char *tenant, const char *presence, bool atomic)
{
    int64_t before = events_of(tenant);
    set_presence(tenant, presence);
    assert_int_equal(an_store_put(writer, &batch, atomic, &lsn, &err), AN_EMOVED);
    assert_whole(tenant, before);
    set_presence(tenant, "open");
    put(atomic);
    assert_stored(batch.count - 1, AN_STORED_NEW);
}

static void test_fence(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("fence");
    an_rows_clear(&batch);
    add(tenant, 0, "a");
    assert_fenced(tenant, "closed", false); /* by INSERT */
    an_rows_clear(&batch);
    for (unsigned n = 1; n <= 300; n++)
        add(tenant, n, "a");
    assert_fenced(tenant, "hidden", false); /* by COPY */
    an_rows_clear(&batch);
    add(tenant, 7, "a");
    add(tenant, 301, "a");
    assert_fenced(tenant, "closed", true); /* a repeat: by the conflict path */
    assert_whole(tenant, 302);
    put_range(tenant, 5, 7);
    set_presence(tenant, "closed");
    assert_int_equal(an_store_put(writer, &batch, false, &lsn, &err), AN_EMOVED); /* repeats alone */
}

static void test_fence_unknown(void **state)
{
    (void)state;
    const char *tenant = fresh_name("fence-unknown");
    an_rows_clear(&batch);
    add(tenant, 0, "a");
    assert_int_equal(an_store_put(writer, &batch, false, &lsn, &err), AN_EMOVED);
    assert_whole(tenant, 0);
}

/* Of several tenants in one transaction, the one that has left spoils it, and is found by trying. */
static void test_fence_in_company(void **state)
{
    (void)state;
    char stays[64];
    (void)snprintf(stays, sizeof stays, "%s", fresh_tenant("stays"));
    const char *leaves = fresh_tenant("leaves"), *const tenants[] = {stays, leaves};
    struct an_rows rows[2], *parts[2];
    for (unsigned i = 0; i < 2; i++) {
        an_rows_init(&rows[i]);
        parts[i] = &rows[i];
        struct an_event ev = fixture_event(tenants[i], 0, 0, "a", 2);
        an_rows_add(&rows[i], &ev, ev.timestamp_us);
    }
    set_presence(leaves, "closed");
    assert_int_equal(an_store_put_all(writer, parts, 2, &lsn, &err), may_copy ? AN_EMOVED : AN_ECONFLICT);
    assert_whole(stays, 0);
    assert_int_equal(an_store_put(writer, parts[0], false, &lsn, &err), AN_OK);
    assert_int_equal(an_store_put(writer, parts[1], false, &lsn, &err), AN_EMOVED);
    assert_whole(stays, 1);
    assert_whole(leaves, 0);
    for (unsigned i = 0; i < 2; i++)
        an_rows_release(&rows[i]);
}

/* The server closed the connection between two requests: nobody notices. */
static void test_closed_while_idle(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("idle");
    put_range(tenant, 0, 1);
    int64_t closed = ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                         " WHERE usename = 'annals_writer' AND datname = current_database() AND $1 <> ''",
                         tenant);
    assert_true(closed > 0);
    while (ask("SELECT count(*) FROM pg_stat_activity WHERE usename = 'annals_writer'"
               " AND datname = current_database() AND $1 <> ''",
               tenant) > 0)
        continue;
    put_range(tenant, 2, 3);
    assert_whole(tenant, 4);
}

static void begin(struct an_db *db, const char *tenant)
{
    static const struct an_db_step none[1];
    if (an_db_begin_write(db, an_str(tenant), none, 0, NULL, &err) != AN_OK)
        fail_msg("%s", err.text);
}

/* A transaction that failed without anybody noticing: its COMMIT is none, whatever the server says. */
static void test_commit_of_a_failed_transaction(void **state)
{
    (void)state;
    static const struct an_db_step steps[] = {{.stmt = AN_STMT_COMMIT}, {.stmt = AN_STMT_WAL_POSITION}};
    begin(writer, "failed");
    assert_int_equal(an_db_script(writer, "fault", "SELECT 1/0", &err), AN_EBACKEND);
    assert_int_equal(an_db_pipeline(writer, steps, AN_COUNT(steps), NULL, &err), AN_EBACKEND);
    begin(writer, "failed");
    assert_int_equal(an_db_script(writer, "fault", "SELECT 1/0", &err), AN_EBACKEND);
    assert_int_equal(an_store_commit(writer, &lsn, &err), AN_EBACKEND);
    begin(writer, "failed"); /* nothing is left behind */
    assert_int_equal(an_db_end(writer, true, &err), AN_OK);
}

/* COMMIT on another connection than its transaction would succeed, and commit nothing. */
static void test_commit_of_a_lost_transaction(void **state)
{
    (void)state;
    begin(writer, "lost");
    an_db_close(writer);
    assert_int_equal(an_store_commit(writer, &lsn, &err), AN_EAGAIN);
    begin(writer, "lost");
    an_db_close(writer);
    assert_int_equal(an_db_ready(writer, &err), AN_OK);
    assert_int_equal(an_db_end(writer, true, &err), AN_EAGAIN);
}

/* On another connection a statement would be a transaction by itself. */
static void test_statement_of_a_lost_transaction(void **state)
{
    (void)state;
    begin(writer, "lost");
    assert_int_equal(an_db_exec_inside(writer, AN_STMT_MERGE_NOTHING, NULL, 0, NULL, &err), AN_OK);
    an_db_close(writer);
    assert_int_equal(an_db_exec_inside(writer, AN_STMT_MERGE_NOTHING, NULL, 0, NULL, &err), AN_EAGAIN);
    assert_null(writer->pg);
    assert_int_equal(an_db_ready(writer, &err), AN_OK);
    assert_int_equal(an_db_exec_inside(writer, AN_STMT_MERGE_NOTHING, NULL, 0, NULL, &err), AN_EAGAIN);
}

/* 100,000 rows, each twice and far apart, are in order at once. */
static void test_sorted(void **state)
{
    (void)state;
    enum { ROWS = 100000 };
    static struct an_row rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i].timestamp_us = ROWS - i % (ROWS / 2);
    const struct an_rows all = {.rows = rows, .count = ROWS};
    int64_t from_us = an_clock_mono_us();
    struct an_row **sorted = an_rows_sorted(&all);
    assert_in_range(an_clock_mono_us() - from_us, 0, 2000000);
    for (int i = 1; i < ROWS; i++) {
        assert_true(an_rows_compare(sorted[i - 1], sorted[i]) <= 0);
        if (i % 2 == 1)
            assert_ptr_equal(sorted[i], sorted[i - 1] + ROWS / 2);
    }
    free(sorted);
}

/* What the server refuses at COMMIT is not stored, and is not said to be: by INSERT, by COPY, and on the
 * conflict path. */
static void test_refused_at_commit(void **state)
{
    (void)state;
    enum { MANY = 300 };
    const char *tenant = fresh_tenant("refused");
    put_range(tenant, 0, 0);
    if (an_db_script(owner, "trigger",
                     "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS"
                     " 'BEGIN IF NEW.tenant_id LIKE ''refused-%'' THEN RAISE ''no''; END IF; "
                     "RETURN NULL; END';"
                     "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON annals.events"
                     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.refuse()",
                     &err) != AN_OK)
        fail_msg("%s", err.text);
    static const unsigned ranges[][2] = {{1, 1}, {1, MANY}, {0, 1}};
    for (size_t i = 0; i < AN_COUNT(ranges); i++) {
        an_rows_clear(&batch);
        for (unsigned n = ranges[i][0]; n <= ranges[i][1]; n++)
            add(tenant, n, "a");
        assert_int_equal(an_store_put(writer, &batch, false, &lsn, &err), AN_EBACKEND);
    }
    if (an_db_script(owner, "trigger", "DROP FUNCTION public.refuse() CASCADE", &err) != AN_OK)
        fail_msg("%s", err.text);
    assert_whole(tenant, 1);
    put_range(tenant, 1, MANY);
    assert_whole(tenant, MANY + 1);
}

#define KEYS 400
#define WRITERS 8
#define AT_ONCE 50

static void shuffle(unsigned *list, size_t count, unsigned seed)
{
    for (size_t i = count; i > 1; i--) {
        seed = seed * 1103515245u + 12345u;
        size_t j = (seed >> 8) % i;
        unsigned swap = list[i - 1];
        list[i - 1] = list[j];
        list[j] = swap;
    }
}

/* All the keys in a random order; returns how many were new. A deadlock would be an error. */
static int race(const char *tenant, unsigned seed)
{
    unsigned list[KEYS];
    int new = 0;
    struct an_db *db = an_db_new(&conf, AN_DB_WRITER);
    for (unsigned i = 0; i < KEYS; i++)
        list[i] = i;
    shuffle(list, KEYS, seed);
    for (size_t first = 0; first < KEYS; first += AT_ONCE) {
        an_rows_clear(&batch);
        for (size_t i = first; i < first + AT_ONCE; i++)
            add(tenant, list[i], "a");
        if (an_store_put(db, &batch, false, &lsn, &err) != AN_OK) {
            (void)fprintf(stderr, "writer %u: %s\n", seed, err.text);
            return -1;
        }
        for (size_t i = 0; i < AT_ONCE; i++)
            new += batch.rows[i].stored == AN_STORED_NEW;
    }
    an_db_free(db);
    return new;
}

static void test_race(void **state)
{
    (void)state;
    const char *tenant = fresh_tenant("race");
    int results[2], total = 0, failed = 0;
    assert_int_equal(pipe(results), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        pid_t child = fork();
        if (child == 0) {
            int new = race(tenant, i + 1);
            _exit(write(results[1], &new, sizeof new) == sizeof new &&new >= 0 ? 0 : 1);
        }
        assert_true(child > 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        int new = 0, status;
        assert_int_equal(read(results[0], &new, sizeof new), sizeof new);
        assert_true(wait(&status) > 0);
        failed += status != 0;
        total += new;
    }
    (void)close(results[0]);
    (void)close(results[1]);
    assert_int_equal(failed, 0);
    assert_int_equal(total, KEYS);
    assert_whole(tenant, KEYS);
}

/* AddressSanitizer keeps what was freed for a while. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* A line of /proc/self/status, in KiB. */
static long memory_kib(const char *name)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && kib < 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name), NULL, 10);
    if (f != NULL)
        (void)fclose(f);
    return kib;
}

/* The peak counts from here. */
static void reset_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    assert_non_null(f);
    assert_true(fputs("5", f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* 16 MiB in 10,000 events: what a put needs beside the rows themselves is small, also on the conflict
 * path. */
static void test_memory(void **state)
{
    (void)state;
    enum { EVENTS = 10000, DOCUMENT = 1600, ALLOWED_KIB = 8 * 1024 };
    const char *tenant = fresh_tenant("memory");
    static char document[DOCUMENT];
    an_rows_clear(&batch);
    memset(document, 'x', sizeof document);
    memcpy(document, "{\"x\":\"", 6);
    memcpy(document + DOCUMENT - 2, "\"}", 2);
    for (unsigned n = 0; n < EVENTS; n++) {
        struct an_event ev = fixture_event(tenant, n, 0, "a", 1);
        ev.document = (struct an_str){document, sizeof document};
        an_rows_add(&batch, &ev, ev.timestamp_us);
    }
    for (int i = 0; i < 2; i++) {
        long before_kib = memory_kib("VmRSS:");
        reset_peak();
        put(false);
        assert_stored(EVENTS - 1, i == 0 ? AN_STORED_NEW : AN_STORED_DUPLICATE);
        if (!SANITIZED)
            assert_in_range(memory_kib("VmHWM:") - before_kib, 0, ALLOWED_KIB);
    }
    an_rows_clear(&batch);
}

static void test_window(void **state)
{
    (void)state;
    int64_t from_us, to_us, now_us = an_clock_us();
    assert_int_equal(an_store_window(writer, &from_us, &to_us, &err), AN_OK);
    assert_true(from_us <= now_us - INT64_C(30) * 86400000000);
    assert_true(to_us >= now_us + INT64_C(85) * 86400000000);
    int64_t again_us;
    an_db_close(writer);
    assert_int_equal(an_store_window(writer, &again_us, &to_us, &err), AN_OK);
    assert_true(again_us == from_us);
    assert_null(writer->pg); /* nobody was asked */
}

static int start(void **state)
{
    if (server_start(state) != 0)
        return -1;
    an_rows_init(&batch);
    may_copy = ask("SELECT rolbypassrls::int FROM pg_roles WHERE rolname = $1", "annals_writer") == 1;
    return 0;
}

static int stop(void **state)
{
    an_rows_release(&batch);
    return server_stop(state);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_new),
                                              cmocka_unit_test(test_columns),
                                              cmocka_unit_test(test_repeat),
                                              cmocka_unit_test(test_each_its_own),
                                              cmocka_unit_test(test_repeat_within_a_new_batch),
                                              cmocka_unit_test(test_no_partition),
                                              cmocka_unit_test(test_atomic),
                                              cmocka_unit_test(test_tenants_apart),
                                              cmocka_unit_test(test_stored_is_told),
                                              cmocka_unit_test(test_several_at_once),
                                              cmocka_unit_test(test_fence),
                                              cmocka_unit_test(test_fence_unknown),
                                              cmocka_unit_test(test_fence_in_company),
                                              cmocka_unit_test(test_closed_while_idle),
                                              cmocka_unit_test(test_commit_of_a_failed_transaction),
                                              cmocka_unit_test(test_commit_of_a_lost_transaction),
                                              cmocka_unit_test(test_statement_of_a_lost_transaction),
                                              cmocka_unit_test(test_sorted),
                                              cmocka_unit_test(test_refused_at_commit),
                                              cmocka_unit_test(test_race),
                                              cmocka_unit_test(test_memory),
                                              cmocka_unit_test(test_window)};
    if (!fixture_conf(&conf)) {
        (void)printf("skipped: ANNALS_TEST_PG names no server\n");
        return 77;
    }
    return cmocka_run_group_tests_name("store", tests, start, stop);
}
