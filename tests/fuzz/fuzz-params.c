/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings, path segments and forwarded addresses: what comes out is valid and survives the way back. */
#include "an.h"

#include <assert.h>

#include "http/addr.h"
#include "http/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct an_str s)
{
    assert(s.data != NULL && an_utf8_valid(s.data, s.len) && !an_str_has_nul(s));
}

static void check_way_back(struct an_arena *a, struct an_str s)
{
    struct an_buf encoded;
    struct an_param *again;
    an_buf_init(&encoded, 3 * s.len + 2);
    assert(an_buf_addc(&encoded, 'n') && an_buf_addc(&encoded, '=') && an_percent_add(&encoded, s));
    int rc = an_params_parse(a, (struct an_str){encoded.data, encoded.len}, &again, NULL);
    assert(rc == AN_OK && an_str_equal(again->value, s));
    (void)rc;
    an_buf_release(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct an_arena *a = an_arena_new(4096);
    struct an_str raw = {(const char *)data, size}, segment;
    struct an_param *list;
    if (an_params_parse(a, raw, &list, NULL) == AN_OK)
        for (const struct an_param *p = list; p != NULL; p = p->next) {
            check_text(p->name);
            check_text(p->value);
            check_way_back(a, p->value);
        }
    if (an_segment_decode(a, raw, &segment)) {
        check_text(segment);
        assert(memchr(segment.data, '/', segment.len) == NULL);
    }
    struct an_str client = an_addr_client(AN_STR("10.0.0.1"), raw, AN_STR("10.0.0.0/8"));
    assert(client.len > 0);
    an_arena_free(a);
    return 0;
}
