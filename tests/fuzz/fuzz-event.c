/* SPDX-License-Identifier: Apache-2.0 */
/* Events: one that is accepted has a document which parses, names what the event's fields say, and is an
 * acceptable event itself once the server's members are taken off; one that is refused says why. */
#include "an.h"

#include <assert.h>

#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */

/* One more than events have: an alias may move its value a level down. */
static const struct an_json_limits limits = {.depth = 32, .values = 4096};
static const struct an_json_limits deeper = {.depth = 33, .values = 4200};

static void check_text(struct an_arena *a, const struct an_json *object, const char *name, struct an_str want)
{
    assert(an_str_equal(an_json_string(a, an_json_get(object, name)), want));
}

static void check_document(struct an_arena *a, const struct an_event *e)
{
    struct an_json *v;
    struct an_json_fault fault;
    bool ok = an_json_parse(a, e->document, &deeper, &v, &fault);
    assert(ok && v->type == AN_JSON_OBJECT);
    (void)ok;
    check_text(a, v, "tenant_id", e->tenant_id);
    check_text(a, v, "action", e->action);
    check_text(a, an_json_get(v, "actor"), "type", e->actor_type);
    check_text(a, an_json_get(v, "actor"), "id", e->actor_id);
    check_text(a, v, "outcome", an_str(an_outcome_names[e->outcome]));
    check_text(a, an_json_get(v, "context"), "ip", e->source_ip);
    const struct an_json *entities = an_json_get(v, "entities");
    assert(e->entity_count <= (entities == NULL ? 0 : entities->count));
    assert(an_action_valid(e->action) && e->actor_id.len <= AN_ID_MAX && e->entity_count <= AN_ENTITIES_MAX);
    assert(an_uuid7_us(&e->id) / 1000 == e->timestamp_us / 1000);
}

/* The document comes back from its head and the rest of it. */
static void check_head(const struct an_event *e)
{
    const struct an_event_head head = {e->id, e->tenant_id, e->timestamp_us};
    struct an_str rest = {e->document.data + e->head_len, e->document.len - e->head_len};
    struct an_buf out;
    an_buf_init(&out, e->document.len + 64);
    bool ok = an_event_add_document(&out, &head, rest);
    assert(ok && an_str_equal((struct an_str){out.data, out.len}, e->document));
    (void)ok;
    an_buf_release(&out);
}

/* The document without id and tenant_id is sent again: nothing may change but the id. */
static void check_again(struct an_arena *a, const struct an_event *e, const struct an_event_rules *rules)
{
    size_t head = strlen("{\"id\":\"\",\"tenant_id\":\"\",") + AN_UUID_LEN + e->tenant_id.len;
    char *text = an_arena_strndup(a, e->document.data + head - 1, e->document.len - head + 1);
    text[0] = '{';
    struct an_json *v;
    struct an_json_fault fault;
    struct an_faults faults;
    struct an_event again;
    an_faults_init(&faults, a, 10);
    bool ok = an_json_parse(a, an_str(text), &deeper, &v, &fault) &&
              an_event_parse(v, rules, &again, &faults);
    assert(ok && again.document.len == e->document.len);
    assert(memcmp(again.document.data + head, e->document.data + head, e->document.len - head) == 0);
    (void)ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct an_arena *a = an_arena_new(65536);
    struct an_event_rules rules = {
        .tenant_id = AN_STR("acme"), .now_us = NOW, .past_us = 86400000000, .future_us = 60000000};
    rules.any_time = size % 2 == 0;
    struct an_json *v;
    struct an_json_fault fault;
    struct an_faults faults;
    struct an_event e;
    an_faults_init(&faults, a, 10);
    if (an_json_parse(a, (struct an_str){(const char *)data, size}, &limits, &v, &fault)) {
        if (an_event_parse(v, &rules, &e, &faults)) {
            assert(faults.count == 0);
            check_document(a, &e);
            check_head(&e);
            check_again(a, &e, &rules);
        } else {
            assert(faults.count > 0 && faults.first->where != NULL && faults.first->detail[0] != '\0');
        }
    }
    an_arena_free(a);
    return 0;
}
