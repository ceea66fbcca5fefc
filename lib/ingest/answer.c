/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ingest/answer.h"

/* What is kept between requests; a worker has many of these. */
#define ITEMS_KEEP 1024
#define PROBLEMS_KEEP ((size_t)16 << 10)

void an_answer_init(struct an_answer *a)
{
    *a = (struct an_answer){0};
    an_buf_init(&a->problems, 2 * AN_ANSWER_PROBLEMS_MAX);
}

void an_answer_release(struct an_answer *a)
{
    free(a->items);
    an_buf_release(&a->problems);
    an_answer_init(a);
}

void an_answer_clear(struct an_answer *a)
{
    a->count = 0;
    a->refused = 0;
    an_buf_clear(&a->problems);
    an_buf_trim(&a->problems, PROBLEMS_KEEP);
    if (a->alloc > ITEMS_KEEP) {
        free(a->items);
        a->items = NULL;
        a->alloc = 0;
    }
}

static struct an_item *item_new(struct an_answer *a)
{
    if (a->count == a->alloc) {
        a->alloc = a->alloc == 0 ? 16 : 2 * a->alloc;
        a->items = an_xrealloc(a->items, a->alloc * sizeof *a->items);
    }
    struct an_item *it = &a->items[a->count++];
    *it = (struct an_item){0};
    return it;
}

void an_answer_row(struct an_answer *a, uint32_t row)
{
    item_new(a)->row = row;
}

static void item_refuse(struct an_answer *a, struct an_item *it, const struct an_problem *p)
{
    struct an_problem brief = *p;
    struct an_faults unnamed = {.count = p->faults == NULL ? 0 : p->faults->count};
    if (a->problems.len > AN_ANSWER_PROBLEMS_MAX)
        brief.faults = &unnamed;
    it->refused = true;
    it->problem_at = (uint32_t)a->problems.len;
    an_problem_add(&a->problems, &brief, NULL);
    it->problem_len = (uint32_t)(a->problems.len - it->problem_at);
    a->refused++;
}

void an_answer_problem(struct an_answer *a, const struct an_problem *p)
{
    item_refuse(a, item_new(a), p);
}

static struct an_problem no_place_problem(struct an_window window, struct an_arena *arena)
{
    char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1];
    an_time_format(window.from_us, from);
    an_time_format(window.to_us, to);
    const char *detail = "The timestamp is outside of what is stored here.";
    if (window.to_us > window.from_us)
        detail = an_arena_printf(
            arena, "The timestamp is outside of what is stored here: from %s to before %s.", from, to);
    struct an_faults *faults = an_arena_alloc(arena, sizeof *faults);
    an_faults_init(faults, arena, 1);
    an_fault_add(faults, AN_FAULT_POINTER, "/timestamp", "window", "%s", detail);
    return (struct an_problem){.type = AN_P_OUTSIDE_WINDOW, .detail = detail, .faults = faults};
}

static struct an_problem unfit_problem(struct an_arena *arena)
{
    const char *detail = "The database of this server cannot hold a value of this event.";
    struct an_faults *faults = an_arena_alloc(arena, sizeof *faults);
    an_faults_init(faults, arena, 1);
    an_fault_add(faults, AN_FAULT_POINTER, "", "unfit", "%s", detail);
    return (struct an_problem){.type = AN_P_INVALID_EVENT, .detail = detail, .faults = faults};
}

/* What is to be said of a row that the store did not take; false where it took it. */
static bool stored_problem(enum an_stored stored, struct an_window window, struct an_arena *arena,
                           struct an_problem *out)
{
    switch (stored) {
    case AN_STORED_NO_PLACE:
        *out = no_place_problem(window, arena);
        return true;
    case AN_STORED_UNFIT:
        *out = unfit_problem(arena);
        return true;
    case AN_STORED_REFUSED:
        *out = (struct an_problem){.type = AN_P_INTERNAL,
                                   .detail = "The database refused this event; the server's log says why."};
        return true;
    case AN_STORED_CONFLICT:
        *out = (struct an_problem){.type = AN_P_CONFLICT,
                                   .detail = "An event with this idempotency_key and timestamp, but with "
                                             "another content, is already stored; it was not changed."};
        return true;
    case AN_STORED_NEW:
    case AN_STORED_DUPLICATE:
    case AN_STORED_NOT:
        break;
    }
    return false;
}

void an_answer_settle(struct an_answer *a, const struct an_rows *rows, struct an_window window,
                      struct an_arena *arena)
{
    struct an_problem p;
    for (size_t i = 0; i < a->count; i++) {
        struct an_item *it = &a->items[i];
        if (!it->refused && stored_problem(rows->rows[it->row].stored, window, arena, &p))
            item_refuse(a, it, &p);
    }
}

/* The members that tell of a stored event, without braces. */
static void add_stored(struct an_buf *out, const struct an_row *row)
{
    char id[AN_UUID_LEN + 1], timestamp[AN_TIME_LEN + 1], received[AN_TIME_LEN + 1];
    an_uuid_format(&row->id, id);
    an_time_format(row->timestamp_us, timestamp);
    an_time_format(row->received_us, received);
    (void)an_buf_adds(out, "\"id\":\"");
    (void)an_buf_add(out, id, AN_UUID_LEN);
    (void)an_buf_adds(out, "\",\"timestamp\":\"");
    (void)an_buf_add(out, timestamp, AN_TIME_LEN);
    (void)an_buf_adds(out, "\",\"received_at\":\"");
    (void)an_buf_add(out, received, AN_TIME_LEN);
    (void)an_buf_adds(out, "\",\"status\":\"committed\",\"duplicate\":");
    (void)an_buf_adds(out, row->stored == AN_STORED_DUPLICATE ? "true" : "false");
}

static void add_refused(struct an_buf *out, const struct an_answer *a, const struct an_item *it)
{
    (void)an_buf_adds(out, "\"problem\":");
    (void)an_buf_add(out, a->problems.data + it->problem_at, it->problem_len);
}

static void add_results(struct an_buf *out, const struct an_answer *a, const struct an_rows *rows,
                        bool only_refused)
{
    const char *comma = "";
    (void)an_buf_adds(out, "\"results\":[");
    for (size_t i = 0; i < a->count; i++) {
        const struct an_item *it = &a->items[i];
        if (only_refused && !it->refused)
            continue;
        (void)an_buf_adds(out, comma);
        (void)an_buf_adds(out, "{\"index\":");
        (void)an_buf_addi(out, (int64_t)i);
        (void)an_buf_addc(out, ',');
        if (it->refused)
            add_refused(out, a, it);
        else
            add_stored(out, &rows->rows[it->row]);
        (void)an_buf_addc(out, '}');
        comma = ",";
    }
    (void)an_buf_addc(out, ']');
}

void an_answer_single(const struct an_row *row, struct an_window window, struct an_arena *arena,
                      const char *request_id, struct an_reply *rep)
{
    struct an_problem p;
    if (stored_problem(row->stored, window, arena, &p)) {
        an_problem_reply(rep, &p, request_id);
        return;
    }
    char id[AN_UUID_LEN + 1];
    an_uuid_format(&row->id, id);
    rep->status = row->stored == AN_STORED_DUPLICATE ? 200 : 201;
    an_reply_type(rep, "application/json");
    an_reply_headerf(rep, "Location", "/v1/events/%s", id);
    (void)an_buf_addc(&rep->body, '{');
    add_stored(&rep->body, row);
    (void)an_buf_adds(&rep->body, "}\n");
}

void an_answer_batch(const struct an_answer *a, const struct an_rows *rows, bool minimal,
                     struct an_reply *rep)
{
    size_t duplicates = 0;
    for (size_t i = 0; i < rows->count; i++)
        duplicates += rows->rows[i].stored == AN_STORED_DUPLICATE;
    rep->status = 200;
    an_reply_type(rep, "application/json");
    if (minimal)
        an_reply_header(rep, "Preference-Applied", AN_STR("return=minimal"));
    (void)an_buf_addf(&rep->body, "{\"accepted\":%zu,\"duplicates\":%zu,\"rejected\":%zu,",
                      a->count - a->refused - duplicates, duplicates, a->refused);
    add_results(&rep->body, a, rows, minimal);
    (void)an_buf_adds(&rep->body, "}\n");
}

static void add_batch_members(struct an_buf *out, const void *members_of)
{
    const struct an_answer *a = members_of;
    (void)an_buf_addf(out, ",\"accepted\":0,\"duplicates\":0,\"rejected\":%zu,", a->count);
    add_results(out, a, NULL, true);
}

void an_answer_atomic_refused(const struct an_answer *a, const char *request_id, struct an_reply *rep)
{
    const struct an_problem p = {
        .type = AN_P_BATCH_REJECTED,
        .detail = "The batch is atomic and at least one item cannot be stored, so nothing was.",
        .add_members = add_batch_members,
        .members_of = a};
    an_problem_reply(rep, &p, request_id);
}
