/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

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

struct an_ingest {
    const struct an_conf *conf;
    struct an_db *writer;
    struct an_combine *combine;
    struct an_rows rows;
    struct an_answer answer;
};

struct an_ingest *an_ingest_new(const struct an_conf *c, struct an_db *writer, void *shared)
{
    struct an_ingest *in = an_xcalloc(1, sizeof *in);
    in->conf = c;
    in->writer = writer;
    in->combine = an_combine_join(shared, c, writer);
    an_rows_init(&in->rows);
    an_answer_init(&in->answer);
    return in;
}

void an_ingest_free(struct an_ingest *in)
{
    if (in == NULL)
        return;
    an_combine_leave(in->combine);
    an_rows_release(&in->rows);
    an_answer_release(&in->answer);
    free(in);
}

/* One request on its way. */
struct work {
    struct an_ingest *in;
    const struct an_ingest_call *call;
    struct an_event_rules rules;
    struct an_json_limits limits;
    struct an_problem whole; /* where `refused`: what is wrong with the request as a whole */
    bool refused;
};

static bool refuse_all(struct work *w, struct an_problem p)
{
    w->whole = p;
    w->refused = true;
    return false;
}

static struct an_problem json_problem(struct work *w, const struct an_json_fault *f)
{
    return (struct an_problem){
        .type = AN_P_INVALID_JSON,
        .detail = an_arena_printf(w->call->arena, "Not acceptable as JSON: %s, at byte %zu (%s).", f->detail, f->offset, f->code)};
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
static struct an_problem event_problem(struct work *w, const struct an_faults *faults)
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
        .detail = an_arena_printf(w->call->arena,
                                  "The timestamp is outside of the window for new events: from %s to %s.", from, to),
        .faults = faults};
}

/* Validates one parsed value; a row where it is a good event, else a problem. */
static void take_event(struct work *w, const struct an_json *value)
{
    struct an_ingest *in = w->in;
    struct an_faults faults;
    an_faults_init(&faults, w->call->arena, FAULTS_MAX);
    struct an_event ev;
    if (an_event_parse(value, &w->rules, &ev, &faults)) {
        an_answer_row(&in->answer, (uint32_t)in->rows.count);
        an_rows_add(&in->rows, &ev, w->rules.now_us);
        return;
    }
    struct an_problem p = event_problem(w, &faults);
    an_answer_problem(&in->answer, &p);
}

static bool count_item(struct work *w)
{
    uint64_t max = (uint64_t)w->in->conf->batch_events;
    if (w->in->answer.count < max)
        return true;
    return refuse_all(w, (struct an_problem){.type = AN_P_TOO_LARGE,
                                             .detail = "The batch has more events than this server accepts in one.",
                                             .has_limit = true,
                                             .limit = max,
                                             .actual = max + 1});
}

/* One item of an array, at *pos. An item over the size limit is a problem of its own, so its values are not kept. */
static bool take_array_item(struct work *w, struct an_str body, size_t *pos)
{
    struct an_arena *arena = w->call->arena;
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
        an_answer_problem(&w->in->answer, &p);
    } else {
        take_event(w, value);
    }
    an_arena_rewind(arena, mark);
    return true;
}

static bool take_array(struct work *w, struct an_str body, size_t pos)
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

static bool take_line(struct work *w, struct an_str line)
{
    size_t pos = 0;
    if (!an_json_skip_space(line, &pos))
        return true; /* a blank line is no item */
    if (!count_item(w))
        return false;
    struct an_arena_mark mark = an_arena_mark(w->call->arena);
    struct an_json *value;
    struct an_json_fault fault;
    struct an_problem p;
    if (line.len > w->in->conf->event_bytes) {
        p = too_large_problem(line.len, w->in->conf->event_bytes);
        an_answer_problem(&w->in->answer, &p);
    } else if (an_json_parse(w->call->arena, line, &w->limits, &value, &fault)) {
        take_event(w, value);
    } else {
        p = json_problem(w, &fault);
        an_answer_problem(&w->in->answer, &p);
    }
    an_arena_rewind(w->call->arena, mark);
    return true;
}

static bool take_lines(struct work *w, struct an_str body)
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
static bool take_single(struct work *w, struct an_str body)
{
    if (body.len > w->in->conf->event_bytes)
        return refuse_all(w, too_large_problem(body.len, w->in->conf->event_bytes));
    struct an_json *value;
    struct an_json_fault fault;
    if (!an_json_parse(w->call->arena, body, &w->limits, &value, &fault))
        return refuse_all(w, json_problem(w, &fault));
    struct an_event ev;
    struct an_faults *faults = an_arena_alloc(w->call->arena, sizeof *faults);
    an_faults_init(faults, w->call->arena, FAULTS_MAX);
    if (!an_event_parse(value, &w->rules, &ev, faults))
        return refuse_all(w, event_problem(w, faults));
    an_answer_row(&w->in->answer, 0);
    an_rows_add(&w->in->rows, &ev, w->rules.now_us);
    return true;
}

static int put(struct an_ingest *in, bool atomic, int64_t received_us, uint64_t *lsn, struct an_err *err)
{
    int64_t start = an_clock_mono_us();
    int rc = an_combine_put(in->combine, &in->rows, atomic, received_us, lsn, err);
    if (rc == AN_OK)
        an_histogram_add(AN_H_COMMIT_SECONDS, an_clock_mono_us() - start);
    /* No time, or no partition of the outbox: not the sender's fault, and worth another try. */
    return rc == AN_ETIMEOUT || rc == AN_ENOENT ? AN_EAGAIN : rc;
}

/* Where an item's time has no partition, its sender is told which times have one. */
static struct an_window find_window(struct an_ingest *in)
{
    struct an_window window = {0, 0};
    struct an_err err;
    for (size_t i = 0; i < in->rows.count; i++)
        if (in->rows.rows[i].stored == AN_STORED_NO_PLACE) {
            /* The others are committed, so the answer must come whether or not this works. */
            if (an_store_window(in->writer, &window.from_us, &window.to_us, &err) != AN_OK)
                an_log_warn("ingest", "the window of partitions is not known: %s", err.text);
            break;
        }
    return window;
}

static void count_outcomes(const struct an_ingest *in)
{
    uint64_t of[AN_STORED_NOT + 1] = {0};
    for (size_t i = 0; i < in->rows.count; i++)
        of[in->rows.rows[i].stored]++;
    an_metric_add(AN_M_EVENTS_ACCEPTED, of[AN_STORED_NEW]);
    an_metric_add(AN_M_EVENTS_DUPLICATE, of[AN_STORED_DUPLICATE]);
    an_metric_add(AN_M_EVENTS_REJECTED, in->rows.count - of[AN_STORED_NEW] - of[AN_STORED_DUPLICATE]);
}

/* Stores the rows; *window is filled where it is needed for the answer. */
static int store(struct work *w, struct an_window *window, uint64_t *lsn, struct an_err *err)
{
    int rc = put(w->in, w->call->atomic, w->rules.now_us, lsn, err);
    if (rc != AN_OK)
        return rc;
    *window = find_window(w->in);
    count_outcomes(w->in);
    return AN_OK;
}

static int answer_single(struct work *w, struct an_reply *rep, uint64_t *lsn, struct an_err *err)
{
    struct an_window window = {0, 0};
    int rc = store(w, &window, lsn, err);
    if (rc == AN_OK)
        an_answer_single(&w->in->rows.rows[0], window, w->call->arena, w->call->request_id, rep);
    return rc;
}

static int answer_batch(struct work *w, struct an_reply *rep, uint64_t *lsn, struct an_err *err)
{
    struct an_ingest *in = w->in;
    const struct an_ingest_call *call = w->call;
    bool spoiled = call->atomic && in->answer.refused > 0;
    an_metric_add(AN_M_EVENTS_REJECTED, spoiled ? in->answer.count : in->answer.refused);
    if (!spoiled && in->rows.count > 0) {
        struct an_window window = {0, 0};
        int rc = store(w, &window, lsn, err);
        if (rc != AN_OK)
            return rc;
        an_answer_settle(&in->answer, &in->rows, window, call->arena);
        spoiled = call->atomic && in->answer.refused > 0;
    }
    if (spoiled)
        an_answer_atomic_refused(&in->answer, call->request_id, rep);
    else
        an_answer_batch(&in->answer, &in->rows, call->minimal, rep);
    return AN_OK;
}

static struct work work_start(struct an_ingest *in, const struct an_ingest_call *call)
{
    const struct an_conf *c = in->conf;
    an_rows_clear(&in->rows);
    an_answer_clear(&in->answer);
    return (struct work){.in = in,
                         .call = call,
                         .rules = {.tenant_id = call->tenant,
                                   .now_us = an_clock_us(),
                                   .past_us = c->past_window_ms * 1000,
                                   .future_us = c->future_window_ms * 1000,
                                   .any_time = call->any_time},
                         /* A value takes two bytes at least, so more values are more than event_bytes. */
                         .limits = {.depth = (unsigned)c->json_depth, .values = (size_t)c->event_bytes / 2 + 1}};
}

int an_ingest_accept(struct an_ingest *in, const struct an_ingest_call *call, struct an_reply *rep, uint64_t *lsn,
                     struct an_err *err)
{
    *lsn = 0;
    struct work w = work_start(in, call);
    size_t pos = 0;
    bool array = an_json_skip_space(call->body, &pos) && call->body.data[pos] == '[';
    bool single = call->kind == AN_BODY_JSON && !array;
    bool ok = call->kind == AN_BODY_NDJSON ? take_lines(&w, call->body)
              : array                      ? take_array(&w, call->body, pos)
                                           : take_single(&w, call->body);
    an_metric_add(AN_M_INGEST_BYTES, call->body.len);
    int rc = AN_OK;
    if (!ok) {
        an_metric_add(AN_M_EVENTS_REJECTED, in->answer.count + 1);
        an_problem_reply(rep, &w.whole, call->request_id);
    } else if (single) {
        rc = answer_single(&w, rep, lsn, err);
    } else {
        rc = answer_batch(&w, rep, lsn, err);
    }
    an_rows_clear(&in->rows);
    an_answer_clear(&in->answer);
    return rc;
}

int an_ingest_own(struct an_ingest *in, struct an_arena *arena, struct an_str tenant, struct an_str json,
                  struct an_err *err)
{
    struct an_ingest_call call = {.arena = arena, .tenant = tenant, .body = json, .kind = AN_BODY_JSON};
    struct work w = work_start(in, &call);
    int rc = an_store_tenant(in->writer, tenant, true, err);
    if (rc != AN_OK)
        return rc;
    if (!take_single(&w, json))
        return an_fail(err, AN_EINVAL, "an event of our own is refused: %s", w.whole.detail);
    uint64_t lsn;
    rc = put(in, true, w.rules.now_us, &lsn, err);
    if (rc == AN_OK && in->rows.rows[0].stored != AN_STORED_NEW)
        rc = an_fail(err, AN_EAGAIN, "an event of our own has no partition for its time");
    an_rows_clear(&in->rows);
    return rc;
}
