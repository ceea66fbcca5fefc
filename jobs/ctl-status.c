/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl status: of each shard, how its servers, its partitions and its outbox are, and what the jobs
 * did last. */
#include "an.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "log/metrics.h"
#include "proc/exit.h"
#include "shard/router.h"
#include "upkeep/upkeep.h"

#define LINE_MAX_BYTES 8192

/* Columns of job_run_list. */
enum { JOB, FINISHED, SUCCEEDED, MESSAGE, ROWS, BYTES };

static void print_job(const struct an_result *res, size_t row, const char *shard, bool json)
{
    struct an_str job = an_result_get(res, row, JOB), message = an_result_get(res, row, MESSAGE);
    bool succeeded = an_result_true(res, row, SUCCEEDED);
    int64_t finished_us;
    char finished[AN_TIME_LEN + 1] = "";
    if (an_result_int(res, row, FINISHED, &finished_us))
        an_time_format(finished_us, finished);
    if (!json) {
        (void)printf("annals-%.*s  %s  %s: %.*s\n", AN_STR_ARG(job), finished,
                     succeeded ? "done" : "FAILED", AN_STR_ARG(message));
        return;
    }
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_addf(&line, "{\"shard\": \"%s\", \"job\": ", shard);
    an_json_add_string(&line, job);
    an_buf_addf(
        &line,
        ", \"finished_at\": \"%s\", \"succeeded\": %s, \"removed_rows\": %.*s, \"freed_bytes\": %.*s",
        finished, succeeded ? "true" : "false", AN_STR_ARG(an_result_get(res, row, ROWS)),
        AN_STR_ARG(an_result_get(res, row, BYTES)));
    an_buf_adds(&line, ", \"message\": ");
    an_json_add_string(&line, message);
    (void)printf("%s}\n", line.data);
    an_buf_release(&line);
}

struct look {
    const char *shard;
    bool json, good;
};

static void print_server_json(const struct look *look, const struct an_server_state *s, const char *through)
{
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_addf(&line, "{\"shard\": \"%s\", \"server\": \"%s\", \"reached\": %s", look->shard,
                s->replica == NULL ? AN_SERVER_PRIMARY : s->replica, s->reached ? "true" : "false");
    if (s->replica != NULL)
        an_buf_addf(&line, ", \"read\": %s", s->read ? "true" : "false");
    if (through[0] != '\0')
        an_buf_addf(&line, ", \"through\": \"%s\", \"lag_ms\": %lld", through, (long long)s->lag_ms);
    an_buf_adds(&line, ", \"message\": ");
    an_json_add_string(&line, an_str(s->why));
    (void)printf("%s}\n", line.data);
    an_buf_release(&line);
}

static void print_server(void *arg, const struct an_server_state *s)
{
    struct look *look = arg;
    char through[AN_TIME_LEN + 1] = "";
    bool good = s->replica == NULL ? s->reached : s->read;
    look->good = look->good && good;
    if (s->through_us > AN_TIME_MIN_US)
        an_time_format(s->through_us, through);
    if (look->json) {
        print_server_json(look, s, through);
        return;
    }
    (void)printf("%s %s  ", s->replica == NULL ? "server" : "replica",
                 s->replica == NULL ? "primary" : s->replica);
    if (!good)
        (void)printf("NOT READ FROM: %s\n", s->why);
    else if (s->replica == NULL)
        (void)printf("answers\n");
    else
        (void)printf("has all up to %s, %lld ms behind\n", through, (long long)s->lag_ms);
}

/* ---- partitions, outbox ---- */

static void print_partitions(struct look *look, int64_t horizon_us)
{
    char until[AN_TIME_LEN + 1];
    bool near_end = horizon_us < an_clock_us() + AN_PARTITION_END_NEAR_US;
    look->good = look->good && !near_end;
    an_time_format(horizon_us, until);
    if (look->json)
        (void)printf("{\"shard\": \"%s\", \"partitions_until\": \"%s\", \"partitions_end_soon\": %s}\n",
                     look->shard, until, near_end ? "true" : "false");
    else
        (void)printf("partitions  ready until %s%s\n", until,
                     near_end ? ": annals-partition does not run" : "");
}

static void print_outbox(const struct look *look, const struct an_outbox *o)
{
    bool more = o->rows > AN_OUTBOX_COUNTED;
    long long rows = more ? AN_OUTBOX_COUNTED : o->rows, age_s = o->age_us / 1000000;
    if (look->json)
        (void)printf("{\"shard\": \"%s\", \"outbox_rows\": %lld, \"outbox_more\": %s, "
                     "\"outbox_oldest_s\": %lld}\n",
                     look->shard, rows, more ? "true" : "false", age_s);
    else
        (void)printf("outbox  %s%lld rows, the oldest %lld s old\n", more ? "over " : "", rows, age_s);
}

/* For a moment, in a move; for good, where that was stopped. */
static int look_at_closed(struct an_db *job, struct look *look, struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_db_exec(job, AN_STMT_STATUS_CLOSED, NULL, 0, &res, err);
    for (size_t i = 0; i < an_result_rows(res); i++) {
        struct an_str tenant = an_result_get(res, i, 0);
        if (look->json)
            (void)printf("{\"shard\": \"%s\", \"closed\": \"%.*s\"}\n", look->shard, AN_STR_ARG(tenant));
        else
            (void)printf("tenant %.*s  CLOSED: its writers wait; annalsctl tenant show %.*s says for what\n",
                         AN_STR_ARG(tenant), AN_STR_ARG(tenant));
        look->good = false;
    }
    an_result_free(res);
    return rc;
}

/* Only the job's role sees the outbox whole. */
static int look_as_job(const struct an_shard *shard, struct look *look, struct an_err *err)
{
    struct an_outbox o;
    struct an_db *job = an_shard_connect(shard, AN_DB_JOB);
    int rc = an_outbox_look(job, &o, err);
    if (rc == AN_OK)
        print_outbox(look, &o);
    if (rc == AN_OK)
        rc = look_at_closed(job, look, err);
    an_db_free(job);
    return rc;
}

static int look_at_partitions(struct an_db *db, struct look *look, struct an_err *err)
{
    int64_t horizon_us;
    int rc = an_partition_horizon(db, &horizon_us, err);
    if (rc == AN_OK)
        print_partitions(look, horizon_us);
    return rc;
}

/* Its servers, what is kept there, and what the jobs did last on it. */
static int look_at(struct an_shard *shard, struct look *look, struct an_err *err)
{
    struct an_result *res = NULL;
    struct an_server *server;
    look->shard = an_shard_name(shard);
    an_shard_look(shard, print_server, look);
    int rc = an_shard_reader(shard, &server, err);
    if (rc == AN_OK)
        rc = look_at_partitions(server->db, look, err);
    if (rc == AN_OK)
        rc = look_as_job(shard, look, err);
    if (rc == AN_OK)
        rc = an_db_exec(server->db, AN_STMT_JOB_RUN_LIST, NULL, 0, &res, err);
    for (size_t i = 0; i < an_result_rows(res); i++) {
        print_job(res, i, look->shard, look->json);
        look->good = look->good && an_result_true(res, i, SUCCEEDED);
    }
    if (rc == AN_OK && an_result_rows(res) == 0 && !look->json)
        (void)printf("no job has run yet\n");
    an_result_free(res);
    return rc;
}

static int look_at_all(struct an_shard *const *list, size_t count, bool json)
{
    struct look look = {.json = json, .good = true};
    struct an_err err;
    int exit_status = AN_EXIT_OK;
    for (size_t i = 0; i < count; i++) {
        if (count > 1 && !json)
            (void)printf("shard %s\n", an_shard_name(list[i]));
        if (look_at(list[i], &look, &err) == AN_OK)
            continue;
        (void)an_fail_within(&err, "shard %s", an_shard_name(list[i]));
        exit_status = an_ctl_failed(&err);
    }
    return exit_status == AN_EXIT_OK && !look.good ? AN_EXIT_FAILED : exit_status;
}

static int status(const struct an_ctl *ctl)
{
    struct an_err err;
    struct an_shard *const *list;
    size_t count;
    struct an_router *router = an_router_new(ctl->conf, NULL, false);
    int rc = an_router_shards(router, &list, &count, &err);
    int exit_status = rc == AN_OK ? look_at_all(list, count, ctl->json) : an_ctl_failed(&err);
    an_router_free(router);
    return exit_status;
}

const struct an_ctl_command an_ctl_status[] = {
    {"status", "",
     "of each shard: its servers, until when its partitions are ready, its outbox, and the last round of "
     "each job there; exit status 1 where something is wrong; with "
     "--json one object a line",
     true, status},
    {NULL, NULL, NULL, false, NULL},
};
