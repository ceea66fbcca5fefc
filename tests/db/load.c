/* SPDX-License-Identifier: Apache-2.0 */
/* Writes batches through an_store_put() and says on stdout what became of each, for tests that do things
 * to the server meanwhile. usage: load TENANT BATCHES EVENTS FIRST. The tenant is made known, where it is
 * not. Events are numbered from FIRST on;
 * every third batch repeats an event of the one before. A batch that failed is put again until it is
 * stored. Lines: "ok NEW DUPLICATES MICROSECONDS" and "error CODE MICROSECONDS TEXT". */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "fixture.h"

static void report(const struct an_rows *r, int rc, const struct an_err *err, int64_t took_us)
{
    size_t count[AN_STORED_NOT + 1] = {0};
    if (rc != AN_OK) {
        (void)printf("error %d %lld %s\n", rc, (long long)took_us, err->text);
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        count[r->rows[i].stored]++;
    (void)printf("ok %zu %zu %lld\n", count[AN_STORED_NEW], count[AN_STORED_DUPLICATE],
                 (long long)took_us);
}

static bool make_known(struct an_db *db, const char *tenant)
{
    struct an_err err;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(tenant)), AN_DB_TEXT(AN_STR(""))};
    return an_db_exec(db, AN_STMT_TENANT_SETTLE, params, AN_COUNT(params), NULL, &err) == AN_OK;
}

static void put(struct an_db *db, struct an_rows *r)
{
    static bool known;
    int rc;
    do {
        struct an_err err;
        known = known || make_known(db, r->tenant);
        uint64_t lsn;
        int64_t from_us = an_clock_mono_us();
        rc = an_store_put(db, r, false, &lsn, &err);
        report(r, rc, &err, an_clock_mono_us() - from_us);
        (void)fflush(stdout);
        if (rc != AN_OK)
            (void)poll(NULL, 0, 100);
    } while (rc == AN_EAGAIN || rc == AN_ETIMEOUT || rc == AN_EMOVED);
}

int main(int argc, char **argv)
{
    struct an_conf conf;
    int64_t batches, events, first;
    if (argc != 5 || !an_parse_i64(an_str(argv[2]), 1, 1000000, &batches) ||
        !an_parse_i64(an_str(argv[3]), 1, 10000, &events) ||
        !an_parse_i64(an_str(argv[4]), 0, 1000000000, &first)) {
        (void)fprintf(stderr, "usage: load TENANT BATCHES EVENTS FIRST\n");
        return 2;
    }
    if (!fixture_conf(&conf))
        return 77;
    struct an_db *db = an_db_new(&conf, AN_DB_WRITER);
    struct an_rows rows;
    an_rows_init(&rows);
    unsigned n = (unsigned)first;
    for (int64_t i = 0; i < batches; i++) {
        an_rows_clear(&rows);
        for (int64_t j = 0; j < events; j++) {
            unsigned number = i % 3 == 2 && j == 0 ? n - 1 : n++;
            struct an_event ev = fixture_event(argv[1], number, 0, "a", 2);
            an_rows_add(&rows, &ev, an_clock_us());
        }
        put(db, &rows);
    }
    an_rows_release(&rows);
    an_db_free(db);
    an_secret_release(&conf.db_writer);
    return 0;
}
