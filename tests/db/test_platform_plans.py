# SPDX-License-Identifier: Apache-2.0
"""A page across a thousand tenants reads a row or so of each, then what it shows: no index is in the order
of the time alone, and the bounds below say that none is missed."""
import contextlib
import json
import urllib.parse
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest
from test_search_plans import Plans, nodes, rows_read, scans

import annals as annals_lib

TENANTS = 1000
PAGE = 50
NOW = datetime.now(timezone.utc)

# Every tenant has an event a day or so, at times of its own; `busy` has the newest two thousand of all,
# `quiet` none for months, `brief` keeps but little of much.
DATA = """
CREATE TEMP TABLE made AS
SELECT 'tenant' || lpad((n %% %(tenants)s)::text, 4, '0') AS tenant, n,
       now() - interval '1 hour' - random() * interval '60 days' AS at
FROM generate_series(1, %(tenants)s * 60) AS n
UNION ALL
SELECT 'busy', n, now() - n * interval '1 second' FROM generate_series(1, 2000) AS n
UNION ALL
SELECT 'quiet', n, now() - interval '150 days' - n * interval '1 minute' FROM generate_series(1, 2000) AS n
UNION ALL
SELECT 'brief', n, now() - interval '20 days' - n * interval '1 minute' FROM generate_series(1, 20000) AS n;
ALTER TABLE made ADD COLUMN id uuid;
UPDATE made SET id = (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                      || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid;
INSERT INTO annals.tenants (tenant_id, kept_days)
SELECT DISTINCT tenant, CASE tenant WHEN 'brief' THEN 7 END FROM made;
INSERT INTO annals.events ("timestamp", received_at, id, tenant_id, action, actor_type, actor_id, outcome,
                           digest, document)
SELECT at, at, id, tenant, CASE WHEN n %% 1000 = 7 THEN 'never.again'
                           WHEN n %% 3 = 0 THEN 'user.login' ELSE 'doc.read' END,
       'user', 'u' || n %% 11, 'success', sha256(id::text::bytea), json_build_object('n', n)
FROM made;
INSERT INTO annals.event_entities ("timestamp", event_id, tenant_id, entity_type, entity_id)
SELECT at, id, tenant, 'document', 'd' || n %% 5 FROM made;
"""


@pytest.fixture(scope="module")
def stack(cluster):
    annals = annals_lib.Annals({"limits.past_window": "330d", "search.workers": 1}, cluster=cluster).start()
    try:
        with contextlib.closing(annals.db()) as conn, conn.cursor() as cur:
            try:
                cur.execute("LOAD 'auto_explain'")
            except psycopg2.Error as error:
                pytest.skip(f"auto_explain is not installed: {error}")
            for name, value in (("session_preload_libraries", "auto_explain"),
                                ("auto_explain.log_min_duration", "0"),
                                ("auto_explain.log_analyze", "on"), ("auto_explain.log_timing", "off"),
                                ("auto_explain.log_format", "json"), ("auto_explain.log_buffers", "on")):
                cur.execute(f"ALTER DATABASE {annals.database} SET {name} = '{value}'")
            cur.execute("SET auto_explain.log_min_duration = -1")
            cur.execute(DATA, {"tenants": TENANTS})
            cur.execute("VACUUM ANALYZE annals.events")
            cur.execute("VACUUM ANALYZE annals.event_entities")
        yield annals
    finally:
        annals.stop()


def page(stack, parameters):
    """The page, and the plan that it was read by."""
    plans = Plans(stack)
    reply = stack.get("/v1/events?" + urllib.parse.urlencode(parameters),
                      token=stack.token("*", "audit:read"),
                      headers={"Annals-Tenant": "*"})
    assert reply.status == 200, reply
    (plan,) = [p["Plan"] for p in plans() if "AS streams" in p["Query Text"]
               or "WITH streams" in p["Query Text"]]
    return reply.json(), plan


def check(plan, bound):
    """Events and entities by index of the tenant only, and no more rows of them than that."""
    read = 0
    for node in scans(plan):
        if node["Relation Name"] == "tenants":
            continue
        read += rows_read(node)
        assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
        assert "tenant_id" in node["Index Cond"], node
    assert read <= bound, f"{read} rows were read, {bound} are enough: {json.dumps(plan)[:6000]}"
    return read


def ago(**kwargs):
    return (NOW - timedelta(**kwargs)).isoformat()


EDGE = 10 * (PAGE + 1)  # what tenants at the edge of a page may have read beyond it
CASES = [
    ("time", [], PAGE, TENANTS + 3 + EDGE),
    ("time, oldest first", [("order", "asc"), ("from", ago(days=59))], PAGE, TENANTS + 3 + EDGE),
    ("before one has everything", [("to", ago(hours=1))], PAGE, TENANTS + 3 + EDGE),
    ("a time of its own", [("from", ago(days=30)), ("to", ago(days=20))], PAGE, TENANTS + 3 + EDGE),
    ("action", [("action", "doc.read"), ("to", ago(hours=1))], PAGE, TENANTS + 3 + EDGE),
    ("action, rare", [("action", "never.again")], PAGE, TENANTS + 3 + EDGE),
    ("actions", [("action", "doc.read"), ("action", "user.login"), ("to", ago(hours=1))], PAGE,
     2 * TENANTS + 6 + EDGE),
    ("actor", [("actor_id", "u3"), ("to", ago(hours=1))], PAGE, TENANTS + 3 + EDGE),
    ("entity", [("entity", "document:d3"), ("to", ago(hours=1))], PAGE, 2 * (TENANTS + 3 + EDGE)),
    ("entities", [("entity", "document:d3"), ("entity", "document:d4"), ("to", ago(hours=1))], PAGE,
     2 * (4 * TENANTS + 12 + EDGE)),
]


@pytest.mark.parametrize("parameters, events, bound", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_page_reads_little_of_each_tenant(stack, parameters, events, bound):
    body, plan = page(stack, parameters)
    assert len(body["events"]) == events
    check(plan, bound)
    cursor = body["next_cursor"]
    body, plan = page(stack, [*parameters, ("cursor", cursor)])
    check(plan, bound)
    assert "brief" not in {e["tenant_id"] for e in body["events"]}


def test_a_long_page_reads_more_of_each_tenant(stack):
    body, plan = page(stack, [("limit", "1000"), ("to", ago(hours=1))])
    assert len(body["events"]) == 1000
    check(plan, 17 * (TENANTS + 3) + 5 * 1000)


def test_the_plan_is_kept(stack):
    """One for any values."""
    for to in (ago(hours=1), ago(days=3)):
        _, plan = page(stack, [("to", to)])
        assert "$" in json.dumps([node.get("Index Cond", "") for node in nodes(plan)])
