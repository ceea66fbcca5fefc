/* SPDX-License-Identifier: Apache-2.0 */
/* Events as tuples of the binary COPY format: a count of fields, then each field as length (-1: NULL)
 * and bytes. The order of fields is that of sql/queries/copy_events.sql and copy_entities.sql. */
#include "an.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "db/rows.h"
#include "db/store.h"

/* A batch has at most 16 MiB of bodies; documents and columns repeat a part of them. Offsets have 32
 * bits. */
#define ROWS_LIMIT ((size_t)256 << 20)
#define ROWS_KEEP ((size_t)1 << 20)
#define PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */

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

static void add_field(struct an_buf *b, struct an_str s)
{
    (void)an_buf_add_u32(b, (uint32_t)s.len);
    (void)an_buf_add(b, s.data, s.len);
}

static void add_null(struct an_buf *b)
{
    (void)an_buf_add_u32(b, UINT32_MAX);
}

void an_rows_add_time(struct an_buf *b, int64_t us)
{
    (void)an_buf_add_u32(b, 8);
    (void)an_buf_add_u64(b, (uint64_t)(us - PG_EPOCH_US));
}

void an_rows_add_uuid(struct an_buf *b, const struct an_uuid *id)
{
    (void)an_buf_add_u32(b, sizeof id->bytes);
    (void)an_buf_add(b, id->bytes, sizeof id->bytes);
}

/* inet: family as PostgreSQL numbers them, bits, not a cidr, length, address. */
static void add_address(struct an_buf *b, struct an_str s)
{
    enum { PG_INET = 2, PG_INET6 = 3 };
    char text[INET6_ADDRSTRLEN];
    unsigned char raw[16];
    if (s.data == NULL || s.len >= sizeof text) {
        add_null(b);
        return;
    }
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    bool v4 = inet_pton(AF_INET, text, raw) == 1;
    if (!v4 && inet_pton(AF_INET6, text, raw) != 1) {
        add_null(b);
        return;
    }
    unsigned char len = v4 ? 4 : 16;
    const unsigned char head[] = {v4 ? PG_INET : PG_INET6, (unsigned char)(len * 8), 0, len};
    (void)an_buf_add_u32(b, (uint32_t)sizeof head + len);
    (void)an_buf_add(b, head, sizeof head);
    (void)an_buf_add(b, raw, len);
}

/* The document without its head (event.h): the columns in front of it say the same. */
static void add_stored(struct an_buf *b, const struct an_event *ev)
{
    size_t skipped = ev->head_len + 1; /* and the comma, or the brace where a document is without a head */
    (void)an_buf_add_u32(b, (uint32_t)(1 + ev->document.len - skipped));
    (void)an_buf_addc(b, '{');
    (void)an_buf_add(b, ev->document.data + skipped, ev->document.len - skipped);
}

static void add_event(struct an_buf *b, const struct an_event *ev, int64_t received_us)
{
    (void)an_buf_add_u16(b, AN_EVENT_FIELDS);
    add_field(b, ev->tenant_id);
    an_rows_add_time(b, ev->timestamp_us);
    an_rows_add_uuid(b, &ev->id);
    an_rows_add_time(b, received_us);
    add_field(b, ev->action);
    add_field(b, ev->actor_type);
    add_field(b, ev->actor_id);
    add_field(b, an_str(an_outcome_names[ev->outcome]));
    add_address(b, ev->source_ip);
    add_field(b, (struct an_str){.data = (const char *)ev->digest, .len = sizeof ev->digest});
    add_stored(b, ev);
}

static void add_entity(struct an_buf *b, const struct an_event *ev, const struct an_entity *entity)
{
    (void)an_buf_add_u16(b, AN_ENTITY_FIELDS);
    add_field(b, ev->tenant_id);
    an_rows_add_time(b, ev->timestamp_us);
    an_rows_add_uuid(b, &ev->id);
    add_field(b, entity->type);
    add_field(b, entity->id);
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
