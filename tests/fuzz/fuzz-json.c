/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON parser: what it accepts is UTF-8 without NULs, its pieces lie within the input and parse to the
 * same again, its strings survive being written, and skipping a value ends where parsing it does. */
#include "an.h"

#include <assert.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct an_json_limits limits = {.depth = 16, .values = 4096};

static void check_string(struct an_arena *a, struct an_str s)
{
    assert(s.data != NULL && an_utf8_valid(s.data, s.len) && !an_str_has_nul(s));
    struct an_buf text;
    struct an_json_fault fault;
    struct an_json *again;
    an_buf_init(&text, 6 * s.len + 2);
    assert(an_json_add_string(&text, s));
    bool ok = an_json_parse(a, (struct an_str){text.data, text.len}, &limits, &again, &fault);
    assert(ok && an_str_equal(an_json_string(a, again), s));
    (void)ok;
    an_buf_release(&text);
}

static void check_node(struct an_arena *a, const struct an_json *v, struct an_str input)
{
    assert(v->text.data >= input.data && v->text.data + v->text.len <= input.data + input.len);
    if (v->name.data != NULL)
        check_string(a, v->name);
    if (v->type == AN_JSON_STRING)
        check_string(a, an_json_string(a, v));
    int64_t number;
    if (an_json_int(v, &number))
        assert(v->type == AN_JSON_NUMBER);
    uint32_t count = 0;
    for (const struct an_json *c = v->child; c != NULL; c = c->next) {
        check_node(a, c, v->text);
        count++;
    }
    assert(count == v->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct an_arena *a = an_arena_new(65536);
    struct an_str input = {(const char *)data, size};
    struct an_json_fault fault = {0};
    struct an_json *v, *again;
    size_t pos = 0, skipped = 0;
    if (an_json_parse_at(a, input, &pos, &limits, &v, &fault)) {
        assert(an_json_skip_at(a, input, &skipped, limits.depth, &fault) && skipped == pos);
        assert(an_utf8_valid(v->text.data, v->text.len) && !an_str_has_nul(v->text));
        check_node(a, v, input);
        assert(an_json_parse(a, v->text, &limits, &again, &fault) && an_str_equal(again->text, v->text));
    } else {
        assert(fault.code != NULL && fault.offset <= size);
    }
    an_arena_free(a);
    return 0;
}
