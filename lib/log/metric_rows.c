/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <sched.h>

#include "base/clock.h"
#include "log/metric_rows.h"

#define GAUGE_US (300 * INT64_C(1000000))

/* A row's state. They are taken from the first on, so that all processes find the same one for a name. */
enum { FREE, CLAIMED, NAMED };

#define PATIENCE 1000 /* looks at a row whose owner may have died while it named it */

/* Lines of one family stand together. */
static const struct {
    const char *name, *help, *type, *label; /* label: one more, or "" */
    bool ms;                                /* kept in milliseconds, shown in seconds */
} families[AN_SM__COUNT] = {
#define SKIPPED "annals_reads_skipped_total", "Reads that went elsewhere, by why.", "counter"
    [AN_SM_READS] = {"annals_reads_total", "Searches and other reads that a server answered.", "counter", "",
                     false},
    [AN_SM_SKIPPED_LAG] = {SKIPPED, ",reason=\"lag\"", false},
    [AN_SM_SKIPPED_POSITION] = {SKIPPED, ",reason=\"position\"", false},
    [AN_SM_SKIPPED_AWAY] = {SKIPPED, ",reason=\"away\"", false},
    [AN_SM_SKIPPED_CONFLICT] = {SKIPPED, ",reason=\"conflict\"", false},
    [AN_SM_UP] = {"annals_replica_up",
                  "Whether the replica is read from: 1, or 0 where it is away or too far behind.", "gauge",
                  "", false},
    [AN_SM_LAG_MS] = {"annals_replica_lag_seconds", "How far the replica was behind when it was last asked.",
                      "gauge", "", true},
};

static bool is_named(const struct an_metric_row *row, const char *shard, const char *server)
{
    return strcmp(row->shard, shard) == 0 && strcmp(row->server, server) == 0;
}

static uint32_t settled(const struct an_metric_row *row)
{
    uint32_t state = atomic_load(&row->state);
    for (int i = 0; state == CLAIMED && i < PATIENCE; i++) {
        (void)sched_yield();
        state = atomic_load(&row->state);
    }
    return state;
}

struct an_metric_row *an_metric_row(struct an_metric_row rows[AN_METRIC_ROWS], const char *shard,
                                    const char *server)
{
    for (size_t i = 0; i < AN_METRIC_ROWS; i++) {
        struct an_metric_row *row = &rows[i];
        uint32_t expected = FREE;
        if (atomic_compare_exchange_strong(&row->state, &expected, CLAIMED)) {
            (void)snprintf(row->shard, sizeof row->shard, "%s", shard);
            (void)snprintf(row->server, sizeof row->server, "%s", server);
            atomic_store(&row->state, NAMED);
            return row;
        }
        if (settled(row) == NAMED && is_named(row, shard, server))
            return row;
    }
    return NULL;
}

void an_metric_rows_head(enum an_server_metric m, struct an_buf *out)
{
    if (m == 0 || strcmp(families[m].name, families[m - 1].name) != 0)
        an_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", families[m].name, families[m].help, families[m].name,
                    families[m].type);
}

void an_metric_rows_lines(const struct an_metric_row rows[AN_METRIC_ROWS], enum an_server_metric m,
                          const char *app, struct an_buf *out)
{
    for (size_t i = 0; i < AN_METRIC_ROWS; i++) {
        const struct an_metric_row *row = &rows[i];
        if (atomic_load(&row->state) != NAMED)
            continue;
        bool gauge = strcmp(families[m].type, "gauge") == 0;
        if (gauge && an_clock_us() - atomic_load(&row->set_us) > GAUGE_US)
            continue;
        uint64_t v = atomic_load_explicit(&row->value[m], memory_order_relaxed);
        an_buf_addf(out, "%s{app=\"%s\",shard=\"%s\",server=\"%s\"%s} ", families[m].name, app, row->shard,
                    row->server, families[m].label);
        if (families[m].ms)
            an_buf_addf(out, "%llu.%03llu\n", (unsigned long long)(v / 1000), (unsigned long long)(v % 1000));
        else
            an_buf_addf(out, "%llu\n", (unsigned long long)v);
    }
}
