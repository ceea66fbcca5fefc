/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <poll.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/event.h"
#include "ingest/answer.h"
#include "ingest/combine.h"
#include "ingest/ingest.h"
#include "log/log.h"
#include "log/metrics.h"

/* Faults that are named for one item; more are only counted. */
#define FAULTS_MAX 32
/* How often it is asked whether a tenant that is being moved has arrived. */
#define ASK_AGAIN_MS 20
/* Rows of a request that gains little from company. */
#define LARGE ((size_t)32 << 10)

_Static_assert(AN_COMBINE_PARTS >= AN_INGEST_HELD, "all that is held may be committed together");

/* A request between its two steps. */
struct an_ingest_held {
    struct an_ingest *in;
    struct an_ingest_call call;
    struct an_event_rules rules;
    struct an_json_limits limits;
    struct an_problem whole; /* where `refused`: what is wrong with the request as a whole */
    bool refused, single;
    struct an_rows rows;
    struct an_answer answer;
    int64_t begun_us; /* its commit */
    int rc;           /* of the commit */
    uint64_t lsn;
    struct an_err err;
};

struct an_ingest {
    const struct an_conf *conf;
    struct an_router *router;
    struct an_combine *combine;
    size_t count; /* held */
    struct an_ingest_held held[AN_INGEST_HELD];
};

struct an_ingest *an_ingest_new(const struct an_conf *c, struct an_router *router, void *shared)
{
    struct an_ingest *in = an_xcalloc(1, sizeof *in);
    in->conf = c;
    in->router = router;
    in->combine = an_combine_join(shared, c);
    for (size_t i = 0; i < AN_INGEST_HELD; i++) {
        in->held[i].in = in;
        an_rows_init(&in->held[i].rows);
        an_answer_init(&in->held[i].answer);
    }
    return in;
}

void an_ingest_free(struct an_ingest *in)
{
    if (in == NULL)
        return;
    an_combine_leave(in->combine);
    for (size_t i = 0; i < AN_INGEST_HELD; i++) {
        an_rows_release(&in->held[i].rows);
        an_answer_release(&in->held[i].answer);
    }
    free(in);
}

static bool refuse_all(struct an_ingest_held *w, struct an_problem p)
{
    w->whole = p;
    w->refused = true;
    return false;
}

static struct an_problem json_problem(struct an_ingest_held *w, const struct an_json_fault *f)
{
    return (struct an_problem){
        .type = AN_P_INVALID_JSON,
        .detail = an_arena_printf(w->call.arena, "Not acceptable as JSON: %s, at byte %zu (%s).", f->detail,
                                  f->offset, f->code)};
}

static struct an_problem too_large_problem(uint64_t actual, uint64_t limit)
{
    return (struct an_problem){.type = AN_P_TOO_LARGE,
                               .detail = "The event is larger than this server accepts.",
                               .has_limit = true,
                               .limit = limit,
                               .actual = actual};
}

/* Where only the time is wrong, that has a problem type of its own, which names the window. */
static struct an_problem event_problem(struct an_ingest_held *w, const struct an_faults *faults)
{
    if (faults->count != 1 || strcmp(faults->first->code, "window") != 0)
        return (struct an_problem){.type = AN_P_INVALID_EVENT,
                                   .detail = "The event is not valid; errors names each fault.",
                                   .faults = faults};
    char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1];
    an_time_format(w->rules.now_us - w->rules.past_us, from);
    an_time_format(w->rules.now_us + w->rules.future_us, to);
    return (struct an_problem){
        .type = AN_P_OUTSIDE_WINDOW,
        .detail = an_arena_printf(w->call.arena,
                                  "The timestamp is outside of the window for new events: from %s to %s.",
                                  from, to),
        .faults = faults};
}

/* Validates one parsed value; a row where it is a good event, else a problem. */
static void take_event(struct an_ingest_held *w, const struct an_json *value)
{
    struct an_faults faults;
    an_faults_init(&faults, w->call.arena, FAULTS_MAX);
    struct an_event ev;
    if (an_event_parse(value, &w->rules, &ev, &faults)) {
        an_answer_row(&w->answer, (uint32_t)w->rows.count);
        an_rows_add(&w->rows, &ev, w->rules.now_us);
        return;
    }
    struct an_problem p = event_problem(w, &faults);
    an_answer_problem(&w->answer, &p);
}

static bool count_item(struct an_ingest_held *w)
{
    uint64_t max = (uint64_t)w->in->conf->batch_events;
    if (w->answer.count < max)
        return true;
    return refuse_all(w, (struct an_problem){.type = AN_P_TOO_LARGE,
                                             .detail = "The batch has more events than this server accepts "
                                                       "in one.",
                                             .has_limit = true,
                                             .limit = max,
                                             .actual = max + 1});
}

/* One item of an array, at *pos. An item over the size limit is a problem of its own, so its values are
 * not kept. */
static bool take_array_item(struct an_ingest_held *w, struct an_str body, size_t *pos)
{
    struct an_arena *arena = w->call.arena;
    struct an_arena_mark mark = an_arena_mark(arena);
    uint64_t limit = w->in->conf->event_bytes;
    if (!count_item(w))
        return false;
    size_t start = *pos;
    struct an_json_fault fault;
    struct an_json *value;
    bool ok = an_json_parse_at(arena, body, pos, &w->limits, &value, &fault);
    bool huge = !ok && strcmp(fault.code, "values") == 0;
    if (huge) {
        *pos = start;
        ok = an_json_skip_at(arena, body, pos, w->limits.depth, &fault);
    }
    if (!ok)
        return refuse_all(w, json_problem(w, &fault));
    if (huge || value->text.len > limit) {
        struct an_problem p = too_large_problem(huge ? *pos - start : value->text.len, limit);
        an_answer_problem(&w->answer, &p);
    } else {
        take_event(w, value);
    }
    an_arena_rewind(arena, mark);
    return true;
}

static bool take_array(struct an_ingest_held *w, struct an_str body, size_t pos)
{
    static const struct an_json_fault unclosed = {.code = "syntax", .detail = "the array is not closed"};
    struct an_json_fault fault = unclosed;
    pos++; /* behind '[' */
    bool more = an_json_skip_space(body, &pos) && body.data[pos] != ']';
    while (more) {
        if (!take_array_item(w, body, &pos))
            return false;
        more = an_json_skip_space(body, &pos) && body.data[pos] == ',';
        pos += more;
    }
    fault.offset = pos;
    if (pos == body.len || body.data[pos] != ']')
        return refuse_all(w, json_problem(w, &fault));
    pos++;
    if (!an_json_skip_space(body, &pos))
        return true;
    fault = (struct an_json_fault){pos, "syntax", "something follows the JSON value"};
    return refuse_all(w, json_problem(w, &fault));
}

static bool take_line(struct an_ingest_held *w, struct an_str line)
{
    size_t pos = 0;
    if (!an_json_skip_space(line, &pos))
        return true; /* a blank line is no item */
    if (!count_item(w))
        return false;
    struct an_arena_mark mark = an_arena_mark(w->call.arena);
    struct an_json *value;
    struct an_json_fault fault;
    struct an_problem p;
    if (line.len > w->in->conf->event_bytes) {
        p = too_large_problem(line.len, w->in->conf->event_bytes);
        an_answer_problem(&w->answer, &p);
    } else if (an_json_parse(w->call.arena, line, &w->limits, &value, &fault)) {
        take_event(w, value);
    } else {
        p = json_problem(w, &fault);
        an_answer_problem(&w->answer, &p);
    }
    an_arena_rewind(w->call.arena, mark);
    return true;
}

static bool take_lines(struct an_ingest_held *w, struct an_str body)
{
    while (body.len > 0) {
        struct an_str rest;
        struct an_str line = an_str_split(body, '\n', &rest);
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (!take_line(w, line))
            return false;
        body = rest;
    }
    return true;
}

/* The one event of a request: what is wrong with it is wrong with the request. */
static bool take_single(struct an_ingest_held *w, struct an_str body)
{
    if (body.len > w->in->conf->event_bytes)
        return refuse_all(w, too_large_problem(body.len, w->in->conf->event_bytes));
    struct an_json *value;
    struct an_json_fault fault;
    if (!an_json_parse(w->call.arena, body, &w->limits, &value, &fault))
        return refuse_all(w, json_problem(w, &fault));
    struct an_event ev;
    struct an_faults *faults = an_arena_alloc(w->call.arena, sizeof *faults);
    an_faults_init(faults, w->call.arena, FAULTS_MAX);
    if (!an_event_parse(value, &w->rules, &ev, faults))
        return refuse_all(w, event_problem(w, faults));
    an_answer_row(&w->answer, 0);
    an_rows_add(&w->rows, &ev, w->rules.now_us);
    return true;
}

/* Where an item's time has no partition, its sender is told which times have one. */
static struct an_window find_window(const struct an_ingest_held *w)
{
    struct an_window window = {0, 0};
    struct an_err err;
    for (size_t i = 0; i < w->rows.count; i++)
        if (w->rows.rows[i].stored == AN_STORED_NO_PLACE) {
            /* The others are committed, so the answer must come whether or not this works. */
            int rc = an_store_window(an_shard_writer(w->call.shard), &window.from_us, &window.to_us, &err);
            if (rc != AN_OK)
                an_log_warn("ingest", "the window of partitions is not known: %s", err.text);
            break;
        }
    return window;
}

static void count_outcomes(const struct an_rows *rows)
{
    uint64_t of[AN_STORED_NOT + 1] = {0};
    for (size_t i = 0; i < rows->count; i++)
        of[rows->rows[i].stored]++;
    an_metric_add(AN_M_EVENTS_ACCEPTED, of[AN_STORED_NEW]);
    an_metric_add(AN_M_EVENTS_DUPLICATE, of[AN_STORED_DUPLICATE]);
    an_metric_add(AN_M_EVENTS_REJECTED, rows->count - of[AN_STORED_NEW] - of[AN_STORED_DUPLICATE]);
}

/* The next place; the one taken last is not counted until it turns out to be held. */
static struct an_ingest_held *start(struct an_ingest *in, const struct an_ingest_call *call)
{
    const struct an_conf *c = in->conf;
    if (in->count == AN_INGEST_HELD)
        abort();
    struct an_ingest_held *w = &in->held[in->count];
    w->call = *call;
    w->rules = (struct an_event_rules){.tenant_id = call->tenant,
                                       .now_us = an_clock_us(),
                                       .past_us = c->past_window_ms * 1000,
                                       .future_us = c->future_window_ms * 1000,
                                       .any_time = call->any_time};
    /* A value takes two bytes at least, so more values are more than event_bytes. */
    w->limits = (struct an_json_limits){.depth = (unsigned)c->json_depth,
                                        .values = (size_t)c->event_bytes / 2 + 1};
    w->refused = false;
    w->begun_us = 0;
    w->rc = AN_OK;
    return w;
}

static void let_go(struct an_ingest_held *w)
{
    an_rows_clear(&w->rows);
    an_answer_clear(&w->answer);
}

static bool take_body(struct an_ingest_held *w)
{
    struct an_str body = w->call.body;
    size_t pos = 0;
    bool array = an_json_skip_space(body, &pos) && body.data[pos] == '[';
    w->single = w->call.kind == AN_BODY_JSON && !array;
    an_metric_add(AN_M_INGEST_BYTES, body.len);
    if (w->call.kind == AN_BODY_NDJSON)
        return take_lines(w, body);
    return array ? take_array(w, body, pos) : take_single(w, body);
}

/* A batch of which nothing is to be stored is answered at once. */
static bool answer_without_store(struct an_ingest_held *w, struct an_reply *rep)
{
    bool spoiled = w->call.atomic && w->answer.refused > 0;
    an_metric_add(AN_M_EVENTS_REJECTED, spoiled ? w->answer.count : w->answer.refused);
    if (spoiled)
        an_answer_atomic_refused(&w->answer, w->call.request_id, rep);
    else if (w->rows.count == 0)
        an_answer_batch(&w->answer, &w->rows, w->call.minimal, rep);
    return spoiled || w->rows.count == 0;
}

struct an_ingest_held *an_ingest_take(struct an_ingest *in, const struct an_ingest_call *call,
                                      struct an_reply *rep)
{
    struct an_ingest_held *w = start(in, call);
    bool taken = take_body(w);
    w->call.body = (struct an_str){.data = NULL}; /* the caller's again */
    if (!taken) {
        an_metric_add(AN_M_EVENTS_REJECTED, w->answer.count + 1);
        an_problem_reply(rep, &w->whole, call->request_id);
    } else if (w->single || !answer_without_store(w, rep)) {
        in->count++;
        return w;
    }
    let_go(w);
    return NULL;
}

bool an_ingest_wants_company(const struct an_ingest_held *w)
{
    return !w->call.atomic && w->rows.events.len + w->rows.entities.len <= LARGE &&
           an_store_shares(an_shard_writer(w->call.shard));
}

static void note_outcome(struct an_ingest_held *w, const struct an_combine_part *part)
{
    /* No time, or no partition of the outbox: not the sender's fault, and worth another try. */
    w->rc = part->rc == AN_ETIMEOUT || part->rc == AN_ENOENT ? AN_EAGAIN : part->rc;
    w->lsn = part->lsn;
    if (part->rc == AN_OK)
        an_histogram_add(AN_H_COMMIT_SECONDS, an_clock_mono_us() - w->begun_us);
    else
        w->err = part->err;
}

static struct an_combine_part part_of(struct an_ingest_held *w)
{
    return (struct an_combine_part){.rows = &w->rows, .received_us = w->rules.now_us};
}

/* What wants company, and is for the same shard as held[first]. */
static void commit_together(struct an_ingest *in, size_t first)
{
    struct an_combine_part parts[AN_COMBINE_PARTS];
    struct an_ingest_held *of[AN_COMBINE_PARTS];
    struct an_shard *shard = in->held[first].call.shard;
    size_t count = 0;
    int64_t begun_us = an_clock_mono_us();
    for (size_t i = first; i < in->count; i++) {
        struct an_ingest_held *w = &in->held[i];
        if (w->call.shard != shard || !an_ingest_wants_company(w))
            continue;
        w->begun_us = begun_us;
        parts[count] = part_of(w);
        of[count++] = w;
    }
    an_combine_put(in->combine, shard, parts, count);
    for (size_t i = 0; i < count; i++)
        note_outcome(of[i], &parts[i]);
}

/* again: an earlier try may have committed it without a word. */
static void commit_alone(struct an_ingest_held *w, bool again)
{
    struct an_combine_part part = part_of(w);
    part.again = again;
    an_combine_put_alone(w->in->combine, w->call.shard, &part, w->call.atomic);
    note_outcome(w, &part);
}

/* What takes its time comes last. */
void an_ingest_commit(struct an_ingest *in)
{
    for (size_t i = 0; i < in->count; i++)
        if (in->held[i].begun_us == 0 && an_ingest_wants_company(&in->held[i]))
            commit_together(in, i);
    for (size_t i = 0; i < in->count; i++)
        if (in->held[i].begun_us == 0) {
            in->held[i].begun_us = an_clock_mono_us();
            commit_alone(&in->held[i], false);
        }
    in->count = 0;
}

bool an_ingest_must_follow(const struct an_ingest_held *w)
{
    return w->rc == AN_EMOVED;
}

/* The tenant is not where the router thought: it has moved, or is about to. What the move took along of
 * an earlier try whose reply got lost is found again, as after any such try. */
static void follow(struct an_ingest_held *w)
{
    struct an_router *router = w->in->router;
    int64_t until_us = w->begun_us + w->in->conf->commit_timeout_ms * 1000;
    an_metric_add(AN_M_FOLLOWED, w->rc == AN_EMOVED);
    while (w->rc == AN_EMOVED && an_clock_mono_us() < until_us) {
        struct an_shard *before = w->call.shard;
        an_router_doubt(router, w->call.tenant);
        if (an_router_find(router, w->call.tenant, &w->call.shard, &w->err) != AN_OK)
            break;
        if (w->call.shard == before)
            (void)poll(NULL, 0, ASK_AGAIN_MS);
        commit_alone(w, true);
    }
    if (w->rc == AN_EMOVED)
        w->rc = an_fail(&w->err, AN_EAGAIN,
                        "ingest: tenant %.*s takes no events on the shard %s: annalsctl tenant show says "
                        "which move is at it",
                        AN_STR_ARG(w->call.tenant), an_shard_name(w->call.shard));
}

static void answer(struct an_ingest_held *w, struct an_reply *rep)
{
    struct an_window window = find_window(w);
    count_outcomes(&w->rows);
    if (w->single) {
        an_answer_single(&w->rows.rows[0], window, w->call.arena, w->call.request_id, rep);
        return;
    }
    an_answer_settle(&w->answer, &w->rows, window, w->call.arena);
    if (w->call.atomic && w->answer.refused > 0)
        an_answer_atomic_refused(&w->answer, w->call.request_id, rep);
    else
        an_answer_batch(&w->answer, &w->rows, w->call.minimal, rep);
}

int an_ingest_answer(struct an_ingest_held *w, struct an_reply *rep, struct an_need *written,
                     struct an_err *err)
{
    follow(w);
    *written = (struct an_need){.lsn = w->lsn};
    (void)snprintf(written->shard, sizeof written->shard, "%s", an_shard_name(w->call.shard));
    if (w->rc == AN_OK)
        answer(w, rep);
    else
        *err = w->err;
    let_go(w);
    return w->rc;
}

/* Puts the one event that w holds; it must be new. */
static int put_own(struct an_ingest_held *w, struct an_err *err)
{
    w->begun_us = an_clock_mono_us();
    commit_alone(w, false);
    follow(w);
    if (w->rc != AN_OK)
        *err = w->err;
    else if (w->rows.rows[0].stored != AN_STORED_NEW)
        return an_fail(err, AN_EAGAIN, "an event of our own has no place in the database");
    return w->rc;
}

int an_ingest_own(struct an_ingest *in, struct an_arena *arena, const struct an_buf *json, struct an_err *err)
{
    if (json->overflow)
        return an_fail(err, AN_ETOOBIG, "event of our own is too large");
    struct an_ingest_call call = {.arena = arena,
                                  .tenant = AN_STR(AN_TENANT_SYSTEM),
                                  .body = {json->data, json->len},
                                  .kind = AN_BODY_JSON,
                                  .atomic = true};
    int rc = an_router_admit(in->router, call.tenant, true, &call.shard, err);
    if (rc != AN_OK)
        return rc;
    struct an_ingest_held *w = start(in, &call);
    if (take_single(w, call.body))
        rc = put_own(w, err);
    else
        rc = an_fail(err, AN_EINVAL, "an event of our own is refused: %s", w->whole.detail);
    let_go(w);
    return rc;
}
