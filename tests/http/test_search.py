# SPDX-License-Identifier: Apache-2.0
"""GET /v1/events and its relatives: filters, pages, single events, counts, limits, and whose events they
are."""
import hashlib
import json
import re
import threading
import urllib.parse
import uuid
from datetime import datetime, timedelta, timezone

import pytest

import annals as annals_lib
import postgres

NOW = datetime.now(timezone.utc).replace(microsecond=0)


def at(minutes):
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


EVENTS = {
    "a": {"action": "document.read", "actor": {"type": "user", "id": "alice"}, "timestamp": at(50),
          "entities": [{"type": "doc", "id": "1"}, {"type": "dir", "id": "x"}], "context": {"ip": "10.1.2.3"},
          "metadata": {"n": 1.5, "flag": True, "deep": {"er": "here"}, "a.b": "dotted"}},
    "b": {"action": "document.write", "actor": {"type": "user", "id": "bob"}, "timestamp": at(40),
          "outcome": "failure",
          "entities": [{"type": "doc", "id": "2"}], "context": {"ip": "2001:db8::1"},
          "metadata": {"n": "1.10"}},
    "c": {"action": "documents.list", "actor": {"type": "service", "id": "alice"}, "timestamp": at(30),
          "outcome": "denied"},
    "d": {"action": "login", "actor": {"type": "user", "id": "!odd:\\%_"}, "timestamp": at(20),
          "entities": [{"type": "doc", "id": "50%"}], "metadata": {"s": "100%"}},
    "e": {"action": "login", "actor": {"type": "user", "id": "x"}, "timestamp": at(10),
          "entities": [{"type": "doc", "id": "501"}, {"type": "doc", "id": "502"}],
          "metadata": {"s": "1000"}},
}


class Reader:
    def __init__(self, stack, tenant):
        self.stack, self.tenant = stack, tenant
        self.token = stack.token(tenant, "audit:read")

    def get(self, parameters="", path="/v1/events", **headers):
        if not isinstance(parameters, str):
            parameters = urllib.parse.urlencode(parameters)
        return self.stack.get(path + ("?" + parameters if parameters else ""), token=self.token,
                              headers=headers)

    def names(self, parameters):
        """Which of EVENTS came, in order; by their id."""
        reply = self.get(parameters)
        assert reply.status == 200, reply
        return "".join(self.known[e["id"]] for e in reply.json()["events"])


@pytest.fixture(scope="module")
def reader(annals):
    one = Reader(annals, "s" + uuid.uuid4().hex[:10])
    body = annals.post(list(EVENTS.values()), token=annals.token(one.tenant, "audit:write")).json()
    assert body["accepted"] == len(EVENTS), body
    one.known = {result["id"]: name for result, name in zip(body["results"], EVENTS)}
    return one


@pytest.mark.parametrize("parameters, expected", [
    ([], "edcba"),
    ([("order", "asc")], "abcde"),
    ([("from", at(40)), ("to", at(20))], "cb"),
    ([("action", "document.read")], "a"),
    ([("action", "document.*")], "ba"),
    ([("action", "!document.*")], "edc"),
    ([("action", "login"), ("action", "document.read")], "eda"),
    ([("action", "!login"), ("action", "!document.read")], "cb"),
    ([("actor", "alice")], "ca"),
    ([("actor", "user:alice")], "a"),
    ([("actor", "!user:alice")], "edcb"),
    ([("actor_id", "alice"), ("actor_type", "service")], "c"),
    ([("actor_id", "\\!odd:\\%_")], "d"),
    ([("actor_type", "!user")], "c"),
    ([("entity", "doc")], "edba"),
    ([("entity", "doc:1")], "a"),
    ([("entity", "doc:50%")], "d"),
    ([("entity", "doc:1"), ("entity", "doc:2")], "ba"),
    ([("entity", "!doc:1")], "edcb"),
    ([("entity", "!doc")], "c"),
    ([("entity_type", "dir")], "a"),
    ([("entity_id", "501")], "e"),
    ([("entity_id", "!501")], "dcba"),
    ([("outcome", "failure"), ("outcome", "denied")], "cb"),
    ([("outcome", "!success")], "cb"),
    ([("ip", "10.0.0.0/8")], "a"),
    ([("ip", "!10.0.0.0/8")], "edcb"),
    ([("ip", "2001:db8::/32")], "b"),
    ([("metadata.n", "1.1")], ""),
    ([("metadata.flag", "true")], "a"),
    ([("metadata.deep.er", "here")], "a"),
    ([("metadata.a\\.b", "dotted")], "a"),
    ([("metadata.s", "100%")], "d"),
    ([("metadata.s", "!100%")], "ecba"),
    ([("action", "document.*"), ("outcome", "failure"), ("entity", "doc")], "b"),
])
def test_filters(reader, parameters, expected):
    assert reader.names(parameters) == expected


def test_numbers_are_met_by_their_spelling(reader):
    assert reader.names([("metadata.n", "1.10")]) == "b"
    assert reader.names([("metadata.n", "1.5")]) == "a"
    assert reader.names([("metadata.n", "1.50")]) == ""


def test_id_parameter(reader):
    (wanted,) = [i for i, name in reader.known.items() if name == "c"]
    assert reader.names([("id", wanted)]) == "c"
    assert reader.names([("id", "!" + wanted)]) == "edba"


@pytest.mark.parametrize("parameters, name", [
    ("acton=x", "acton"), ("action=", "action"), ("limit=0", "limit"), ("limit=1001", "limit"),
    ("limit=x", "limit"),
    ("order=up", "order"), ("from=yesterday", "from"), ("ip=nowhere", "ip"), ("id=1", "id"),
    ("outcome=maybe", "outcome"),
    ("action=NOT%20VALID", "action"), ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
    ("order=asc&order=desc", "order"),
    ("engine=lucene", "engine"), ("require=all", "require"), ("metadata.=x", "metadata."),
])
def test_bad_parameters_are_named(reader, parameters, name):
    reply = reader.get(parameters)
    assert reply.status == 400, reply
    assert name in [e.get("parameter") for e in reply.json()["errors"]], reply


def test_unknown_parameters_are_suggested(reader):
    reply = reader.get("acton=x&metadata=y&colour=red")
    said = {e["parameter"]: e["detail"] for e in reply.json()["errors"]}
    assert said["acton"] == "did you mean action?" and "metadata.<path>" in said["metadata"], reply
    assert set(said) == {"acton", "metadata", "colour"}


def test_as_many_conditions_as_there_may_be(reader):
    ids = [("actor_id", f"u{n}") for n in range(99)]
    assert reader.names([*ids, ("actor_id", "bob")]) == "b"
    reply = reader.get([*ids, ("actor_id", "bob"), ("actor_id", "alice")])
    assert reply.status == 400 and [e["code"] for e in reply.json()["errors"]] == ["too-many"], reply


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/counts", "/v1/events/{id}"])
def test_only_json_is_on_offer(reader, path):
    path = path.replace("{id}", next(iter(reader.known)))
    assert reader.get(path=path, Accept="text/html").status == 406
    assert reader.get(path=path, Accept="application/json;q=0").status == 406
    assert reader.get(path=path, Accept="text/html, */*;q=0.1").status == 200


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events?limit=1", "/v1/events/counts?by=action",
                                  "/v1/events?limit=0"])
def test_head_is_get_without_the_body(annals, reader, path):
    whole = annals.request("GET", path, token=reader.token)
    head = annals.request("HEAD", path, token=reader.token)
    assert head.status == whole.status and head.body == b""
    for name in ("Content-Type", "Content-Length", "Link", "Cache-Control"):
        assert head.headers[name] == whole.headers[name], name


def test_full_text_needs_an_engine(reader):
    reply = reader.get("q=hello")
    assert reply.status == 501 and reply.json()["type"] == "/problems/search-engine-required", reply


def test_coverage_says_what_was_asked(reader):
    coverage = reader.get("require=complete").json()["coverage"]
    assert coverage["complete"] is True and coverage["tiers"][0]["name"] == "hot"
    assert coverage["tiers"][0]["through"] > at(1)


# --- pages ----------------------------------------------------------------------------------------
def pages(reader, parameters):
    cursor, seen = None, []
    for _ in range(1000):
        reply = reader.get(parameters + ([("cursor", cursor)] if cursor else []))
        assert reply.status == 200, reply
        body = reply.json()
        seen += [e["id"] for e in body["events"]]
        cursor = body["next_cursor"]
        assert (cursor is None) == ("Link" not in reply.headers)
        if cursor is None:
            return seen
    raise AssertionError("no end")


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("extra", [[], [("entity", "doc:7")], [("actor", "p1"), ("actor", "p2")],
                                   [("metadata.k", "3")]])
def test_pages_neither_skip_nor_repeat_while_events_come_in(annals, order, extra):
    tenant = "p" + uuid.uuid4().hex[:10]
    reader = Reader(annals, tenant)
    token = annals.token(tenant, "audit:write")
    # Many of them share an instant, so that the id decides.
    events = [{"action": "page.one", "actor": {"type": "u", "id": f"p{n % 3}"}, "timestamp": at(5 + n // 40),
               "entities": [{"type": "doc", "id": "7"}], "metadata": {"k": 3}} for n in range(400)]
    ids = {r["id"] for r in annals.post(events, token=token).json()["results"]}
    ending = threading.Event()

    def more():
        while not ending.wait(0.01):
            annals.post([{**events[0], "timestamp": at(1)}, {**events[0], "timestamp": at(100)}], token=token)

    thread = threading.Thread(target=more)
    thread.start()
    try:
        seen = pages(reader, [("order", order), ("limit", "37"), *extra])
    finally:
        ending.set()
        thread.join()
    assert len(seen) == len(set(seen))
    wanted = ids if not extra or extra[0][0] != "actor" else None
    if wanted is not None:
        assert wanted <= set(seen)
    else:
        assert len(set(seen) & ids) == sum(n % 3 != 0 for n in range(400))


def test_links_lead_to_the_end(annals, reader):
    path, names = "/v1/events?limit=2&actor_type=user&actor_type=service&metadata.s=%21%7B%26%25", ""
    for _ in range(10):
        reply = annals.get(path, token=reader.token)
        body = reply.json()
        names += "".join(reader.known[e["id"]] for e in body["events"])
        if body["next_cursor"] is None:
            break
        link = reply.headers["Link"]
        assert link.endswith('>; rel="next"') and body["next_cursor"] in link
        path = urllib.parse.urljoin(path, link[1:link.index(">")])
    assert names == "edcba"


def test_a_full_last_page_is_the_last(reader):
    body = reader.get([("limit", len(EVENTS))]).json()
    assert len(body["events"]) == len(EVENTS) and body["next_cursor"] is None


def test_cursors_are_bound(annals, reader):
    cursor = reader.get("limit=1").json()["next_cursor"]
    other = Reader(annals, "other")
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for who, parameters in ((other, [("limit", "1"), ("cursor", cursor)]), (reader, [("cursor", flipped)]),
                            (reader, [("cursor", cursor), ("action", "login")]),
                            (reader, [("cursor", cursor), ("order", "asc")]),
                            (reader, [("cursor", "x")]), (reader, [("cursor", cursor + "AA")])):
        reply = who.get(parameters)
        assert reply.status == 400 and reply.json()["type"] == "/problems/invalid-cursor", reply
    assert reader.get([("limit", "3"), ("cursor", cursor)]).status == 200


# --- one event ------------------------------------------------------------------------------------
def test_event_by_id(annals, reader):
    (wanted,) = [i for i, name in reader.known.items() if name == "a"]
    reply = reader.get(path="/v1/events/" + wanted)
    assert reply.status == 200 and reply.json()["id"] == wanted and "received_at" in reply.json()
    (digest,), = annals.rows("SELECT encode(digest, 'hex') FROM annals.events WHERE id = %s", wanted)
    assert reply.headers["ETag"] == f'"{digest}"' and "immutable" in reply.headers["Cache-Control"]
    document = re.sub(rb',"received_at":"[^"]*"}$', b"}", reply.body)
    assert hashlib.sha256(document).hexdigest() == digest
    (listed,) = reader.get([("action", "document.read")]).json()["events"]
    assert listed == reply.json()
    for tag in (f'"{digest}"', f'"x", "{digest}"', "*", f'"{digest}-gzip"'):
        again = reader.get(path="/v1/events/" + wanted, **{"If-None-Match": tag})
        assert again.status == 304 and again.body == b"", again
    head = annals.request("HEAD", "/v1/events/" + wanted, token=reader.token)
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) == len(reply.body)
    assert Reader(annals, "other").get(path="/v1/events/" + wanted).status == 404
    for wrong in (str(uuid.uuid4()), "1", wanted[:-1], wanted + "0"):
        assert reader.get(path="/v1/events/" + wrong).status == 404
    assert reader.get(path="/v1/events/" + wanted.upper()).status == 200
    named = reader.get("limit=1", path="/v1/events/" + wanted)
    assert named.status == 400 and named.json()["errors"][0]["parameter"] == "limit"


# --- counts ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("parameters, expected", [
    ([], {(None, None): 5}),
    ([("by", "outcome")], {(None, "success"): 3, (None, "failure"): 1, (None, "denied"): 1}),
    ([("by", "action"), ("action", "document.*")], {(None, "document.read"): 1, (None, "document.write"): 1}),
    ([("by", "actor"), ("actor_id", "alice")], {(None, "user:alice"): 1, (None, "service:alice"): 1}),
    ([("by", "entity_type")], {(None, "doc"): 4, (None, "dir"): 1}),
    ([("interval", "minute"), ("action", "login")],
     {(at(20)[:16] + ":00.000000Z", None): 1, (at(10)[:16] + ":00.000000Z", None): 1}),
])
def test_counts(reader, parameters, expected):
    reply = reader.get(parameters, path="/v1/events/counts")
    assert reply.status == 200, reply
    assert {(b["start"], b["key"]): b["count"] for b in reply.json()["buckets"]} == expected


@pytest.mark.parametrize("parameters, name",
                         [("by=color", "by"), ("interval=week", "interval"), ("limit=5", "limit")])
def test_bad_counts(reader, parameters, name):
    reply = reader.get(parameters, path="/v1/events/counts")
    assert reply.status == 400 and name in [e.get("parameter") for e in reply.json()["errors"]], reply


def test_too_many_buckets_are_refused(annals):
    reader = Reader(annals, "c" + uuid.uuid4().hex[:10])
    write = annals.token(reader.tenant, "audit:write")
    events = [{"action": f"a{n}", "actor": {"type": "u", "id": "u"}, "timestamp": at(1 + n)}
              for n in range(10000)]
    assert annals.post(events, token=write).json()["accepted"] == 10000
    assert len(reader.get("by=action", path="/v1/events/counts").json()["buckets"]) == 10000
    assert annals.post({**events[0], "action": "b"}, token=write).status == 201
    for parameters, name in (("by=action", "by"), ("by=action&interval=minute", "interval")):
        reply = reader.get(parameters, path="/v1/events/counts")
        assert reply.status == 400, reply
        assert [(e["parameter"], e["code"]) for e in reply.json()["errors"]] == [(name, "too-many")]
    assert reader.get([("by", "action"), ("from", at(100))], path="/v1/events/counts").status == 200


# --- limits ---------------------------------------------------------------------------------------
def test_a_slow_query_is_504_and_the_next_one_works(make_annals):
    stack = make_annals({"search.statement_timeout": "50ms", "search.workers": 1})
    lock = stack.db()
    lock.autocommit = False
    lock.cursor().execute("LOCK TABLE annals.events IN ACCESS EXCLUSIVE MODE")
    reply = stack.get("/v1/events")
    lock.rollback()
    lock.close()
    assert reply.status == 504 and reply.json()["type"] == "/problems/query-timeout", reply
    assert stack.get("/v1/events").status == 200


def test_methods(annals, reader):
    for method, path in (("PUT", "/v1/events"), ("DELETE", "/v1/events/" + next(iter(reader.known)))):
        reply = annals.request(method, path, token=reader.token)
        assert reply.status == 405 and "GET" in reply.headers["Allow"], reply


def test_scope(annals):
    reply = annals.get("/v1/events", token=annals.token("t1", "audit:write"))
    assert reply.status == 403 and "audit:read" in reply.body.decode(), reply


def test_own_writes_are_read_back(annals):
    tenant = "w" + uuid.uuid4().hex[:10]
    sent = annals.post({"action": "a.b", "actor": {"type": "u", "id": "u"}},
                       token=annals.token(tenant, "audit:write"))
    token = sent.headers["Annals-Write-Token"]
    reader = Reader(annals, tenant)
    assert len(reader.get(**{"Annals-Write-Token": token}).json()["events"]) == 1
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert reader.get(**{"Annals-Write-Token": forged}).status == 400
    assert Reader(annals, "other").get(**{"Annals-Write-Token": token}).status == 400


# --- whose events ---------------------------------------------------------------------------------
MARK = "markB" + uuid.uuid4().hex


def foreign_requests(foreign_ids):
    """Every endpoint and parameter with what belongs to the other tenant, and headers that claim to be it."""
    words = ["action", "actor", "actor_id", "actor_type", "entity", "entity_id", "entity_type", "metadata.m"]
    for path in ("/v1/events", "/v1/events/counts"):
        yield path, {}
        for word in words:
            value = "mark.b" if word == "action" else MARK
            yield f"{path}?{word}={value}", {}
            yield f"{path}?{word}=%21{value}", {}
        yield f"{path}?ip=192.0.2.99", {}
        yield f"{path}?id={foreign_ids[0]}", {}
        for by in ("action", "actor", "entity_type", "outcome", "tenant"):
            if path.endswith("counts"):
                yield f"{path}?by={by}", {}
        for header in ("X-Tenant-Id", "X_Tenant_Id", "Tenant", "X-Annals-Tenant", "X-Forwarded-User",
                       "Remote-User"):
            yield path, {header: "tb"}
    for foreign in foreign_ids:
        yield "/v1/events/" + foreign, {}


def check_isolation(stack):
    body = stack.post([{"action": "mark.b", "actor": {"type": MARK, "id": MARK},
                        "entities": [{"type": MARK, "id": MARK}],
                        "context": {"ip": "192.0.2.99"}, "metadata": {"m": MARK}, "outcome": "denied"}] * 5,
                      token=stack.token("tb", "audit:write")).json()
    ids = [r["id"] for r in body["results"]]
    own = stack.post([{"action": "own.a", "actor": {"type": "u", "id": "a"}}] * 3,
                     token=stack.token("ta", "audit:write"))
    assert own.json()["accepted"] == 3
    token = stack.token("ta", "audit:read")
    for path, headers in foreign_requests(ids):
        reply = stack.get(path, token=token, headers=headers)
        assert MARK not in reply.body.decode() and MARK not in str(reply.headers), (path, reply)
        if reply.status == 200 and "counts" in path:
            assert sum(b["count"] for b in reply.json()["buckets"]) <= 3, (path, reply)
        elif reply.status == 200:
            assert all(e["tenant_id"] == "ta" for e in reply.json()["events"]), (path, reply)
        else:
            assert reply.status == 404, (path, reply)
    named = stack.get("/v1/events", token=token, headers={"Annals-Tenant": "tb"})
    assert named.status == 403, named
    # A conflict is not told apart from an event that is not there.
    missing = stack.get("/v1/events/" + str(uuid.uuid4()), token=token)
    foreign = stack.get("/v1/events/" + ids[0], token=token)
    strip = lambda r: {k: v for k, v in json.loads(r.body).items() if k != "request_id"}  # noqa: E731
    assert strip(missing) == strip(foreign) and missing.status == foreign.status == 404


def test_no_tenant_sees_another(annals):
    check_isolation(annals)


def test_no_tenant_sees_another_through_pgbouncer(cluster):
    """Transaction mode, one connection for everybody: nothing may be left behind in the session."""
    with postgres.PgBouncer(cluster, pool_size=1) as pooler:
        stack = annals_lib.Annals({"database.prepared": "off"}, cluster=cluster)
        for name in ("writer", "reader"):
            stack.settings[f"database.{name}"] = pooler.conninfo(annals_lib.ROLES[name], stack.database)
        try:
            stack.start()
            check_isolation(stack)
            threads = []
            wrong = []

            def read(tenant):
                token = stack.token(tenant, "audit:read")
                for _ in range(100):
                    events = stack.get("/v1/events?limit=5", token=token).json().get("events", [])
                    wrong.extend(e["tenant_id"] for e in events if e["tenant_id"] != tenant)

            for n in range(8):
                threads.append(threading.Thread(target=read, args=("ta" if n % 2 else "tb",)))
                threads[-1].start()
            for thread in threads:
                thread.join()
            assert not wrong
        finally:
            stack.stop()
