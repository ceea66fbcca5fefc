/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant moves from one shard to another while it is written and read: docs/design/moves.md has the
 * argument for each step. What is being done stands in annals.tenant_moves of the directory before it is
 * done, and each step may be done twice. So a move that was stopped, at whatever point, is brought to its end
 * by running it again. One tenant is moved by one process at a time.
 *
 * The connections are the keeper's (reads all that the tenant has, on both sides), the writer's (puts it into
 * the target) and the job's. The keeper's and the job's must not go through a pooler that shares sessions. */
#ifndef AN_MOVE_MOVE_H
#define AN_MOVE_MOVE_H

#include "an.h"
#include "base/err.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "db/db.h"
#include "event/event.h"
#include "shard/shard.h"

/* In this order. Up to AN_MOVE_SWITCH a move can be given up; from AN_MOVE_HIDE on the tenant lives on the
 * target. */
enum an_move_step {
    AN_MOVE_PREPARE, /* target knows the tenant, hidden; the feed of the source is held for us */
    AN_MOVE_COPY,    /* all events, in key order */
    AN_MOVE_FOLLOW,  /* what was written meanwhile */
    AN_MOVE_COMPARE, /* every row on both sides */
    AN_MOVE_CLOSE,   /* writers wait; the rest is brought over; the target can be read */
    AN_MOVE_SWITCH,  /* the directory names the target */
    AN_MOVE_HIDE,    /* the source shows nothing any more */
    AN_MOVE_OPEN,    /* the target takes writes */
    AN_MOVE_RELEASE, /* the source keeps nothing for the tenant's sake */
    AN_MOVE_DONE,
    AN_MOVE_ABORTED,
    AN_MOVE_STEP__COUNT
};
extern const char *const an_move_step_names[AN_MOVE_STEP__COUNT];

/* An event's place among those of its tenant. */
struct an_move_key {
    int64_t us;
    struct an_uuid id;
};

/* Who answers on each side: identifier and timeline; "": not known. */
struct an_move_servers {
    char source[40], target[40];
};

struct an_move_state {
    int64_t id; /* 0: no move was begun */
    char tenant[AN_TENANT_MAX + 1];
    char source[AN_SHARD_NAME_MAX + 1], target[AN_SHARD_NAME_MAX + 1];
    enum an_move_step step;
    int64_t started_us;
    bool finished;
    bool closed;                        /* it came to AN_MOVE_CLOSE once; the target may be shown */
    int64_t pause_us;                   /* how long writers waited; -1: not known yet */
    int64_t events;                     /* to be copied, when it began */
    int64_t copied, followed, compared; /* events so far, over all runs */
    int64_t behind; /* events that were written and not brought yet; -1: not known */
    struct an_move_key copied_to;       /* private */
    struct an_move_servers servers;     /* private: when copying began */
};

struct an_move;

/* Called when a step begins, and about once a second within one. */
typedef void an_move_told(void *arg, const struct an_move_state *state);

/* Opens nothing yet. told: may be NULL. The configuration must outlive it. AN_EINVAL: no tenant's id. */
int an_move_new(const struct an_conf *c, struct an_str tenant, an_move_told *told, void *arg,
                struct an_move **out, struct an_err *err) AN_MUST_CHECK;
void an_move_free(struct an_move *m); /* accepts NULL */

/* What is known of the move that is under way, or of the last one. */
const struct an_move_state *an_move_state(const struct an_move *m);

/* Is all there that the move needs? Changes nothing; state has source, target and how many events there are.
 * Codes as an_move_run(). */
int an_move_check(struct an_move *m, const char *target, struct an_err *err) AN_MUST_CHECK;
/* Finds, or notes down, the move that an_move_run() is to do. AN_EINVAL: the tenant lives there already, or
 * is on its way to another shard; AN_ENOENT: no such tenant or shard; AN_EAGAIN: somebody moves it at this
 * moment. */
int an_move_begin(struct an_move *m, const char *target, const char *started_by,
                  struct an_err *err) AN_MUST_CHECK;
/* Does what is left of it. AN_OK: the tenant lives on the target. AN_EAGAIN: a server could not be reached,
 * or writers did not end in time; AN_ECONFLICT: the two sides differ. Whatever the failure, the tenant works
 * on where the directory says that it lives, unless the state is one of AN_MOVE_CLOSE to AN_MOVE_OPEN:
 * then its writers wait until the move is run again or, up to AN_MOVE_SWITCH, aborted. */
int an_move_run(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Gives it up: writers go on on the source. What was copied stays on the target, hidden; where the target may
 * be shown, it must answer, or the move stays unfinished.
 * AN_EINVAL: it has gone too far, or there is none. */
int an_move_abort(struct an_move *m, struct an_err *err) AN_MUST_CHECK;

/* Reads a row of move_list. */
int an_move_read(const struct an_result *res, size_t row, struct an_move_state *out,
                 struct an_err *err) AN_MUST_CHECK;

#endif
