/* SPDX-License-Identifier: Apache-2.0 */
/* An audit event: who (actor) did what (action) to which things (entities), when, with what result.
 *
 * an_event_parse() takes what a client sent and makes the document: one JSON object with `id`, `tenant_id`,
 * `timestamp` (RFC 3339 UTC, microseconds), then the client's members in the fixed order action, actor,
 * entities, outcome, description, context, changes, metadata; aliases carry their true name; values keep
 * their spelling byte for byte. Between members stand no blanks; inside a value the client's are kept. An
 * alias may move its value one level down (a single `target` into a list, `source_ip` into `context`), so a
 * document can be one level deeper than what was sent. */
#ifndef AN_EVENT_EVENT_H
#define AN_EVENT_EVENT_H

#include "an.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"

enum an_outcome { AN_SUCCESS, AN_FAILURE, AN_DENIED, AN_UNKNOWN, AN_OUTCOME__COUNT };
extern const char *const an_outcome_names[AN_OUTCOME__COUNT];

struct an_entity {
    struct an_str type, id;
};

struct an_event {
    struct an_uuid id;
    struct an_str tenant_id;
    int64_t timestamp_us;
    struct an_str action, actor_type, actor_id;
    enum an_outcome outcome;
    struct an_str source_ip;    /* context.ip as sent; absent where there is none */
    struct an_entity *entities; /* each pair once, in the order sent */
    size_t entity_count;
    bool keyed;                 /* had an idempotency_key: id is derived from tenant, key and instant */
    struct an_str document;     /* in the arena */
    size_t head_len;            /* of its bytes: up to the comma behind the timestamp */
    unsigned char digest[AN_SHA256_LEN]; /* SHA-256 of document */
};

/* What begins every document: `{"id":...,"tenant_id":...,"timestamp":...`. Columns hold the same, so the
 * head is not stored a second time: what is stored is an object of the other members, `{"action":...}`,
 * and the bytes of the document come back by putting the head in front again. */
struct an_event_head {
    struct an_uuid id;
    struct an_str tenant_id;
    int64_t timestamp_us;
};

struct an_event_rules {
    struct an_str tenant_id;    /* one that an_tenant_valid() takes */
    int64_t now_us;
    int64_t past_us, future_us; /* window around now; outside it is a fault "window" at /timestamp */
    bool any_time;              /* imports: no window, only the partitions decide */
};

/* Validates one object and fills *out; every string borrows from the input or lives in the arena of
 * `faults`. False: faults holds everything that is wrong, all at once. */
bool an_event_parse(const struct an_json *object, const struct an_event_rules *rules, struct an_event *out,
                    struct an_faults *faults) AN_MUST_CHECK;

/* Shared with the search filters, so that what is accepted there is what can be stored here. */
#define AN_ACTION_MAX 128
#define AN_TYPE_MAX 128
#define AN_ID_MAX 256
#define AN_ENTITIES_MAX 100
#define AN_TENANT_MAX 128
/* [a-z0-9][a-z0-9_.:-]* up to AN_ACTION_MAX bytes */
bool an_action_valid(struct an_str s);
/* A tenant id: [A-Za-z0-9][A-Za-z0-9_.-]* up to AN_TENANT_MAX bytes */
bool an_tenant_valid(struct an_str s);
/* The tenant of our own log: logins, searches and reads of the console, searches across tenants, what jobs
 * and annalsctl did. No token is for it; the platform reads it. */
#define AN_TENANT_SYSTEM "annals"
/* An address or, with `network`, a CIDR block; as inet_pton takes it. */
bool an_ip_valid(struct an_str s, bool network);

/* The document, from its head and what is stored of it: the bytes that the digest is of. */
bool an_event_add_document(struct an_buf *out, const struct an_event_head *head, struct an_str stored);
/* The same as it is served: `received_at` is put in as its last member. */
bool an_event_add_served(struct an_buf *out, const struct an_event_head *head, struct an_str stored,
                         int64_t received_us);

#endif
