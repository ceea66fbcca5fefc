/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges and histograms in a memory-mapped file of `process.run_dir`, one file a program
 * ("ingest.metrics"), shared by master and workers. Any program of the host renders all files of the
 * folder, so one scrape of /metrics shows them all. Prometheus text exposition format 0.0.4. Adding is one
 * relaxed atomic add: workers may die at any instruction without harm. */
#ifndef AN_LOG_METRICS_H
#define AN_LOG_METRICS_H

#include "an.h"
#include "base/buf.h"
#include "base/err.h"

/* What is measured is one table in metrics.c: name, help, kind, labels. Add new lines to the end of a
 * group. */
enum an_metric {
    /* counters */
    AN_M_REQUESTS_2XX, /* annals_requests_total{class="2xx"} */
    AN_M_REQUESTS_3XX,
    AN_M_REQUESTS_4XX,
    AN_M_REQUESTS_5XX,
    AN_M_EVENTS_ACCEPTED,   /* annals_ingest_events_total{result="accepted"} */
    AN_M_EVENTS_DUPLICATE,
    AN_M_EVENTS_REJECTED,
    AN_M_INGEST_BYTES,      /* body bytes after decompression */
    AN_M_COMMITS,           /* write transactions committed */
    AN_M_FOLLOWED,          /* requests whose tenant had moved, or was about to */
    AN_M_CONFLICT_PATH,     /* batches that went through the conflict path */
    AN_M_AUTH_FAILED,
    AN_M_TOKEN_CACHE_HITS,
    AN_M_KEYS_FETCHED,      /* annals_issuer_fetches_total{result="good"} */
    AN_M_KEYS_FAILED,
    AN_M_KEYS_UNKNOWN,      /* tokens that named a key which their provider does not publish */
    AN_M_DB_ERRORS,
    AN_M_DIRECTORY_ERRORS,
    AN_M_DB_CONNECTS,
    AN_M_WORKERS_STARTED,
    AN_M_WORKERS_DIED,      /* by a signal or a non-zero status */
    /* gauges */
    AN_M_WORKERS,           /* workers alive */
    AN_M_STARTED_AT,        /* seconds since 1970 */
    AN_M_KEYS_GOOD_AT,      /* when the providers' keys were last fetched, the oldest; seconds since 1970 */
    AN_M__COUNT
};

enum an_histogram {
    AN_H_REQUEST_SECONDS, /* annals_request_duration_seconds */
    AN_H_COMMIT_SECONDS,  /* annals_ingest_commit_duration_seconds */
    AN_H__COUNT
};

/* Maps run_dir/<app>.metrics (created, or zeroed where its layout is of another version). With run_dir NULL
 * the memory is private: nothing else can read it, everything works. app: "ingest". */
int an_metrics_open(const char *run_dir, const char *app, struct an_err *err) AN_MUST_CHECK;

/* These work before an_metrics_open() too (into private memory). */
void an_metric_add(enum an_metric m, uint64_t n);
void an_metric_set(enum an_metric m, uint64_t value);
void an_histogram_add(enum an_histogram h, int64_t us);

/* The same for each server that is read from, in a row of its own (labels shard and server). */
enum an_server_metric {
    AN_SM_READS,            /* annals_reads_total: answers that a request was given */
    AN_SM_SKIPPED_LAG,      /* annals_reads_skipped_total{reason="lag"} */
    AN_SM_SKIPPED_POSITION, /* not yet where a write token asks for */
    AN_SM_SKIPPED_AWAY,     /* could not be reached, or did not answer */
    AN_SM_SKIPPED_CONFLICT, /* the replay cancelled it */
    AN_SM_UP,               /* gauge: read from at the moment; replicas alone */
    AN_SM_LAG_MS,           /* gauge; replicas alone */
    AN_SM__COUNT
};
#define AN_SERVER_PRIMARY "primary" /* server="primary" */
struct an_metric_row;
/* The row of that name, in the memory that is open now; NULL where there is no room for more, and the
 * functions below do nothing then. Names: letters, digits, _ and -; up to 63 bytes. */
struct an_metric_row *an_metric_server(const char *shard, const char *server);
void an_metric_server_add(struct an_metric_row *row, enum an_server_metric m, uint64_t n);
void an_metric_server_set(struct an_metric_row *row, enum an_server_metric m, uint64_t value);

/* Appends the exposition of every *.metrics file in run_dir (own memory where run_dir is NULL),
 * label app="..." on each line, and annals_build_info. */
void an_metrics_render(const char *run_dir, struct an_buf *out);

/* The same files as numbers: one call of `each` a program, in order of their names; values by enum
 * an_metric, a gauge that nobody has set is 0. */
typedef void an_metrics_app(void *arg, const char *app, const uint64_t values[AN_M__COUNT]);
void an_metrics_each(const char *run_dir, an_metrics_app *each, void *arg);

#endif
