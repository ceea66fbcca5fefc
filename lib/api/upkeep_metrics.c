/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "api/upkeep_metrics.h"
#include "base/clock.h"

#define SECOND_US INT64_C(1000000)
/* Shorter than anybody's interval of scraping, or a total could go down from one worker's answer to
 * another's. */
#define KNOWN_US (5 * SECOND_US)
#define WAIT_MS 1000 /* for one answer of a shard */
#define TEXT_MAX_BYTES (1024 * 1024)

/* The columns of job_run_totals stand first, in their order. */
enum { TOTALS = 8, HORIZON = TOTALS, UP, VALUES };

static const struct {
    const char *name, *help, *type;
} families[VALUES] = {
    {"annals_job_last_run_timestamp_seconds",
     "End of the last round of annals-partition, seconds since 1970.", "gauge"},
    {"annals_job_last_success_timestamp_seconds",
     "End of its last round without a failure, seconds since 1970.", "gauge"},
    {"annals_job_failed", "Whether its last round failed: 1, or 0.", "gauge"},
    {"annals_partitions_held_back",
     "Partitions that no class of retention keeps, and that are kept all the same.", "gauge"},
    {"annals_partitions_created_total", "Partitions created.", "counter"},
    {"annals_partitions_dropped_total", "Partitions dropped.", "counter"},
    {"annals_partition_rows_dropped_total", "Rows of the partitions dropped, by the statistics.", "counter"},
    {"annals_partition_freed_bytes_total", "Bytes that the partitions dropped took, with indexes.",
     "counter"},
    [HORIZON] = {"annals_partition_horizon_timestamp_seconds",
                 "End of the last partition that all tables have, seconds since 1970.", "gauge"},
    [UP] = {"annals_shard_up", "Whether a server of the shard answers: 1, or 0.", "gauge"},
};

struct state {
    const char *shard;
    bool known[VALUES];
    int64_t value[VALUES];
};

static void set(struct state *s, size_t i, int64_t value)
{
    s->known[i] = true;
    s->value[i] = value;
}

static bool ask(struct an_db *db, enum an_stmt stmt, struct an_result **out)
{
    struct an_err err;
    return an_db_ask(db, stmt, WAIT_MS, out, &err) == AN_OK;
}

static void look_at(struct an_shard *shard, struct state *s)
{
    struct an_err err;
    struct an_server *server;
    struct an_result *totals = NULL, *horizon = NULL;
    int64_t v;
    s->shard = an_shard_name(shard);
    bool up = an_shard_reader(shard, &server, &err) == AN_OK &&
              ask(server->db, AN_STMT_JOB_RUN_TOTALS, &totals) &&
              ask(server->db, AN_STMT_PARTITION_HORIZON, &horizon);
    set(s, UP, up);
    for (size_t i = 0; up && an_result_rows(totals) > 0 && i < TOTALS; i++)
        if (an_result_int(totals, 0, i, &v))
            set(s, i, v);
    if (up && an_result_int(horizon, 0, 0, &v))
        set(s, HORIZON, v / SECOND_US);
    an_result_free(totals);
    an_result_free(horizon);
}

/* Lines of one family stand together. */
static void render(const struct state *states, size_t count, struct an_buf *out)
{
    for (size_t i = 0; i < VALUES; i++) {
        an_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", families[i].name, families[i].help, families[i].name,
                    families[i].type);
        for (size_t n = 0; n < count; n++)
            if (states[n].known[i])
                an_buf_addf(out, "%s{shard=\"%s\"} %lld\n", families[i].name, states[n].shard,
                            (long long)states[n].value[i]);
    }
}

static void look(struct an_upkeep_metrics *m, struct an_router *router)
{
    struct an_shard *const *list;
    size_t count;
    an_router_shards_or_default(router, &list, &count);
    struct state *states = an_xcalloc(count, sizeof *states);
    for (size_t i = 0; i < count; i++) {
        an_shard_hurry(list[i], count == 1 ? 0 : WAIT_MS);
        look_at(list[i], &states[i]);
        an_shard_hurry(list[i], 0);
    }
    an_buf_init(&m->text, TEXT_MAX_BYTES);
    render(states, count, &m->text);
    free(states);
}

void an_upkeep_metrics_add(struct an_upkeep_metrics *m, struct an_router *router, struct an_buf *out)
{
    if (an_clock_mono_us() >= m->until_us) {
        an_buf_release(&m->text);
        look(m, router);
        m->until_us = an_clock_mono_us() + KNOWN_US;
    }
    an_buf_add(out, m->text.data, m->text.len);
}

void an_upkeep_metrics_release(struct an_upkeep_metrics *m)
{
    an_buf_release(&m->text);
}
