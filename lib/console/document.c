/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "console/document.h"

/* Far over what the limits of an event allow; a stored document met them already. */
#define DEPTH_MAX 128
#define VALUES_MAX 2000000

int an_document_read(struct an_arena *a, struct an_str text, const struct an_json **out, struct an_err *err)
{
    static const struct an_json_limits limits = {.depth = DEPTH_MAX, .values = VALUES_MAX};
    struct an_json_fault fault;
    struct an_json *root;
    if (!an_json_parse(a, text, &limits, &root, &fault))
        return an_fail(err, AN_EBACKEND, "stored document: %s at byte %zu", fault.detail, fault.offset);
    if (root->type != AN_JSON_OBJECT)
        return an_fail(err, AN_EBACKEND, "stored document is no object");
    *out = root;
    return AN_OK;
}

struct an_str an_document_text(struct an_arena *a, const struct an_json *object, const char *name)
{
    return an_json_string(a, object == NULL ? NULL : an_json_get(object, name));
}

struct an_str an_document_shown(struct an_arena *a, const struct an_json *value)
{
    return value->type == AN_JSON_STRING ? an_json_string(a, value) : value->text;
}

static void new_line(struct an_buf *out, unsigned depth)
{
    an_buf_addf(out, "\n%*s", (int)depth * 2, "");
}

/* As deep as the parser let it be. */
static void add(struct an_buf *out, const struct an_json *value, unsigned depth)
{
    bool object = value->type == AN_JSON_OBJECT;
    if (!object && value->type != AN_JSON_ARRAY) {
        an_buf_add(out, value->text.data, value->text.len);
        return;
    }
    if (value->child == NULL) {
        an_buf_adds(out, object ? "{}" : "[]");
        return;
    }
    an_buf_addc(out, object ? '{' : '[');
    for (const struct an_json *child = value->child; child != NULL; child = child->next) {
        new_line(out, depth + 1);
        if (object) {
            an_buf_add(out, child->name_text.data, child->name_text.len);
            an_buf_adds(out, ": ");
        }
        add(out, child, depth + 1);
        if (child->next != NULL)
            an_buf_addc(out, ',');
    }
    new_line(out, depth);
    an_buf_addc(out, object ? '}' : ']');
}

void an_document_pretty(struct an_buf *out, const struct an_json *value)
{
    add(out, value, 0);
}
