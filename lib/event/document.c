/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <assert.h>

#include "base/buf.h"
#include "base/clock.h"
#include "event/members.h"

/* What stands before each member's value, in the order of enum an_member. */
static const struct an_str labels[AN_M_DOCUMENT__COUNT] = {
    [AN_M_ACTION] = AN_STR(",\"action\":"),           [AN_M_ACTOR] = AN_STR(",\"actor\":"),
    [AN_M_ENTITIES] = AN_STR(",\"entities\":"),       [AN_M_OUTCOME] = AN_STR(",\"outcome\":"),
    [AN_M_DESCRIPTION] = AN_STR(",\"description\":"), [AN_M_CONTEXT] = AN_STR(",\"context\":"),
    [AN_M_CHANGES] = AN_STR(",\"changes\":"),         [AN_M_METADATA] = AN_STR(",\"metadata\":"),
};

/* The longest document without its tenant and what was sent: all values are slices of that. */
#define HEAD "{\"id\":\"\",\"tenant_id\":\"\",\"timestamp\":\"\""
#define HEAD_MAX (sizeof HEAD + AN_UUID_LEN + AN_TIME_LEN)
#define FRAME \
    ",\"action\":,\"actor\":,\"entities\":[],\"outcome\":\"success\",\"description\":," \
    "\"context\":{\"ip\":,}," \
    "\"changes\":,\"metadata\":}"
#define FRAME_MAX (HEAD_MAX + sizeof FRAME)

static char *put(char *to, const char *s, size_t len)
{
    memcpy(to, s, len);
    return to + len;
}

static char *put_str(char *to, struct an_str s)
{
    return put(to, s.data, s.len);
}

/* A single `target` becomes a list of one. */
static char *put_entities(char *to, const struct an_json *value)
{
    if (value->type == AN_JSON_ARRAY)
        return put_str(to, value->text);
    *to++ = '[';
    to = put_str(to, value->text);
    *to++ = ']';
    return to;
}

/* source_ip goes in front of what context holds. */
static char *put_context(char *to, const struct an_json *context, const struct an_json *source_ip)
{
    if (source_ip == NULL)
        return put_str(to, context->text);
    to = put_str(to, AN_STR("{\"ip\":"));
    to = put_str(to, source_ip->text);
    if (context == NULL || context->count == 0) {
        *to++ = '}';
        return to;
    }
    *to++ = ',';
    return put(to, context->text.data + 1, context->text.len - 1);
}

/* Takes HEAD_MAX bytes and the tenant's, at most. */
static char *put_head(char *to, const struct an_event_head *h)
{
    to = put_str(to, AN_STR("{\"id\":\""));
    an_uuid_format(&h->id, to);
    to = put_str(to + AN_UUID_LEN, AN_STR("\",\"tenant_id\":\""));
    to = put_str(to, h->tenant_id);
    to = put_str(to, AN_STR("\",\"timestamp\":\""));
    an_time_format(h->timestamp_us, to);
    to += AN_TIME_LEN;
    *to++ = '"';
    return to;
}

static char *put_member(char *to, const struct an_members *m, enum an_member which)
{
    const struct an_json *value = m->slot[which], *source_ip = m->slot[AN_M_SOURCE_IP];
    bool from_alias = which == AN_M_CONTEXT && source_ip != NULL;
    if (value == NULL && which != AN_M_OUTCOME && !from_alias)
        return to;
    to = put_str(to, labels[which]);
    if (which == AN_M_ENTITIES)
        return put_entities(to, value);
    if (which == AN_M_CONTEXT)
        return put_context(to, value, source_ip);
    return put_str(to, value == NULL ? AN_STR("\"success\"") : value->text);
}

void an_event_make_document(struct an_arena *a, const struct an_members *m, struct an_event *e)
{
    size_t room = FRAME_MAX + e->tenant_id.len + m->sent_len;
    char *document = an_arena_alloc(a, room);
    const struct an_event_head head = {e->id, e->tenant_id, e->timestamp_us};
    char *end = put_head(document, &head);
    e->head_len = (size_t)(end - document);
    for (int i = 0; i < AN_M_DOCUMENT__COUNT; i++)
        end = put_member(end, m, (enum an_member)i);
    *end++ = '}';
    assert((size_t)(end - document) <= room);
    e->document = (struct an_str){document, (size_t)(end - document)};
    an_sha256(e->document.data, e->document.len, e->digest);
}

/* The head, the members that are stored (what stands between the braces), and what ends the object. */
static bool add_whole(struct an_buf *out, const struct an_event_head *head, struct an_str stored,
                      struct an_str tail)
{
    struct an_str members = {stored.data + 1, stored.len < 2 ? 0 : stored.len - 2};
    char *to = an_buf_reserve(out, HEAD_MAX + head->tenant_id.len + 1 + members.len + tail.len);
    if (to == NULL)
        return false;
    char *end = put_head(to, head);
    if (members.len > 0) {
        *end++ = ',';
        end = put_str(end, members);
    }
    end = put_str(end, tail);
    an_buf_commit(out, (size_t)(end - to));
    return true;
}

bool an_event_add_document(struct an_buf *out, const struct an_event_head *head, struct an_str stored)
{
    return add_whole(out, head, stored, AN_STR("}"));
}

bool an_event_add_served(struct an_buf *out, const struct an_event_head *head, struct an_str stored,
                         int64_t received_us)
{
    static const struct an_str label = AN_STR(",\"received_at\":\"");
    char tail[64];
    char *end = put_str(tail, label);
    an_time_format(received_us, end);
    end = put_str(end + AN_TIME_LEN, AN_STR("\"}"));
    return add_whole(out, head, stored, (struct an_str){tail, (size_t)(end - tail)});
}
