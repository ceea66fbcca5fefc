/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ingest/ingest.h"
#include "ingest/recorder.h"

struct an_recorder {
    const char *actor_type, *actor_id;
    struct an_router *router;
    struct an_ingest *ingest;
};

struct an_recorder *an_recorder_new(const struct an_conf *c, const char *actor_type, const char *actor_id)
{
    struct an_recorder *recorder = an_xcalloc(1, sizeof *recorder);
    recorder->actor_type = actor_type;
    recorder->actor_id = actor_id;
    recorder->router = an_router_new(c, NULL, true);
    recorder->ingest = an_ingest_new(c, recorder->router, NULL);
    return recorder;
}

void an_recorder_free(struct an_recorder *recorder)
{
    if (recorder == NULL)
        return;
    an_ingest_free(recorder->ingest);
    an_router_free(recorder->router);
    free(recorder);
}

static void add_reference(struct an_buf *json, const char *before, const char *type, const char *id)
{
    an_buf_addf(json, "%s{\"type\":", before);
    an_json_add_string(json, an_str(type));
    an_buf_adds(json, ",\"id\":");
    an_json_add_string(json, an_str(id));
    an_buf_addc(json, '}');
}

static void add_event(struct an_buf *json, const struct an_recorder *recorder,
                      const struct an_recorder_event *e)
{
    an_buf_adds(json, "{\"action\":");
    an_json_add_string(json, an_str(e->action));
    add_reference(json, ",\"actor\":", recorder->actor_type, recorder->actor_id);
    add_reference(json, ",\"entities\":[", e->entity_type, e->entity_id);
    if (e->tenant != NULL)
        add_reference(json, ",", "tenant", e->tenant);
    an_buf_adds(json, "],\"description\":");
    an_json_add_string(json, an_str(e->description));
    an_buf_addc(json, '}');
}

int an_recorder_put(struct an_recorder *recorder, const struct an_recorder_event *event, struct an_err *err)
{
    struct an_buf json;
    an_buf_init(&json, AN_INGEST_OWN_MAX);
    add_event(&json, recorder, event);
    struct an_arena *arena = an_arena_new(0);
    int rc = an_ingest_own(recorder->ingest, arena, &json, err);
    an_arena_free(arena);
    an_buf_release(&json);
    return rc == AN_OK ? AN_OK : an_fail_within(err, "cannot record %s", event->action);
}
