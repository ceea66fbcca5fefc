# SPDX-License-Identifier: Apache-2.0
"""Reading across tenants: who may, what it shows, what it leaves behind."""
import concurrent.futures
import contextlib
import datetime
import random
import signal
import subprocess
import time
import urllib.parse
import uuid

import pytest

import annals as annals_lib
import postgres
from annals import wait_until
from console import Console
from shards import Shard

TENANTS = 50
SEED = random.SystemRandom().randrange(1 << 32)
NOW = datetime.datetime.now(datetime.timezone.utc)


def rfc3339(at):
    return at.astimezone(datetime.timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def event(dice, at):
    return {"action": dice.choice(["doc.read", "doc.write", "user.login", "never.again"]),
            "timestamp": rfc3339(at),
            "actor": {"type": "user", "id": f"u{dice.randrange(5)}"},
            "outcome": dice.choice(["success", "denied"]),
            "entities": [{"type": "doc", "id": f"d{dice.randrange(4)}"},
                         {"type": "doc", "id": f"d{dice.randrange(4, 9)}"}]}


def shard_of(tenant):
    """Every other one of ours is on the second shard."""
    return "second" if tenant[0] == "t" and tenant[1:].isdigit() and int(tenant[1:]) % 2 else "default"


class Platform:
    """An instance of its own with TENANTS tenants on two shards, some with much and some with nothing, and
    a model of it."""

    def __init__(self, stack, shard):
        self.stack, self.shard = stack, shard
        self.token = stack.token("*", "audit:read")
        self.events = []
        dice = random.Random(SEED)
        for n in range(TENANTS):
            tenant = f"t{n:02}"
            stack.ctl("tenant", "add", tenant, "--shard", shard_of(tenant))
            count = dice.choice([0, 1, 3, 10, 60])
            events = [event(dice, NOW - datetime.timedelta(seconds=dice.randrange(86400 * 20),
                                                           microseconds=n))
                      for _ in range(count)]
            if events:
                self.write(tenant, events)

    def write(self, tenant, events):
        reply = self.stack.post(events, token=self.stack.token(tenant, "audit:write")).json()
        assert reply["accepted"] == len(events), reply
        for sent, result in zip(events, reply["results"]):
            self.events.append({**sent, "id": result["id"], "tenant_id": tenant})

    def get(self, query="", path="/v1/events", tenant="*", token=None, **headers):
        if not isinstance(query, str):
            query = urllib.parse.urlencode(query)
        return self.stack.get(path + ("?" + query if query else ""), token=token or self.token,
                              headers={"Annals-Tenant": tenant, **headers})

    def counts(self, tenant="*", **query):
        reply = self.get({"from": rfc3339(NOW - datetime.timedelta(days=40)), **query}, "/v1/events/counts",
                         tenant)
        assert reply.status == 200, reply
        return reply.json()

    def expected(self, wanted=lambda e: True, descending=True):
        found = [e for e in self.events if wanted(e)]
        return [e["id"] for e in sorted(found, key=lambda e: (e["timestamp"], e["id"]), reverse=descending)]

    def busy(self, shard="default"):
        """The tenant there that has most."""
        own = [e["tenant_id"] for e in self.events if shard_of(e["tenant_id"]) == shard
               and e["tenant_id"] != "annals"]
        return max(set(own), key=own.count)

    def read_all(self, between=lambda: None, **query):
        """All pages, one after the other."""
        events, cursor = [], None
        while True:
            reply = self.get({**query, **({"cursor": cursor} if cursor else {})})
            assert reply.status == 200, (reply, SEED)
            body = reply.json()
            events += body["events"]
            cursor = body["next_cursor"]
            if cursor is None:
                return events
            between()


@pytest.fixture(scope="module")
def platform(cluster):
    stack = annals_lib.Annals({"search.workers": 1, "search.statement_timeout": "1500ms"}, cluster=cluster)
    with postgres.Cluster() as second:
        try:
            stack.start()
            yield Platform(stack, Shard(stack, "second", second).add())
        finally:
            second.signal_all(signal.SIGCONT)
            stack.stop()


# --- who may --------------------------------------------------------------------------------------
FORGED = ["*", " *", "*,t00", "t00,*", "*, t01", "t00, *", "%2A", "%2a", "**", "\"*\"", "'*'", "t*", "*t00",
          "t0?",
          "\u2217", "all", "any", "t01", "T00", "t00 ", "\\*", "*;t00"]


@pytest.mark.parametrize("scopes", ["audit:read", "audit:admin", "audit:read audit:write audit:admin"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/counts?from=2026-01-01T00:00:00Z"])
def test_nobody_but_the_platform_asks_for_all_tenants(platform, path, scopes):
    stack, token = platform.stack, platform.stack.token("t00", scopes)
    for named in FORGED:
        for name in ("Annals-Tenant", "annals-tenant", "ANNALS-TENANT", "Annals_Tenant"):
            headers = {name: named.encode("utf-8").decode("latin-1")}
            reply = stack.get(path, token=token, headers=headers)
            if named.strip() == "t00":  # blanks around a value are not part of it
                assert reply.status == 200, reply
                continue
            assert reply.status == 403, (named, reply)
            assert reply.json()["type"] == "/problems/forbidden"


def test_other_fields_and_parameters_name_no_tenant(platform):
    token = platform.stack.token("t04", "audit:read audit:admin")
    own = len([e for e in platform.events if e["tenant_id"] == "t04"])
    for headers in ({"X-Annals-Tenant": "*"}, {"X-Tenant-Id": "*"}, {"Tenant": "*"},
                    {"Cookie": "Annals-Tenant=*"}):
        events = platform.stack.get("/v1/events?limit=1000", token=token, headers=headers).json()["events"]
        assert len(events) == own and {e["tenant_id"] for e in events} <= {"t04"}, headers
    for query in ("tenant=*", "tenant_id=*", "annals-tenant=*"):
        assert platform.stack.get("/v1/events?" + query, token=token).status == 400


def test_the_platform_names_one_tenant_or_all(platform):
    for named in ("*,t00", "**", "%2A", " ", "t0*", "*/"):
        reply = platform.get(tenant=named)
        assert reply.status == 400 and reply.json()["errors"][0]["header"] == "Annals-Tenant", (named, reply)
    [one] = [e for e in platform.events][:1]
    for path in ("/v1/events/" + one["id"],):
        assert platform.get(path=path).status == 400
        assert platform.get(path=path, tenant=one["tenant_id"]).status == 200
    write = platform.stack.post({"action": "a.b", "actor": {"type": "u", "id": "u"}},
                                token=platform.stack.token("*", "audit:write"),
                                headers={"Annals-Tenant": "*"})
    assert write.status == 400, write
    assert platform.get(token=platform.stack.token("*", "audit:write")).status == 403


def test_cursors_do_not_cross(platform):
    """One of all tenants is not for a tenant, nor the other way round, nor for another filter."""
    across = platform.get("limit=1").json()["next_cursor"]
    busy = platform.busy()
    own = platform.stack.token(busy, "audit:read")
    single = platform.stack.get("/v1/events?limit=1", token=own).json()["next_cursor"]
    assert platform.get({"limit": 1, "cursor": across}).status == 200
    assert platform.get({"limit": 1, "cursor": single}).status == 400
    assert platform.get({"limit": 1, "cursor": across}, tenant=busy).status == 400
    assert platform.get({"limit": 1, "cursor": single}, tenant=busy).status == 200
    assert platform.stack.get("/v1/events?limit=1&cursor=" + across, token=own).status == 400
    assert platform.get({"limit": 1, "cursor": across, "order": "asc"}).status == 400
    assert platform.get({"limit": 1, "cursor": across, "actor": "u1"}).status == 400


def test_a_write_token_is_of_one_tenant(platform):
    reply = platform.stack.post({"action": "a.b", "actor": {"type": "u", "id": "u"}},
                                token=platform.stack.token("w1", "audit:write"))
    token = reply.headers["Annals-Write-Token"]
    assert platform.get(**{"Annals-Write-Token": token}).status == 400
    platform.events.append({**platform.get("limit=1", tenant="w1").json()["events"][0]})


def test_it_can_be_switched_off(make_annals):
    stack = make_annals({"database.platform": None})
    reply = stack.get("/v1/events", token=stack.token("*", "audit:read"), headers={"Annals-Tenant": "*"})
    assert reply.status == 501 and reply.json()["type"] == "/problems/not-configured", reply
    assert "database.platform" in reply.json()["detail"]
    assert stack.get("/v1/events", token=stack.token("*", "audit:read"),
                     headers={"Annals-Tenant": "t"}).status == 200


# --- what it shows --------------------------------------------------------------------------------
def not_our_own(e):
    return e["tenant_id"] != "annals"


FILTERS = [
    ({}, lambda e: True),
    ({"action": "doc.read"}, lambda e: e["action"] == "doc.read"),
    ({"action": ["doc.read", "never.again"]}, lambda e: e["action"] in ("doc.read", "never.again")),
    ({"action": "doc.*"}, lambda e: e["action"].startswith("doc.")),
    ({"action": "!doc.*", "outcome": "denied"},
     lambda e: e["action"][:4] != "doc." and e.get("outcome") == "denied"),
    ({"actor": "user:u1"}, lambda e: e["actor"] == {"type": "user", "id": "u1"}),
    ({"actor_id": ["u1", "u2"]}, lambda e: e["actor"]["id"] in ("u1", "u2")),
    ({"actor_id": "u1", "action": "user.login"},
     lambda e: e["actor"]["id"] == "u1" and e["action"] == "user.login"),
    ({"entity": "doc:d1"}, lambda e: has(e, "d1")),
    ({"entity": ["doc:d1", "doc:d5", "doc:d2"]}, lambda e: has(e, "d1", "d5", "d2")),
    ({"entity": "doc:d1", "actor_id": "u3"}, lambda e: has(e, "d1") and e["actor"]["id"] == "u3"),
    ({"entity_id": "d4"}, lambda e: has(e, "d4")),
    ({"entity_type": "doc", "outcome": "!success"},
     lambda e: e["outcome"] != "success" and e.get("entities")),
    ({"entity": "!doc:d1", "entity_type": "doc"}, lambda e: e.get("entities") and not has(e, "d1")),
]


def has(e, *ids):
    return any(x["id"] in ids for x in e.get("entities", []))


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("query, wanted", FILTERS,
                         ids=[urllib.parse.urlencode(q, doseq=True) for q, _ in FILTERS])
def test_pages_are_merged_in_order(platform, query, wanted, order):
    """Like one sorted list of everything, whatever the length of the pages."""
    query = {**query, "from": rfc3339(NOW - datetime.timedelta(days=30)), "to": rfc3339(NOW)}
    expected = platform.expected(lambda e: wanted(e) and e["timestamp"] < rfc3339(NOW), order == "desc")
    for limit in (1000, 50, 7):
        parts = urllib.parse.urlencode({**query, "order": order, "limit": limit}, doseq=True)
        got, cursor = [], None
        while True:
            body = platform.get(parts + ("&cursor=" + cursor if cursor else "")).json()
            got += [(e["id"], e["tenant_id"]) for e in body["events"]]
            cursor = body["next_cursor"]
            if cursor is None:
                break
            assert len(body["events"]) == limit
        assert [i for i, _ in got] == expected, (limit, SEED)
    tenants = {e["id"]: e["tenant_id"] for e in platform.events}
    assert all(tenants[i] == tenant for i, tenant in got)


def test_one_event_by_its_id(platform):
    for wanted in random.Random(SEED).sample(platform.events, 5):
        [found] = platform.get("id=" + wanted["id"]).json()["events"]
        assert found["tenant_id"] == wanted["tenant_id"]


def test_documents_are_those_of_the_tenants(platform):
    """Byte for byte."""
    one = platform.events[0]
    across = platform.get("id=" + one["id"]).body
    single = platform.get("id=" + one["id"], tenant=one["tenant_id"]).body
    assert across[:across.index(b'],"next_cursor"')] == single[:single.index(b'],"next_cursor"')]


def test_nothing_is_skipped_or_doubled_while_others_write(platform):
    """What was there before is there once; what comes meanwhile may be."""
    before = platform.expected(not_our_own)
    dice = random.Random(SEED + 1)

    def write():
        platform.write(f"t{dice.randrange(TENANTS):02}",
                       [event(dice, NOW - datetime.timedelta(seconds=dice.randrange(86400 * 20)))
                        for _ in range(3)])

    got = [e["id"] for e in platform.read_all(write, limit=20) if not_our_own(e)]
    assert len(got) == len(set(got)), SEED
    assert [i for i in got if i in set(before)] == before, SEED
    assert set(got) <= set(platform.expected()), SEED


@pytest.mark.parametrize("by", ["action", "actor", "entity_type", "outcome", "tenant", None])
@pytest.mark.parametrize("interval", ["day", None])
def test_counts_are_the_sum_of_the_tenants_own(platform, by, interval):
    query = {name: value for name, value in (("by", by), ("interval", interval)) if value}
    query["to"] = rfc3339(NOW)
    summed = {}
    for tenant in sorted({e["tenant_id"] for e in platform.events}):
        for bucket in platform.counts(tenant, **query)["buckets"]:
            place = (bucket["start"], bucket["key"])
            summed[place] = summed.get(place, 0) + bucket["count"]
    got = [((b["start"], b["key"]), b["count"]) for b in platform.counts(**query)["buckets"]]
    assert dict(got) == summed and len(got) == len(summed)
    assert [place for place, _ in got] == sorted(summed, key=lambda p: (p[0] or "", (p[1] or "").encode()))


def test_counts_need_a_beginning(platform):
    reply = platform.get("by=tenant", "/v1/events/counts")
    assert reply.status == 400, reply
    assert reply.json()["errors"][0] | {"detail": ""} == {"parameter": "from", "code": "required",
                                                          "detail": ""}
    assert platform.get("by=tenant", "/v1/events/counts", tenant="t00").status == 200


def test_coverage_names_the_shards(platform):
    coverage = platform.get("limit=1").json()["coverage"]
    [tier] = coverage["tiers"]
    assert coverage["complete"] is True and "shard" not in tier
    through = min(shard["through"] for shard in coverage["shards"])
    assert tier["through"] == through and tier["lag_ms"] == 0
    for shard, name in zip(coverage["shards"], ("default", "second"), strict=True):
        assert shard == {"answered": True, "complete": True, "shard": name, "served": "primary",
                         "from": tier["from"],
                         "through": shard["through"], "lag_ms": 0}
    assert "shards" not in platform.get("limit=1", tenant="t00").json()["coverage"]
    assert platform.get("limit=1&require=complete").status == 200


# --- what is hidden stays hidden ------------------------------------------------------------------
def test_what_a_tenant_does_not_keep_is_not_shown(platform):
    """Neither to it nor across tenants; a hold shows it again."""
    stack = platform.stack
    stack.ctl("retention", "set", "week", "7")
    busy = platform.busy()
    stack.ctl("tenant", "retention", busy, "week")
    try:
        edge = rfc3339(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=7))
        kept = platform.expected(lambda e: not_our_own(e)
                                 and (e["tenant_id"] != busy or e["timestamp"] >= edge))
        assert len(kept) < len(platform.expected(not_our_own))
        for order in ("desc", "asc"):
            got = [e["id"] for e in platform.read_all(limit=100, order=order) if not_our_own(e)]
            assert got == (kept if order == "desc" else kept[::-1])
        hidden = next(e for e in platform.events if e["tenant_id"] == busy and e["timestamp"] < edge)
        assert platform.get("id=" + hidden["id"]).json()["events"] == []
        entity = "doc:" + hidden["entities"][0]["id"]
        assert hidden["id"] not in [e["id"] for e in platform.read_all(limit=1000, entity=entity)]
        counted = {b["key"]: b["count"] for b in platform.counts(by="tenant")["buckets"]}
        assert counted[busy] == sum(e["tenant_id"] == busy and e["timestamp"] >= edge
                                    for e in platform.events)
        typed = platform.counts(busy, by="entity_type")["buckets"]
        assert typed[0]["count"] == counted[busy]
        stack.ctl("hold", "add", busy, "--reason", "case")
        assert [e["id"] for e in platform.read_all(limit=1000)
                if not_our_own(e)] == platform.expected(not_our_own)
    finally:
        stack.ctl("tenant", "retention", busy, "default")


def test_the_role_sees_no_more_than_its_policies_show(platform):
    """Whatever a statement says: this is the net below the searches."""
    hidden = "t-hidden"
    platform.write(hidden, [event(random.Random(1), NOW - datetime.timedelta(days=day)) for day in (1, 20)])
    platform.stack.ctl("retention", "set", "ten", "10")
    platform.stack.ctl("tenant", "retention", hidden, "ten")
    with contextlib.closing(platform.stack.db("platform")) as conn, conn.cursor() as cur:
        for table in ("events", "event_entities"):
            cur.execute(f"SELECT count(DISTINCT \"timestamp\") FROM annals.{table} WHERE tenant_id = %s",
                        (hidden,))
            assert cur.fetchone() == (1,)
        cur.execute("SELECT count(DISTINCT tenant_id) FROM annals.events")
        assert cur.fetchone()[0] > 10
    with contextlib.closing(platform.stack.db("reader")) as conn, conn.cursor() as cur:
        cur.execute("SELECT set_config('annals.tenant', '*', false)")
        cur.execute("SELECT count(*) FROM annals.events")
        assert cur.fetchone() == (0,)
    platform.stack.ctl("tenant", "retention", hidden, "default")


def test_a_tenant_that_moves_is_shown_once(platform):
    """All the time, wherever it is; and nobody else is missed."""
    mover = platform.busy()
    expected = platform.expected(lambda e: e["timestamp"] < rfc3339(NOW))
    walks = 0
    for place in ("second", "default"):
        with subprocess.Popen([annals_lib.BUILD / "annalsctl", "--config", platform.stack.conf, "tenant",
                               "move", mover,
                               "--to", place], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as move:
            while move.poll() is None or walks % 2 == 0:
                got = [e["id"] for e in platform.read_all(limit=200, to=rfc3339(NOW))]
                assert got == expected, SEED
                walks += 1
            assert move.returncode == 0, move.stdout.read()
    assert walks > 3


# --- a shard that does not answer -----------------------------------------------------------------
def test_a_tenant_that_moves_between_two_answers_is_not_missed(platform):
    """Its new shard answers before it comes, and the old one after it has left: all are asked again."""
    stack, shard, tenant = platform.stack, platform.shard, "t-between"
    stack.ctl("tenant", "add", tenant)
    platform.write(tenant, [event(random.Random(2), NOW - datetime.timedelta(hours=1))])
    wanted = platform.events[-1]["id"]
    stack.rows("UPDATE annals.tenants SET shard = 'second', presence = 'hidden' "
               "WHERE tenant_id = %s RETURNING 1", tenant)
    shard.rows("INSERT INTO annals.tenants (tenant_id) VALUES (%s) RETURNING 1", tenant)
    with concurrent.futures.ThreadPoolExecutor() as pool, locked(shard.connect()):
        answer = pool.submit(platform.get, "id=" + wanted)
        time.sleep(0.4)
        stack.rows("UPDATE annals.tenants SET shard = 'default', presence = 'open' "
                   "WHERE tenant_id = %s RETURNING 1", tenant)
        shard.rows("UPDATE annals.tenants SET presence = 'hidden' WHERE tenant_id = %s RETURNING 1", tenant)
    found = answer.result().json()
    assert [e["id"] for e in found["events"]] == [wanted]
    assert found["coverage"]["complete"] is True


def check_partial(platform, console):
    """Everything of the default shard, nothing of the other, and it is said."""
    expected = platform.expected(lambda e: shard_of(e["tenant_id"]) == "default"
                                 and e["timestamp"] < rfc3339(NOW))
    began = time.monotonic()
    reply = platform.get({"limit": 1000, "to": rfc3339(NOW)})
    assert reply.status == 200 and time.monotonic() - began < 8, reply
    assert [e["id"] for e in reply.json()["events"]] == expected
    coverage = reply.json()["coverage"]
    assert coverage["complete"] is False
    assert [(s["shard"], s["answered"]) for s in coverage["shards"]] == [("default", True), ("second", False)]
    assert coverage["shards"][1] == {"shard": "second", "answered": False, "complete": False}
    assert coverage["tiers"][0]["through"] == coverage["shards"][0]["through"] is not None
    counted = platform.counts(by="tenant")
    assert counted["coverage"]["complete"] is False
    assert {shard_of(b["key"]) for b in counted["buckets"]} == {"default"}
    refused = platform.get("limit=1&require=complete")
    assert refused.status == 503 and refused.headers["Retry-After"], refused
    page = console.page("/admin/events?tenant=*")
    assert "shard second has not answered" in page.text and cells(page, "Tenant")


def check_whole(platform):
    wait_until("both shards answer", lambda: platform.get("limit=1").json()["coverage"]["complete"])
    assert [e["id"] for e in platform.read_all(limit=1000)
            if not_our_own(e)] == platform.expected(not_our_own)


def test_a_shard_that_stands_still(platform):
    console = Console(platform.stack).sign_in("*")
    platform.shard.cluster.signal_all(signal.SIGSTOP)
    try:
        check_partial(platform, console)
    finally:
        platform.shard.cluster.signal_all(signal.SIGCONT)
    check_whole(platform)


def test_a_shard_that_was_killed(platform):
    console = Console(platform.stack).sign_in("*")
    platform.shard.cluster.kill()
    try:
        check_partial(platform, console)
    finally:
        platform.shard.cluster.start()
    check_whole(platform)


def locked(connection):
    connection.autocommit = False
    connection.cursor().execute("LOCK TABLE annals.events IN ACCESS EXCLUSIVE MODE")
    return contextlib.closing(connection)


def test_a_shard_that_takes_too_long(platform):
    console = Console(platform.stack).sign_in("*")
    with locked(platform.shard.connect()):
        check_partial(platform, console)
    check_whole(platform)


def test_no_shard_at_all(make_annals):
    stack = make_annals({"database.platform": "host=/nowhere user=annals_platform dbname=none"})
    for path in ("/v1/events", "/v1/events/counts?from=2026-01-01T00:00:00Z"):
        reply = stack.get(path, token=stack.token("*", "audit:read"), headers={"Annals-Tenant": "*"})
        assert reply.status == 503 and reply.json()["type"] == "/problems/unavailable", reply


# --- the console ----------------------------------------------------------------------------------
def cells(page, label):
    return [values for tag, values in page.tags if tag == "td" and values.get("data-label") == label]


def test_the_console_lists_all_tenants(platform):
    subject = "c" + uuid.uuid4().hex[:8]
    console = Console(platform.stack).sign_in("*", subject)
    choose = console.page("/admin/events")
    assert "/admin/events?tenant=*" in choose.links_to("/admin/events")
    page = console.page("/admin/events?tenant=*&actor=user%3Au1&limit=20")
    assert "Events of all tenants" in page.text and page.inputs["selected"][0] == "*"
    assert len(cells(page, "Tenant")) == 20
    expected = platform.expected(lambda e: e["actor"] == {"type": "user", "id": "u1"})[:20]
    tenants = {e["id"]: e["tenant_id"] for e in platform.events}
    assert page.links_to("/admin/events/") == [f"/admin/events/{i}?tenant={tenants[i]}" for i in expected]
    assert all("tenant=%2A" in link for link in page.links_to("/admin/events?")[1:] if "tenant=*" not in link)
    one = console.page(page.links_to("/admin/events/")[0])
    assert expected[0] in one.text and tenants[expected[0]] in one.text
    recorded = platform.get({"actor": "console:" + subject, "order": "asc"}, tenant="annals").json()["events"]
    assert [(e["action"], e["entities"][0]["id"]) for e in recorded] == [
        ("annals.console.login", "*"), ("annals.console.search", "*"),
        ("annals.console.read", tenants[expected[0]])]


def test_the_console_of_a_tenant_has_no_such_choice(platform):
    console = Console(platform.stack).sign_in("t00")
    assert console.get("/admin/events?tenant=*").status == 403
    assert console.get("/admin/events?tenant=%2A").status == 403
    page = console.page("/admin/events")
    assert "all tenants" not in page.text and cells(page, "Tenant") == []


def test_the_console_without_the_connection(make_annals):
    console = Console(make_annals({"database.platform": None})).sign_in("*")
    assert "all tenants" not in console.page("/admin/events?tenant=annals").text
    reply = console.get("/admin/events?tenant=*")
    assert reply.status == 501 and b"database.platform" in reply.body


# --- who looked is recorded -----------------------------------------------------------------------
def test_each_request_is_recorded_once(platform):
    subject = "s" + uuid.uuid4().hex[:8]
    token = platform.stack.token("*", "audit:read", sub=subject)
    assert platform.get("action=doc.*&limit=3", token=token, **{"User-Agent": "probe"}).status == 200
    assert platform.get("by=tenant&from=2026-01-01T00:00:00Z", "/v1/events/counts", token=token).status == 200
    assert platform.get("limit=1", tenant="t00", token=token).status == 200  # of one tenant: as ever
    assert platform.get("limit=nonsense", token=token).status == 400
    events = platform.get({"actor": "api:" + subject, "order": "asc"}, tenant="annals").json()["events"]
    assert [e["action"] for e in events] == ["annals.api.search", "annals.api.count"]
    search = events[0]
    assert search["actor"]["type"] == "api" and search["entities"] == [{"type": "tenant", "id": "*"}]
    assert search["metadata"] == {"query": "action=doc.%2A&limit=3", "issuer": "local"}
    assert search["context"]["user_agent"] == "probe" and search["context"]["request_id"]


def test_what_cannot_be_recorded_is_not_shown(make_annals):
    stack = make_annals({"search.workers": 1})
    token, headers = stack.token("*", "audit:read"), {"Annals-Tenant": "*"}
    assert stack.post({"action": "a.b", "actor": {"type": "u", "id": "u"}}).status == 201
    assert stack.get("/v1/events", token=token, headers=headers).status == 200
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cur:
        cur.execute("REVOKE INSERT ON annals.outbox FROM annals_writer")
        try:
            reply = stack.get("/v1/events", token=token, headers=headers)
            assert reply.status == 503 and b"a.b" not in reply.body, reply
        finally:
            cur.execute("GRANT INSERT ON annals.outbox TO annals_writer")
    assert stack.get("/v1/events", token=token, headers=headers).status == 200
