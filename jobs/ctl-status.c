/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl status: what the jobs did last, and how the servers are that are read from. */
#include "an.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/shard.h"
#include "log/metrics.h"
#include "proc/exit.h"

#define LINE_MAX_BYTES 8192

/* Columns of job_run_list. */
enum { JOB, FINISHED, SUCCEEDED, MESSAGE, ROWS, BYTES };

static void print_job(const struct an_result *res, size_t row, bool json)
{
    struct an_str job = an_result_get(res, row, JOB), message = an_result_get(res, row, MESSAGE);
    bool succeeded = an_str_is(an_result_get(res, row, SUCCEEDED), "t");
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
    an_buf_adds(&line, "{\"job\": ");
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
    bool json, good;
};

static void print_server_json(const struct an_server_state *s, const char *through)
{
    struct an_buf line;
    an_buf_init(&line, LINE_MAX_BYTES);
    an_buf_addf(&line, "{\"server\": \"%s\", \"reached\": %s", s->replica == NULL ? AN_SERVER_PRIMARY : s->replica,
                s->reached ? "true" : "false");
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
        print_server_json(s, through);
        return;
    }
    (void)printf("%s %s  ", s->replica == NULL ? "server" : "replica", s->replica == NULL ? "primary" : s->replica);
    if (!good)
        (void)printf("NOT READ FROM: %s\n", s->why);
    else if (s->replica == NULL)
        (void)printf("answers\n");
    else
        (void)printf("has all up to %s, %lld ms behind\n", through, (long long)s->lag_ms);
}

static int status(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc > 1)
        return an_ctl_usage("status: unexpected argument '%s'", argv[1]);
    struct an_err err;
    struct an_result *res = NULL;
    struct an_server *server;
    struct an_shard *shard = an_shard_new_default(ctl->conf);
    struct look look = {.json = ctl->json, .good = true};
    an_shard_look(shard, print_server, &look);
    int rc = an_shard_reader(shard, &server, &err);
    if (rc == AN_OK)
        rc = an_db_exec(server->db, AN_STMT_JOB_RUN_LIST, NULL, 0, &res, &err);
    bool good = look.good;
    for (size_t i = 0; i < an_result_rows(res); i++) {
        print_job(res, i, ctl->json);
        good = good && an_str_is(an_result_get(res, i, SUCCEEDED), "t");
    }
    if (rc == AN_OK && an_result_rows(res) == 0 && !ctl->json)
        (void)printf("no job has run yet\n");
    an_result_free(res);
    an_shard_free(shard);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    return good ? AN_EXIT_OK : AN_EXIT_FAILED;
}

const struct an_ctl_command an_ctl_status[] = {
    {"status", "",
     "the servers that are read from, and the last round of each job; exit status 1 where something is wrong; with "
     "--json one object a line",
     true, status},
    {NULL, NULL, NULL, false, NULL},
};
