/* SPDX-License-Identifier: Apache-2.0 */
/* The combiner's protocol between workers (docs/design/combiner.md): N workers with one request each, for any of SHARDS
 * shards, and LANES lanes a shard.
 * A worker may die before any of its steps, DEATHS of them; those who replace it are not modelled, since the others must
 * do without.
 * A leader who inserts for long is taken for one who does not: `inserting` may be overlooked.
 * Not modelled: an owner who gives up, and what he does with his slot next.
 * Checked: an answer means exactly one commit, on the request's own shard; nobody is left asleep; only the dead get no
 * answer.
 *
 * Run: spin -run -safety tests/model/combiner.pml    (invalid end states are searched as well) */
#ifndef N
#define N 3
#endif
#ifndef LANES
#define LANES 2
#endif
#ifndef SHARDS
#define SHARDS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

/* The state of a slot; TAKEN + lane. Lanes of shard s: s * LANES and on. */
#define FREE 0
#define DONE 1
#define READY(s) (2 + (s))
#define CALLED(s) (2 + SHARDS + (s))
#define TAKEN (2 + 2 * SHARDS)

byte state[N];
byte wanted[N];        /* the shard of the request */
bool committed[N];     /* a unique key: committing again changes nothing, so `stores` counts changes */
byte stores[N];
bool answered[N];
bool asleep[N];        /* in futex_wait */
bool held[SHARDS * LANES];      /* the lanes' mutexes */
bool orphaned[SHARDS * LANES];  /* the holder died: the next to lock it is told */
bool inserting[SHARDS * LANES]; /* the phase of the holder, also of a dead one */
byte deaths = 0;
byte looks = 0;        /* of sleepers, one after the other, that found nothing to do */

inline store(i)
{
    assert(wanted[i] == shard);
    if
    :: !committed[i] -> committed[i] = true; stores[i]++
    :: else
    fi
}

#define MAY_DIE if :: deaths < DEATHS -> deaths++; goto dead :: true fi
/* While leading: the lane is left to the next that tries it. */
#define MAY_DIE_LEADING if :: deaths < DEATHS -> deaths++; goto died_leading :: true fi

/* A try for lane l; leads where it is free. Not one step with what follows. */
#define TRY(l) atomic { if :: !held[l] -> held[l] = true; lane = l; leads = true :: else fi }

/* lane_enter: a lane whose leader inserts, for he may have died; any, where nobody does, or where there is a crowd, or
 * after some patience. */
inline enter()
{
    d_step { blocked = false; i = shard * LANES };
    do
    :: atomic {
        i < (shard + 1) * LANES && !leads ->
        if
        :: inserting[i] -> TRY(i); blocked = true
        :: else
        fi;
        i++
       }
    :: atomic { i == (shard + 1) * LANES || leads -> i = shard * LANES; break }
    od;
    do
    :: atomic { i < (shard + 1) * LANES && !leads -> TRY(i); i++ }
    :: atomic { blocked || i == (shard + 1) * LANES || leads -> i = 0; break }
    od
}

/* call_next: one who waits, unless somebody inserts. */
inline call()
{
    i = shard * LANES;
    do
    :: atomic { i < (shard + 1) * LANES && !inserting[i] -> i++ }
    :: atomic { i < (shard + 1) * LANES && inserting[i] -> i = N; break }
    :: atomic { i < (shard + 1) * LANES && inserting[i] -> i++ } /* for long */
    :: atomic { i == (shard + 1) * LANES -> i = 0; break }
    od;
    do
    :: atomic {
        i < N ->
        if
        :: state[i] == READY(shard) -> state[i] = CALLED(shard); asleep[i] = false; i = N
        :: else -> i++
        fi
       }
    :: atomic { i == N -> i = 0; break }
    od
}

proctype worker(byte me)
{
    byte i, lane, seen, shard;
    bool blocked;
    bool leads = false, spurious = false;
    bool took[N];

    select(shard : 0 .. SHARDS - 1);
    wanted[me] = shard;
    /* an_combine_put: a lane, else READY in our slot */
    enter();
    if
    :: leads -> goto leading
    :: else
    fi;
    state[me] = READY(shard);

waiting:
    MAY_DIE;
    seen = state[me];
    if
    :: seen == DONE ->
        assert(committed[me]);
        answered[me] = true;
        state[me] = FREE;
        goto end
    :: seen == CALLED(shard) -> atomic { if :: state[me] == CALLED(shard) -> state[me] = READY(shard) :: else fi }
    :: else
    fi;
    /* where somebody has taken our slot, only his lane is tried */
    if
    :: seen >= TAKEN -> TRY(seen - TAKEN) /* RECHECK */
    :: seen < TAKEN -> enter()
    fi;
    seen = 0;
    if
    :: !leads -> goto sleep
    :: leads && orphaned[lane] -> goto recover
    :: else -> goto withdraw
    fi;

sleep:
    seen = state[me];
    if
    :: seen == READY(shard) || seen >= TAKEN ->
        atomic { if :: state[me] == seen -> asleep[me] = true :: else fi };
        /* woken; or for nothing; or after 100 ms, for when somebody died. When all sleep and each has looked once and
         * found nothing, nothing will ever change: an invalid end. */
        if
        :: !asleep[me]
        :: asleep[me] && !spurious -> spurious = true
        :: timeout && deaths > 0 && looks < N -> looks++
        fi;
        asleep[me] = false
    :: else
    fi;
    seen = 0;
    goto waiting;

leading:
    if
    :: orphaned[lane] -> goto recover
    :: else -> goto gather
    fi;

recover: /* whoever dies in it leaves the mutex as it found it */
    i = 0;
    do
    :: i < N ->
        MAY_DIE_LEADING;
        if :: state[i] == TAKEN + lane -> state[i] = READY(shard) :: else fi;
        i++
    :: else -> break
    od;
    orphaned[lane] = false;
    inserting[lane] = true;
    i = 0;
    if
    :: state[me] == FREE -> goto gather /* never waited */
    :: else
    fi;

withdraw:
    inserting[lane] = true;
    atomic {
        if
        :: state[me] == READY(shard) || state[me] == CALLED(shard) -> state[me] = FREE; goto gather
        :: else
        fi
    };
    assert(state[me] != TAKEN + lane); /* whoever is in a lane knows of no dead leader there */
    leads = false; /* somebody has taken our slot, or answered us, in the meantime */
    goto leave;

gather:
    inserting[lane] = true;
    MAY_DIE_LEADING;
    looks = 0;
    i = 0;
    do
    :: i < N ->
        atomic {
            if
            :: i != me && (state[i] == READY(shard) || state[i] == CALLED(shard)) ->
                state[i] = TAKEN + lane; took[i] = true
            :: else
            fi
        };
        MAY_DIE_LEADING;
        i++
    :: else -> break
    od;
    skip;
#if LANES > 1
    /* let_next_insert: or not, where few wait */
    if
    :: inserting[lane] = false; call()
    :: true
    fi;
    MAY_DIE_LEADING;
#endif
    /* one transaction: all or none, in one step of the database */
    d_step {
        store(me);
        i = 0;
        do
        :: i < N -> if :: took[i] -> store(i) :: else fi; i++
        :: else -> break
        od;
        i = 0
    };
    MAY_DIE_LEADING; /* committed, nobody told */
    i = 0;
    do
    :: i < N ->
        if :: took[i] -> state[i] = DONE :: else fi;
        MAY_DIE_LEADING;
        i++
    :: else -> break
    od;

leave:
    inserting[lane] = false;
    held[lane] = false;
    call();
left:
    i = 0;
    lane = 0;
    if
    :: !leads -> goto waiting
    :: else
    fi;
    do
    :: i < N ->
        if :: took[i] -> MAY_DIE; took[i] = false; asleep[i] = false :: else fi;
        i++
    :: else -> break
    od;
    answered[me] = true;
    goto end;

died_leading:
    atomic { orphaned[lane] = true; held[lane] = false };
dead:
    skip;
end:
    skip
}

init {
    byte i = 0;
    atomic {
        do
        :: i < N -> run worker(i); i++
        :: else -> break
        od
    };
    /* all have ended; whoever did not die has its answer, and nothing was stored twice */
    (_nr_pr == 1);
    byte missing = 0;
    i = 0;
    do
    :: i < N ->
        assert(stores[i] <= 1);
        assert(!answered[i] || committed[i]);
        if :: !answered[i] -> missing++ :: else fi;
        i++
    :: else -> break
    od;
    assert(missing <= deaths)
}
