/* SPDX-License-Identifier: Apache-2.0 */
/* The transaction of one search, on a server of its shard. Its first statement begins it, and tells
 * what the answer covers; its last ends it; both go with the statement itself, so that a search without
 * look-ups is one round trip. */
#ifndef AN_SEARCH_READING_H
#define AN_SEARCH_READING_H

#include "an.h"
#include "search/search.h"

/* How the planner is to go about a statement. FREELY and the others do not mix in one search. */
enum an_planning {
    AN_PLAN_FREELY,   /* as the server is configured */
    AN_PLAN_IN_ORDER, /* in the order of an index, see search_begin */
    AN_PLAN_FOR_ANY   /* the same, and once for whatever values, where statements are prepared at all */
};

/* Does `work`, which asks what follows, on a server that shows what is needed; perhaps again on
 * another, with nothing left of the first try: `work` drops its rows when it fails. AN_EMOVED: nobody
 * knows where the tenant lives now. */
typedef int an_reading_work(struct an_search *s, void *arg, struct an_err *err);
int an_reading_run(struct an_search *s, an_reading_work *work, void *arg, struct an_err *err) AN_MUST_CHECK;

/* Runs step, whose rows are the caller's (step->out is not used). last: nothing follows. A failure has ended
 * the transaction. AN_EAGAIN also: the server is too far behind. */
int an_reading_ask(struct an_search *s, enum an_planning planning, const struct an_db_step *step, bool last,
                   struct an_result **out, struct an_err *err) AN_MUST_CHECK;
/* A statement across tenants, which is the whole of its transaction, to a server of s->shard, in two
 * halves: so several shards are asked at once. What was sent stays where it is until it is taken,
 * until_us (an_clock_mono_us()) at the latest. */
struct an_reading_sent {
    char timeout[24];
    struct an_db_param params[4];
    struct an_db_step steps[2];
    struct an_result *begun, *rows;
};
int an_reading_send(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                    struct an_reading_sent *sent, struct an_err *err) AN_MUST_CHECK;
/* Where the taking has failed: did the replay of a replica cancel it? Then it is worth sending again,
 * elsewhere. */
bool an_reading_conflicted(const struct an_search *s) AN_MUST_CHECK;
int an_reading_send_again(struct an_search *s, enum an_planning planning, const struct an_db_step *step,
                          struct an_reading_sent *sent, struct an_err *err) AN_MUST_CHECK;
int an_reading_take(struct an_search *s, struct an_reading_sent *sent, int64_t until_us,
                    struct an_result **out, struct an_err *err) AN_MUST_CHECK;
/* Ends what a look-up has left open, after a failure of another kind. */
void an_reading_abandon(struct an_search *s);

/* What the answer covers, behind the last statement. */
int an_reading_coverage(struct an_search *s, struct an_coverage *out, struct an_err *err) AN_MUST_CHECK;

#endif
