/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two halves of this folder: event.c finds and checks the members, document.c writes them. */
#ifndef AN_EVENT_MEMBERS_H
#define AN_EVENT_MEMBERS_H

#include "an.h"
#include "base/arena.h"
#include "base/json.h"
#include "event/event.h"

/* The members that a client may send, by their true names; the first ones in the order of the document. */
enum an_member {
    AN_M_ACTION,
    AN_M_ACTOR,
    AN_M_ENTITIES,
    AN_M_OUTCOME,
    AN_M_DESCRIPTION,
    AN_M_CONTEXT,
    AN_M_CHANGES,
    AN_M_METADATA,
    AN_M_DOCUMENT__COUNT,
    AN_M_TIMESTAMP = AN_M_DOCUMENT__COUNT,
    AN_M_IDEMPOTENCY_KEY,
    AN_M__COUNT,
    AN_M_SOURCE_IP = AN_M__COUNT, /* only an alias: it goes into context */
    AN_M__SLOTS
};

struct an_members {
    const struct an_json *slot[AN_M__SLOTS]; /* NULL: not sent */
    size_t sent_len;                         /* bytes of the object as sent */
};

/* Makes e->document in the arena, and its digest. e->id, tenant_id and timestamp_us are set before. */
void an_event_make_document(struct an_arena *a, const struct an_members *m, struct an_event *e);

#endif
