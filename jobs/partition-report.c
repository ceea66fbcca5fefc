/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "log/log.h"
#include "partition-report.h"

#define WORDS_MAX 1024

static const char *const verbs[AN_ACT__COUNT] = {"create", "detach", "drop", "attach", "keep"};
static const char *const actions[AN_ACT__COUNT] = {"annals.partition.create", "annals.partition.detach",
                                                   "annals.partition.drop", "annals.partition.attach",
                                                   "annals.partition.keep"};

/* "annals.events_2026_11 (about 1200 rows, 0.6 MiB), from ... to ...: why" */
static void words_of(const struct an_partition *p, const char *why, char out[WORDS_MAX])
{
    char from[AN_TIME_LEN + 1], to[AN_TIME_LEN + 1], size[64] = "";
    an_time_format(p->from_us, from);
    an_time_format(p->to_us, to);
    if (p->bytes > 0)
        (void)snprintf(size, sizeof size, " (about %lld rows, %.1f MiB)", (long long)p->rows_estimate,
                       (double)p->bytes / (1 << 20));
    (void)snprintf(out, WORDS_MAX, "annals.%s%s, from %.10s to %.10s: %s", p->name, size, from, to, why);
}

/* On another shard than `default`, what it is about is named with its shard: "big/events_2026_11". */
static int record(const struct an_report *r, const char *action, const char *type, const char *what,
                  const char *words, struct an_err *err)
{
    char id[AN_SHARD_NAME_MAX + 80], description[WORDS_MAX + sizeof r->where];
    bool home = r->where[0] == '\0';
    (void)snprintf(id, sizeof id, "%s%s%s", home ? "" : r->shard, home ? "" : "/", what);
    (void)snprintf(description, sizeof description, "%s%s", r->where, words);
    const struct an_recorder_event event = {
        .action = action, .entity_type = type, .entity_id = id, .description = description};
    return an_recorder_put(r->recorder, &event, err);
}

void an_report_init(struct an_report *r, struct an_recorder *recorder, const char *shard, bool dry_run)
{
    *r = (struct an_report){.recorder = recorder,
                            .shard = shard,
                            .dry_run = dry_run,
                            .started_us = an_clock_us()};
    if (strcmp(shard, AN_SHARD_DEFAULT) != 0)
        (void)snprintf(r->where, sizeof r->where, "on shard %s: ", shard);
}

static int tell(void *arg, enum an_upkeep_act act, const struct an_partition *p, const char *why,
                struct an_err *err)
{
    const struct an_report *r = arg;
    char words[WORDS_MAX];
    words_of(p, why, words);
    if (r->dry_run) {
        (void)printf("%s %s\n", verbs[act], words);
        return AN_OK;
    }
    an_log_info("partition", "%s%s %s", r->where, verbs[act], words);
    return record(r, actions[act], "partition", p->name, words, err);
}

static void count(void *arg, enum an_upkeep_act act, const struct an_partition *p)
{
    struct an_report *r = arg;
    r->counts[act]++;
    if (act != AN_ACT_DROP)
        return;
    r->rows += p->rows_estimate;
    r->bytes += p->bytes;
}

static void warn(void *arg, const struct an_partition *p, const struct an_err *why)
{
    const struct an_report *r = arg;
    an_log_warn("partition", "%sannals.%s stays for now: %s", r->where, p->name, why->text);
}

struct an_upkeep_watch an_report_watch(struct an_report *r)
{
    return (struct an_upkeep_watch){.act = tell, .done = count, .failed = warn, .arg = r};
}

static int put_run(const struct an_report *r, struct an_db *db, bool clock_believed, bool ok,
                   const char *message, struct an_err *err)
{
    const int64_t numbers[] = {r->started_us,
                               r->rows,
                               r->bytes,
                               (int64_t)r->counts[AN_ACT_KEEP],
                               (int64_t)r->counts[AN_ACT_CREATE],
                               (int64_t)r->counts[AN_ACT_DROP]};
    char text[AN_COUNT(numbers)][24];
    for (size_t i = 0; i < AN_COUNT(numbers); i++)
        (void)snprintf(text[i], sizeof text[i], "%lld", (long long)numbers[i]);
    const struct an_db_param params[] = {AN_DB_TEXT(AN_STR("partition")),
                                         AN_DB_TEXT(an_str(text[0])),
                                         AN_DB_TEXT(an_str(ok ? "t" : "f")),
                                         AN_DB_TEXT(an_str(message)),
                                         AN_DB_TEXT(an_str(text[1])),
                                         AN_DB_TEXT(an_str(text[2])),
                                         AN_DB_TEXT(an_str(clock_believed ? "t" : "f")),
                                         AN_DB_TEXT(an_str(text[3])),
                                         AN_DB_TEXT(an_str(text[4])),
                                         AN_DB_TEXT(an_str(text[5]))};
    return an_db_exec(db, AN_STMT_JOB_RUN_PUT, params, AN_COUNT(params), NULL, err);
}

int an_report_end(struct an_report *r, struct an_db *db, bool clock_believed, int rc, struct an_err *err)
{
    char words[WORDS_MAX];
    (void)snprintf(words, sizeof words,
                   "%zu created, %zu dropped with about %lld rows and %.1f MiB, %zu attached again, %zu "
                   "held back%s%s",
                   r->counts[AN_ACT_CREATE], r->counts[AN_ACT_DROP], (long long)r->rows,
                   (double)r->bytes / (1 << 20), r->counts[AN_ACT_ATTACH], r->counts[AN_ACT_KEEP],
                   rc == AN_OK ? "" : "; failed: ", rc == AN_OK ? "" : err->text);
    if (r->dry_run) {
        (void)printf("%zu to create, %zu to drop, %zu held back\n", r->counts[AN_ACT_CREATE],
                     r->counts[AN_ACT_DROP], r->counts[AN_ACT_KEEP]);
        return rc;
    }
    if (rc == AN_OK)
        an_log_info("partition", "%s%s", r->where, words);
    struct an_err own_err;
    int put = put_run(r, db, clock_believed, rc == AN_OK, words, &own_err);
    int recorded = put == AN_OK
                       ? record(r, "annals.partition.run", "job", "annals-partition", words, &own_err)
                       : put;
    if (rc == AN_OK && recorded != AN_OK)
        return an_fail(err, recorded, "%s", own_err.text);
    return rc;
}
