/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "log/metric_rows.h"
#include "log/metrics.h"

#define FILE_SUFFIX ".metrics"
#define APP_NAME_MAX 32
#define APPS_MAX 32
#define BUCKETS_MAX 16
/* A gauge that nobody has set yet is not shown. */
#define UNSET UINT64_MAX

enum kind { COUNTER, GAUGE };

/* Lines of one family stand together. only: the one program that has it; NULL: any. */
static const struct metric {
    const char *name, *help, *label, *value; /* label and its value, or NULL */
    enum kind kind;
    const char *only;
} metrics[AN_M__COUNT] = {
#define REQUESTS "annals_requests_total", "Requests answered, by class of status.", "class"
    [AN_M_REQUESTS_2XX] = {REQUESTS, "2xx", COUNTER, NULL},
    [AN_M_REQUESTS_3XX] = {REQUESTS, "3xx", COUNTER, NULL},
    [AN_M_REQUESTS_4XX] = {REQUESTS, "4xx", COUNTER, NULL},
    [AN_M_REQUESTS_5XX] = {REQUESTS, "5xx", COUNTER, NULL},
#define EVENTS "annals_ingest_events_total", "Events received, by what became of them.", "result"
    [AN_M_EVENTS_ACCEPTED] = {EVENTS, "accepted", COUNTER, "ingest"},
    [AN_M_EVENTS_DUPLICATE] = {EVENTS, "duplicate", COUNTER, "ingest"},
    [AN_M_EVENTS_REJECTED] = {EVENTS, "rejected", COUNTER, "ingest"},
    [AN_M_INGEST_BYTES] = {"annals_ingest_bytes_total", "Bytes of bodies received, after decompression.",
                           NULL, NULL, COUNTER, "ingest"},
    [AN_M_COMMITS] = {"annals_ingest_commits_total", "Transactions that stored events.", NULL, NULL, COUNTER,
                      "ingest"},
    [AN_M_FOLLOWED] = {"annals_ingest_followed_total",
                       "Requests whose tenant lived on another shard by then.", NULL, NULL, COUNTER,
                       "ingest"},
    [AN_M_CONFLICT_PATH] = {"annals_ingest_conflict_path_total",
                            "Batches stored item by item, after a conflict.", NULL, NULL, COUNTER, "ingest"},
    [AN_M_AUTH_FAILED] = {"annals_auth_failures_total", "Tokens refused.", NULL, NULL, COUNTER, NULL},
    [AN_M_TOKEN_CACHE_HITS] = {"annals_token_cache_hits_total", "Tokens that were known as verified.", NULL,
                               NULL, COUNTER, NULL},
#define FETCHES "annals_issuer_fetches_total", "Times that providers were asked for their keys.", "result"
    [AN_M_KEYS_FETCHED] = {FETCHES, "good", COUNTER, NULL},
    [AN_M_KEYS_FAILED] = {FETCHES, "failed", COUNTER, NULL},
    [AN_M_KEYS_UNKNOWN] = {"annals_issuer_unknown_keys_total",
                           "Tokens that named a key which their provider does not publish.", NULL, NULL,
                           COUNTER, NULL},
    [AN_M_DB_ERRORS] = {"annals_database_errors_total", "Statements or connections that failed.", NULL, NULL,
                        COUNTER, NULL},
    [AN_M_DIRECTORY_ERRORS] = {"annals_directory_errors_total",
                               "Times that the directory of shards could not be asked.", NULL, NULL, COUNTER,
                               NULL},
    [AN_M_DB_CONNECTS] = {"annals_database_connects_total", "Connections made.", NULL, NULL, COUNTER, NULL},
    [AN_M_WORKERS_STARTED] = {"annals_workers_started_total", "Workers started.", NULL, NULL, COUNTER, NULL},
    [AN_M_WORKERS_DIED] = {"annals_workers_died_total", "Workers that a signal or an error ended.", NULL,
                           NULL, COUNTER, NULL},
    [AN_M_WORKERS] = {"annals_workers", "Workers alive.", NULL, NULL, GAUGE, NULL},
    [AN_M_STARTED_AT] = {"annals_start_time_seconds", "When the program started, seconds since 1970.", NULL,
                         NULL, GAUGE, NULL},
    [AN_M_KEYS_GOOD_AT] = {"annals_issuer_keys_timestamp_seconds",
                           "When the oldest keys of a provider were fetched, seconds since 1970.", NULL, NULL,
                           GAUGE, NULL},
};

/* Bounds end with 0; the last bucket, without a bound, follows. */
static const struct histogram {
    const char *name, *help, *only;
    int64_t bounds_us[BUCKETS_MAX];
} histograms[AN_H__COUNT] = {
    [AN_H_REQUEST_SECONDS] = {"annals_request_duration_seconds",
                              "Time from the request's head to its answer.",
                              NULL,
                              {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
                               2500000, 5000000, 10000000}},
    [AN_H_COMMIT_SECONDS] = {"annals_ingest_commit_duration_seconds",
                             "Time from a request's rows to their commit, waits included.",
                             "ingest",
                             {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
                              2500000, 5000000, 10000000}},
};

/* What a file holds. layout is a hash of the tables above, so a program with other tables starts a new
 * file. */
struct store {
    char magic[8];
    uint64_t layout;
    _Atomic uint64_t value[AN_M__COUNT];
    struct {
        _Atomic uint64_t bucket[BUCKETS_MAX + 1];
        _Atomic uint64_t sum_us;
    } histogram[AN_H__COUNT];
    struct an_metric_row rows[AN_METRIC_ROWS];
};

static const char magic[8] = "ANNALSM";

static struct store private_store;
static struct store *store = &private_store;
static char own_name[APP_NAME_MAX] = "annals";
static bool gauges_ready;

/* FNV-1a. */
static uint64_t hash(uint64_t h, const char *s)
{
    for (; s != NULL && *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001B3);
    return (h ^ 0xFF) * UINT64_C(0x100000001B3);
}

static uint64_t layout(void)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325) ^ sizeof(struct store);
    for (size_t i = 0; i < AN_M__COUNT; i++)
        h = hash(hash(h, metrics[i].name), metrics[i].value);
    for (size_t i = 0; i < AN_H__COUNT; i++) {
        h = hash(h, histograms[i].name);
        for (size_t b = 0; histograms[i].bounds_us[b] != 0; b++)
            h = (h ^ (uint64_t)histograms[i].bounds_us[b]) * UINT64_C(0x100000001B3);
    }
    return h;
}

static void store_init(struct store *s)
{
    memset(s, 0, sizeof *s);
    memcpy(s->magic, magic, sizeof magic);
    s->layout = layout();
    for (size_t i = 0; i < AN_M__COUNT; i++)
        if (metrics[i].kind == GAUGE)
            atomic_init(&s->value[i], UNSET);
}

static bool store_valid(const struct store *s)
{
    return memcmp(s->magic, magic, sizeof magic) == 0 && s->layout == layout();
}

static struct store *current(void)
{
    if (store == &private_store && !gauges_ready) {
        store_init(&private_store);
        gauges_ready = true;
    }
    return store;
}

/* Reads the file whole; false where it is none of ours. */
static bool read_store(const char *path, struct store *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, sizeof *out);
    (void)close(fd);
    return n == (ssize_t)sizeof *out && store_valid(out);
}

/* Puts a fresh file in the place of the old one, which another program may still have mapped. */
static int create_file(const char *path, struct an_err *err)
{
    static struct store fresh;
    char temp[PATH_MAX];
    store_init(&fresh);
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp)
        return an_fail(err, AN_EINVAL, "the path %s is too long", path);
    int fd = mkstemp(temp);
    if (fd < 0)
        return an_fail(err, AN_EINVAL, "cannot create %s: %s", temp, strerror(errno));
    bool ok = write(fd, &fresh, sizeof fresh) == (ssize_t)sizeof fresh && fchmod(fd, 0644) == 0 &&
              rename(temp, path) == 0;
    int rc = ok ? AN_OK : an_fail(err, AN_EINVAL, "cannot write %s: %s", path, strerror(errno));
    (void)close(fd);
    if (!ok)
        (void)unlink(temp);
    return rc;
}

int an_metrics_open(const char *run_dir, const char *app, struct an_err *err)
{
    (void)snprintf(own_name, sizeof own_name, "%s", app);
    if (run_dir == NULL)
        return AN_OK;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s" FILE_SUFFIX, run_dir, app);
    if (n < 0 || (size_t)n >= sizeof path)
        return an_fail(err, AN_EINVAL, "the path %s is too long", run_dir);
    static struct store there;
    if (!read_store(path, &there)) {
        int rc = create_file(path, err);
        if (rc != AN_OK)
            return rc;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return an_fail(err, AN_EINVAL, "cannot open %s: %s", path, strerror(errno));
    void *map = mmap(NULL, sizeof *store, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (map == MAP_FAILED)
        return an_fail(err, AN_EINVAL, "cannot map %s: %s", path, strerror(errno));
    store = map;
    return AN_OK;
}

void an_metric_add(enum an_metric m, uint64_t n)
{
    atomic_fetch_add_explicit(&current()->value[m], n, memory_order_relaxed);
}

void an_metric_set(enum an_metric m, uint64_t value)
{
    atomic_store_explicit(&current()->value[m], value, memory_order_relaxed);
}

void an_histogram_add(enum an_histogram h, int64_t us)
{
    struct store *s = current();
    size_t b = 0;
    if (us < 0)
        us = 0;
    while (histograms[h].bounds_us[b] != 0 && us > histograms[h].bounds_us[b])
        b++;
    atomic_fetch_add_explicit(&s->histogram[h].bucket[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->histogram[h].sum_us, (uint64_t)us, memory_order_relaxed);
}

struct an_metric_row *an_metric_server(const char *shard, const char *server)
{
    return an_metric_row(current()->rows, shard, server);
}

void an_metric_server_add(struct an_metric_row *row, enum an_server_metric m, uint64_t n)
{
    if (row != NULL)
        atomic_fetch_add_explicit(&row->value[m], n, memory_order_relaxed);
}

void an_metric_server_set(struct an_metric_row *row, enum an_server_metric m, uint64_t value)
{
    if (row == NULL)
        return;
    atomic_store_explicit(&row->value[m], value, memory_order_relaxed);
    atomic_store_explicit(&row->set_us, an_clock_us(), memory_order_relaxed);
}

/* Rendering. */

struct snapshot {
    char app[APP_NAME_MAX];
    struct store store;
};

static void add_head(struct an_buf *out, const char *name, const char *help, const char *type)
{
    an_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static bool applies(const char *only, const char *app)
{
    return only == NULL || strcmp(only, app) == 0;
}

static void render_metric(const struct metric *m, size_t place, const struct snapshot *apps, size_t count,
                          struct an_buf *out)
{
    for (size_t a = 0; a < count; a++) {
        uint64_t v = atomic_load_explicit(&apps[a].store.value[place], memory_order_relaxed);
        if (!applies(m->only, apps[a].app) || v == UNSET)
            continue;
        an_buf_addf(out, "%s{app=\"%s\"", m->name, apps[a].app);
        if (m->label != NULL)
            an_buf_addf(out, ",%s=\"%s\"", m->label, m->value);
        an_buf_addf(out, "} %llu\n", (unsigned long long)v);
    }
}

static void add_seconds(struct an_buf *out, uint64_t us)
{
    an_buf_addf(out, "%llu.%06llu", (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000));
}

static void render_histogram(const struct histogram *h, size_t place, const struct snapshot *app,
                             struct an_buf *out)
{
    uint64_t total = 0;
    for (size_t b = 0;; b++) {
        total += atomic_load_explicit(&app->store.histogram[place].bucket[b], memory_order_relaxed);
        bool last = h->bounds_us[b] == 0;
        an_buf_addf(out, "%s_bucket{app=\"%s\",le=\"", h->name, app->app);
        if (last)
            an_buf_adds(out, "+Inf");
        else
            an_buf_addf(out, "%g", (double)h->bounds_us[b] / 1e6);
        an_buf_addf(out, "\"} %llu\n", (unsigned long long)total);
        if (last)
            break;
    }
    an_buf_addf(out, "%s_sum{app=\"%s\"} ", h->name, app->app);
    add_seconds(out, atomic_load_explicit(&app->store.histogram[place].sum_us, memory_order_relaxed));
    an_buf_addf(out, "\n%s_count{app=\"%s\"} %llu\n", h->name, app->app, (unsigned long long)total);
}

static int is_metrics_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), suffix = strlen(FILE_SUFFIX);
    return entry->d_name[0] != '.' && len > suffix && len - suffix < APP_NAME_MAX &&
           strcmp(entry->d_name + len - suffix, FILE_SUFFIX) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file's name becomes the label; only ours are made of such characters. */
static bool name_plain(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static size_t take_snapshots(const char *run_dir, struct snapshot *apps)
{
    struct dirent **entries;
    size_t count = 0;
    int found = scandir(run_dir, &entries, is_metrics_file, by_bytes);
    for (int i = 0; i < found; i++) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", run_dir, entries[i]->d_name);
        entries[i]->d_name[strlen(entries[i]->d_name) - strlen(FILE_SUFFIX)] = '\0';
        bool ok = n > 0 && (size_t)n < sizeof path && count < APPS_MAX && name_plain(entries[i]->d_name) &&
                  read_store(path, &apps[count].store);
        if (ok)
            (void)snprintf(apps[count++].app, APP_NAME_MAX, "%.*s", APP_NAME_MAX - 1, entries[i]->d_name);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return count;
}

static struct snapshot snapshots[APPS_MAX];

static size_t snapshot_all(const char *run_dir)
{
    if (run_dir != NULL)
        return take_snapshots(run_dir, snapshots);
    (void)snprintf(snapshots[0].app, sizeof snapshots[0].app, "%s", own_name);
    memcpy(&snapshots[0].store, current(), sizeof snapshots[0].store);
    return 1;
}

void an_metrics_each(const char *run_dir, an_metrics_app *each, void *arg)
{
    size_t count = snapshot_all(run_dir);
    for (size_t a = 0; a < count; a++) {
        uint64_t values[AN_M__COUNT];
        for (size_t i = 0; i < AN_M__COUNT; i++) {
            uint64_t v = atomic_load_explicit(&snapshots[a].store.value[i], memory_order_relaxed);
            values[i] = v == UNSET ? 0 : v;
        }
        each(arg, snapshots[a].app, values);
    }
}

void an_metrics_render(const char *run_dir, struct an_buf *out)
{
    const struct snapshot *apps = snapshots;
    size_t count = snapshot_all(run_dir);
    for (size_t i = 0; i < AN_M__COUNT; i++) {
        if (i == 0 || strcmp(metrics[i].name, metrics[i - 1].name) != 0)
            add_head(out, metrics[i].name, metrics[i].help,
                     metrics[i].kind == COUNTER ? "counter" : "gauge");
        render_metric(&metrics[i], i, apps, count, out);
    }
    for (size_t i = 0; i < AN_H__COUNT; i++) {
        add_head(out, histograms[i].name, histograms[i].help, "histogram");
        for (size_t a = 0; a < count; a++)
            if (applies(histograms[i].only, apps[a].app))
                render_histogram(&histograms[i], i, &apps[a], out);
    }
    for (enum an_server_metric m = 0; m < AN_SM__COUNT; m++) {
        an_metric_rows_head(m, out);
        for (size_t a = 0; a < count; a++)
            an_metric_rows_lines(apps[a].store.rows, m, apps[a].app, out);
    }
    add_head(out, "annals_build_info", "Version of the program that answers.", "gauge");
    an_buf_addf(out, "annals_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
}
