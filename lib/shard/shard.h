/* SPDX-License-Identifier: Apache-2.0 */
/* A shard, as one worker sees it: a PostgreSQL primary, and replicas that follow it. Everything that writes
 * takes the writer's connection, to the primary alone. Everything that reads goes through an_shard_read():
 * to a replica that is near enough to the primary, or to the primary where there is none. Nothing is
 * connected before it is used.
 *
 * What a worker knows of a replica (how far it is behind, or that it cannot be reached) holds for a
 * second. A search asks as it reads, so it needs no round trip of its own: one that finds too little is
 * repeated elsewhere. See docs/design/replicas.md. */
#ifndef AN_SHARD_SHARD_H
#define AN_SHARD_SHARD_H

#include "an.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "conf/conf.h"
#include "db/db.h"

#define AN_SHARD_DEFAULT "default" /* always there; its database is the directory */
#define AN_SHARD_NAME_MAX 63       /* of a shard and of a replica: a-z, 0-9, _ and - */
#define AN_SHARD_REPLICAS_MAX AN_CONF_REPLICAS_MAX

struct an_shard;

/* A server of a shard; place as in db/place.h. */
struct an_shard_place {
    const char *name, *place;
};

/* primary: a place, or NULL for where database.* lead. The configuration must outlive it; names and
 * places are copied. A place that is none shows as a server that cannot be reached, whose error says
 * why. */
struct an_shard *an_shard_new(const struct an_conf *c, const char *name, const char *primary,
                              const struct an_shard_place *replicas, size_t count) AN_MUST_CHECK;
/* The default shard, of the configuration alone: database.* and [replica.NAME]. */
struct an_shard *an_shard_new_default(const struct an_conf *c) AN_MUST_CHECK;
void an_shard_free(struct an_shard *s); /* accepts NULL */
/* Before its first use: an_db_share() for all that leads to its servers. */
void an_shard_share(struct an_shard *s, struct an_health *health);
/* Are the [replica.NAME] of the configuration places? AN_EINVAL: one is not. */
int an_shard_check(const struct an_conf *c, struct an_err *err) AN_MUST_CHECK;

const char *an_shard_name(const struct an_shard *s);
bool an_shard_has_replicas(const struct an_shard *s);
/* A connection of its own to the primary, in any role; the caller's, to be freed. */
struct an_db *an_shard_connect(const struct an_shard *s, enum an_db_role role) AN_MUST_CHECK;
/* As the writer's role, to the server that takes writes. */
struct an_db *an_shard_writer(struct an_shard *s);

/* What a process remembers of the hot tier of a server from search to search; begins zeroed. */
struct an_hot {
    bool known;
    unsigned char partitions[AN_SHA256_LEN]; /* which there were when it was asked */
    int64_t oldest_us;                       /* begin of the oldest; AN_TIME_MIN_US: there is none */
};

/* A server that reads, as the reader's role. */
struct an_server {
    struct an_db *db;
    struct an_hot hot;
    struct an_db *platform;      /* the same server as annals_platform, for searches across tenants */
    const char *shard, *replica; /* names; replica NULL: the primary */
    /* read from for want of a better one: farther behind than search.replica_max_lag */
    bool far;
    /* another server, as it said last: so it is no primary, whatever it stands for */
    bool follows;
    int64_t max_lag_ms;          /* private: search.replica_max_lag */
    struct an_reading *reading;  /* private: of an_shard_read() */
};

/* What an answer must show: what was committed on `shard` up to `lsn`; lsn 0: nothing in particular.
 * Positions of different primaries cannot be compared, so where the shard is another one, its primary
 * answers. */
struct an_need {
    char shard[AN_SHARD_NAME_MAX + 1];
    uint64_t lsn;
    bool primary; /* whatever was committed */
    /* of the directory, not a search: the primary may be asked, whatever search.replica_fallback says */
    bool look_up;
};

/* How fresh a server turned out to be, in the transaction of the reading itself. */
struct an_freshness {
    bool replica;       /* it follows another server */
    uint64_t lsn;       /* of a replica: what it has replayed, 0 where it does not say */
    int64_t through_us; /* what was committed before this instant is there; AN_TIME_MIN_US: unknown */
    int64_t now_us;     /* the server's clock */
};
/* How far `through` is behind the server's clock; where it is unknown, farther than anybody allows. */
int64_t an_freshness_lag_ms(const struct an_freshness *f) AN_MUST_CHECK;

/* Reads what the caller wants; an_server_saw() is to be called before anything of it is used, and its
 * code returned where it is not AN_OK. May be called again, for another server: what it has put together
 * must not be left behind then. */
typedef int an_shard_work(struct an_server *server, void *arg, struct an_err *err);

/* Has `work` read from a replica that fits, or from the primary. Repeats it elsewhere where the server
 * cannot be reached, turns out too far behind, or cancels it because of what it must replay (once);
 * waits up to search.read_wait for a replica to get to need->lsn. need NULL: nothing in particular.
 * AN_EAGAIN: no server can answer now. Other codes are those of `work`. With search.replica_fallback =
 * refuse the primary of a shard with replicas is asked at most how far it is: what only it is sure to
 * have is read from a replica that has got there. */
int an_shard_read(struct an_shard *s, const struct an_need *need, an_shard_work *work, void *arg,
                  struct an_err *err) AN_MUST_CHECK;
/* Within an_shard_work, or of a server of an_shard_reader(). Puts `through` right, where more is known
 * than the server says. AN_EAGAIN: too far behind for what is needed; an_shard_read() goes elsewhere. */
int an_server_saw(struct an_server *server, struct an_freshness *seen, struct an_err *err) AN_MUST_CHECK;

/* It has answered, and does not have what was asked for: may that be because it follows another server,
 * so that need->primary is worth a try? */
bool an_shard_may_lack(const struct an_server *server) AN_MUST_CHECK;

/* A server that reads and answers now, for statements that need not be repeated elsewhere where they
 * fail. AN_EAGAIN: there is none. */
int an_shard_reader(struct an_shard *s, struct an_server **out, struct an_err *err) AN_MUST_CHECK;

/* The same after a conflict on `had` (an_db_conflicted()): another one, the primary where that may be
 * read from. */
int an_shard_reader_again(struct an_shard *s, struct an_server *had, struct an_server **out,
                          struct an_err *err) AN_MUST_CHECK;

/* an_db_hurry() for each server, in the roles that write and read; an_shard_look() takes no longer as a
 * whole, and gives each server an equal share of what is left. 0: no hurry. */
void an_shard_hurry(struct an_shard *s, int64_t wait_ms);

/* How the servers are that may be read from, for people; asks those of which nothing is known for a
 * second. */
struct an_server_state {
    const char *shard, *replica; /* replica NULL: the primary */
    bool reached;                /* it answers */
    bool read;                   /* a replica: it is read from */
    int64_t lag_ms, through_us;  /* of a replica that was reached; through_us AN_TIME_MIN_US: unknown */
    const char *why;             /* it is not: a sentence without a full stop, valid until the next call */
};
typedef void an_server_look(void *arg, const struct an_server_state *state);
void an_shard_look(struct an_shard *s, an_server_look *each, void *arg);

#endif
