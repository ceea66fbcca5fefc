/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "fixture.h"

#define DAY_US INT64_C(86400000000)

bool fixture_conf(struct an_conf *c)
{
    const char *conninfo = getenv("ANNALS_TEST_PG"), *prepared = getenv("ANNALS_TEST_PREPARED");
    if (conninfo == NULL)
        return false;
    *c = (struct an_conf){.db_connect_timeout_ms = 2000, .db_statement_timeout_ms = 30000};
    c->db_prepared = prepared == NULL || strcmp(prepared, "off") != 0;
    const char *limit = getenv("ANNALS_TEST_STATEMENT_TIMEOUT");
    if (limit != NULL && !an_parse_i64(an_str(limit), 1, 60000, &c->db_statement_timeout_ms))
        return false;
    c->commit_timeout_ms = c->db_statement_timeout_ms;
    an_secret_set(&c->db_writer, conninfo, strlen(conninfo));
    return true;
}

/* Noon, so that a day's events never straddle a boundary of partitions. */
static int64_t noon(int days_ago)
{
    int64_t now_us = an_clock_us();
    return now_us - now_us % DAY_US + DAY_US / 2 - days_ago * DAY_US;
}

struct an_event fixture_event(const char *tenant, unsigned n, int days, const char *variant,
                              size_t entities)
{
    static char document[512], actor[32], entity_id[4][32];
    static struct an_entity list[4];
    static const char *const addresses[] = {"192.0.2.7", "2001:db8::7", NULL};
    unsigned char seed[128], hash[AN_SHA256_LEN];
    struct an_event ev = {
        .tenant_id = an_str(tenant), .timestamp_us = noon(days) + n, .outcome = AN_DENIED};

    int len = snprintf((char *)seed, sizeof seed, "%s/%u/%d", tenant, n, days);
    an_sha256(seed, (size_t)len, hash);
    ev.id = an_uuid7(ev.timestamp_us, hash);
    (void)snprintf(actor, sizeof actor, "user-%u", n % 7);
    ev.action = AN_STR("document.read");
    ev.actor_type = AN_STR("user");
    ev.actor_id = an_str(actor);
    ev.source_ip = an_str(addresses[n % AN_COUNT(addresses)]);
    len = snprintf(document, sizeof document, "{\"n\":%u.0,\"variant\":\"%s \xC3\xA9\"}", n, variant);
    ev.document = (struct an_str){document, (size_t)len};
    an_sha256(document, (size_t)len, ev.digest);
    for (size_t i = 0; i < entities; i++) {
        (void)snprintf(entity_id[i], sizeof entity_id[i], "doc-%u-%zu", n, i);
        list[i] = (struct an_entity){.type = AN_STR("document"), .id = an_str(entity_id[i])};
    }
    ev.entities = list;
    ev.entity_count = entities;
    ev.keyed = true;
    return ev;
}
