/* SPDX-License-Identifier: Apache-2.0 */
/* Query strings as filters: what is accepted has a canonical spelling and becomes a statement within its
 * limits. */
#include "an.h"

#include <assert.h>

#include "http/params.h"
#include "search/sqltext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_terms(const struct an_filter *f)
{
    size_t count = 0;
    for (const struct an_term *t = f->terms; t != NULL; t = t->next) {
        count++;
        assert(t->value.data == NULL || (t->value.len > 0 && !an_str_has_nul(t->value)));
        assert(t->next == NULL || t->field <= t->next->field);
    }
    assert(count <= AN_TERMS_MAX);
    assert(f->limit >= 1 && f->limit <= 1000 && f->from_us <= f->to_us);
}

static void check_statements(struct an_arena *a, const struct an_filter *f)
{
    static const struct an_plan by_time = {.drive = AN_DRIVE_TIME};
    struct an_sqltext q;
    an_sqltext_init(&q, a);
    bool page = an_sqltext_page(&q, f, &by_time, AN_STR("acme"), NULL, 51);
    assert(page);
    an_sqltext_release(&q);
    an_sqltext_init(&q, a);
    bool counts = an_sqltext_counts(&q, f, AN_STR("acme"), 51);
    assert(counts);
    an_sqltext_release(&q);
    (void)page;
    (void)counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct an_arena *a = an_arena_new(4096);
    struct an_param *params;
    struct an_filter f;
    struct an_faults faults;
    an_faults_init(&faults, a, 20);
    if (an_params_parse(a, (struct an_str){(const char *)data, size}, &params, NULL) == AN_OK)
        for (int kind = AN_FILTER_SEARCH; kind <= AN_FILTER_COUNTS; kind++) {
            if (!an_filter_parse(params, (enum an_filter_kind)kind, 50, 1000, &f, &faults))
                continue;
            struct an_buf canonical;
            an_buf_init(&canonical, 64 * size + 4096);
            an_filter_add_canonical(&f, &canonical);
            assert(!canonical.overflow);
            an_buf_release(&canonical);
            check_terms(&f);
            check_statements(a, &f);
        }
    an_arena_free(a);
    return 0;
}
