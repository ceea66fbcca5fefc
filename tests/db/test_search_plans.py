# SPDX-License-Identifier: Apache-2.0
"""A page costs what it shows: auto_explain tells which rows PostgreSQL read for it, under the reader's role
and its row-level security, in a year of partitions. The data is such that the planner's statistics mislead:
one tenant has nearly everything, and what is common there is rare or missing elsewhere."""
import contextlib
import json
import re
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

import annals as annals_lib

EVENTS = 120_000
PAGE = 50
BRANCH = PAGE + 1 + 32  # an incremental sort reads 32 rows before it sorts

DATA = """
CREATE TEMP TABLE made AS
SELECT CASE WHEN n %% 20 < 16 THEN 'big' WHEN n %% 20 < 19 THEN 'mid' ELSE 'small' END AS tenant,
       date_trunc('milliseconds', now() - random() * interval '300 days') AS at,
       ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
       n,
       (ARRAY['document.read', 'document.read', 'document.read', 'user.login', 'billing.paid',
              'billing.refund'])[1 + (n / 20) %% 6] AS action,
       'u' || ((n / 20) %% 97) AS actor
FROM generate_series(1, %(events)s) AS n;
UPDATE made SET action = 'document.read' WHERE tenant = 'small';
UPDATE made SET actor = 'seldom' WHERE n %% 4000 = 0;
UPDATE made SET action = 'never.again' WHERE n %% 8000 = 0;
UPDATE made SET id = (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                      || substr(replace(id::text, '-', ''), 13))::uuid;
INSERT INTO annals.events ("timestamp", received_at, id, tenant_id, action, actor_type, actor_id, outcome,
                           source_ip, digest, document)
SELECT at, at, id, tenant, action, 'user', actor, 'success', '10.0.0.1', sha256(id::text::bytea),
       json_build_object('id', id, 'entities', json_build_array(
           json_build_object('type', 'document', 'id', 'd' || n %% 3000),
           json_build_object('type', 'organization', 'id', tenant)), 'metadata', json_build_object('n', n))
FROM made;
INSERT INTO annals.event_entities ("timestamp", event_id, tenant_id, entity_type, entity_id)
SELECT at, id, tenant, 'document', 'd' || n %% 3000 FROM made
UNION ALL
SELECT at, id, tenant, 'organization', tenant FROM made
UNION ALL
SELECT at, id, tenant, 'key', 'k' || n FROM made WHERE n %% 2000 = 0;
"""


@pytest.fixture(scope="module")
def stack(cluster):
    annals = annals_lib.Annals({"limits.past_window": "330d", "search.workers": 1}, cluster=cluster).start()
    try:
        fill(annals)
        yield annals
    finally:
        annals.stop()


def fill(annals):
    with contextlib.closing(annals.db()) as conn, conn.cursor() as cur:
        try:
            cur.execute("LOAD 'auto_explain'")
        except psycopg2.Error as error:
            pytest.skip(f"auto_explain is not installed: {error}")
        for name, value in (("session_preload_libraries", "auto_explain"),
                            ("auto_explain.log_min_duration", "0"),
                            ("auto_explain.log_analyze", "on"), ("auto_explain.log_timing", "off"),
                            ("auto_explain.log_buffers", "on"),
                            ("auto_explain.log_format", "json")):
            cur.execute(f"ALTER DATABASE {annals.database} SET {name} = '{value}'")
        cur.execute("SET auto_explain.log_min_duration = -1")
        cur.execute(DATA, {"events": EVENTS})
        cur.execute("VACUUM ANALYZE annals.events")
        cur.execute("VACUUM ANALYZE annals.event_entities")


class Plans:
    """What the server logged for one request."""

    def __init__(self, stack):
        self.stack = stack
        self.before = self._size()

    def _size(self):
        with open(self.stack.cluster.log, "rb") as log:
            return log.seek(0, 2)

    def __call__(self):
        with open(self.stack.cluster.log, "rb") as log:
            log.seek(self.before)
            text = log.read().decode()
        return [json.loads(plan.replace("\n\t", "\n")) for plan in
                re.findall(r"plan:\n\t(\{.*(?:\n\t.*)*)", text)]


def nodes(node):
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def scans(plan):
    """Nodes that read a table and were executed."""
    return [node for node in nodes(plan) if "Relation Name" in node and node.get("Actual Loops", 0) > 0]


def rows_read(node):
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(node.get(name, 0) for name in names) * node["Actual Loops"]


def page(stack, parameters, tenant="big"):
    """The page, and the plan that it was read by."""
    plans = Plans(stack)
    reply = stack.get("/v1/events?" + urllib.parse.urlencode(parameters),
                      token=stack.token(tenant, "audit:read"))
    assert reply.status == 200, reply
    logged = plans()
    (plan,) = [p["Plan"] for p in logged if "e.document" in p["Query Text"]]
    return reply.json(), plan, logged


def check(plan, bound):
    """By index of the tenant only, and no more rows than that."""
    read = 0
    for node in scans(plan):
        read += rows_read(node)
        if node["Node Type"] == "Seq Scan":
            assert rows_read(node) == 0, f"a whole table was read: {node}"
        else:
            assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
            assert "tenant_id" in node["Index Cond"], node
    assert read <= bound, f"{read} rows were read, {bound} are enough: {json.dumps(plan)[:4000]}"


NOW = datetime.now(timezone.utc)
FROM = (NOW - timedelta(days=200)).isoformat()
TO = (NOW - timedelta(days=150)).isoformat()

CASES = [
    # what, tenant, parameters, events on the page, rows that may be read
    ("time", "big", [], PAGE, BRANCH),
    ("time, oldest first", "big", [("order", "asc")], PAGE, BRANCH),
    ("a time of its own", "big", [("from", FROM), ("to", TO)], PAGE, BRANCH),
    ("actor and time", "big", [("actor_id", "u7"), ("from", FROM), ("to", TO)], PAGE, BRANCH),
    ("actor, rare", "big", [("actor_id", "seldom")], None, BRANCH),
    ("actor, of others only", "small", [("actor_id", "seldom")], None, BRANCH),
    ("actors", "big", [("actor_id", "u7"), ("actor_id", "u8"), ("actor_id", "seldom")], PAGE, 3 * BRANCH),
    ("actors with types", "big", [("actor", "user:u7"), ("actor", "u8")], PAGE, 2 * BRANCH),
    ("action", "big", [("action", "billing.refund")], PAGE, BRANCH),
    ("action, rare", "big", [("action", "never.again")], None, BRANCH),
    ("action, of others only", "small", [("action", "billing.refund")], 0, BRANCH),
    ("actions", "big", [("action", "billing.paid"), ("action", "user.login")], PAGE, 2 * BRANCH),
    ("prefix", "big", [("action", "billing.*")], PAGE, 2 * BRANCH),
    ("prefix of one action", "big", [("action", "never.*")], None, BRANCH),
    ("prefix and time", "big", [("action", "billing.*"), ("from", FROM), ("to", TO)], PAGE, 2 * BRANCH),
    ("prefix, of others only", "small", [("action", "billing.*")], 0, BRANCH),
    ("entity", "big", [("entity", "document:d7")], None, 2 * BRANCH),
    ("entity and time", "big", [("entity", "organization:big"), ("from", FROM), ("to", TO)], PAGE,
     2 * BRANCH),
    ("entity of every event", "big", [("entity", "organization:big")], PAGE, 2 * BRANCH),
    ("entities", "big", [("entity", "organization:big"), ("entity", "document:d7")], PAGE, 4 * BRANCH),
    ("entity of every event, rare actor", "big", [("entity", "organization:big"), ("actor_id", "seldom")],
     None, 4 * BRANCH),
    ("rare entity, common action", "big", [("entity", "document:d7"), ("action", "document.read")], None,
     4 * BRANCH),
    ("entity's id", "big", [("entity_id", "big")], PAGE, 2 * BRANCH),
    ("entity's id, rare", "big", [("entity_id", "d7")], None, 2 * BRANCH),
    ("entity's type, rare", "big", [("entity_type", "key")], None, 4 * BRANCH),
    ("entity's type, common", "big", [("entity_type", "document")], PAGE, BRANCH),
    ("negatives", "big", [("action", "!user.login"), ("actor_id", "!u7")], PAGE, 2 * BRANCH),
]


@pytest.mark.parametrize("tenant, parameters, events, bound", [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])
def test_first_page(stack, tenant, parameters, events, bound):
    body, plan, _ = page(stack, parameters, tenant)
    assert events is None or len(body["events"]) == events
    check(plan, bound)


@pytest.mark.parametrize("parameters, bound", [
    ([], BRANCH), ([("order", "asc")], BRANCH), ([("action", "billing.refund")], BRANCH),
    ([("actor_id", "u7")], BRANCH),
    ([("entity", "organization:big")], 2 * BRANCH), ([("action", "billing.*")], 2 * BRANCH)])
def test_pages_behind_a_cursor_cost_the_same(stack, parameters, bound):
    cursor = None
    for _ in range(4):
        body, plan, _ = page(stack, parameters + ([("cursor", cursor)] if cursor else []))
        check(plan, bound)
        cursor = body["next_cursor"]


def test_looking_up_what_a_prefix_stands_for_is_a_loose_scan(stack):
    """One descent an action and partition, however many events there are."""
    _, _, plans = page(stack, [("action", "billing.*")])
    (plan,) = [p["Plan"] for p in plans if "found (action)" in p["Query Text"]]
    check(plan, 3 * 13)


def test_an_event_is_read_from_one_partition(stack):
    wanted = page(stack, [("limit", "1"), ("from", FROM)])[0]["events"][0]["id"]
    for path in (f"/v1/events/{wanted}", f"/v1/events?id={wanted}"):
        plans = Plans(stack)
        assert stack.get(path, token=stack.token("big", "audit:read")).status == 200
        (plan,) = [p["Plan"] for p in plans() if p["Query Text"].startswith("SELECT e.document,")]
        assert len(scans(plan)) == 1
        check(plan, 1)


def test_the_bounds_can_be_seen_to_fail(stack):
    """A condition without an index is read row by row; the check must notice."""
    _, plan, _ = page(stack, [("metadata.n", "-1")])
    with pytest.raises(AssertionError):
        check(plan, BRANCH)


# --- plans that are kept ----------------------------------------------------------------------------------
def parameters_in(plan):
    """A plan for any values still has parameters where others have the values."""
    return bool(re.search(r"tenant_id = \(?\$1\b", json.dumps(plan)))


@pytest.mark.parametrize("kept, parameters", [
    (True, [[], []]),
    (True, [[("from", FROM)], [("from", TO)]]),
    (True, [[("actor_id", "u7")], [("actor_id", "seldom")]]),
    (True, [[("action", "document.read")], [("action", "never.again")]]),
    (True, [[("entity", "organization:big")], [("entity", "document:d7")]]),
    (True, [[("action", "billing.*")], [("action", "never.*")]]),
    (True, [[("actor_id", "u7"), ("actor_id", "u8")], [("actor_id", "seldom"), ("actor_id", "u1")]]),
    (False, [[("actor_id", "u7"), ("action", "never.again")],
             [("actor_id", "seldom"), ("action", "document.read")]]),
    (False, [[("entity_type", "key")], [("entity_type", "none")]])])
def test_one_plan_serves_all_values_where_one_is_best(stack, kept, parameters):
    """One shape of search, common values and rare ones by turns: none reads more than its page."""
    for asked in parameters * 3:
        _, plan, logged = page(stack, asked)
        check(plan, 4 * BRANCH)
        assert parameters_in(plan) == kept


@pytest.mark.parametrize("drive", [
    [], [("actor_id", "u7")], [("action", "billing.refund")], [("action", "billing.*")]])
def test_only_partitions_of_the_time_are_opened(stack, drive):
    """Fifty days lie in three months at most. A kept plan is over all partitions; which are left out is
    decided each time before any is opened."""
    later = (NOW - timedelta(days=110)).isoformat()
    for bounds in ([("from", FROM), ("to", TO)], [("from", TO), ("to", later)]):
        body, plan, _ = page(stack, drive + bounds)
        assert len(body["events"]) == PAGE
        opened = [node for node in nodes(plan) if "Relation Name" in node]
        assert 1 <= len(opened) <= 3
        assert any(node.get("Subplans Removed", 0) > 5 for node in nodes(plan))


def test_a_partition_that_was_empty_when_the_plan_was_made(stack):
    """So begins every month. Until a plan is made anew, which is every ten seconds, an empty partition's best
    index is that of the time. But it is an index, and for the time itself and for entities the right one."""
    at_once = ([], [("entity", "document:d1")])
    soon = ([("actor_id", "seldom")], [("action", "never.again")])
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cur:
        cur.execute("SET auto_explain.log_min_duration = -1")
        for table in ("events", "event_entities"):
            cur.execute("SELECT name FROM annals.partition_bounds(%s) "
                        "WHERE from_at <= now() + interval '40 days' AND to_at > now() + interval '40 days'",
                        (table,))
            cur.execute(f"ALTER TABLE annals.{cur.fetchone()[0]} SET (autovacuum_enabled = off)")
        for shape in at_once + soon:
            page(stack, shape, "late")
        cur.execute(LATE)
    for shape in at_once:
        check_late(stack, shape)
    time.sleep(10.1)
    for shape in soon:
        check_late(stack, shape)


def check_late(stack, shape):
    body, plan, _ = page(stack, shape, "late")
    assert len(body["events"]) == (PAGE if shape == [] else 10)
    check(plan, 2 * BRANCH)


LATE = """
CREATE TEMP TABLE late AS
SELECT now() + interval '40 days' + n * interval '1 second' AS at, n,
       ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id
FROM generate_series(1, 6000) AS n;
INSERT INTO annals.events ("timestamp", received_at, id, tenant_id, action, actor_type, actor_id, outcome,
                           digest, document)
SELECT at, at, id, 'late', CASE n % 600 WHEN 7 THEN 'never.again' ELSE 'document.read' END, 'user',
       CASE n % 600 WHEN 9 THEN 'seldom' ELSE 'u' || n % 7 END, 'success', sha256(id::text::bytea), '{"a":1}'
FROM late;
INSERT INTO annals.event_entities ("timestamp", event_id, tenant_id, entity_type, entity_id)
SELECT at, id, 'late', 'document', 'd' || n % 600 FROM late;
"""


def hot_from(stack):
    return page(stack, [("limit", "1")])[0]["coverage"]["tiers"][0]["from"]


def test_coverage_begins_with_the_oldest_partition(stack):
    """At once, although it is asked for only when partitions have changed."""
    before = hot_from(stack)
    assert hot_from(stack) == before
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cur:
        cur.execute("SELECT annals.partition_create('events', '2001-05-01 UTC', '2001-06-01 UTC')")
        assert hot_from(stack) == "2001-05-01T00:00:00.000000Z"
        cur.execute("SELECT name FROM annals.partition_bounds('events') LIMIT 1")
        cur.execute(f"DROP TABLE annals.{cur.fetchone()[0]}")
    assert hot_from(stack) == before


# --- what a tenant no longer keeps ------------------------------------------------------------------------
@contextlib.contextmanager
def keeping(stack, days):
    """For a while the big tenant's class keeps so many days."""
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cur:
        cur.execute("INSERT INTO annals.tenants (tenant_id, kept_days) VALUES ('big', %(d)s) "
                    "ON CONFLICT (tenant_id) DO UPDATE SET kept_days = %(d)s", {"d": days})
        try:
            yield datetime.now(timezone.utc) - timedelta(days=days)
        finally:
            cur.execute("UPDATE annals.tenants SET kept_days = NULL WHERE tenant_id = 'big'")


def cost(stack, path, parameters, mark):
    """The answer, and how many blocks the one statement with this mark touched."""
    plans = Plans(stack)
    reply = stack.get(path + "?" + urllib.parse.urlencode(parameters), token=stack.token("big", "audit:read"))
    assert reply.status == 200, reply
    (plan,) = [p["Plan"] for p in plans() if mark in p["Query Text"]]
    body = reply.json()
    body.pop("coverage", None)
    return body, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


# From the end of a month whose begin is hidden: what lies between must not be passed over.
BEGIN = (NOW - timedelta(days=170)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
LATE_FROM = ("from", (BEGIN + timedelta(days=26)).isoformat())
DAYS = ("to", (BEGIN + timedelta(days=28)).isoformat())
KEEP = (NOW - BEGIN).days - 1

BOUNDED = [
    # what, path, parameters, blocks that are enough
    ("page", "/v1/events", [], 70),
    ("page, oldest first", "/v1/events", [("order", "asc"), LATE_FROM], 65),
    ("page of days", "/v1/events", [LATE_FROM, DAYS], 65),
    ("page of days, oldest first", "/v1/events", [("order", "asc"), LATE_FROM, DAYS], 65),
    ("actor", "/v1/events", [("order", "asc"), ("actor_id", "u7"), LATE_FROM], 65),
    ("action", "/v1/events", [("order", "asc"), ("action", "billing.refund"), LATE_FROM], 65),
    ("prefix", "/v1/events", [("order", "asc"), ("action", "billing.*"), LATE_FROM], 130),
    ("entity", "/v1/events", [("order", "asc"), ("entity", "organization:big"), LATE_FROM], 180),
    ("counts", "/v1/events/counts", [LATE_FROM, DAYS], 20),
    ("counts of entities", "/v1/events/counts", [("entity", "document:d7"), LATE_FROM, DAYS], 60),
]


def marked(path):
    return "count(*)" if path.endswith("counts") else "e.document"


@pytest.mark.parametrize("path, parameters, enough", [c[1:] for c in BOUNDED], ids=[c[0] for c in BOUNDED])
def test_hiding_costs_nothing(stack, path, parameters, enough):
    """What lies before what is asked for, in the same partition, is not read, be it hidden or not."""
    cost(stack, path, parameters, marked(path))  # warms what planning reads
    before = cost(stack, path, parameters, marked(path))
    with keeping(stack, KEEP):
        after = cost(stack, path, parameters, marked(path))
    assert after[0] == before[0]
    assert before[1] <= enough
    assert after[1] <= before[1] + 2


def walk(stack, shape):
    """The first three pages."""
    pages, cursor = [], []
    for _ in range(3):
        pages.append(cost(stack, "/v1/events", shape + cursor, "e.document"))
        cursor = [("cursor", pages[-1][0].pop("next_cursor"))]
    return pages


@pytest.mark.parametrize("drive",
                         [[], [("actor_id", "u7")], [("action", "billing.refund")], [("action", "billing.*")],
                                   [("entity", "organization:big")]])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_hiding_costs_nothing_behind_a_cursor(stack, drive, order):
    """Oldest first, it is as if the client had asked for what is kept alone."""
    shape = [*drive, ("order", order)]
    walk(stack, shape)
    kept = (datetime.now(timezone.utc) - timedelta(days=KEEP)).isoformat()
    before = walk(stack, [*shape, ("from", kept)] if order == "asc" else shape)
    with keeping(stack, KEEP):
        after = walk(stack, shape)
    for (events, blocks), (events_before, blocks_before) in zip(after, before):
        assert events == events_before
        assert blocks <= blocks_before + 4


@pytest.mark.parametrize("parameters, bound", [
    ([("actor_id", "seldom")], 50), ([("actor_id", "seldom"), ("order", "asc")], 50),
    ([("action", "never.again")], 50), ([("action", "never.*")], 50), ([("entity", "document:d7")], 90),
    ([("entity_id", "d7")], 90), ([("entity_type", "key")], 150)])
def test_what_is_hidden_is_not_read(stack, parameters, bound):
    """Where there is less than a page, the search ends where the hidden begins."""
    with keeping(stack, 60):
        body, plan, _ = page(stack, parameters)
        oldest = datetime.now(timezone.utc) - timedelta(days=60)
        assert 0 < len(body["events"]) < PAGE
        assert all(event["timestamp"] > oldest.isoformat()[:19] for event in body["events"])
        assert sum(node.get("Rows Removed by Filter", 0) for node in scans(plan)) == 0
        check(plan, bound)


def test_an_event_costs_the_same_wherever_hiding_begins(stack):
    late = page(stack, [LATE_FROM, DAYS, ("limit", "1")])[0]["events"][0]["id"]
    early = page(stack, [("to", BEGIN.isoformat()), ("limit", "1")])[0]["events"][0]["id"]
    for path, parameters in ((f"/v1/events/{late}", []), ("/v1/events", [("id", late)]),
                             ("/v1/events", [("id", late), ("order", "asc")])):
        cost(stack, path, parameters, "e.document")
        before = cost(stack, path, parameters, "e.document")
        with keeping(stack, KEEP):
            after = cost(stack, path, parameters, "e.document")
            assert stack.get(f"/v1/events/{early}", token=stack.token("big", "audit:read")).status == 404
            assert page(stack, [("id", early)])[0]["events"] == []
        assert after[0] == before[0]
        assert after[1] <= before[1] <= 6


def test_coverage_begins_with_what_is_kept(stack):
    before = hot_from(stack)
    with keeping(stack, 100) as kept:
        assert hot_from(stack)[:16] in {(kept + timedelta(seconds=s)).isoformat()[:16] for s in (0, 10)}
    with keeping(stack, 4000):
        assert hot_from(stack) == before
