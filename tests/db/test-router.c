/* SPDX-License-Identifier: Apache-2.0 */
/* an_router_*() against a real server: test_store.py starts one. */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "server.h"
#include "shard/router.h"

static int admit(struct an_router *r, const char *tenant, bool create)
{
    struct an_shard *shard = NULL;
    int rc = an_router_admit(r, an_str(tenant), create, &shard, &err);
    assert_true(rc != AN_OK || shard == an_router_default(r));
    return rc;
}

static void test_router(void **state)
{
    (void)state;
    const char *tenant = fresh_name("tenant");
    struct an_router *r = an_router_new(&conf, NULL, true);
    assert_int_equal(admit(r, tenant, false), AN_EDENIED);
    assert_int_equal(ask("SELECT count(*) FROM annals.tenants WHERE tenant_id = $1", tenant), 0);
    assert_int_equal(admit(r, tenant, true), AN_OK);
    assert_int_equal(admit(r, tenant, false), AN_OK);
    assert_int_equal(ask("SELECT count(*) FROM annals.tenants WHERE tenant_id = $1", tenant), 1);
    (void)ask("WITH u AS (UPDATE annals.tenants SET suspended_at = now() WHERE tenant_id = $1 RETURNING 1)"
              " SELECT count(*) FROM u",
              tenant);
    assert_int_equal(admit(r, tenant, true), AN_OK); /* remembered, until it is asked again */
    an_router_doubt(r, an_str(tenant));
    assert_int_equal(admit(r, tenant, true), AN_EDENIED);
    an_router_free(r);
}

/* A tenant that is on another shard than any that the router has seen. */
static void test_router_and_shards(void **state)
{
    (void)state;
    struct an_router *r = an_router_new(&conf, NULL, true);
    struct an_shard *const *list, *first, *again;
    size_t count;
    assert_int_equal(an_router_shards(r, &list, &count, &err), AN_OK);
    assert_int_equal(count, 1);
    char shard[64];
    (void)snprintf(shard, sizeof shard, "%s", fresh_name("shard"));
    const char *tenant = fresh_name("there");
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(shard)), AN_DB_TEXT(an_str(tenant))};
    an_result_free(
        query("INSERT INTO annals.shards (name, primary_conninfo) VALUES ($1, 'host=x')", params, 1));
    an_result_free(query("INSERT INTO annals.tenants (tenant_id, shard, presence) VALUES ($2, $1, 'hidden')",
                         params, 2));
    assert_int_equal(an_router_find(r, an_str(tenant), &first, &err), AN_OK);
    assert_string_equal(an_shard_name(first), shard);
    assert_int_equal(an_router_shards(r, &list, &count, &err), AN_OK);
    assert_int_equal(count, 2);
    /* The same shard stays the same; with another place it is another. */
    an_router_doubt(r, an_str(tenant));
    assert_int_equal(an_router_find(r, an_str(tenant), &again, &err), AN_OK);
    assert_ptr_equal(first, again);
    an_result_free(query("UPDATE annals.shards SET primary_conninfo = 'host=y' WHERE name = $1", params, 1));
    for (int i = 0; i < 30 && again == first; i++) {
        (void)usleep(100000);
        assert_int_equal(an_router_find(r, an_str(tenant), &again, &err), AN_OK);
    }
    assert_ptr_not_equal(first, again);
    assert_string_equal(an_shard_name(again), shard);
    an_result_free(query("UPDATE annals.tenants SET shard = 'default' WHERE tenant_id = $1", params + 1, 1));
    an_result_free(query("DELETE FROM annals.shards WHERE name = $1", params, 1));
    an_router_free(r);
}

/* A worker that comes when the directory is away goes on with what another one knew, and with nothing
 * else. */
static void test_router_recalls(void **state)
{
    (void)state;
    struct an_known *known = an_known_new();
    struct an_router *r = an_router_new(&conf, known, true);
    const char *tenant = fresh_tenant("known");
    const struct an_secret *key, *recalled;
    assert_int_equal(admit(r, tenant, false), AN_OK);
    assert_int_equal(an_router_key(r, &key, &err), AN_OK);
    struct an_conf away = conf;
    away.db_writer = (struct an_secret){.data = NULL};
    an_secret_set(&away.db_writer, "host=/nowhere", strlen("host=/nowhere"));
    struct an_router *next = an_router_new(&away, known, true);
    struct an_shard *shard, *const *list;
    size_t count;
    assert_int_equal(admit(next, tenant, false), AN_OK);
    assert_int_equal(admit(next, tenant, false), AN_OK);
    assert_int_equal(an_router_find(next, an_str(fresh_name("stranger")), &shard, &err), AN_EAGAIN);
    assert_int_equal(an_router_key(next, &recalled, &err), AN_OK);
    assert_int_equal(recalled->len, key->len);
    assert_memory_equal(recalled->data, key->data, key->len);
    assert_int_equal(an_router_shards(next, &list, &count, &err), AN_OK);
    assert_ptr_equal(list[0], an_router_default(next));
    struct an_router *alone = an_router_new(&away, NULL, true);
    assert_int_equal(an_router_find(alone, an_str(tenant), &shard, &err), AN_EAGAIN);
    assert_int_equal(an_router_key(alone, &recalled, &err), AN_EAGAIN);
    assert_int_equal(an_router_shards(alone, &list, &count, &err), AN_EAGAIN);
    an_router_free(alone);
    an_router_free(next);
    an_router_free(r);
    an_secret_release(&away.db_writer);
    an_known_free(known);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_router),
                                              cmocka_unit_test(test_router_and_shards),
                                              cmocka_unit_test(test_router_recalls)};
    if (!fixture_conf(&conf)) {
        (void)printf("skipped: ANNALS_TEST_PG names no server\n");
        return 77;
    }
    return cmocka_run_group_tests_name("router", tests, server_start, server_stop);
}
