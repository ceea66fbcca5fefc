/* SPDX-License-Identifier: Apache-2.0 */
/* The combiner's protocol (docs/design/combiner.md) with N workers, one request each, and one lane.
 * A leader may die before any of its steps; its replacement is not modelled, since the others must do without.
 * Checked: an answer means exactly one commit; nobody is left asleep while a lane is free.
 *
 * Run: spin -run -safety tests/model/combiner.pml    (invalid end states are searched as well) */
#define N 3

mtype = {FREE, READY, CALLED, TAKEN, DONE};

mtype state[N] = FREE;
bool committed[N];   /* a unique key: committing again changes nothing, so `stores` counts changes */
byte stores[N];
bool answered[N];
bool asleep[N];      /* in futex_wait, with the word it expects */
mtype expected[N];
bool held = false;   /* the lane's mutex */
bool orphaned = false; /* its holder died: the next to lock it is told */
byte deaths = 0;

inline wake(i)
{
    asleep[i] = false
}

inline store(i)
{
    d_step {
        if
        :: !committed[i] -> committed[i] = true; stores[i]++
        :: else
        fi
    }
}

/* A leader may be killed here, once in a run. The lane stays locked by the dead. */
#define MAY_DIE if :: deaths < 1 -> deaths++; held = false; orphaned = true; goto dead :: true fi

proctype worker(byte me)
{
    byte i;
    mtype seen;
    bool lead = false;
    bool took[N];

    /* an_combine_put: a free lane at once, else READY in our slot */
    atomic { if :: !held -> held = true; lead = true :: else fi }
    if
    :: lead -> goto leading
    :: else
    fi;
    state[me] = READY;

waiting:
    seen = state[me];
    if
    :: seen == DONE ->
        assert(committed[me]);
        answered[me] = true;
        state[me] = FREE;
        goto end
    :: seen == CALLED -> atomic { if :: state[me] == CALLED -> state[me] = READY :: else fi }
    :: else
    fi;
    if
    :: seen != TAKEN ->
        atomic { if :: !held -> held = true; lead = true :: else fi };
        if
        :: lead ->
            atomic {
                if
                :: state[me] == READY || state[me] == CALLED -> state[me] = FREE; goto leading
                :: else
                fi
            };
            lead = false;
            goto leave
        :: else
        fi
    :: else
    fi;
sleep:
    seen = state[me];
    if
    :: seen == READY || seen == TAKEN ->
        atomic { if :: state[me] == seen -> asleep[me] = true; expected[me] = seen :: else fi };
        /* woken, or after 100 ms: then everything is looked at again, which matters when somebody died */
        (!asleep[me] || deaths > 0);
        asleep[me] = false
    :: else
    fi;
    goto waiting;

leading:
    if
    :: orphaned ->
        i = 0;
        do
        :: i < N -> if :: state[i] == TAKEN -> state[i] = READY :: else fi; i++
        :: else -> break
        od;
        orphaned = false
    :: else
    fi;
    MAY_DIE;
    i = 0;
    do
    :: i < N ->
        atomic {
            if
            :: i != me && (state[i] == READY || state[i] == CALLED) -> state[i] = TAKEN; took[i] = true
            :: else
            fi
        };
        i++
    :: else -> break
    od;
    MAY_DIE;
    /* one transaction: all or none, in one step of the database */
    d_step {
        store(me);
        i = 0;
        do
        :: i < N -> if :: took[i] -> if :: !committed[i] -> committed[i] = true; stores[i]++ :: else fi :: else fi; i++
        :: else -> break
        od;
        i = 0
    };
    MAY_DIE; /* committed, nobody told */
    i = 0;
    do
    :: i < N ->
        if
        :: took[i] -> state[i] = DONE
        :: else
        fi;
        MAY_DIE;
        i++
    :: else -> break
    od;

leave:
    held = false;
    i = 0;
    do
    :: i < N ->
        atomic {
            if
            :: state[i] == READY -> state[i] = CALLED; wake(i); goto left
            :: else
            fi
        };
        i++
    :: else -> break
    od;
left:
    if
    :: !lead -> goto waiting
    :: else
    fi;
    i = 0;
    do
    :: i < N ->
        if :: took[i] -> if :: deaths < 1 -> deaths++; goto dead :: true fi; wake(i) :: else fi;
        i++
    :: else -> break
    od;
    answered[me] = true;
    goto end;
dead:
    skip;
end:
    assert(stores[me] <= 1)
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
    :: i < N -> assert(stores[i] <= 1); assert(!answered[i] || committed[i]);
                if :: !answered[i] -> missing++ :: else fi; i++
    :: else -> break
    od;
    assert(missing <= deaths)
}
