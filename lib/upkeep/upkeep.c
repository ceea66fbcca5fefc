/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/tx.h"
#include "upkeep/partition_remove.h"
#include "upkeep/retention.h"
#include "upkeep/upkeep.h"

static int tell(struct an_upkeep *u, enum an_upkeep_act act, const struct an_partition *p, const char *why,
                struct an_err *err)
{
    return u->watch.act(u->watch.arg, act, p, why, err);
}

static void tell_done(struct an_upkeep *u, enum an_upkeep_act act, const struct an_partition *p)
{
    u->watch.done(u->watch.arg, act, p);
}

/* ---- made ahead ---- */

struct made {
    struct an_arena *arena;
    struct made_partition {
        struct an_partition partition;
        struct made_partition *next;
    } *first, **end;
};

static void note_made(void *arg, const struct an_partition *p)
{
    struct made *made = arg;
    struct made_partition *m = an_arena_zalloc(made->arena, sizeof *m);
    m->partition = *p;
    *made->end = m;
    made->end = &m->next;
}

/* Told when all are made: the first of all have no place for an event yet. */
static int report_made(struct an_upkeep *u, const struct made *made, struct an_err *err)
{
    int rc = AN_OK;
    for (const struct made_partition *m = made->first; m != NULL; m = m->next) {
        tell_done(u, AN_ACT_CREATE, &m->partition);
        if (rc == AN_OK)
            rc = tell(u, AN_ACT_CREATE, &m->partition, "made ahead", err);
    }
    return rc;
}

static int make_ahead(struct an_upkeep *u, struct an_err *err)
{
    struct made made = {.arena = u->arena};
    struct an_err later = {AN_OK, ""};
    made.end = &made.first;
    int rc = an_partition_ensure(u->db, u->conf, u->dry_run, note_made, &made, err);
    int reported = report_made(u, &made, rc == AN_OK ? err : &later);
    return rc == AN_OK ? reported : rc;
}

/* ---- dropped ---- */

struct decisions {
    struct an_decision *list;
    size_t count;
};

static int decide_all(struct an_upkeep *u, struct decisions *all, struct an_err *err)
{
    return an_partition_plan(u->db, u->conf, &u->clock, u->arena, &all->list, &all->count, err);
}

/* NULL: it is gone. */
static const struct an_decision *find(const struct decisions *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->list[i].part.name, name) == 0)
            return &all->list[i];
    return NULL;
}

static bool is_of(const struct an_decision *d, const char *table)
{
    return strcmp(d->part.table, table) == 0;
}

/* One that could not be taken away is in the way of others: PostgreSQL detaches nothing else of a table of
 * which one is half detached, and entities stay as long as their events, which may yet come back. */
static bool is_in_the_way(const struct an_decision *of, const struct an_decision *d)
{
    if (of->state == AN_PARTITION_PENDING && is_of(of, d->part.table))
        return true;
    return is_of(of, "events") && is_of(d, "event_entities") && of->part.from_us < d->part.to_us &&
           d->part.from_us < of->part.to_us;
}

/* What was begun had nothing in its way. */
static bool must_wait(const struct decisions *all, const struct an_decision *d)
{
    bool waits = false;
    if (d->state != AN_PARTITION_ATTACHED)
        return false;
    for (size_t i = 0; i < all->count && !waits; i++)
        waits = is_in_the_way(&all->list[i], d);
    return waits;
}

/* What a step on the partition came to: a failure is told, and others get their turn. */
static void note_failure(struct an_upkeep *u, const struct an_partition *p, const struct an_err *why)
{
    if (u->failure.rc == AN_OK)
        u->failure = *why;
    u->watch.failed(u->watch.arg, p, why);
}

static int attach(struct an_upkeep *u, const struct an_decision *d, const char *why, struct an_err *err)
{
    struct an_err failure;
    int rc = tell(u, AN_ACT_ATTACH, &d->part, why, err);
    if (rc != AN_OK)
        return rc;
    if (an_partition_attach(u->db, u->conf, &d->part, &failure) == AN_OK)
        tell_done(u, AN_ACT_ATTACH, &d->part);
    else
        note_failure(u, &d->part, &failure);
    return AN_OK;
}

/* Now that nothing can come into it any more: does it still go? */
static int finish(struct an_upkeep *u, const struct an_decision *d, struct an_err *err)
{
    struct an_err failure;
    bool dropped = false;
    if (d->verdict != AN_DROP)
        return attach(u, d, d->why, err);
    int rc = tell(u, AN_ACT_DROP, &d->part, d->why, err);
    if (rc != AN_OK)
        return rc;
    if (an_partition_drop(u->db, u->conf, &d->part, &dropped, &failure) != AN_OK) {
        note_failure(u, &d->part, &failure);
        return AN_OK;
    }
    if (!dropped)
        return attach(u, d, "a legal hold was placed on it", err);
    tell_done(u, AN_ACT_DROP, &d->part);
    return AN_OK;
}

/* Detaches it where it is to go, or brings to its end what was begun; both begin with a fresh look,
 * because the last one may be minutes old. Not AN_OK: no other can be taken away either. */
static int take_away(struct an_upkeep *u, const char *name, struct an_err *err)
{
    struct decisions now;
    struct an_err failure;
    int rc = decide_all(u, &now, err);
    const struct an_decision *d = rc == AN_OK ? find(&now, name) : NULL;
    if (d == NULL || must_wait(&now, d) || (d->state == AN_PARTITION_ATTACHED && d->verdict != AN_DROP))
        return rc;
    if (d->state == AN_PARTITION_ATTACHED)
        rc = tell(u, AN_ACT_DETACH, &d->part, d->why, err);
    if (rc == AN_OK && d->state != AN_PARTITION_DETACHED &&
        an_partition_detach(u->db, u->keeper, u->conf, &d->part, &failure) != AN_OK) {
        note_failure(u, &d->part, &failure);
        return AN_OK;
    }
    if (rc == AN_OK)
        rc = decide_all(u, &now, err);
    d = rc == AN_OK ? find(&now, name) : NULL;
    return d == NULL ? rc : finish(u, d, err);
}

/* Kept although no class asks for it: somebody may want to know why. */
static bool held_back(const struct an_decision *d)
{
    return d->verdict != AN_KEEP_WINDOW && d->verdict != AN_KEEP_RETENTION && d->verdict != AN_DROP;
}

static int explain(struct an_upkeep *u, const struct an_decision *d, struct an_err *err)
{
    static const char *const begun[] = {[AN_PARTITION_ATTACHED] = "",
                                        [AN_PARTITION_PENDING] = "its detaching was interrupted; ",
                                        [AN_PARTITION_DETACHED] = "it is detached; "};
    const char *why = an_arena_printf(u->arena, "%s%s", begun[d->state], d->why);
    enum an_upkeep_act act = d->state == AN_PARTITION_ATTACHED ? AN_ACT_KEEP : AN_ACT_ATTACH;
    if (d->verdict == AN_DROP)
        act = AN_ACT_DROP;
    if (act != AN_ACT_KEEP || held_back(d))
        tell_done(u, act, &d->part);
    return tell(u, act, &d->part, why, err);
}

static int explain_all(struct an_upkeep *u, const struct decisions *all, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < all->count && rc == AN_OK; i++)
        rc = explain(u, &all->list[i], err);
    return rc;
}

static int tell_held_back(struct an_upkeep *u, const struct decisions *all, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < all->count && rc == AN_OK; i++) {
        const struct an_decision *d = &all->list[i];
        if (!held_back(d) || d->state != AN_PARTITION_ATTACHED)
            continue;
        tell_done(u, AN_ACT_KEEP, &d->part);
        rc = tell(u, AN_ACT_KEEP, &d->part, d->why, err);
    }
    return rc;
}

/* Those that are attached and are to go, or those that an earlier round has begun with. */
static int take_all_away(struct an_upkeep *u, const struct decisions *all, bool begun, struct an_err *err)
{
    int rc = AN_OK;
    for (size_t i = 0; i < all->count && rc == AN_OK && !*u->stopping; i++) {
        const struct an_decision *d = &all->list[i];
        bool attached = d->state == AN_PARTITION_ATTACHED;
        if (begun ? attached : !attached || d->verdict != AN_DROP)
            continue;
        rc = an_partition_claim(u->keeper, u->conf, err);
        if (rc == AN_OK)
            rc = take_away(u, d->part.name, err);
    }
    return rc;
}

/* What was begun comes first: until it is finished, PostgreSQL detaches nothing else. */
static int remove_old(struct an_upkeep *u, struct an_err *err)
{
    struct decisions all;
    int rc = decide_all(u, &all, err);
    if (rc == AN_OK)
        rc = take_all_away(u, &all, true, err);
    if (rc == AN_OK)
        rc = take_all_away(u, &all, false, err);
    return rc == AN_OK ? tell_held_back(u, &all, err) : rc;
}

/* With the classes that a round would bring first: in a transaction that is rolled back. */
static int decide_dry(struct an_upkeep *u, struct decisions *all, struct an_err *err)
{
    struct an_err ignored;
    const struct an_conf *c = u->conf;
    int rc = an_db_begin_limited(u->db, c->db_statement_timeout_ms, c->partition_lock_timeout_ms, err);
    if (rc != AN_OK)
        return rc;
    if (u->directory != NULL)
        rc = an_retention_copy(u->directory, u->db, err);
    if (rc == AN_OK)
        rc = decide_all(u, all, err);
    int ended = an_db_end(u->db, false, rc == AN_OK ? err : &ignored);
    return rc == AN_OK ? ended : rc;
}

static int explain_old(struct an_upkeep *u, struct an_err *err)
{
    struct decisions all;
    int rc = decide_dry(u, &all, err);
    return rc == AN_OK ? explain_all(u, &all, err) : rc;
}

/* ---- a round ---- */

static int remove_where_due(struct an_upkeep *u, struct an_err *err)
{
    int rc = u->dry_run ? AN_OK : an_retention_bring(u->directory, u->db, err);
    if (rc == AN_OK)
        rc = an_partition_clock_read(u->db, u->directory, u->conf, &u->clock, err);
    if (rc != AN_OK || u->dry_run)
        return rc != AN_OK ? rc : explain_old(u, err);
    rc = remove_old(u, err);
    if (rc == AN_OK)
        rc = an_partition_horizon(u->db, &u->horizon_us, err);
    return rc == AN_OK && u->failure.rc != AN_OK ? an_fail(err, u->failure.rc, "%s", u->failure.text) : rc;
}

int an_upkeep_run(struct an_upkeep *u, struct an_err *err)
{
    struct an_err later = {AN_OK, ""};
    int made = make_ahead(u, err);
    int rc = remove_where_due(u, made == AN_OK ? err : &later);
    return made == AN_OK ? rc : made;
}

int an_outbox_look(struct an_db *job, struct an_outbox *out, struct an_err *err)
{
    struct an_result *res = NULL;
    *out = (struct an_outbox){.rows = 0};
    int rc = an_db_exec(job, AN_STMT_STATUS_OUTBOX, NULL, 0, &res, err);
    if (rc == AN_OK && !an_result_int(res, 0, 0, &out->rows))
        rc = an_fail(err, AN_EBACKEND, "db: status_outbox: not a number");
    if (rc == AN_OK && !an_result_int(res, 0, 1, &out->age_us))
        out->age_us = 0;
    an_result_free(res);
    return rc;
}
