/* SPDX-License-Identifier: Apache-2.0 */
/* What became of each item of a request, and the reply that says so. */
#ifndef AN_INGEST_ANSWER_H
#define AN_INGEST_ANSWER_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "db/rows.h"
#include "http/problem.h"
#include "http/reply.h"

/* Problem documents of one request together; past it their errors are only counted, so that a batch made of
 * faults cannot take more memory than one made of events. */
#define AN_ANSWER_PROBLEMS_MAX ((size_t)4 << 20)

struct an_item {
    /* then problem_at/_len name its problem document; else `row` its place in the rows */
    bool refused;
    uint32_t row;
    uint32_t problem_at, problem_len;
};

struct an_answer {
    struct an_item *items;
    size_t count, alloc;
    size_t refused;
    struct an_buf problems;
};

/* The partitions' window, for items whose time has no place; from = to where it is not known. */
struct an_window {
    int64_t from_us, to_us;
};

void an_answer_init(struct an_answer *a);
void an_answer_release(struct an_answer *a);
void an_answer_clear(struct an_answer *a); /* keeps up to 32 KiB of memory */

void an_answer_row(struct an_answer *a, uint32_t row);
void an_answer_problem(struct an_answer *a, const struct an_problem *p);

/* Turns the items that the store could not take (CONFLICT, NO_PLACE, UNFIT, REFUSED) into problems. */
void an_answer_settle(struct an_answer *a, const struct an_rows *rows, struct an_window window,
                      struct an_arena *arena);

/* The reply for a request of one event: 201, 200 for a duplicate, or the problem that the store found. */
void an_answer_single(const struct an_row *row, struct an_window window, struct an_arena *arena,
                      const char *request_id, struct an_reply *rep);
/* 200 with counts and results, or the 422 of an atomic batch that was refused. */
void an_answer_batch(const struct an_answer *a, const struct an_rows *rows, bool minimal,
                     struct an_reply *rep);
void an_answer_atomic_refused(const struct an_answer *a, const char *request_id, struct an_reply *rep);

#endif
