/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "move/parts.h"

#define SAVE_US INT64_C(1000000)

const char *const an_move_step_names[AN_MOVE_STEP__COUNT] = {
    "prepare", "copy", "follow", "compare", "close", "switch", "hide", "open", "release", "done", "aborted"};

/* Columns of move_list. */
enum {
    ID,
    TENANT,
    SOURCE,
    TARGET,
    STEP,
    STARTED_BY,
    STARTED,
    SAVED,
    FINISHED,
    PAUSE,
    EVENTS,
    COPIED,
    FOLLOWED,
    COMPARED,
    COPIED_AT,
    COPIED_ID,
    CLOSED,
    SOURCE_SERVER,
    TARGET_SERVER
};

static void copy_text(struct an_str s, char *out, size_t room)
{
    (void)snprintf(out, room, "%.*s", AN_STR_ARG(s));
}

static bool read_step(struct an_str name, enum an_move_step *out)
{
    for (int i = 0; i < AN_MOVE_STEP__COUNT; i++)
        if (an_str_is(name, an_move_step_names[i])) {
            *out = (enum an_move_step)i;
            return true;
        }
    return false;
}

int an_move_read(const struct an_result *res, size_t row, struct an_move_state *out, struct an_err *err)
{
    int64_t finished_us;
    *out = (struct an_move_state){.behind = -1, .copied_to = {.us = AN_TIME_MIN_US}};
    copy_text(an_result_get(res, row, TENANT), out->tenant, sizeof out->tenant);
    copy_text(an_result_get(res, row, SOURCE), out->source, sizeof out->source);
    copy_text(an_result_get(res, row, TARGET), out->target, sizeof out->target);
    copy_text(an_result_get(res, row, SOURCE_SERVER), out->servers.source, sizeof out->servers.source);
    copy_text(an_result_get(res, row, TARGET_SERVER), out->servers.target, sizeof out->servers.target);
    if (!read_step(an_result_get(res, row, STEP), &out->step) || !an_result_int(res, row, ID, &out->id) ||
        !an_result_int(res, row, STARTED, &out->started_us) ||
        !an_result_int(res, row, EVENTS, &out->events) || !an_result_int(res, row, COPIED, &out->copied) ||
        !an_result_int(res, row, FOLLOWED, &out->followed) ||
        !an_result_int(res, row, COMPARED, &out->compared))
        return an_fail(err, AN_EBACKEND, "db: tenant_moves: not a move");
    out->finished = an_result_int(res, row, FINISHED, &finished_us);
    if (!an_result_int(res, row, PAUSE, &out->pause_us))
        out->pause_us = -1;
    out->closed = an_result_true(res, row, CLOSED);
    if (an_result_int(res, row, COPIED_AT, &out->copied_to.us) &&
        !an_uuid_parse(an_result_get(res, row, COPIED_ID), &out->copied_to.id))
        return an_fail(err, AN_EBACKEND, "db: tenant_moves: not a key");
    return AN_OK;
}

int an_move_claim(struct an_move *m, struct an_err *err)
{
    const struct an_db_param params[] = {an_move_tenant(m)};
    struct an_result *res = NULL;
    int rc = an_db_exec(m->directory, AN_STMT_MOVE_LOCK, params, AN_COUNT(params), &res, err);
    if (rc == AN_OK && !an_result_true(res, 0, 0))
        rc = an_fail(err, AN_EAGAIN, "tenant '%s' is being moved by somebody else at this moment",
                     m->s.tenant);
    an_result_free(res);
    return rc;
}

int an_move_load(struct an_move *m, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(AN_STR("t")), an_move_tenant(m)};
    struct an_result *res = NULL;
    int rc = an_db_exec(m->directory, AN_STMT_MOVE_LIST, params, AN_COUNT(params), &res, err);
    size_t count = an_result_rows(res);
    if (rc == AN_OK && count > 0) /* the newest comes last */
        rc = an_move_read(res, count - 1, &m->s, err);
    else
        m->s.id = 0;
    an_result_free(res);
    return rc;
}

int an_move_find_again(struct an_move *m, struct an_err *err)
{
    const struct an_move_state known = m->s; /* its counters are newer */
    int rc = an_move_claim(m, err);
    if (rc == AN_OK)
        rc = an_move_load(m, err);
    if (rc == AN_OK && m->s.id != known.id)
        rc = an_fail(err, AN_EAGAIN, "the move of tenant '%s' is not the newest any more", known.tenant);
    enum an_move_step step = rc == AN_OK ? m->s.step : known.step;
    m->s = known;
    m->s.step = step;
    m->s.finished = step >= AN_MOVE_DONE;
    return rc;
}

static void tell(struct an_move *m)
{
    m->told_us = an_clock_mono_us();
    if (m->told != NULL)
        m->told(m->arg, &m->s);
}

/* Changes the row of the move where it is where we believe it to be. */
static int change(struct an_move *m, enum an_stmt stmt, const struct an_db_param *params, size_t count,
                  struct an_err *err)
{
    struct an_result *res = NULL;
    int rc = an_move_claim(m, err);
    if (rc == AN_OK)
        rc = an_db_exec(m->directory, stmt, params, count, &res, err);
    if (rc == AN_OK && an_result_rows(res) != 1)
        rc = an_fail(err, AN_EAGAIN, "the move of tenant '%s' is not at the step '%s' any more", m->s.tenant,
                     an_move_step_names[m->s.step]);
    an_result_free(res);
    return rc;
}

int an_move_advance(struct an_move *m, enum an_move_step next, struct an_err *err)
{
    struct an_move_text id;
    const struct an_db_param params[] = {an_move_tenant(m), an_move_number(&id, m->s.id),
                                         AN_DB_TEXT(an_str(an_move_step_names[m->s.step])),
                                         AN_DB_TEXT(an_str(an_move_step_names[next]))};
    int rc = change(m, AN_STMT_MOVE_STEP, params, AN_COUNT(params), err);
    if (rc != AN_OK)
        return rc;
    m->s.step = next;
    m->s.finished = next >= AN_MOVE_DONE;
    m->s.closed = m->s.closed || next == AN_MOVE_CLOSE;
    tell(m);
    return AN_OK;
}

int an_move_save(struct an_move *m, struct an_err *err)
{
    struct an_move_text n[7];
    const struct an_move_state *s = &m->s;
    bool begun = s->copied_to.us != AN_TIME_MIN_US;
    const struct an_db_param params[] = {an_move_tenant(m),
                                         an_move_number(&n[0], s->id),
                                         an_move_number(&n[1], s->events),
                                         an_move_number(&n[2], s->copied),
                                         an_move_number(&n[3], s->followed),
                                         an_move_number(&n[4], s->compared),
                                         begun ? an_move_number(&n[5], s->copied_to.us) : AN_MOVE_NULL,
                                         begun ? an_move_uuid(&n[6], &s->copied_to.id) : AN_MOVE_NULL};
    int rc = an_move_claim(m, err);
    if (rc == AN_OK)
        rc = an_db_exec(m->directory, AN_STMT_MOVE_SAVE, params, AN_COUNT(params), NULL, err);
    if (rc == AN_OK && (s->step == AN_MOVE_FOLLOW || s->step == AN_MOVE_COMPARE))
        rc = an_move_look_behind(m, err);
    tell(m);
    return rc;
}

int an_move_pin(struct an_move *m, const struct an_move_servers *servers, struct an_err *err)
{
    struct an_move_text id;
    const struct an_db_param params[] = {an_move_tenant(m), an_move_number(&id, m->s.id),
                                         AN_DB_TEXT(an_str(servers->source)),
                                         AN_DB_TEXT(an_str(servers->target))};
    int rc = an_move_claim(m, err);
    if (rc == AN_OK)
        rc = an_db_exec(m->directory, AN_STMT_MOVE_PIN, params, AN_COUNT(params), NULL, err);
    if (rc == AN_OK)
        m->s.servers = *servers;
    return rc;
}

int an_move_save_seldom(struct an_move *m, struct an_err *err)
{
    return an_clock_mono_us() - m->told_us < SAVE_US ? AN_OK : an_move_save(m, err);
}

int an_move_switch(struct an_move *m, struct an_err *err)
{
    struct an_move_text id;
    const struct an_db_param params[] = {an_move_tenant(m), an_move_number(&id, m->s.id),
                                         AN_DB_TEXT(an_str(m->s.source)), AN_DB_TEXT(an_str(m->s.target))};
    int rc = change(m, AN_STMT_MOVE_SWITCH, params, AN_COUNT(params), err);
    if (rc != AN_OK)
        return rc;
    m->s.step = AN_MOVE_HIDE;
    tell(m);
    return AN_OK;
}
