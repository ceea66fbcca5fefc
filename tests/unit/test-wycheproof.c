/* SPDX-License-Identifier: Apache-2.0 */
/* Project Wycheproof's vectors for JSON Web Signatures, through our keys, our checks of the header and the
 * signature layer. ANNALS_WYCHEPROOF names its file json_web_signature_test.json; without it this is skipped.
 *
 * Their payloads are not JSON, and libjwt parses the payload before it looks at the signature: all would
 * be refused, the valid ones too, which proves nothing. So its JSON parser is stood in for: what is no JSON
 * is read as an empty object, and the signature decides. */
#include "an.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "auth/jwk.h"
#include "auth/signature.h"
#include "auth/token.h"
#include "base/arena.h"
#include "base/file.h"

/* jansson's, as libjwt calls it; its types are only handed through. */
void *json_loads(const char *text, size_t flags, void *error);

void *json_loads(const char *text, size_t flags, void *error)
{
    void *(*loads)(const char *, size_t, void *);
    void *(*object)(void);
    *(void **)&loads = dlsym(RTLD_NEXT, "json_loads");
    *(void **)&object = dlsym(RTLD_NEXT, "json_object");
    assert_true(loads != NULL && object != NULL);
    void *value = loads(text, flags, error);
    return value != NULL ? value : object();
}

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
           an_signature_check(token.text, token.alg, key, &err) == AN_OK;
}

/* A valid one is refused only where its key is none of ours: HMAC, RSA-PSS, P-521. */
static void judge(struct an_arena *arena, const struct an_jwks *set, const struct an_json *test,
                  struct count *count)
{
    bool valid = an_str_is(an_json_string(arena, an_json_get(test, "result")), "valid");
    bool accepted = accepts(arena, set, an_json_string(arena, an_json_get(test, "jws")));
    const struct an_json *id = an_json_get(test, "tcId");
    if (accepted && !valid)
        fail_msg("vector %.*s is invalid, but was accepted", AN_STR_ARG(id->text));
    if (!accepted && valid && set->count > 0)
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
