/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl tenant move: a tenant to another shard, while it is written and read. Beginning, end and failure
 * are in our own log; how it goes on is told on stderr. */
#include "an.h"

#include "base/clock.h"
#include "ctl.h"
#include "ingest/recorder.h"
#include "move/move.h"
#include "proc/exit.h"

struct options {
    const char *tenant, *target;
    bool dry_run, abort;
};

/* ---- told on the way ---- */

struct rate {
    enum an_move_step step;
    int64_t from, from_us; /* events done when the step was first told, and when that was */
    int64_t behind, behind_us; /* how much was to be followed when it was first told, and when; 0: never */
};

#define PATIENCE_US INT64_C(10000000) /* behind by as much after that time: writers are as fast as we are */

static int64_t events_done(const struct an_move_state *s)
{
    switch (s->step) {
    case AN_MOVE_COPY:
        return s->copied;
    case AN_MOVE_COMPARE:
        return s->compared;
    default:
        return s->followed;
    }
}

/* How much is left to follow, and whether that becomes less. */
static void tell_behind(struct rate *r, const struct an_move_state *s, int64_t now_us)
{
    (void)fprintf(stderr, ", %lld behind", (long long)s->behind);
    if (r->behind_us == 0) {
        r->behind = s->behind;
        r->behind_us = now_us;
    }
    int64_t spent_us = now_us - r->behind_us;
    if (spent_us < PATIENCE_US || s->behind < r->behind)
        return;
    (void)fprintf(stderr,
                  ": does not catch up with what is written, %lld a second more; it goes on until less is "
                  "written; stopping it is safe, and --abort gives it up",
                  (long long)((s->behind - r->behind) * 1000000 / spent_us));
}

static void tell(void *arg, const struct an_move_state *s)
{
    struct rate *r = arg;
    int64_t done = events_done(s), now_us = an_clock_mono_us();
    if (r->from_us == 0 || r->step != s->step) {
        *r = (struct rate){.step = s->step, .from = done, .from_us = now_us};
        (void)fprintf(stderr, "%s: %s\n", s->tenant, an_move_step_names[s->step]);
        return;
    }
    int64_t spent_us = now_us - r->from_us,
            per_second = spent_us == 0 ? 0 : (done - r->from) * 1000000 / spent_us;
    (void)fprintf(stderr, "%s: %s: %lld events, %lld/s", s->tenant, an_move_step_names[s->step],
                  (long long)done, (long long)per_second);
    int64_t left = s->events - done;
    if ((s->step == AN_MOVE_COPY || s->step == AN_MOVE_COMPARE) && per_second > 0 && left > 0)
        (void)fprintf(stderr, ", %lld left: %lld s", (long long)left, (long long)(left / per_second));
    else if (s->step == AN_MOVE_COMPARE)
        (void)fprintf(stderr, "; now what they touched");
    if (s->behind >= 0 && (s->step == AN_MOVE_FOLLOW || s->step == AN_MOVE_COMPARE))
        tell_behind(r, s, now_us);
    (void)fputc('\n', stderr);
}

/* ---- the log of our own ---- */

static int record(const struct an_ctl *ctl, const char *action, const struct an_move_state *s,
                  const char *words, struct an_err *err)
{
    const struct an_recorder_event event = {action, "tenant", s->tenant, NULL, words};
    return an_ctl_record(ctl, &event, err);
}

/* ---- what to do ---- */

static const char *advice_for(const struct an_move_state *s, struct an_arena *arena)
{
    const char *again = an_arena_printf(arena, "annalsctl tenant move %s --to %s", s->tenant, s->target);
    if (s->step > AN_MOVE_SWITCH)
        return an_arena_printf(
            arena, "writers wait for a move that is at the step '%s': where it has stopped, run %s",
            an_move_step_names[s->step], again);
    return an_arena_printf(arena,
                           "writers wait for a move that is at the step '%s': where it has stopped, run "
                           "%s, or annalsctl tenant "
                           "move %s --abort",
                           an_move_step_names[s->step], again, s->tenant);
}

int an_ctl_move_advice(const struct an_ctl *ctl, struct an_arena *arena, const char *tenant,
                       const char **advice, struct an_err *err)
{
    const struct an_db_param params[] = {AN_DB_TEXT(AN_STR("f")), AN_DB_TEXT(an_str(tenant))};
    struct an_move_state s;
    struct an_result *res = NULL;
    struct an_db *db = an_db_new(ctl->conf, AN_DB_JOB);
    int rc = an_db_exec(db, AN_STMT_MOVE_LIST, params, AN_COUNT(params), &res, err);
    *advice = an_arena_printf(
        arena,
        "writers wait, and no move is under way: whoever closed it can say why; annalsctl tenant move %s "
        "--to another shard opens it there",
        tenant);
    if (rc == AN_OK && an_result_rows(res) > 0) {
        rc = an_move_read(res, 0, &s, err);
        *advice = rc == AN_OK ? advice_for(&s, arena) : "";
    }
    an_result_free(res);
    an_db_free(db);
    return rc;
}

/* ---- results ---- */

static void print_pause(const struct an_move_state *s)
{
    if (s->pause_us >= 0)
        (void)printf("\"pause_ms\": %lld.%03lld", (long long)(s->pause_us / 1000),
                     (long long)(s->pause_us % 1000));
    else
        (void)printf("\"pause_ms\": null");
}

static void print_json(const struct an_move_state *s)
{
    char started[AN_TIME_LEN + 1] = "";
    an_time_format(s->started_us, started);
    (void)printf(
        "{\"tenant\": \"%s\", \"source\": \"%s\", \"target\": \"%s\", \"step\": \"%s\", \"finished\": %s, "
        "\"started_at\": \"%s\", \"events\": %lld, \"copied\": %lld, \"followed\": %lld, \"compared\": "
        "%lld, ",
        s->tenant, s->source, s->target, an_move_step_names[s->step], s->finished ? "true" : "false", started,
        (long long)s->events, (long long)s->copied, (long long)s->followed, (long long)s->compared);
    print_pause(s);
    (void)printf("}\n");
}

static void describe(const struct an_move_state *s, char *out, size_t room)
{
    (void)snprintf(
        out, room,
        "tenant %s moved from shard %s to %s: %lld events copied, %lld followed, %lld compared; writers "
        "waited %lld ms",
        s->tenant, s->source, s->target, (long long)s->copied, (long long)s->followed, (long long)s->compared,
        (long long)(s->pause_us / 1000));
}

static void print_move(const struct an_result *res, size_t row, bool json)
{
    struct an_move_state s;
    struct an_err err;
    if (an_move_read(res, row, &s, &err) != AN_OK) {
        (void)fprintf(stderr, "annalsctl: %s\n", err.text);
        return;
    }
    if (json) {
        print_json(&s);
        return;
    }
    char started[AN_TIME_LEN + 1];
    an_time_format(s.started_us, started);
    (void)printf("%-24s %s  %s -> %s  %s: %lld of %lld events copied, %lld followed, %lld compared\n",
                 s.tenant, started, s.source, s.target, an_move_step_names[s.step], (long long)s.copied,
                 (long long)s.events, (long long)s.followed, (long long)s.compared);
    if (!s.finished && s.step >= AN_MOVE_CLOSE && s.step <= AN_MOVE_OPEN) {
        struct an_arena *arena = an_arena_new(0);
        (void)printf("%-24s %s\n", "", advice_for(&s, arena));
        an_arena_free(arena);
    }
}

/* ---- tenant move ---- */

static int parse(const struct an_ctl *ctl, struct options *o)
{
    const struct an_ctl_option options[] = {{"to", .value = &o->target},
                                            {"dry-run", .on = &o->dry_run},
                                            {"abort", .on = &o->abort},
                                            {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, "TENANT", &o->tenant);
    if (status != AN_EXIT_OK)
        return status;
    if ((o->target == NULL) != o->abort || (o->abort && o->dry_run))
        return an_ctl_usage("tenant move takes either --to SHARD, with perhaps --dry-run, or --abort");
    if (o->target != NULL && strlen(o->target) > AN_SHARD_NAME_MAX)
        return an_ctl_usage("tenant move: '%s' is no shard", o->target);
    return AN_EXIT_OK;
}

static int check(const struct an_ctl *ctl, struct an_move *m, const struct options *o, struct an_err *err)
{
    int rc = an_move_check(m, o->target, err);
    const struct an_move_state *s = an_move_state(m);
    if (rc != AN_OK)
        return rc;
    if (ctl->json)
        (void)printf("{\"tenant\": \"%s\", \"source\": \"%s\", \"target\": \"%s\", \"events\": %lld}\n",
                     s->tenant, s->source, s->target, (long long)s->events);
    else
        (void)printf("tenant %s can move from shard %s to %s: %lld events\n", s->tenant, s->source, s->target,
                     (long long)s->events);
    return AN_OK;
}

static int give_up(const struct an_ctl *ctl, struct an_move *m, struct an_err *err)
{
    int rc = an_move_abort(m, err);
    const struct an_move_state *s = an_move_state(m);
    if (rc != AN_OK)
        return rc;
    char words[512];
    (void)snprintf(words, sizeof words,
                   "the move of tenant %s from shard %s to %s was given up; it stays on %s", s->tenant,
                   s->source, s->target, s->source);
    if (ctl->json)
        print_json(s);
    else
        (void)printf("%s\n", words);
    return record(ctl, "annals.move.abort", s, words, err);
}

/* A failure is recorded where that is possible; what is said to the operator is the failure itself. */
static int failed(const struct an_ctl *ctl, const struct an_move_state *s, const struct an_err *err)
{
    char words[1024];
    struct an_err why;
    (void)snprintf(words, sizeof words,
                   "the move of tenant %s from shard %s to %s stopped at the step '%s': %s", s->tenant,
                   s->source, s->target, an_move_step_names[s->step], err->text);
    if (record(ctl, "annals.move.fail", s, words, &why) != AN_OK)
        (void)fprintf(stderr, "annalsctl: %s\n", why.text);
    return err->rc;
}

static int move(const struct an_ctl *ctl, struct an_move *m, const struct options *o, struct an_err *err)
{
    int rc = an_move_begin(m, o->target, an_ctl_operator(), err);
    const struct an_move_state *s = an_move_state(m);
    if (rc != AN_OK)
        return rc;
    char words[512];
    (void)snprintf(words, sizeof words, "tenant %s moves from shard %s to %s, from the step '%s' on",
                   s->tenant, s->source, s->target, an_move_step_names[s->step]);
    rc = record(ctl, "annals.move.begin", s, words, err);
    if (rc != AN_OK)
        return rc;
    if (an_move_run(m, err) != AN_OK)
        return failed(ctl, s, err);
    describe(s, words, sizeof words);
    if (ctl->json)
        print_json(s);
    else
        (void)printf("%s\n", words);
    return record(ctl, "annals.move.end", s, words, err);
}

static int tenant_move(const struct an_ctl *ctl)
{
    struct options o = {.tenant = NULL};
    struct rate rate = {.from_us = 0};
    struct an_err err;
    struct an_move *m = NULL;
    int status = parse(ctl, &o);
    if (status != AN_EXIT_OK)
        return status;
    int rc = an_move_new(ctl->conf, an_str(o.tenant), tell, &rate, &m, &err);
    if (rc == AN_OK)
        rc = o.abort ? give_up(ctl, m, &err) : o.dry_run ? check(ctl, m, &o, &err) : move(ctl, m, &o, &err);
    an_move_free(m);
    return rc == AN_OK ? AN_EXIT_OK : an_ctl_failed(&err);
}

static int tenant_moves(const struct an_ctl *ctl)
{
    bool all = false;
    const struct an_ctl_option options[] = {{"all", .on = &all}, {NULL, .value = NULL}};
    int status = an_ctl_parse(ctl, options, NULL, NULL);
    if (status != AN_EXIT_OK)
        return status;
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(all ? "t" : "f")), AN_DB_TEXT(an_str(NULL))};
    return an_ctl_print_rows(ctl, AN_DB_JOB, AN_STMT_MOVE_LIST, params, AN_COUNT(params), print_move);
}

const struct an_ctl_command an_ctl_move[] = {
    {"tenant move", "TENANT --to SHARD [--dry-run] | TENANT --abort",
     "move a tenant to another shard while it is written and read; run again, it goes on where it stopped",
     true, tenant_move},
    {"tenant moves", "[--all]", "moves that are under way, or all that ever were", true, tenant_moves},
    {NULL, NULL, NULL, false, NULL},
};
