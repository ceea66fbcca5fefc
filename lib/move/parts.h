/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a move share; see move/move.h. */
#ifndef AN_MOVE_PARTS_H
#define AN_MOVE_PARTS_H

#include "an.h"
#include "base/arena.h"
#include "base/buf.h"
#include "db/columns.h"
#include "db/tx.h"
#include "move/move.h"
#include "upkeep/partition.h"

/* Of a consumer in the feed: everything up to it was read. */
struct an_move_position {
    uint64_t xid;
    int64_t id;
};

struct an_move {
    const struct an_conf *conf;
    struct an_move_state s;
    an_move_told *told;
    void *arg;
    int64_t told_us;               /* when it was last told and saved; monotonic */
    int64_t closed_until_us;       /* writers wait no longer for what is left; monotonic */
    struct an_db *directory;       /* the job's; holds the lock */
    struct an_db *source, *target; /* the keeper's */
    struct an_db *source_job, *target_job, *target_writer;
    struct an_arena *arena;          /* of what follows */
    struct an_partition *partitions; /* of events, on the source */
    size_t partition_count;
    size_t missing; /* of these, those that the target had no place for when it was last asked */
    struct an_move_position position; /* what stands before it is on the target */
    struct an_buf events, entities;   /* a batch, as tuples of COPY */
    struct an_buf times, ids;         /* and its keys, as arrays */
    size_t rows;
    struct an_columns columns; /* of it, where it is merged */
    bool merges;               /* the target had some of the last batch */
    bool copy_refused;         /* to the writer of the target: its role has no BYPASSRLS */
};

/* ---- parameters ---- */
struct an_move_text {
    char text[40];
};
struct an_db_param an_move_number(struct an_move_text *t, int64_t n) AN_MUST_CHECK;
struct an_db_param an_move_time(struct an_move_text *t, int64_t us) AN_MUST_CHECK;
struct an_db_param an_move_uuid(struct an_move_text *t, const struct an_uuid *id) AN_MUST_CHECK;
struct an_db_param an_move_xid(struct an_move_text *t, uint64_t xid) AN_MUST_CHECK;
struct an_db_param an_move_tenant(const struct an_move *m) AN_MUST_CHECK;
#define AN_MOVE_NULL AN_DB_TEXT(((struct an_str){.data = NULL}))

/* One statement as the tenant, in a transaction of its own under move_settings. out: as an_db_exec(). */
int an_move_query(struct an_move *m, struct an_db *db, const struct an_db_step *step, struct an_result **out,
                  struct an_err *err) AN_MUST_CHECK;

/* ---- record.c: the row in the directory ---- */
/* Nobody else moves the tenant from here on. AN_EAGAIN: somebody does. */
int an_move_claim(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* The newest move of the tenant; state.id is 0 where there is none. */
int an_move_load(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Reads where the move stands, after a failure that may have come behind a commit. AN_EAGAIN: somebody else
 * moves the tenant. */
int an_move_find_again(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* The next step, or an earlier one, begins. AN_EAGAIN: the move is not where we believe it to be. */
int an_move_advance(struct an_move *m, enum an_move_step next, struct an_err *err) AN_MUST_CHECK;
/* Saves the counters, and tells. */
int an_move_save(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Notes the servers that have what is brought from here on. */
int an_move_pin(struct an_move *m, const struct an_move_servers *servers, struct an_err *err) AN_MUST_CHECK;
/* As an_move_save(), where a second has passed since. */
int an_move_save_seldom(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* The tenant lives on the target, and the next step begins. */
int an_move_switch(struct an_move *m, struct an_err *err) AN_MUST_CHECK;

/* ---- sides.c: the two shards ---- */
/* Makes the connections to both. AN_ENOENT: no such tenant, or no such shard. */
int an_move_connect(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Can it be moved? As an_move_survey() too. AN_EINVAL: no, for a reason that must be mended: the target may
 * have rows of the tenant from earlier that are gone on the source, and would be shown again. */
int an_move_examine(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Fills the partitions, and counts those that the target lacks. AN_EINVAL: its own lie across. */
int an_move_survey(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Asks both primaries. */
int an_move_ask_servers(struct an_move *m, struct an_move_servers *out, struct an_err *err) AN_MUST_CHECK;
/* AN_EAGAIN: another server than the noted one answers, and may lack what was brought. */
int an_move_check_servers(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* The target has a partition wherever the source had one at the last survey. */
int an_move_make_room(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* The source knows the tenant, also where it never wrote: else its first writer would open it there. */
int an_move_settle_source(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* The target knows the tenant, its class and its holds, as the source has them now; it is hidden there.
 * arriving: and guarded, else it is guarded no longer: these are what it comes with. */
int an_move_settle(struct an_move *m, bool arriving, struct an_err *err) AN_MUST_CHECK;
/* From true to false, no partition of the target goes that has, or may get, something of the tenant. */
int an_move_guard(struct an_move *m, bool wanted, struct an_err *err) AN_MUST_CHECK;
/* Sets the presence of the tenant on a side where it is one of `from` ("{open,closed}"). AN_EAGAIN: it is
 * none of them. */
int an_move_put(struct an_move *m, struct an_db *job, const char *presence, const char *from,
                struct an_err *err) AN_MUST_CHECK;
/* Waits until every transaction that may write for the tenant on the source has ended. AN_EAGAIN: not in
 * time. */
int an_move_wait_for_writers(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Nothing of the tenant keeps partitions on that side any more; it is hidden there. */
int an_move_let_go(struct an_move *m, struct an_db *keeper, struct an_db *job,
                   struct an_err *err) AN_MUST_CHECK;
/* How many events the source has, or at least: a partition that takes long ends the count. */
int an_move_count(struct an_move *m, int64_t *events, struct an_err *err) AN_MUST_CHECK;

/* ---- copy.c: events to the target ---- */
/* All events of the source behind state.copied_to. */
int an_move_copy_all(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Those events, whose ids are `count` elements of an array (as made by an_rows_add_uuid()). From
 * AN_MOVE_COMPARE on, both sides are compared before it returns; what came before, that step compares.
 * AN_EBACKEND: the source lacks one. AN_ECONFLICT: they differ. */
int an_move_copy_named(struct an_move *m, const char *ids, size_t count, struct an_err *err) AN_MUST_CHECK;

/* ---- follow.c: the feed of the source ---- */
/* Begins to follow it: what is committed from now on will be read, and is not dropped before. Where it was
 * begun already, it is left. */
int an_move_subscribe(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Reads where it stood. */
int an_move_resume(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
int an_move_unsubscribe(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Brings over what the feed has now. */
int an_move_follow(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Brings over all that was committed before the call. */
int an_move_follow_to_now(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* How much the feed has that was not brought: state.behind. */
int an_move_look_behind(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Again and again, until that takes less than half a second. */
int an_move_catch_up(struct an_move *m, struct an_err *err) AN_MUST_CHECK;
/* Brings over all that is left, for a tenant that nobody writes. AN_EAGAIN: not by closed_until_us. */
int an_move_follow_to_end(struct an_move *m, struct an_err *err) AN_MUST_CHECK;

/* ---- compare.c ---- */
/* Every row of the source's partitions, on both sides, following the feed meanwhile; an_move_catch_up() comes
 * first. AN_ECONFLICT: they differ. */
int an_move_compare(struct an_move *m, struct an_err *err) AN_MUST_CHECK;

#endif
