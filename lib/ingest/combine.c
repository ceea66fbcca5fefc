/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/mem.h"
#include "ingest/combine.h"
#include "log/log.h"
#include "log/metrics.h"

#define SLOTS 512                      /* twice the most workers: old and new ones overlap at a reload */
#define LANES 2
#define SLOT_BYTES ((size_t)32 << 10)  /* a larger request gains little from company */
#define PARTS_MAX 256                  /* requests in one transaction */
#define PARTS_BYTES ((size_t)4 << 20)  /* and their rows */
#define RECHECK_MS 100                 /* how long a dead leader may go unnoticed */
#define CROWD 32                       /* so many waiting are worth a second transaction at the same time */
#define PATIENCE_MS 25                 /* or one who has waited so long: the first lane's is slow */
#define WITHDRAW_MS 1000               /* no lane for so long: commit alone */

/* What a slot's state word says. Its owner moves it FREE -> READY, CALLED -> READY, and DONE, READY or CALLED ->
 * FREE; a leader moves it READY or CALLED -> TAKEN + its lane -> DONE, and READY -> CALLED when it leaves its lane
 * to that owner. The lane is part of the word, so that a leader may die at any instruction. */
enum state { FREE, READY, CALLED, DONE, TAKEN };

static bool is_taken(uint32_t state)
{
    return state >= TAKEN;
}

struct slot {
    pthread_mutex_t owner; /* robust, held by the worker for its life: so a dead worker's slot is found */
    uint32_t again;        /* a leader died with it: a duplicate of our own is no duplicate */
    char tenant[AN_TENANT_MAX + 1];
    uint32_t count, events_len, entities_len;
    struct an_row *rows;   /* in data; the mapping has the same address in every worker */
    uint64_t lsn;
    int rc;
    struct an_err err;
    _Alignas(64) char data[SLOT_BYTES];
};

struct lane {
    _Alignas(64) pthread_mutex_t leader; /* robust */
};

struct shared {
    struct lane lanes[LANES];
    _Alignas(64) _Atomic uint32_t used; /* slots below this one have been owned once */
    _Alignas(64) _Atomic uint32_t state[SLOTS];
    struct slot slots[SLOTS];
};

struct an_combine {
    struct shared *shared; /* NULL: alone */
    struct slot *slot;
    _Atomic uint32_t *state;
    struct an_db *writer;
    int64_t timeout_us;
    /* Only while leading. */
    struct slot *taken[PARTS_MAX];
    struct an_rows views[PARTS_MAX];
    struct an_rows *parts[PARTS_MAX + 1];
};

static void mutex_init(pthread_mutex_t *m)
{
    pthread_mutexattr_t attr;
    if (pthread_mutexattr_init(&attr) != 0 || pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0 ||
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0 || pthread_mutex_init(m, &attr) != 0)
        abort();
    (void)pthread_mutexattr_destroy(&attr);
}

void *an_combine_share(const struct an_conf *c)
{
    if (!c->combine)
        return NULL;
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s == MAP_FAILED) {
        an_log_warn("ingest", "no memory for the combiner, requests are committed one by one: %s", strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i < LANES; i++)
        mutex_init(&s->lanes[i].leader);
    return s; /* a slot's mutex is made by its first owner: untouched slots take no memory */
}

/* 0 where the lock is ours, *dead where its last holder died with it. */
static int lock_try(pthread_mutex_t *m, bool *dead)
{
    int rc = pthread_mutex_trylock(m);
    *dead = rc == EOWNERDEAD;
    if (*dead)
        rc = pthread_mutex_consistent(m);
    return rc;
}

static bool slot_claim(struct an_combine *me, uint32_t i)
{
    struct slot *slot = &me->shared->slots[i];
    bool dead;
    if (lock_try(&slot->owner, &dead) != 0)
        return false;
    me->slot = slot;
    me->state = &me->shared->state[i];
    uint32_t ready = READY, called = CALLED; /* what a dead owner left waiting has nobody to answer to */
    (void)(atomic_compare_exchange_strong(me->state, &ready, FREE) ||
           atomic_compare_exchange_strong(me->state, &called, FREE));
    return true;
}

/* The first slot that nobody owns; a new one where all that were ever used are owned. */
static void slot_find(struct an_combine *me)
{
    struct shared *s = me->shared;
    for (;;) {
        uint32_t used = atomic_load(&s->used);
        for (uint32_t i = 0; i < used; i++)
            if (slot_claim(me, i))
                return;
        if (used == SLOTS)
            return;
        /* Between the making of its mutex and the raise of `used` nobody else looks at it. */
        bool dead;
        if (lock_try(&s->lanes[0].leader, &dead) != 0) {
            (void)usleep(1000);
            continue;
        }
        if (atomic_load(&s->used) == used) {
            mutex_init(&s->slots[used].owner);
            atomic_store(&s->used, used + 1);
        }
        (void)pthread_mutex_unlock(&s->lanes[0].leader);
    }
}

struct an_combine *an_combine_join(void *shared, const struct an_conf *c, struct an_db *writer)
{
    struct an_combine *me = an_xcalloc(1, sizeof *me);
    me->shared = shared;
    me->writer = writer;
    me->timeout_us = c->commit_timeout_ms * 1000;
    if (shared != NULL)
        slot_find(me);
    return me;
}

void an_combine_leave(struct an_combine *me)
{
    if (me == NULL)
        return;
    if (me->slot != NULL)
        (void)pthread_mutex_unlock(&me->slot->owner);
    free(me);
}

/* A request that was committed by a reply that got lost is its own duplicate. */
static void own_again(struct an_rows *rows, int64_t received_us)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].stored == AN_STORED_DUPLICATE && rows->rows[i].received_us == received_us)
            rows->rows[i].stored = AN_STORED_NEW;
}

static int put_once(struct an_combine *me, struct an_rows *const *parts, size_t count, bool atomic, uint64_t *lsn,
                    struct an_err *err)
{
    if (count == 1)
        return an_store_put(me->writer, parts[0], atomic, lsn, err);
    return an_store_put_all(me->writer, parts, count, lsn, err);
}

/* One transaction on our own connection; a connection that broke is opened again, and the same rows are put
 * once more. *again: that happened. */
static int put_parts(struct an_combine *me, struct an_rows *const *parts, size_t count, bool atomic, bool *again,
                     uint64_t *lsn, struct an_err *err)
{
    int rc = put_once(me, parts, count, atomic, lsn, err);
    *again = rc == AN_EAGAIN;
    if (rc == AN_EAGAIN && an_db_ready(me->writer, err) == AN_OK)
        rc = put_once(me, parts, count, atomic, lsn, err);
    return rc;
}

static int put_alone(struct an_combine *me, struct an_rows *rows, bool atomic, int64_t received_us, uint64_t *lsn,
                     struct an_err *err)
{
    bool again;
    int rc = put_parts(me, &rows, 1, atomic, &again, lsn, err);
    if (rc == AN_OK && again)
        own_again(rows, received_us);
    return rc;
}

static _Atomic uint32_t *slot_state(const struct an_combine *me, const struct slot *s)
{
    return &me->shared->state[s - me->shared->slots];
}

/* Our rows into our slot. False where they do not fit, or a leader that we gave up on still has it. */
static bool slot_fill(struct an_combine *me, const struct an_rows *rows)
{
    uint32_t done = DONE;
    (void)atomic_compare_exchange_strong(me->state, &done, FREE);
    size_t head = rows->count * sizeof(struct an_row);
    if (atomic_load(me->state) != FREE || head + rows->events.len + rows->entities.len > SLOT_BYTES)
        return false;
    struct slot *s = me->slot;
    s->again = 0;
    memcpy(s->tenant, rows->tenant, sizeof s->tenant);
    s->count = (uint32_t)rows->count;
    s->events_len = (uint32_t)rows->events.len;
    s->entities_len = (uint32_t)rows->entities.len;
    s->rows = (struct an_row *)s->data;
    memcpy(s->data, rows->rows, head);
    memcpy(s->data + head, rows->events.data, rows->events.len);
    memcpy(s->data + head + rows->events.len, rows->entities.data, rows->entities.len);
    return true;
}

/* A slot's rows as the store wants them; results are written into the slot itself. */
static void slot_view(struct slot *s, struct an_rows *view)
{
    char *at = s->data + s->count * sizeof(struct an_row);
    *view = (struct an_rows){.events = {.data = at, .len = s->events_len, .limit = s->events_len},
                             .entities = {.data = at + s->events_len, .len = s->entities_len, .limit = s->entities_len},
                             .rows = s->rows,
                             .count = s->count};
    memcpy(view->tenant, s->tenant, sizeof view->tenant);
}

static bool slot_take(struct an_combine *me, uint32_t i, uint32_t lane)
{
    uint32_t seen = atomic_load(&me->shared->state[i]);
    return (seen == READY || seen == CALLED) &&
           atomic_compare_exchange_strong(&me->shared->state[i], &seen, TAKEN + lane);
}

/* Takes the waiting slots; returns how many. */
static size_t gather(struct an_combine *me, uint32_t lane)
{
    size_t count = 0, bytes = 0;
    uint32_t used = atomic_load(&me->shared->used);
    for (uint32_t i = 0; i < used && count < PARTS_MAX && bytes < PARTS_BYTES; i++) {
        if (!slot_take(me, i, lane))
            continue;
        struct slot *s = &me->shared->slots[i];
        me->taken[count] = s;
        slot_view(s, &me->views[count]);
        bytes += s->events_len + s->entities_len;
        count++;
    }
    return count;
}

/* Its owner may collect it from here on, and is woken later. */
static void slot_answer(struct an_combine *me, struct slot *s, int rc, bool again, uint64_t lsn, const struct an_err *err)
{
    s->rc = rc;
    s->lsn = lsn;
    s->again |= again;
    if (rc != AN_OK)
        s->err = *err;
    atomic_store(slot_state(me, s), DONE);
}

/* Commits parts[0 .. count) and answers for each. What fails as a whole is halved until only the guilty part
 * fails; a database that is away or out of time fails all of them. *retried: what is found may be our own, of a try
 * whose reply got lost. parts[0] may be the leader's own (slots[0] NULL). */
static int commit(struct an_combine *me, struct an_rows *const *parts, struct slot *const *slots, size_t count,
                  bool *retried, uint64_t *own_lsn, struct an_err *own_err)
{
    struct an_err err;
    bool again;
    uint64_t lsn = 0;
    int rc = put_parts(me, parts, count, false, &again, &lsn, &err);
    *retried = again = *retried || again;
    if (rc != AN_OK && rc != AN_EAGAIN && rc != AN_ETIMEOUT && count > 1) {
        size_t half = count / 2;
        int first = commit(me, parts, slots, half, retried, own_lsn, own_err);
        (void)commit(me, parts + half, slots + half, count - half, retried, own_lsn, own_err);
        return first;
    }
    for (size_t i = 0; i < count; i++)
        if (slots[i] != NULL)
            slot_answer(me, slots[i], rc, again, lsn, &err);
    if (slots[0] == NULL) {
        *own_lsn = lsn;
        if (rc != AN_OK)
            *own_err = err;
    }
    return rc;
}

/* What a dead leader of this lane had taken waits again. */
static void lane_recover(struct an_combine *me, uint32_t lane)
{
    uint32_t used = atomic_load(&me->shared->used);
    for (uint32_t i = 0; i < used; i++) {
        struct slot *s = &me->shared->slots[i];
        if (atomic_load(&me->shared->state[i]) == TAKEN + lane) {
            s->again = 1;
            atomic_store(&me->shared->state[i], READY);
        }
    }
    an_log_warn("ingest", "the leader of lane %u died; its requests are committed again", lane);
}

/* Leaves the lane, and calls one of those who wait to it. */
static void lane_leave(struct an_combine *me, uint32_t lane)
{
    struct shared *s = me->shared;
    (void)pthread_mutex_unlock(&s->lanes[lane].leader);
    uint32_t used = atomic_load(&s->used);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t ready = READY;
        if (atomic_compare_exchange_strong(&s->state[i], &ready, CALLED)) {
            an_futex_wake(&s->state[i]);
            return;
        }
    }
}

static bool crowded(const struct an_combine *me)
{
    uint32_t waiting = 0, used = atomic_load(&me->shared->used);
    for (uint32_t i = 0; i < used && waiting < CROWD; i++)
        waiting += atomic_load(&me->shared->state[i]) == READY;
    return waiting == CROWD;
}

/* Few requests are better off together in the first lane than apart in two. */
static bool lane_enter(struct an_combine *me, int64_t waited_us, uint32_t *lane)
{
    uint32_t lanes = waited_us > PATIENCE_MS * 1000 || crowded(me) ? LANES : 1;
    for (*lane = 0; *lane < lanes; ++*lane) {
        bool dead;
        if (lock_try(&me->shared->lanes[*lane].leader, &dead) == 0) {
            if (dead)
                lane_recover(me, *lane);
            return true;
        }
    }
    return false;
}

/* In a lane: our own rows and everybody's who waits. */
static int lead(struct an_combine *me, uint32_t lane, struct an_rows *own, int64_t received_us, uint64_t *lsn,
                struct an_err *err)
{
    struct slot *slots[PARTS_MAX + 1];
    size_t count = gather(me, lane);
    me->parts[0] = own;
    slots[0] = NULL;
    for (size_t i = 0; i < count; i++) {
        me->parts[i + 1] = &me->views[i];
        slots[i + 1] = me->taken[i];
    }
    bool retried = false;
    int rc = commit(me, me->parts, slots, count + 1, &retried, lsn, err);
    /* The next leader first: it then works while the others are woken. */
    lane_leave(me, lane);
    for (size_t i = 0; i < count; i++)
        an_futex_wake(slot_state(me, me->taken[i]));
    if (rc == AN_OK && retried)
        own_again(own, received_us);
    return rc;
}

/* Our slot is DONE: its results are ours. */
static int slot_collect(struct an_combine *me, struct an_rows *rows, int64_t received_us, uint64_t *lsn,
                        struct an_err *err)
{
    struct slot *s = me->slot;
    int rc = s->rc;
    if (rc == AN_OK) {
        memcpy(rows->rows, s->rows, rows->count * sizeof(struct an_row));
        *lsn = s->lsn;
        if (s->again)
            own_again(rows, received_us);
    } else {
        *err = s->err;
    }
    atomic_store(me->state, FREE);
    return rc;
}

/* True where our slot was still waiting and is ours alone again. */
static bool slot_withdraw(struct an_combine *me)
{
    uint32_t ready = READY, called = CALLED;
    return atomic_compare_exchange_strong(me->state, &ready, FREE) ||
           atomic_compare_exchange_strong(me->state, &called, FREE);
}

/* Our rows wait in our slot: until a leader has committed them, or a lane is free for us to lead. */
static int wait_or_lead(struct an_combine *me, struct an_rows *rows, int64_t received_us, uint64_t *lsn,
                        struct an_err *err)
{
    int64_t start = an_clock_mono_us();
    for (;;) {
        uint32_t seen = atomic_load(me->state);
        if (seen == DONE)
            return slot_collect(me, rows, received_us, lsn, err);
        uint32_t called = CALLED, lane;
        if (seen == CALLED)
            (void)atomic_compare_exchange_strong(me->state, &called, READY); /* before the look at the lanes */
        int64_t waited_us = an_clock_mono_us() - start;
        if (!is_taken(seen) && lane_enter(me, waited_us, &lane)) {
            if (slot_withdraw(me))
                return lead(me, lane, rows, received_us, lsn, err);
            lane_leave(me, lane); /* somebody took our slot in the meantime */
            continue;
        }
        if (!is_taken(seen) && waited_us > WITHDRAW_MS * 1000 && slot_withdraw(me))
            return put_alone(me, rows, false, received_us, lsn, err);
        if (waited_us > me->timeout_us)
            return an_fail(err, AN_EAGAIN, "ingest: no commit within %lld ms", (long long)(me->timeout_us / 1000));
        seen = atomic_load(me->state);
        if (seen == READY || is_taken(seen))
            an_futex_wait(me->state, seen, (waited_us < PATIENCE_MS * 1000 ? PATIENCE_MS : RECHECK_MS) * 1000);
    }
}

int an_combine_put(struct an_combine *me, struct an_rows *rows, bool atomic, int64_t received_us, uint64_t *lsn,
                   struct an_err *err)
{
    uint32_t lane;
    if (me->slot == NULL || atomic || rows->events.len + rows->entities.len > SLOT_BYTES)
        return put_alone(me, rows, atomic, received_us, lsn, err);
    if (lane_enter(me, 0, &lane))
        return lead(me, lane, rows, received_us, lsn, err);
    if (!slot_fill(me, rows))
        return put_alone(me, rows, false, received_us, lsn, err);
    atomic_store(me->state, READY);
    return wait_or_lead(me, rows, received_us, lsn, err);
}
