/* SPDX-License-Identifier: Apache-2.0 */
/* A load client: one thread, epoll, keep-alive HTTP/1.1 connections to a loopback port.
 *
 * POST sends events that it makes itself: about 510 bytes as a document, a second entity on every other one,
 * --batch of them a request (1: one object, more: NDJSON with Prefer: return=minimal). With --urls a GET
 * goes to each line of a file in turn. Without --rate each connection sends as soon as it has its reply
 * (closed loop). With --rate requests are due at fixed times whether or not earlier ones are answered,
 * and latency counts from the due time, so that queueing shows (open loop). Only events that the server
 * acknowledged are counted. One JSON object on stdout tells the result; the status is 1 where any
 * request failed. */
#include "an.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

struct options {
    int64_t port, connections, batch, seconds, requests, rate, seed, span_days;
    const char *path, *method, *token_file, *urls_file;
};

struct conn {
    int fd;
    struct an_buf out, in;
    size_t sent;
    int64_t due_us; /* when the request on its way should have started */
    bool busy;
};

struct load {
    struct options opt;
    struct an_buf token, urls, body;
    const char *next_url;
    struct conn *conns;
    int epoll;
    uint64_t random;
    int64_t start_us, end_us;
    int64_t started, finished; /* requests */
    int64_t events, errors;
    int64_t *latency_us;
    size_t latency_count, latency_alloc;
};

static AN_NORETURN void die(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled". */
static uint64_t next_random(struct load *l)
{
    l->random ^= l->random >> 12;
    l->random ^= l->random << 25;
    l->random ^= l->random >> 27;
    return l->random * UINT64_C(2685821657736338717);
}

static void add_event(struct load *l, struct an_buf *out)
{
    static const char *const actions[] = {"document.read", "document.update", "user.login", "user.invite",
                                          "invoice.pay",   "role.grant",      "file.share", "report.export"};
    char time[AN_TIME_LEN + 1];
    uint64_t r = next_random(l), s = next_random(l);
    int64_t span_ms = l->opt.span_days * 86400000;
    an_time_format(an_clock_us() - (span_ms == 0 ? 0 : (int64_t)(s % (uint64_t)span_ms) * 1000), time);
    unsigned actor = (unsigned)(r >> 8) % 20000;
    (void)an_buf_addf(
        out,
        "{\"timestamp\":\"%s\",\"action\":\"%s\",\"actor\":{\"type\":\"user\",\"id\":\"u%06u\",\"name\":"
        "\"Person %u\"},\"entities\":[{\"type\":\"document\",\"id\":\"d%07u\"}",
        time, actions[r % AN_COUNT(actions)], actor, actor, (unsigned)(r >> 24) % 300000);
    if ((r >> 60) % 2 == 0)
        (void)an_buf_addf(out, ",{\"type\":\"folder\",\"id\":\"f%05u\"}", (unsigned)(r >> 30) % 20000);
    (void)an_buf_addf(
        out,
        "],\"context\":{\"ip\":\"10.%u.%u.%u\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64)\","
        "\"request_id\":\"%016llx\"},\"metadata\":{\"region\":\"eu-west-1\",\"size\":%u,\"note\":"
        "\"lorem ipsum dolor sit amet\"}}",
        (unsigned)(s >> 8) % 256, (unsigned)(s >> 16) % 256, (unsigned)(s >> 24) % 256, (unsigned long long)s,
        (unsigned)(s >> 40) % 100000);
    if (l->opt.batch > 1)
        (void)an_buf_addc(out, '\n');
}

static void add_head(const struct load *l, struct an_buf *out, const char *url, size_t url_len)
{
    (void)an_buf_addf(out, "%s %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n",
                      l->opt.method, (int)url_len, url, l->token.data);
}

static void make_get(struct load *l, struct conn *c)
{
    const char *url = l->opt.path;
    size_t len = strlen(url);
    if (l->urls.len > 0) {
        if (*l->next_url == '\0')
            l->next_url = l->urls.data;
        url = l->next_url;
        len = strcspn(url, "\n");
        l->next_url = url + len + (url[len] == '\n');
    }
    add_head(l, &c->out, url, len);
    (void)an_buf_adds(&c->out, "\r\n");
}

static void make_post(struct load *l, struct conn *c)
{
    bool batch = l->opt.batch > 1;
    an_buf_clear(&l->body);
    for (int64_t i = 0; i < l->opt.batch; i++)
        add_event(l, &l->body);
    add_head(l, &c->out, l->opt.path, strlen(l->opt.path));
    (void)an_buf_addf(&c->out, "%sContent-Type: application/%s\r\nContent-Length: %zu\r\n\r\n",
                      batch ? "Prefer: return=minimal\r\n" : "", batch ? "x-ndjson" : "json", l->body.len);
    (void)an_buf_add(&c->out, l->body.data, l->body.len);
}

static void watch(const struct load *l, struct conn *c, uint32_t events, int op)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};
    if (epoll_ctl(l->epoll, op, c->fd, &ev) != 0)
        die("epoll_ctl");
}

static void conn_open(const struct load *l, struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->opt.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    int one = 1;
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl");
    an_buf_clear(&c->in);
    watch(l, c, EPOLLIN, EPOLL_CTL_ADD);
}

static void conn_send(const struct load *l, struct conn *c)
{
    bool waited = c->sent > 0;
    while (c->sent < c->out.len) {
        ssize_t n = write(c->fd, c->out.data + c->sent, c->out.len - c->sent);
        if (n < 0 && errno == EAGAIN) {
            watch(l, c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        if (n < 0)
            die("write");
        c->sent += (size_t)n;
    }
    if (waited)
        watch(l, c, EPOLLIN, EPOLL_CTL_MOD);
}

static bool may_start(const struct load *l, int64_t now)
{
    return (l->opt.requests == 0 || l->started < l->opt.requests) && now < l->end_us;
}

/* Gives the connection its next request where one is due. */
static void conn_start(struct load *l, struct conn *c, int64_t now)
{
    if (c->busy || !may_start(l, now))
        return;
    c->due_us = l->opt.rate > 0 ? l->start_us + l->started * 1000000 / l->opt.rate : now;
    if (c->due_us > now)
        return;
    an_buf_clear(&c->out);
    c->sent = 0;
    if (strcmp(l->opt.method, "POST") == 0)
        make_post(l, c);
    else
        make_get(l, c);
    c->busy = true;
    l->started++;
    conn_send(l, c);
}

static void keep_latency(struct load *l, int64_t us)
{
    if (l->latency_count == l->latency_alloc) {
        l->latency_alloc = l->latency_alloc == 0 ? 65536 : 2 * l->latency_alloc;
        l->latency_us = an_xrealloc(l->latency_us, l->latency_alloc * sizeof *l->latency_us);
    }
    l->latency_us[l->latency_count++] = us;
}

/* The whole reply is in c->in: what did it acknowledge? */
static void count_reply(struct load *l, const struct conn *c)
{
    long status = strtol(c->in.data + strlen("HTTP/1.1 "), NULL, 10);
    const char *accepted = strstr(c->in.data, "\"accepted\":");
    if (status == 201)
        l->events++;
    else if (status == 200 && accepted != NULL)
        l->events += strtoll(accepted + strlen("\"accepted\":"), NULL, 10);
    else if (status != 200 && status != 204 && l->errors++ == 0)
        (void)fprintf(stderr, "load: first refusal: %.300s\n", c->in.data);
}

/* True where c->in holds a whole reply: by Content-Length, by the last chunk, or because it has no body. */
static bool reply_whole(const struct conn *c)
{
    const char *end = strstr(c->in.data, "\r\n\r\n");
    if (end == NULL)
        return false;
    const char *length = strcasestr(c->in.data, "\r\nContent-Length:");
    if (length != NULL && length < end)
        return c->in.len >= (size_t)(end + 4 - c->in.data) + (size_t)strtoull(length + 17, NULL, 10);
    return strncmp(c->in.data + 9, "204", 3) == 0 || strcmp(c->in.data + c->in.len - 5, "0\r\n\r\n") == 0;
}

static void conn_read(struct load *l, struct conn *c)
{
    char *room = an_buf_reserve(&c->in, 65536);
    ssize_t n = room == NULL ? 0 : read(c->fd, room, 65536);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) { /* closed by the server: open again; an unanswered request is an error */
        l->errors += c->busy;
        c->busy = false;
        (void)close(c->fd);
        conn_open(l, c);
        return;
    }
    an_buf_commit(&c->in, (size_t)n);
    if (!reply_whole(c))
        return;
    int64_t now = an_clock_mono_us();
    keep_latency(l, now - c->due_us);
    count_reply(l, c);
    /* so many requests a connection, no more */
    bool last = strcasestr(c->in.data, "\r\nConnection: close") != NULL;
    an_buf_clear(&c->in);
    c->busy = false;
    l->finished++;
    if (last) {
        (void)close(c->fd);
        conn_open(l, c);
    }
    conn_start(l, c, now);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(const struct load *l, double p)
{
    if (l->latency_count == 0)
        return 0;
    return (double)l->latency_us[(size_t)(p * (double)(l->latency_count - 1))] / 1000.0;
}

static void report(struct load *l, double seconds)
{
    if (l->latency_count > 0)
        qsort(l->latency_us, l->latency_count, sizeof *l->latency_us, by_value);
    printf("{\"seconds\":%.3f,\"requests\":%lld,\"events\":%lld,\"errors\":%lld,\"requests_per_s\":%.1f,"
           "\"events_per_s\":%.1f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           seconds, (long long)l->finished, (long long)l->events, (long long)l->errors,
           (double)l->finished / seconds, (double)l->events / seconds, percentile_ms(l, 0.5),
           percentile_ms(l, 0.9), percentile_ms(l, 0.99), percentile_ms(l, 1));
}

static bool any_busy(const struct load *l)
{
    for (int64_t i = 0; i < l->opt.connections; i++)
        if (l->conns[i].busy)
            return true;
    return false;
}

/* Until the time is up, and then until the last reply, but no longer than 30 s more. */
static void run(struct load *l)
{
    l->start_us = an_clock_mono_us();
    l->end_us = l->start_us + l->opt.seconds * 1000000;
    int64_t now = l->start_us;
    while ((may_start(l, now) || any_busy(l)) && now < l->end_us + 30000000) {
        for (int64_t i = 0; i < l->opt.connections; i++)
            conn_start(l, &l->conns[i], now);
        struct epoll_event ready[64];
        int n = epoll_wait(l->epoll, ready, (int)AN_COUNT(ready), l->opt.rate > 0 ? 1 : 100);
        for (int i = 0; i < n; i++) {
            struct conn *c = ready[i].data.ptr;
            if ((ready[i].events & EPOLLOUT) != 0)
                conn_send(l, c);
            if ((ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
                conn_read(l, c);
        }
        now = an_clock_mono_us();
    }
    report(l, (double)(an_clock_mono_us() - l->start_us) / 1e6);
}

static AN_NORETURN void usage(void)
{
    (void)fputs(
        "usage: load --port N --token-file FILE [--connections N] [--batch N] [--seconds N] [--requests N]\n"
        "            [--rate N] [--seed N] [--span-days N] [--method GET] [--path P] [--urls FILE]\n",
        stderr);
    exit(2);
}

static void read_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){
        .connections = 1, .batch = 1, .seconds = 10, .seed = 1, .path = "/v1/events", .method = "POST"};
    const struct {
        const char *name;
        int64_t *number;
        const char **text;
    } table[] = {{"port", &o->port, NULL},         {"connections", &o->connections, NULL},
                 {"batch", &o->batch, NULL},       {"seconds", &o->seconds, NULL},
                 {"requests", &o->requests, NULL}, {"rate", &o->rate, NULL},
                 {"seed", &o->seed, NULL},         {"span-days", &o->span_days, NULL},
                 {"path", NULL, &o->path},         {"method", NULL, &o->method},
                 {"urls", NULL, &o->urls_file},    {"token-file", NULL, &o->token_file}};
    struct option opts[AN_COUNT(table) + 1];
    memset(opts, 0, sizeof opts);
    for (size_t i = 0; i < AN_COUNT(table); i++)
        opts[i] = (struct option){.name = table[i].name, .has_arg = required_argument};
    int at = 0, c;
    while ((c = getopt_long(argc, argv, "", opts, &at)) != -1) {
        if (c != 0)
            usage();
        if (table[at].text != NULL)
            *table[at].text = optarg;
        else if (!an_parse_i64(an_str(optarg), 0, 1000000000, table[at].number))
            usage();
    }
    if (o->port == 0 || o->token_file == NULL || o->connections == 0 || o->batch == 0)
        usage();
}

int main(int argc, char **argv)
{
    static struct load l;
    struct an_err err;
    read_options(&l.opt, argc, argv);
    an_buf_init(&l.token, 16384);
    an_buf_init(&l.urls, (size_t)64 << 20);
    an_buf_init(&l.body, (size_t)64 << 20);
    if (an_file_read(l.opt.token_file, &l.token, &err) != AN_OK ||
        (l.opt.urls_file != NULL && an_file_read(l.opt.urls_file, &l.urls, &err) != AN_OK)) {
        (void)fprintf(stderr, "load: %s\n", err.text);
        return 1;
    }
    l.token.data[strcspn(l.token.data, "\n")] = '\0';
    l.next_url = l.urls.data;
    l.random = (uint64_t)l.opt.seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    l.conns = an_xcalloc((size_t)l.opt.connections, sizeof *l.conns);
    for (int64_t i = 0; i < l.opt.connections; i++) {
        an_buf_init(&l.conns[i].out, (size_t)64 << 20);
        an_buf_init(&l.conns[i].in, (size_t)128 << 20);
        conn_open(&l, &l.conns[i]);
    }
    run(&l);
    return l.errors > 0;
}
