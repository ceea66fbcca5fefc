/* SPDX-License-Identifier: Apache-2.0 */
/* Events as tuples of the binary COPY format: a count of fields, then each field as length (-1: NULL)
 * and bytes. The order of fields is that of sql/queries/copy_events.sql and copy_entities.sql. */
#include "an.h"

#include <arpa/inet.h>
#include <endian.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "db/array.h"
#include "db/rows.h"

/* A batch has at most 16 MiB of bodies; documents and columns repeat a part of them. Offsets have 32
 * bits. */
#define ROWS_LIMIT ((size_t)256 << 20)
#define ROWS_KEEP ((size_t)32 << 10) /* of each of the three; a worker has many of these */

void an_rows_init(struct an_rows *r)
{
    *r = (struct an_rows){.rows = NULL};
    an_buf_init(&r->events, ROWS_LIMIT);
    an_buf_init(&r->entities, ROWS_LIMIT);
}

void an_rows_release(struct an_rows *r)
{
    an_buf_release(&r->events);
    an_buf_release(&r->entities);
    free(r->rows);
    an_rows_init(r);
}

void an_rows_clear(struct an_rows *r)
{
    an_buf_clear(&r->events);
    an_buf_clear(&r->entities);
    an_buf_trim(&r->events, ROWS_KEEP);
    an_buf_trim(&r->entities, ROWS_KEEP);
    r->count = 0;
    r->tenant[0] = '\0';
    if (r->alloc * sizeof *r->rows > ROWS_KEEP) {
        free(r->rows);
        r->rows = NULL;
        r->alloc = 0;
    }
}

void an_rows_add_time(struct an_buf *b, int64_t us)
{
    (void)an_buf_add_u32(b, 8);
    (void)an_buf_add_u64(b, (uint64_t)(us - AN_PG_EPOCH_US));
}

void an_rows_add_uuid(struct an_buf *b, const struct an_uuid *id)
{
    (void)an_buf_add_u32(b, sizeof id->bytes);
    (void)an_buf_add(b, id->bytes, sizeof id->bytes);
}

/* A tuple is written into room for all of it: its fields are small and many. */
static char *put(char *to, const void *mem, size_t len)
{
    memcpy(to, mem, len);
    return to + len;
}

static char *put_count(char *to, uint16_t fields)
{
    uint16_t be = htons(fields);
    return put(to, &be, sizeof be);
}

static char *put_len(char *to, uint32_t len)
{
    uint32_t be = htonl(len);
    return put(to, &be, sizeof be);
}

static char *put_field(char *to, const void *mem, size_t len)
{
    return put(put_len(to, (uint32_t)len), mem, len);
}

static char *put_text(char *to, struct an_str s)
{
    return put_field(to, s.data, s.len);
}

static char *put_time(char *to, int64_t us)
{
    uint64_t be = htobe64((uint64_t)(us - AN_PG_EPOCH_US));
    return put_field(to, &be, sizeof be);
}

static char *put_uuid(char *to, const struct an_uuid *id)
{
    return put_field(to, id->bytes, sizeof id->bytes);
}

/* inet: family as PostgreSQL numbers them, bits, not a cidr, length, address. */
static char *put_address(char *to, struct an_str s)
{
    enum { PG_INET = 2, PG_INET6 = 3 };
    char text[INET6_ADDRSTRLEN];
    unsigned char raw[16];
    if (s.data == NULL || s.len >= sizeof text)
        return put_len(to, UINT32_MAX);
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    bool v4 = inet_pton(AF_INET, text, raw) == 1;
    if (!v4 && inet_pton(AF_INET6, text, raw) != 1)
        return put_len(to, UINT32_MAX);
    unsigned char len = v4 ? 4 : 16;
    const unsigned char head[] = {v4 ? PG_INET : PG_INET6, (unsigned char)(len * 8), 0, len};
    to = put_len(to, (uint32_t)sizeof head + len);
    return put(put(to, head, sizeof head), raw, len);
}

/* The document without its head (event.h): the columns in front of it say the same. */
static char *put_stored(char *to, const struct an_event *ev)
{
    size_t skipped = ev->head_len + 1; /* and the comma, or the brace where a document is without a head */
    size_t rest = ev->document.len - skipped;
    to = put_len(to, (uint32_t)(1 + rest));
    *to++ = '{';
    return put(to, ev->document.data + skipped, rest);
}

/* Bytes of the fields that both tuples begin with, and of all that is not text. */
#define FIXED_MAX (2 + 4 * AN_EVENT_FIELDS + 2 * 8 + sizeof(struct an_uuid) + (4 + 16) + AN_SHA256_LEN)

static void add_event(struct an_buf *b, const struct an_event *ev, int64_t received_us)
{
    struct an_str outcome = an_str(an_outcome_names[ev->outcome]);
    char *start = an_buf_reserve(b, FIXED_MAX + ev->tenant_id.len + ev->action.len + ev->actor_type.len +
                                        ev->actor_id.len + outcome.len + ev->document.len);
    if (start == NULL)
        return; /* b->overflow is looked at before the rows are used */
    char *to = put_count(start, AN_EVENT_FIELDS);
    to = put_text(to, ev->tenant_id);
    to = put_time(to, ev->timestamp_us);
    to = put_uuid(to, &ev->id);
    to = put_time(to, received_us);
    to = put_text(to, ev->action);
    to = put_text(to, ev->actor_type);
    to = put_text(to, ev->actor_id);
    to = put_text(to, outcome);
    to = put_address(to, ev->source_ip);
    to = put_field(to, ev->digest, sizeof ev->digest);
    to = put_stored(to, ev);
    an_buf_commit(b, (size_t)(to - start));
}

static void add_entity(struct an_buf *b, const struct an_event *ev, const struct an_entity *entity)
{
    char *start = an_buf_reserve(b, FIXED_MAX + ev->tenant_id.len + entity->type.len + entity->id.len);
    if (start == NULL)
        return;
    char *to = put_count(start, AN_ENTITY_FIELDS);
    to = put_text(to, ev->tenant_id);
    to = put_time(to, ev->timestamp_us);
    to = put_uuid(to, &ev->id);
    to = put_text(to, entity->type);
    to = put_text(to, entity->id);
    an_buf_commit(b, (size_t)(to - start));
}

void an_rows_add(struct an_rows *r, const struct an_event *ev, int64_t received_us)
{
    if (r->count == r->alloc) {
        r->alloc = r->alloc == 0 ? 16 : r->alloc * 2;
        r->rows = an_xrealloc(r->rows, r->alloc * sizeof *r->rows);
    }
    struct an_row *row = &r->rows[r->count++];
    *row = (struct an_row){.id = ev->id, .timestamp_us = ev->timestamp_us, .received_us = received_us};
    memcpy(row->digest, ev->digest, sizeof row->digest);
    if (r->tenant[0] == '\0')
        (void)snprintf(r->tenant, sizeof r->tenant, "%.*s", AN_STR_ARG(ev->tenant_id));

    row->event_at = (uint32_t)r->events.len;
    add_event(&r->events, ev, received_us);
    row->event_len = (uint32_t)(r->events.len - row->event_at);

    row->entities_at = (uint32_t)r->entities.len;
    for (size_t i = 0; i < ev->entity_count; i++)
        add_entity(&r->entities, ev, &ev->entities[i]);
    row->entities_len = (uint32_t)(r->entities.len - row->entities_at);
}

struct an_str an_rows_field(struct an_str *tuples)
{
    const unsigned char *p = (const unsigned char *)tuples->data;
    uint32_t len = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    size_t whole = 4 + (len == UINT32_MAX ? 0 : len);
    struct an_str field = {.data = tuples->data, .len = whole};
    tuples->data += whole;
    tuples->len -= whole;
    return field;
}

void an_rows_tuple(struct an_str *tuples)
{
    tuples->data += 2;
    tuples->len -= 2;
}

int an_rows_compare(const struct an_row *a, const struct an_row *b)
{
    if (a->timestamp_us != b->timestamp_us)
        return a->timestamp_us < b->timestamp_us ? -1 : 1;
    return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
}

static int compare_pointers(const void *x, const void *y)
{
    const struct an_row *a = *(struct an_row *const *)x, *b = *(struct an_row *const *)y;
    int order = an_rows_compare(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

struct an_row **an_rows_sorted(const struct an_rows *r)
{
    struct an_row **sorted = an_xcalloc(r->count, sizeof *sorted);
    for (size_t i = 0; i < r->count; i++)
        sorted[i] = &r->rows[i];
    qsort(sorted, r->count, sizeof *sorted, compare_pointers);
    return sorted;
}
