/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl status: what the jobs did last. */
#include "an.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "ctl.h"
#include "db/db.h"
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

static int status(const struct an_ctl *ctl, int argc, char **argv)
{
    if (argc > 1)
        return an_ctl_usage("status: unexpected argument '%s'", argv[1]);
    struct an_err err;
    struct an_result *res = NULL;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_READER);
    int rc = an_db_exec(db, AN_STMT_JOB_RUN_LIST, NULL, 0, &res, &err);
    bool good = true;
    for (size_t i = 0; i < an_result_rows(res); i++) {
        print_job(res, i, ctl->json);
        good = good && an_str_is(an_result_get(res, i, SUCCEEDED), "t");
    }
    if (rc == AN_OK && an_result_rows(res) == 0 && !ctl->json)
        (void)printf("no job has run yet\n");
    an_result_free(res);
    an_db_free(db);
    if (rc != AN_OK)
        return an_ctl_failed(&err);
    return good ? AN_EXIT_OK : AN_EXIT_FAILED;
}

const struct an_ctl_command an_ctl_status[] = {
    {"status", "",
     "the last round of each job; exit status 1 where one failed; with --json one object a line", true,
     status},
    {NULL, NULL, NULL, false, NULL},
};
