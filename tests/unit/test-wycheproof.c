/* SPDX-License-Identifier: Apache-2.0 */
/* Project Wycheproof's vectors for JSON Web Signatures, through our keys, our checks of the header and the
 * signature layer. ANNALS_WYCHEPROOF names its file json_web_signature_test.json; without it this is
 * skipped. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "auth/jwk.h"
#include "auth/signature.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/file.h"

struct count {
    unsigned accepted, refused, beyond;
};

static bool accepts(struct an_arena *arena, const struct an_jwks *set, struct an_str jws)
{
    struct an_token token;
    struct an_err err;
    if (an_token_parse(arena, jws, &token, &err) != AN_OK)
        return false;
    const struct an_jwk *key = an_jwks_find(set, token.kid);
    return key != NULL && an_token_fits_key(&token, key, &err) == AN_OK &&
           an_signature_check(token.signed_text, token.signature, token.alg, key, &err) == AN_OK;
}

/* Is it none for us? Its key is no key of ours (HMAC, P-521), or the key's own alg is another than the
 * token's, which we do not take. */
static bool beyond_us(struct an_arena *arena, const struct an_jwks *set, struct an_str jws)
{
    struct an_token token;
    struct an_err err;
    if (set->count == 0)
        return true;
    if (an_token_parse(arena, jws, &token, &err) != AN_OK)
        return false;
    const struct an_jwk *key = an_jwks_find(set, token.kid);
    return key != NULL && key->alg != NULL && key->alg != token.alg;
}

static void judge(struct an_arena *arena, const struct an_jwks *set, const struct an_json *test,
                  struct count *count)
{
    bool valid = an_str_is(an_json_string(arena, an_json_get(test, "result")), "valid");
    struct an_str jws = an_json_string(arena, an_json_get(test, "jws"));
    bool accepted = accepts(arena, set, jws);
    const struct an_json *id = an_json_get(test, "tcId");
    if (accepted && !valid)
        fail_msg("vector %.*s is invalid, but was accepted", AN_STR_ARG(id->text));
    if (!accepted && valid && !beyond_us(arena, set, jws))
        fail_msg("vector %.*s is valid, but was refused", AN_STR_ARG(id->text));
    count->accepted += accepted;
    count->refused += !accepted && !valid;
    count->beyond += !accepted && valid;
}

/* A group has one key; where it is none of ours the set stays empty, and all its tokens must be refused. */
static void judge_group(struct an_arena *arena, const struct an_json *group, struct count *count)
{
    const struct an_json *key = an_json_get(group, "public");
    struct an_jwks set = {NULL, 0};
    struct an_err err;
    struct an_buf text;
    an_buf_init(&text, 65536);
    if (key != NULL && an_buf_addf(&text, "{\"keys\":[%.*s]}", AN_STR_ARG(key->text)) &&
        an_jwks_parse((struct an_str){text.data, text.len}, &set, &err) != AN_OK)
        set.count = 0;
    for (const struct an_json *t = an_json_get(group, "tests")->child; t != NULL; t = t->next)
        judge(arena, &set, t, count);
    an_jwks_release(&set);
    an_buf_release(&text);
}

static void test_vectors(void **state)
{
    (void)state;
    struct an_buf text;
    struct an_err err;
    an_buf_init(&text, 16 * 1024 * 1024);
    if (an_file_read(getenv("ANNALS_WYCHEPROOF"), &text, &err) != AN_OK)
        fail_msg("%s", err.text);
    struct an_arena *arena = an_arena_new(65536);
    struct an_json_limits limits = {.depth = 16, .values = 200000};
    struct an_json *root;
    struct an_json_fault fault;
    assert_true(an_json_parse(arena, (struct an_str){text.data, text.len}, &limits, &root, &fault));
    struct count count = {0, 0, 0};
    for (const struct an_json *g = an_json_get(root, "testGroups")->child; g != NULL; g = g->next)
        judge_group(arena, g, &count);
    print_message("accepted %u, refused %u, valid but not for us %u\n", count.accepted, count.refused,
                  count.beyond);
    assert_true(count.accepted > 0 && count.refused > 0);
    an_arena_free(arena);
    an_buf_release(&text);
}

int main(void)
{
    if (getenv("ANNALS_WYCHEPROOF") == NULL) {
        print_message("skipped: ANNALS_WYCHEPROOF does not name json_web_signature_test.json\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests_name("wycheproof", tests, NULL, NULL);
}
