/* SPDX-License-Identifier: Apache-2.0 */
/* A round on one shard: partitions of the coming periods are made ahead, and those that nobody keeps are
 * taken away (docs/design/partitions.md). It may be stopped at any point and repeated. */
#ifndef AN_UPKEEP_UPKEEP_H
#define AN_UPKEEP_UPKEEP_H

#include <signal.h>

#include "an.h"
#include "upkeep/partition_plan.h"

enum an_upkeep_act {
    AN_ACT_CREATE,
    AN_ACT_DETACH,
    AN_ACT_DROP,
    AN_ACT_ATTACH, /* again, because something keeps it after all */
    AN_ACT_KEEP,   /* although no class asks for it; in a dry run, for whatever reason */
    AN_ACT__COUNT
};

/* Who is told. In a dry run, of what would be done, and nothing is done. */
struct an_upkeep_watch {
    /* Before it is done; of what is created, when all is: the first partitions of all have no place for
     * an event yet. Not AN_OK: it must not be done, and the round ends. */
    int (*act)(void *arg, enum an_upkeep_act act, const struct an_partition *p, const char *why,
               struct an_err *err);
    /* It was done. Detaching is a part of dropping and is not told. */
    void (*done)(void *arg, enum an_upkeep_act act, const struct an_partition *p);
    /* It could not be taken away, or attached again, now; others get their turn. */
    void (*failed)(void *arg, const struct an_partition *p, const struct an_err *why);
    void *arg;
};

struct an_upkeep {
    const struct an_conf *conf;
    struct an_db *db;       /* of AN_DB_JOB */
    struct an_db *keeper;   /* of AN_DB_KEEPER, without a pooler that shares sessions */
    struct an_arena *arena; /* of the round */
    struct an_db *directory; /* of AN_DB_JOB, to the directory; NULL: the shard is it */
    bool dry_run;
    const volatile sig_atomic_t *stopping; /* once it is set, nothing further is taken away */
    struct an_upkeep_watch watch;
    /* Found by the round. */
    struct an_partition_clock clock; /* where it is not believed, nothing was dropped, and `why` says why */
    int64_t horizon_us;              /* until then all tables are ready; 0: it was not looked for */
    struct an_err failure;           /* the first that failed; rc AN_OK: none */
};

/* Makes partitions first, for these are missed first, and goes on where that failed; its code is returned
 * then. One that cannot be taken away, because of a long reader for instance, keeps no other from its
 * turn; the code of the first such is returned. Codes are those of partition.h, partition_remove.h, and
 * of the watch. */
int an_upkeep_run(struct an_upkeep *u, struct an_err *err) AN_MUST_CHECK;

/* What is in the outbox of a shard. */
#define AN_OUTBOX_COUNTED 100000
struct an_outbox {
    int64_t rows;   /* more than AN_OUTBOX_COUNTED are not counted */
    int64_t age_us; /* of the oldest; 0 where there is none */
};
int an_outbox_look(struct an_db *job, struct an_outbox *out, struct an_err *err) AN_MUST_CHECK;

#endif
