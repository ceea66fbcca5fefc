/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "base/mem.h"
#include "log/log.h"
#include "move/parts.h"

/* A batch is bounded by what is read; these are for our own mistakes. */
#define TUPLES_LIMIT ((size_t)256 << 20)
#define KEYS_LIMIT   ((size_t)8 << 20)
#define RETRY_MS     50

struct an_db_param an_move_number(struct an_move_text *t, int64_t n)
{
    (void)snprintf(t->text, sizeof t->text, "%lld", (long long)n);
    return AN_DB_TEXT(an_str(t->text));
}

struct an_db_param an_move_xid(struct an_move_text *t, uint64_t xid)
{
    (void)snprintf(t->text, sizeof t->text, "%llu", (unsigned long long)xid);
    return AN_DB_TEXT(an_str(t->text));
}

struct an_db_param an_move_time(struct an_move_text *t, int64_t us)
{
    an_time_format(us, t->text);
    return AN_DB_TEXT(an_str(t->text));
}

struct an_db_param an_move_uuid(struct an_move_text *t, const struct an_uuid *id)
{
    an_uuid_format(id, t->text);
    return AN_DB_TEXT(an_str(t->text));
}

struct an_db_param an_move_tenant(const struct an_move *m)
{
    return AN_DB_TEXT(an_str(m->s.tenant));
}

int an_move_query(struct an_move *m, struct an_db *db, const struct an_db_step *step, struct an_result **out,
                  struct an_err *err)
{
    struct an_result *got = NULL;
    struct an_db_step steps[] = {{.stmt = AN_STMT_MOVE_SETTINGS}, *step, {.stmt = AN_STMT_COMMIT}};
    steps[1].out = &got;
    int rc = an_db_begin_write(db, an_str(m->s.tenant), steps, AN_COUNT(steps), NULL, err);
    if (rc == AN_OK && out != NULL)
        *out = got;
    else
        an_result_free(got);
    return rc;
}

int an_move_new(const struct an_conf *c, struct an_str tenant, an_move_told *told, void *arg,
                struct an_move **out, struct an_err *err)
{
    *out = NULL;
    if (!an_tenant_valid(tenant))
        return an_fail(err, AN_EINVAL, "'%.*s' is no tenant id", AN_STR_ARG(tenant));
    if (an_str_is(tenant, AN_TENANT_SYSTEM))
        return an_fail(err, AN_EINVAL, "the tenant of Annals itself lives on the default shard");
    struct an_move *m = an_xcalloc(1, sizeof *m);
    m->conf = c;
    m->told = told;
    m->arg = arg;
    (void)snprintf(m->s.tenant, sizeof m->s.tenant, "%.*s", AN_STR_ARG(tenant));
    m->directory = an_db_new(c, AN_DB_JOB);
    m->arena = an_arena_new(0);
    an_buf_init(&m->events, TUPLES_LIMIT);
    an_buf_init(&m->entities, TUPLES_LIMIT);
    an_buf_init(&m->times, KEYS_LIMIT);
    an_buf_init(&m->ids, KEYS_LIMIT);
    an_columns_init(&m->columns);
    *out = m;
    return AN_OK;
}

void an_move_free(struct an_move *m)
{
    if (m == NULL)
        return;
    an_db_free(m->directory);
    an_db_free(m->source);
    an_db_free(m->source_job);
    an_db_free(m->target);
    an_db_free(m->target_job);
    an_db_free(m->target_writer);
    an_arena_free(m->arena);
    an_buf_release(&m->events);
    an_buf_release(&m->entities);
    an_buf_release(&m->times);
    an_buf_release(&m->ids);
    an_columns_release(&m->columns);
    free(m);
}

const struct an_move_state *an_move_state(const struct an_move *m)
{
    return &m->s;
}

/* ---- the steps ---- */

static int prepare(struct an_move *m, struct an_err *err)
{
    int rc = an_move_settle_source(m, err);
    if (rc == AN_OK)
        rc = an_move_settle(m, true, err);
    if (rc == AN_OK)
        rc = an_move_subscribe(m, err);
    if (rc == AN_OK)
        rc = an_move_count(m, &m->s.events, err);
    return rc == AN_OK ? an_move_save(m, err) : rc;
}

/* A partition that the target lacks after copying has begun went away with what was brought, or the source
 * got it since: all is brought again. The cursor first: a run that ends in between finds the same. */
static int start_over(struct an_move *m, struct an_err *err)
{
    m->s.copied_to = (struct an_move_key){.us = AN_TIME_MIN_US};
    m->s.copied = 0;
    int rc = an_move_save(m, err);
    return rc == AN_OK && m->s.step != AN_MOVE_COPY ? an_move_advance(m, AN_MOVE_COPY, err) : rc;
}

static int compare(struct an_move *m, struct an_err *err)
{
    m->s.compared = 0;
    int rc = an_move_survey(m, err);
    if (rc == AN_OK && m->missing > 0) {
        rc = start_over(m, err);
        return rc == AN_OK ? an_move_make_room(m, err) : rc;
    }
    if (rc == AN_OK)
        rc = an_move_follow_to_now(m, err);
    if (rc == AN_OK)
        rc = an_move_compare(m, err);
    return rc == AN_OK ? an_move_catch_up(m, err) : rc;
}

/* From the first to the last line, writers wait: a quarter of their time is left for what comes behind it. */
static int close_source(struct an_move *m, struct an_err *err)
{
    m->closed_until_us = an_clock_mono_us() + m->conf->commit_timeout_ms * 1000 / 4 * 3;
    int rc = an_move_put(m, m->source_job, "closed", "{open,closed}", err);
    if (rc == AN_OK)
        rc = an_move_wait_for_writers(m, err);
    if (rc == AN_OK)
        rc = an_move_follow_to_end(m, err);
    if (rc == AN_OK)
        rc = an_move_settle(m, false, err); /* with holds that came meanwhile */
    if (rc == AN_OK)
        rc = an_move_check_servers(m, err);
    return rc == AN_OK ? an_move_put(m, m->target_job, "closed", "{hidden,closed}", err) : rc;
}

/* Nobody waits for a move that cannot go on at this moment: see recover(). */
static int close_or_go_back(struct an_move *m, struct an_err *err)
{
    struct an_err why;
    int rc = close_source(m, err);
    if (rc != AN_OK && an_move_advance(m, AN_MOVE_FOLLOW, &why) != AN_OK)
        an_log_warn("move", "%s", why.text);
    return rc;
}

static int hide(struct an_move *m, struct an_err *err)
{
    return an_move_put(m, m->source_job, "hidden", "{closed,hidden}", err);
}

static int open_target(struct an_move *m, struct an_err *err)
{
    return an_move_put(m, m->target_job, "open", "{closed,open}", err);
}

static int release(struct an_move *m, struct an_err *err)
{
    int rc = an_move_let_go(m, m->source, m->source_job, err);
    return rc == AN_OK ? an_move_unsubscribe(m, err) : rc;
}

typedef int step_work(struct an_move *m, struct an_err *err);

static step_work *const works[AN_MOVE_DONE] = {
    [AN_MOVE_PREPARE] = prepare, [AN_MOVE_COPY] = an_move_copy_all, [AN_MOVE_FOLLOW] = an_move_catch_up,
    [AN_MOVE_COMPARE] = compare, [AN_MOVE_CLOSE] = close_or_go_back, [AN_MOVE_SWITCH] = an_move_switch,
    [AN_MOVE_HIDE] = hide,       [AN_MOVE_OPEN] = open_target,      [AN_MOVE_RELEASE] = release,
};

/* The step, and that the next one begins. */
static int do_step(struct an_move *m, struct an_err *err)
{
    enum an_move_step step = m->s.step;
    int rc = works[step](m, err);
    return rc == AN_OK && m->s.step == step ? an_move_advance(m, step + 1, err) : rc;
}

/* ---- writers that wait ---- */

static bool writers_wait(const struct an_move *m)
{
    return m->s.step >= AN_MOVE_CLOSE && m->s.step <= AN_MOVE_OPEN;
}

/* For a step before AN_MOVE_CLOSE. The source first: it is what writers wait for. */
static int show_source_alone(struct an_move *m, struct an_err *err)
{
    int rc = an_move_put(m, m->source_job, "open", "{open,closed}", err);
    return rc == AN_OK && m->s.closed ? an_move_put(m, m->target_job, "hidden", "{closed,hidden}", err) : rc;
}

/* The step goes back for certain before the source is opened: no run, and no statement of ours that is still
 * on its way, is to go on to the switch once writers write. */
static int reopen(struct an_move *m, struct an_err *err)
{
    int rc = m->s.step >= AN_MOVE_CLOSE ? an_move_advance(m, AN_MOVE_FOLLOW, err) : AN_OK;
    return rc == AN_OK ? show_source_alone(m, err) : rc;
}

/* A step from AN_MOVE_CLOSE to AN_MOVE_OPEN has failed with rc. The move is tried again for as long as a
 * request waits, from where it stands: what failed may have been done. Then writers go on on the source,
 * where that is possible still. */
static int recover(struct an_move *m, int rc, struct an_err *err)
{
    int64_t until_us = an_clock_mono_us() + m->conf->commit_timeout_ms * 1000;
    struct an_err why = {AN_OK, ""};
    while (rc != AN_OK && writers_wait(m) && an_clock_mono_us() < until_us) {
        enum an_move_step step = m->s.step;
        (void)poll(NULL, 0, RETRY_MS);
        if (an_move_find_again(m, &why) != AN_OK)
            continue;
        if (m->s.step < AN_MOVE_CLOSE)
            break;
        rc = m->s.step == step ? do_step(m, err) : AN_OK;
    }
    if (rc != AN_OK && (m->s.step > AN_MOVE_CLOSE || reopen(m, &why) != AN_OK))
        an_log_error("move", "writers of tenant %s wait until the move is run again, or aborted: %s",
                     m->s.tenant, m->s.step > AN_MOVE_CLOSE ? err->text : why.text);
    return rc;
}

/* ---- a run ---- */

/* Is there still what was brought? Else it is brought again. The servers are noted last: a run that ends in
 * between finds them changed. */
static int know_servers(struct an_move *m, struct an_err *err)
{
    struct an_move_servers now;
    int rc = an_move_ask_servers(m, &now, err);
    bool same = rc == AN_OK && strcmp(now.source, m->s.servers.source) == 0 &&
                strcmp(now.target, m->s.servers.target) == 0;
    if (rc == AN_OK && m->s.step > AN_MOVE_PREPARE && (m->missing > 0 || !same))
        rc = start_over(m, err);
    return rc == AN_OK && !same ? an_move_pin(m, &now, err) : rc;
}

/* What a run needs that begins in the middle, before writers wait. */
static int take_up(struct an_move *m, struct an_err *err)
{
    if (m->s.step >= AN_MOVE_SWITCH)
        return AN_OK;
    bool begun = m->s.step > AN_MOVE_PREPARE;
    int rc = an_move_examine(m, err);
    if (rc == AN_OK)
        rc = know_servers(m, err);
    /* A run that was about to open it again may have ended there. */
    if (rc == AN_OK && begun && m->s.step < AN_MOVE_CLOSE)
        rc = show_source_alone(m, err);
    if (rc == AN_OK && begun)
        rc = an_move_guard(m, true, err);
    if (rc == AN_OK)
        rc = an_move_make_room(m, err);
    return rc == AN_OK && begun ? an_move_resume(m, err) : rc;
}

int an_move_run(struct an_move *m, struct an_err *err)
{
    int rc = an_move_connect(m, err);
    if (rc == AN_OK)
        rc = take_up(m, err);
    while (rc == AN_OK && m->s.step < AN_MOVE_DONE) {
        bool waiting = writers_wait(m);
        rc = do_step(m, err);
        if (rc != AN_OK && waiting)
            rc = recover(m, rc, err);
    }
    if (rc == AN_OK)
        rc = an_move_load(m, err); /* the times that the directory knows */
    return rc;
}

/* ---- begin, check, abort ---- */

int an_move_check(struct an_move *m, const char *target, struct an_err *err)
{
    (void)snprintf(m->s.target, sizeof m->s.target, "%s", target);
    int rc = an_move_connect(m, err);
    if (rc == AN_OK)
        rc = an_move_examine(m, err);
    return rc == AN_OK ? an_move_count(m, &m->s.events, err) : rc;
}

static bool under_way(const struct an_move *m)
{
    return m->s.id != 0 && !m->s.finished;
}

/* An earlier move of the tenant. */
static void forget(struct an_move *m)
{
    struct an_move_state empty = {.pause_us = -1};
    memcpy(empty.tenant, m->s.tenant, sizeof empty.tenant);
    m->s = empty;
}

static int add(struct an_move *m, const char *started_by, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m), AN_DB_TEXT(an_str(m->s.source)),
                                         AN_DB_TEXT(an_str(m->s.target)), AN_DB_TEXT(an_str(started_by))};
    struct an_result *res = NULL;
    int rc = an_db_exec(m->directory, AN_STMT_MOVE_ADD, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && an_result_rows(res) == 0)
        rc = an_fail(err, AN_EINVAL, "shard '%s' or '%s' was removed or drained a moment ago",
                     m->s.source, m->s.target);
    an_result_free(res);
    return rc == AN_OK ? an_move_load(m, err) : rc;
}

int an_move_begin(struct an_move *m, const char *target, const char *started_by, struct an_err *err)
{
    int rc = an_move_claim(m, err);
    if (rc == AN_OK)
        rc = an_move_load(m, err);
    if (rc != AN_OK)
        return rc;
    if (!under_way(m)) {
        forget(m);
        rc = an_move_check(m, target, err);
        return rc == AN_OK ? add(m, started_by, err) : rc;
    }
    if (strcmp(m->s.target, target) != 0)
        return an_fail(err, AN_EINVAL, "tenant '%s' is on its way to shard '%s'; --abort gives that up",
                       m->s.tenant, m->s.target);
    return AN_OK;
}

/* The target may be what is broken: what is left there is hidden, and is cleared up by the next move. */
static void leave_target(struct an_move *m)
{
    struct an_err why;
    int rc = an_move_guard(m, false, &why);
    if (rc == AN_OK)
        rc = an_move_let_go(m, m->target, m->target_job, &why);
    if (rc != AN_OK)
        an_log_warn("move", "what was brought to shard %s keeps its partitions there: %s", m->s.target,
                    why.text);
}

int an_move_abort(struct an_move *m, struct an_err *err)
{
    int rc = an_move_claim(m, err);
    if (rc == AN_OK)
        rc = an_move_load(m, err);
    if (rc != AN_OK)
        return rc;
    if (!under_way(m))
        return an_fail(err, AN_EINVAL, "tenant '%s' is not being moved", m->s.tenant);
    if (m->s.step > AN_MOVE_SWITCH)
        return an_fail(err, AN_EINVAL,
                       "tenant '%s' lives on shard '%s' already: run the move again to finish it",
                       m->s.tenant, m->s.target);
    rc = an_move_connect(m, err);
    if (rc == AN_OK)
        rc = reopen(m, err);
    if (rc != AN_OK)
        return rc;
    leave_target(m);
    rc = an_move_unsubscribe(m, err);
    return rc == AN_OK ? an_move_advance(m, AN_MOVE_ABORTED, err) : rc;
}
