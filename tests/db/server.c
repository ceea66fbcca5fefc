/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/codec.h"
#include "db/internal.h"
#include "fixture.h"
#include "server.h"

struct an_conf conf;
struct an_db *writer, *owner;
struct an_err err;

/* A name that no other run of this program has had. */
const char *fresh_name(const char *name)
{
    static char tenant[64];
    unsigned char random[4];
    char hex[2 * sizeof random + 1];
    an_random(random, sizeof random);
    an_hex_encode(random, sizeof random, hex);
    (void)snprintf(tenant, sizeof tenant, "%s-%s", name, hex);
    return tenant;
}

struct an_result *query(const char *sql, const struct an_db_param *params, size_t count)
{
    struct an_result *res = NULL;
    const struct an_db_step step = {.sql = sql, .params = params, .count = count};
    if (an_db_pipeline(owner, &step, 1, &res, &err) != AN_OK)
        fail_msg("%s", err.text);
    return res;
}

/* One number of a question with the tenant as its parameter. */
int64_t ask(const char *sql, const char *tenant)
{
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(tenant))};
    int64_t n = -1;
    struct an_result *res = query(sql, params, AN_COUNT(params));
    assert_true(an_result_int(res, 0, 0, &n));
    an_result_free(res);
    return n;
}

/* A new tenant, which lives here. */
const char *fresh_tenant(const char *name)
{
    const char *tenant = fresh_name(name);
    (void)ask(
        "WITH t AS (INSERT INTO annals.tenants (tenant_id) VALUES ($1) RETURNING 1) SELECT count(*) FROM t",
        tenant);
    return tenant;
}

int server_start(void **state)
{
    (void)state;
    const char *conninfo = getenv("ANNALS_TEST_PG_OWNER");
    if (conninfo == NULL)
        return -1;
    an_secret_set(&conf.db_owner, conninfo, strlen(conninfo));
    writer = an_db_new(&conf, AN_DB_WRITER);
    owner = an_db_new(&conf, AN_DB_OWNER);
    return 0;
}

int server_stop(void **state)
{
    (void)state;
    an_db_free(writer);
    an_db_free(owner);
    an_secret_release(&conf.db_writer);
    an_secret_release(&conf.db_owner);
    return 0;
}
