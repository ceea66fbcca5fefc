/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/mem.h"
#include "base/robust.h"
#include "base/share.h"
#include "db/health.h"
#include "db/rows.h"
#include "db/tx.h"
#include "ingest/combine.h"
#include "log/log.h"

#define SLOTS 512                      /* twice the most workers: more than can live at a time */
#define SHARDS 64                      /* requests for further ones are committed without company */
#define LANES 4                        /* of each shard */
#define SLOT_BYTES ((size_t)64 << 10)  /* of rows; a larger request gains little from company */
#define PARTS_MAX 256                  /* requests in one transaction */
#define PARTS_BYTES ((size_t)4 << 20)  /* and their rows */
#define RECHECK_MS 100                 /* how long a dead leader may go unnoticed */
#define CROWD 32                       /* so many requests are worth a second insert at the same time */
#define PATIENCE_MS 25                 /* or one who has waited so long, or a first who takes so long */
#define WITHDRAW_MS 1000               /* no lane for so long: commit alone */

/* What a slot's state word says. Its owner moves it FREE -> READY, CALLED -> READY, and DONE, READY or
 * CALLED -> FREE; a leader moves it READY or CALLED -> TAKEN -> DONE, and READY -> CALLED when it leaves
 * its lane to that owner.
 *
 * READY and CALLED carry the number of the shard: a leader takes what is for its own, whatever a slot
 * held when it last looked. TAKEN carries the lane, so that a leader may die at any instruction: whoever
 * gets its lane moves what it had TAKEN -> READY. */
enum state { FREE, READY, CALLED, DONE, TAKEN };

static uint32_t word(enum state state, uint32_t number)
{
    return (uint32_t)state | number << 3;
}

static enum state state_of(uint32_t seen)
{
    return (enum state)(seen & 7);
}

static uint32_t number_of(uint32_t seen)
{
    return seen >> 3;
}

static bool is_waiting(uint32_t seen)
{
    return state_of(seen) == READY || state_of(seen) == CALLED;
}

/* A request in a slot. Its rows lie in the slot's data: the array, the events, the entities. */
struct slot_part {
    char tenant[AN_TENANT_MAX + 1];
    uint32_t at, count, events_len, entities_len;
    int rc;
    uint64_t lsn;
};

struct slot {
    uint32_t again;        /* a leader died with it: a duplicate of our own is no duplicate */
    uint32_t count, bytes; /* of parts and data in use */
    struct an_err err;     /* of the last part that failed */
    struct slot_part parts[AN_COMBINE_PARTS];
    _Alignas(64) char data[SLOT_BYTES]; /* the mapping has the same address in every worker */
};

struct lane {
    _Alignas(64) pthread_mutex_t leader; /* robust */
    /* Since when its leader inserts, by the clock for waiting; 0: he does not. Only advice: a leader that
     * died leaves it behind. */
    _Atomic int64_t inserting_us;
};

struct shared {
    struct lane lanes[SHARDS * LANES]; /* lane l of shard n: n * LANES + l */
    struct an_health health;
    /* robust, each held by a worker for its life: so a dead worker's slot is found */
    pthread_mutex_t owners[SLOTS];
    _Alignas(64) _Atomic uint32_t used; /* slots below this one have been owned once */
    _Alignas(64) _Atomic uint32_t state[SLOTS];
    _Alignas(64) _Atomic uint32_t waiting[SLOTS]; /* requests in each; only to see whether there is a crowd */
    struct slot slots[SLOTS];
};

/* A request in the transaction that is led, wherever its rows and its outcome are. */
struct part {
    struct an_rows *rows;
    int *rc;
    uint64_t *lsn;
    struct an_err *err;
    uint32_t *again; /* set where what is found may be our own, of a try whose reply got lost */
};

struct an_combine {
    struct shared *shared; /* NULL: alone */
    struct slot *slot;
    _Atomic uint32_t *state;
    int64_t timeout_us;
    /* Of what is being put: */
    int64_t until_us; /* then it should be committed */
    struct an_shard *shard;
    uint32_t number; /* of the shard; SHARDS: it has none */
    uint32_t lane;   /* that is led */
    /* Only while leading: slots that were taken, their requests and our own. */
    struct slot *taken[PARTS_MAX];
    size_t taken_count, part_count;
    struct part parts[PARTS_MAX];
    struct an_rows views[PARTS_MAX];
    struct an_rows *rows[PARTS_MAX];
};

void *an_combine_share(const struct an_conf *c)
{
    if (!c->combine)
        return NULL;
    struct shared *s = an_share_new(sizeof *s);
    if (s == NULL) {
        an_log_warn("ingest", "no memory for the combiner, requests are committed one by one: %s",
                    strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i < SHARDS * LANES; i++)
        an_robust_init(&s->lanes[i].leader);
    for (size_t i = 0; i < SLOTS; i++)
        an_robust_init(&s->owners[i]);
    an_health_init(&s->health);
    return s;
}

/* What a dead leader of this lane had taken waits again. */
static void lane_recover(struct shared *s, uint32_t lane)
{
    uint32_t count = 0, used = atomic_load(&s->used);
    for (uint32_t i = 0; i < used; i++)
        if (atomic_load(&s->state[i]) == word(TAKEN, lane)) {
            s->slots[i].again = 1;
            atomic_store(&s->state[i], word(READY, lane / LANES));
            count++;
        }
    an_log_warn("ingest", "the leader of lane %u died; what %u workers wait for is committed again", lane,
                count);
}

/* Takes the lane where nobody is in it. So whoever is in a lane knows that no dead leader's slots are
 * left in it. */
static bool lane_try(struct shared *s, uint32_t lane)
{
    bool dead;
    if (!an_robust_try(&s->lanes[lane].leader, &dead))
        return false;
    if (dead)
        lane_recover(s, lane);
    atomic_store(&s->lanes[lane].inserting_us, an_clock_mono_us());
    return true;
}

/* Not one who takes long: a lock that somebody holds, a disk that hangs, and he himself may stand still. */
static bool is_inserting(const struct shared *s, uint32_t lane)
{
    int64_t since_us = atomic_load(&s->lanes[lane].inserting_us);
    return since_us != 0 && an_clock_mono_us() - since_us < PATIENCE_MS * 1000;
}

/* Calls one of those who wait for this shard to lead, unless somebody inserts: who does that calls when
 * he is through. */
static void call_next(struct shared *s, uint32_t number)
{
    for (uint32_t lane = number * LANES; lane < (number + 1) * LANES; lane++)
        if (is_inserting(s, lane))
            return;
    uint32_t used = atomic_load(&s->used);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t ready = word(READY, number);
        if (atomic_compare_exchange_strong(&s->state[i], &ready, word(CALLED, number))) {
            an_futex_wake(&s->state[i]);
            return;
        }
    }
}

static void lane_leave(struct shared *s, uint32_t lane)
{
    atomic_store(&s->lanes[lane].inserting_us, 0);
    an_robust_unlock(&s->lanes[lane].leader);
    call_next(s, lane / LANES);
}

static bool slot_claim(struct an_combine *me, uint32_t i)
{
    struct shared *s = me->shared;
    bool dead;
    if (!an_robust_try(&s->owners[i], &dead))
        return false;
    me->slot = &s->slots[i];
    me->state = &s->state[i];
    uint32_t seen = atomic_load(me->state); /* what a dead owner left waiting has nobody to answer to */
    while (is_waiting(seen) && !atomic_compare_exchange_strong(me->state, &seen, FREE))
        continue;
    uint32_t used = atomic_load(&s->used);
    while (used <= i && !atomic_compare_exchange_strong(&s->used, &used, i + 1))
        continue;
    return true;
}

struct an_combine *an_combine_join(void *shared, const struct an_conf *c)
{
    struct an_combine *me = an_xcalloc(1, sizeof *me);
    me->shared = shared;
    me->timeout_us = c->commit_timeout_ms * 1000;
    for (uint32_t i = 0; shared != NULL && me->slot == NULL && i < SLOTS; i++)
        (void)slot_claim(me, i); /* the first that nobody owns */
    return me;
}

void an_combine_leave(struct an_combine *me)
{
    if (me == NULL)
        return;
    if (me->slot != NULL)
        an_robust_unlock(&me->shared->owners[me->slot - me->shared->slots]);
    free(me);
}

/* A request that was committed, and whose reply got lost, is its own duplicate: its rows are new but for
 * those that are in it twice. */
static void own_again(const struct an_combine_part *part)
{
    struct an_row **sorted = an_rows_sorted(part->rows);
    for (size_t i = 0; i < part->rows->count; i++) {
        bool repeat = i > 0 && an_rows_compare(sorted[i - 1], sorted[i]) == 0;
        if (sorted[i]->stored == AN_STORED_DUPLICATE && sorted[i]->received_us == part->received_us &&
            !repeat)
            sorted[i]->stored = AN_STORED_NEW;
    }
    free(sorted);
}

static int put_once(struct an_combine *me, struct an_rows *const *rows, size_t count, bool atomic,
                    uint64_t *lsn, struct an_err *err)
{
    struct an_db *writer = an_shard_writer(me->shard);
    if (count == 1)
        return an_store_put(writer, rows[0], atomic, lsn, err);
    return an_store_put_all(writer, rows, count, lsn, err);
}

/* Limits statements to what is left of the time that the requests have, and to half of it at least, since
 * a transaction that begins late may have others in it. Returns the usual limit. */
static int64_t hurry(const struct an_combine *me, struct an_db *writer)
{
    int64_t left_us = me->until_us - an_clock_mono_us(), least_us = me->timeout_us / 2;
    int64_t limit_ms = (left_us > least_us ? left_us : least_us) / 1000 + 1;
    int64_t usual_ms = an_db_limit(writer, limit_ms);
    if (usual_ms < limit_ms)
        (void)an_db_limit(writer, usual_ms);
    return usual_ms;
}

/* One transaction on our own connection; a connection that broke is opened again, and the same rows are put
 * once more while there is time. *again: it broke. */
static int put(struct an_combine *me, struct an_rows *const *rows, size_t count, bool atomic, bool *again,
               uint64_t *lsn, struct an_err *err)
{
    struct an_db *writer = an_shard_writer(me->shard);
    int64_t since_us = an_clock_mono_us(), usual_ms = hurry(me, writer);
    int rc = put_once(me, rows, count, atomic, lsn, err);
    *again = rc == AN_EAGAIN;
    if (*again && an_clock_mono_us() < me->until_us && an_db_ready(writer, err) == AN_OK)
        rc = put_once(me, rows, count, atomic, lsn, err);
    (void)an_db_limit(writer, usual_ms);
    if (me->number < SHARDS)
        an_health_tried(&me->shared->health, me->number, rc == AN_OK || an_db_is_open(writer),
                        an_clock_mono_us() - since_us);
    return rc;
}

static _Atomic uint32_t *slot_state(const struct an_combine *me, const struct slot *s)
{
    return &me->shared->state[s - me->shared->slots];
}

static size_t part_bytes(const struct an_rows *rows)
{
    size_t bytes = rows->count * sizeof(struct an_row) + rows->events.len + rows->entities.len;
    return (bytes + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
}

static void slot_add(struct slot *s, const struct an_rows *rows)
{
    struct slot_part *p = &s->parts[s->count++];
    *p = (struct slot_part){.at = s->bytes,
                            .count = (uint32_t)rows->count,
                            .events_len = (uint32_t)rows->events.len,
                            .entities_len = (uint32_t)rows->entities.len};
    memcpy(p->tenant, rows->tenant, sizeof p->tenant);
    char *at = s->data + s->bytes;
    size_t head = rows->count * sizeof(struct an_row);
    memcpy(at, rows->rows, head);
    memcpy(at + head, rows->events.data, rows->events.len);
    memcpy(at + head + rows->events.len, rows->entities.data, rows->entities.len);
    s->bytes += (uint32_t)part_bytes(rows);
}

/* Our requests into our slot. False where they do not fit, or a leader that we gave up on still has it. */
static bool slot_fill(struct an_combine *me, const struct an_combine_part *parts, size_t count)
{
    uint32_t done = DONE;
    (void)atomic_compare_exchange_strong(me->state, &done, FREE);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += part_bytes(parts[i].rows);
    if (atomic_load(me->state) != FREE || bytes > SLOT_BYTES)
        return false;
    struct slot *s = me->slot;
    s->again = s->count = s->bytes = 0;
    for (size_t i = 0; i < count; i++)
        slot_add(s, parts[i].rows);
    atomic_store(&me->shared->waiting[s - me->shared->slots], (uint32_t)count);
    return true;
}

/* A request's rows as the store wants them; results are written into the slot itself. */
static struct an_rows slot_view(struct slot *s, const struct slot_part *p)
{
    char *rows = s->data + p->at, *events = rows + p->count * sizeof(struct an_row);
    struct an_rows view = {
        .events = {.data = events, .len = p->events_len, .limit = p->events_len},
        .entities = {.data = events + p->events_len, .len = p->entities_len, .limit = p->entities_len},
        .rows = (struct an_row *)(void *)rows,
        .count = p->count};
    memcpy(view.tenant, p->tenant, sizeof view.tenant);
    return view;
}

static void lead_slot(struct an_combine *me, struct slot *s)
{
    me->taken[me->taken_count++] = s;
    for (uint32_t i = 0; i < s->count; i++) {
        struct slot_part *p = &s->parts[i];
        struct an_rows *view = &me->views[me->part_count];
        *view = slot_view(s, p);
        me->parts[me->part_count++] = (struct part){view, &p->rc, &p->lsn, &s->err, &s->again};
    }
}

static bool slot_take(struct an_combine *me, uint32_t i, uint32_t lane)
{
    uint32_t seen = atomic_load(&me->shared->state[i]);
    return is_waiting(seen) && number_of(seen) == me->number &&
           atomic_compare_exchange_strong(&me->shared->state[i], &seen, word(TAKEN, lane));
}

/* Takes the waiting slots, as many as one transaction should hold. */
static void gather(struct an_combine *me, uint32_t lane)
{
    size_t bytes = 0;
    uint32_t used = atomic_load(&me->shared->used);
    for (uint32_t i = 0; i < used && me->part_count + AN_COMBINE_PARTS <= PARTS_MAX && bytes < PARTS_BYTES;
         i++) {
        if (!slot_take(me, i, lane))
            continue;
        lead_slot(me, &me->shared->slots[i]);
        bytes += me->shared->slots[i].bytes;
    }
}

/* Commits parts[from .. to) and notes each outcome. What fails as a whole is halved until only the
 * guilty part fails; a database that is away or out of time fails all of them: each half could take as
 * long again. */
static void commit(struct an_combine *me, size_t from, size_t to, bool retried)
{
    struct an_err err;
    bool again;
    uint64_t lsn = 0;
    int rc = put(me, me->rows + from, to - from, false, &again, &lsn, &err);
    retried = retried || again;
    if (rc != AN_OK && rc != AN_EAGAIN && rc != AN_ETIMEOUT && to - from > 1) {
        /* What a dead leader had was committed by it as a whole, or not at all: to halve it would be to
         * fail again. Where other requests stand before it, a few halvings more find it. */
        size_t step = *me->parts[from].again ? 1 : (to - from + 1) / 2;
        for (size_t at = from; at < to; at += step)
            commit(me, at, at + step < to ? at + step : to, retried);
        return;
    }
    for (size_t i = from; i < to; i++) {
        const struct part *p = &me->parts[i];
        *p->rc = rc;
        *p->lsn = lsn;
        *p->again |= retried;
        if (rc != AN_OK)
            *p->err = err;
    }
}

/* Do so many requests wait for this shard? */
static bool waiting_are(const struct an_combine *me, size_t count)
{
    uint32_t waiting = 0, used = atomic_load(&me->shared->used);
    for (uint32_t i = 0; i < used && waiting < count; i++)
        if (atomic_load(&me->shared->state[i]) == word(READY, me->number))
            waiting += atomic_load(&me->shared->waiting[i]);
    return waiting >= count;
}

/* Few requests are better off together in one transaction than apart in two that insert at the same
 * time; but the next may insert while the last is on its way to the disk. One that was taken looks only
 * whether its leader has died: there may be nobody else to find out. */
static bool lane_enter(struct an_combine *me, uint32_t seen, int64_t waited_us, uint32_t *lane)
{
    if (state_of(seen) == TAKEN) {
        *lane = number_of(seen);
        return lane_try(me->shared, *lane);
    }
    uint32_t first = me->number * LANES, end = first + LANES, inserting = 0;
    for (*lane = first; *lane < end; ++*lane) {
        if (!is_inserting(me->shared, *lane))
            continue;
        if (lane_try(me->shared, *lane)) /* it has just left, or died */
            return true;
        inserting++;
    }
    if (inserting > 0 && waited_us <= PATIENCE_MS * 1000 && (inserting > 1 || !waiting_are(me, CROWD)))
        return false;
    for (*lane = first; *lane < end; ++*lane)
        if (lane_try(me->shared, *lane))
            return true;
    return false;
}

/* Our rows are in, and only the flush is left. Whoever waits need not wait for that, where they are at
 * least as many as we are: fewer are better off with those who come in the meantime. */
static void let_next_insert(void *arg)
{
    struct an_combine *me = arg;
    if (!waiting_are(me, me->part_count))
        return;
    atomic_store(&me->shared->lanes[me->lane].inserting_us, 0);
    call_next(me->shared, me->number);
}

/* Our own requests come first in the transaction. *again: a dead leader had them before. */
static void start_parts(struct an_combine *me, struct an_combine_part *own, size_t count, uint32_t *again)
{
    me->taken_count = me->part_count = 0;
    for (size_t i = 0; i < count; i++)
        me->parts[me->part_count++] = (struct part){own[i].rows, &own[i].rc, &own[i].lsn, &own[i].err, again};
}

static void commit_all(struct an_combine *me)
{
    for (size_t i = 0; i < me->part_count; i++)
        me->rows[i] = me->parts[i].rows;
    commit(me, 0, me->part_count, false);
}

static void own_all_again(struct an_combine_part *own, size_t count, uint32_t again)
{
    for (size_t i = 0; i < count && again; i++)
        if (own[i].rc == AN_OK)
            own_again(&own[i]);
}

/* Our own requests alone. */
static void put_without_lane(struct an_combine *me, struct an_combine_part *own, size_t count, uint32_t again)
{
    start_parts(me, own, count, &again);
    commit_all(me);
    own_all_again(own, count, again);
}

/* In a lane: our own requests and everybody's who waits. */
static void lead(struct an_combine *me, uint32_t lane, struct an_combine_part *own, size_t count,
                 uint32_t again)
{
    start_parts(me, own, count, &again);
    gather(me, lane);
    me->lane = lane;
    an_store_tell(an_shard_writer(me->shard), let_next_insert, me);
    commit_all(me);
    an_store_tell(an_shard_writer(me->shard), NULL, NULL);
    for (size_t i = 0; i < me->taken_count; i++)
        atomic_store(slot_state(me, me->taken[i]), DONE);
    /* The next leader first: it then works while the others are woken. */
    lane_leave(me->shared, lane);
    for (size_t i = 0; i < me->taken_count; i++)
        an_futex_wake(slot_state(me, me->taken[i]));
    own_all_again(own, count, again);
}

/* Our slot is DONE: its results are ours. */
static void slot_collect(struct an_combine *me, struct an_combine_part *parts)
{
    struct slot *s = me->slot;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct slot_part *p = &s->parts[i];
        parts[i].rc = p->rc;
        parts[i].lsn = p->lsn;
        parts[i].err = s->err;
        if (p->rc != AN_OK)
            continue;
        memcpy(parts[i].rows->rows, s->data + p->at, p->count * sizeof(struct an_row));
        if (s->again)
            own_again(&parts[i]);
    }
    atomic_store(me->state, FREE);
}

/* True where our slot was still waiting and is ours alone again. */
static bool slot_withdraw(struct an_combine *me)
{
    uint32_t ready = word(READY, me->number), called = word(CALLED, me->number);
    return atomic_compare_exchange_strong(me->state, &ready, FREE) ||
           atomic_compare_exchange_strong(me->state, &called, FREE);
}

/* Our requests may still be committed where a leader has taken them, and are not where none has. */
static void give_up(struct an_combine *me, struct an_combine_part *parts, size_t count)
{
    (void)slot_withdraw(me);
    for (size_t i = 0; i < count; i++)
        parts[i].rc = an_fail(&parts[i].err, AN_EAGAIN, "ingest: no commit within %lld ms",
                              (long long)(me->timeout_us / 1000));
}

/* Our requests wait in our slot: until a leader has committed them, or a lane is free for us to lead. */
static void wait_or_lead(struct an_combine *me, struct an_combine_part *parts, size_t count)
{
    int64_t start = an_clock_mono_us();
    for (;;) {
        uint32_t seen = atomic_load(me->state);
        if (state_of(seen) == DONE) {
            slot_collect(me, parts);
            return;
        }
        uint32_t called = seen, lane;
        if (state_of(seen) == CALLED) /* before the look at the lanes */
            (void)atomic_compare_exchange_strong(me->state, &called, word(READY, me->number));
        int64_t waited_us = an_clock_mono_us() - start;
        if (lane_enter(me, seen, waited_us, &lane)) {
            if (slot_withdraw(me)) {
                lead(me, lane, parts, count, me->slot->again);
                return;
            }
            lane_leave(me->shared, lane); /* somebody has taken our slot, or answered us, in the meantime */
            continue;
        }
        if (state_of(seen) != TAKEN && waited_us > WITHDRAW_MS * 1000 && slot_withdraw(me)) {
            put_without_lane(me, parts, count, me->slot->again);
            return;
        }
        if (waited_us > me->timeout_us) {
            give_up(me, parts, count);
            return;
        }
        seen = atomic_load(me->state);
        if (state_of(seen) == READY || state_of(seen) == TAKEN)
            an_futex_wait(me->state, seen,
                          (waited_us < PATIENCE_MS * 1000 ? PATIENCE_MS : RECHECK_MS) * 1000);
    }
}

static void choose(struct an_combine *me, struct an_shard *shard)
{
    me->until_us = an_clock_mono_us() + me->timeout_us;
    me->shard = shard;
    me->number = me->shared == NULL ? SHARDS : an_health_number(&me->shared->health, an_shard_name(shard));
    if (me->number > SHARDS)
        me->number = SHARDS;
}

static bool is_away(struct an_combine *me)
{
    return me->number < SHARDS && an_health_away(&me->shared->health, me->number);
}

static void refuse(struct an_combine *me, struct an_combine_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        parts[i].rc = an_fail(&parts[i].err, AN_EAGAIN, "ingest: the shard %s did not answer a moment ago",
                              an_shard_name(me->shard));
}

static void put_in_company(struct an_combine *me, struct an_combine_part *parts, size_t count)
{
    uint32_t lane;
    if (me->slot == NULL || me->number == SHARDS) {
        put_without_lane(me, parts, count, 0);
    } else if (lane_enter(me, FREE, 0, &lane)) {
        lead(me, lane, parts, count, 0);
    } else if (!slot_fill(me, parts, count)) {
        put_without_lane(me, parts, count, 0);
    } else {
        atomic_store(me->state, word(READY, me->number));
        wait_or_lead(me, parts, count);
    }
}

void an_combine_put(struct an_combine *me, struct an_shard *shard, struct an_combine_part *parts,
                    size_t count)
{
    choose(me, shard);
    if (is_away(me))
        refuse(me, parts, count);
    else
        put_in_company(me, parts, count);
}

void an_combine_put_alone(struct an_combine *me, struct an_shard *shard, struct an_combine_part *part,
                          bool atomic)
{
    bool again;
    choose(me, shard);
    if (is_away(me)) {
        refuse(me, part, 1);
        return;
    }
    part->rc = put(me, &part->rows, 1, atomic, &again, &part->lsn, &part->err);
    if (part->rc == AN_OK && (again || part->again))
        own_again(part);
}
