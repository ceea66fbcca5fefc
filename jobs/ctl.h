/* SPDX-License-Identifier: Apache-2.0 */
/* annalsctl: one table of commands in annalsctl.c, one file a group of commands (ctl-db.c, ctl-token.c ...),
 * and in ctl.c what they share. Results go to stdout, messages to stderr.
 * Exit status: 0, 1 failed, 2 usage, 75 try again, 78 configuration. */
#ifndef AN_JOBS_CTL_H
#define AN_JOBS_CTL_H

#include "an.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/conf.h"
#include "db/db.h"
#include "shard/directory.h"

struct an_ctl {
    const struct an_ctl_command *command;
    int argc;
    char **argv; /* [0] is the last of the command's words */
    const struct an_conf *conf; /* loaded; NULL for commands that need none */
    const char *conf_path;
    bool json; /* --json: machine-readable results */
};

struct an_ctl_command {
    const char *words;   /* "db migrate" */
    const char *args;    /* "[--dry-run]", shown behind the words; "": it takes none, and is given none */
    const char *summary; /* one line for --help */
    bool needs_conf;
    int (*run)(const struct an_ctl *ctl); /* returns the exit status */
};

/* The groups; each array ends with words == NULL. */
extern const struct an_ctl_command an_ctl_config[], an_ctl_db[], an_ctl_token[], an_ctl_tenant[],
    an_ctl_login[];
extern const struct an_ctl_command an_ctl_completion[], an_ctl_hold[], an_ctl_move[], an_ctl_retention[],
    an_ctl_shard[], an_ctl_status[];

/* All groups of this build, in the order of --help; ends with NULL. */
extern const struct an_ctl_command *const an_ctl_groups[];

/* Who runs this, for the log: the caller's user name, also behind sudo. */
const char *an_ctl_operator(void);

/* An event of our own, by an_ctl_operator(). Not AN_OK: what was to follow must not be done. */
struct an_recorder_event;
int an_ctl_record(const struct an_ctl *ctl, const struct an_recorder_event *event,
                  struct an_err *err) AN_MUST_CHECK;

/* May it be shown on a terminal? One line of UTF-8 of up to `most` bytes, without control characters. It may
 * be empty. */
bool an_ctl_line_valid(const char *text, size_t most) AN_MUST_CHECK;

/* An option of a command, with a value (`value`, of which the last given counts, or `take`, which is called
 * for each and returns an exit status) or without one (`on`). */
struct an_ctl_option {
    const char *name; /* without "--" */
    const char **value;
    bool *on;
    int (*take)(const char *value, void *arg);
    void *arg; /* for take */
};
/* Reads options, which end with a name of NULL, and one operand, which usage calls `what`. options NULL,
 * operand NULL: there is none. Returns the exit status. */
int an_ctl_parse(const struct an_ctl *ctl, const struct an_ctl_option *options, const char *what,
                 const char **operand) AN_MUST_CHECK;

/* A time of a result's column, in microseconds, for people and programs; `none` where it is NULL. */
void an_ctl_time(const struct an_result *res, size_t row, size_t column, const char *none,
                 char out[AN_TIME_LEN + 1]);

/* The command that goes on with the move of a tenant whose writers wait, as a sentence; in the arena. */
int an_ctl_move_advice(const struct an_ctl *ctl, struct an_arena *arena, const char *tenant,
                       const char **advice, struct an_err *err) AN_MUST_CHECK;

/* Runs a statement and prints each of its rows; returns the exit status. */
int an_ctl_print_rows(const struct an_ctl *ctl, enum an_db_role role, enum an_stmt stmt,
                      const struct an_db_param *params, size_t count,
                      void (*print)(const struct an_result *res, size_t row, bool json));

/* The same on each shard in turn. With words and several shards, the name of each stands above its rows. */
struct an_ctl_list {
    const struct an_ctl *ctl;
    enum an_db_role role;
    enum an_stmt stmt;
    const struct an_db_param *params;
    size_t count;
    void (*print)(const struct an_ctl_list *list, const struct an_result *res, size_t row, const char *shard);
    void *arg;        /* for print */
    const char *none; /* printed in place of no rows; NULL: nothing */
};
int an_ctl_print_shards(const struct an_ctl_list *list);

/* "annalsctl: message" on stderr; returns 2. */
int an_ctl_usage(const char *fmt, ...) AN_PRINTF(1, 2);
/* The error on stderr; returns its exit status (75 for AN_EAGAIN, else 1). */
int an_ctl_failed(const struct an_err *err);

/* ---- ctl-shard.c, ctl-tenant.c ---- */

bool an_ctl_shard_valid(const char *name) AN_MUST_CHECK;
/* Where the primary of a shard is, for an_db_new_at(); in the arena. AN_ENOENT: there is no such shard. */
int an_ctl_shard_find(const struct an_ctl *ctl, struct an_arena *arena, const char *name, const char **place,
                      struct an_err *err) AN_MUST_CHECK;

/* The shard where a tenant lives, as the directory says; in the arena. AN_ENOENT: the tenant is not known. */
int an_ctl_tenant_find(const struct an_ctl *ctl, struct an_arena *arena, const char *tenant,
                       struct an_directory_shard *out, struct an_err *err) AN_MUST_CHECK;

#endif
