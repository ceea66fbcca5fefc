# SPDX-License-Identifier: Apache-2.0
"""POST /v1/events: what is stored, what is answered, what is refused, through the web server."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import random
import re
import subprocess
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest

WHO = {"type": "user", "id": "u1"}


def event(action="test.one", **members):
    return {"action": action, "actor": WHO, **members}


def at(**ago):
    return (datetime.now(timezone.utc) - timedelta(**ago)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def tenant():
    return "t" + uuid.uuid4().hex[:12]


@pytest.fixture
def send(annals, tenant):
    """Posts as a tenant of the test's own."""
    token = annals.token(tenant, "audit:write")

    def post(events, query="", headers=None, lines=False):
        return (annals.ndjson if lines else annals.post)(events, query=query, headers=headers, token=token)
    return post


def stored(annals, tenant):
    return annals.rows("SELECT annals.event_document(e), digest, id::text, received_at "
                       "FROM annals.events AS e "
                       "WHERE tenant_id = %s ORDER BY \"timestamp\", id", tenant)


def test_single_event_is_stored_and_answered(annals, tenant, send):
    reply = send(event(entities=[{"type": "doc", "id": "1"}, {"type": "doc", "id": "1"},
                                 {"type": "dir", "id": "2"}]))
    assert reply.status == 201, reply
    body = reply.json()
    assert set(body) == {"id", "timestamp", "received_at", "status", "duplicate"}
    assert body["status"] == "committed" and body["duplicate"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body["timestamp"])
    assert reply.headers["Location"] == "/v1/events/" + body["id"]
    assert reply.headers["Annals-Write-Token"]
    (row,) = stored(annals, tenant)
    assert row[2] == body["id"] and bytes(row[1]) == hashlib.sha256(row[0].encode()).digest()
    document = json.loads(row[0])
    assert list(document) == ["id", "tenant_id", "timestamp", "action", "actor", "entities", "outcome"]
    assert document["tenant_id"] == tenant and len(document["entities"]) == 3
    entities = annals.rows("SELECT entity_type, entity_id FROM annals.event_entities WHERE tenant_id = %s "
                           "ORDER BY 1",
                           tenant)
    assert entities == [("dir", "2"), ("doc", "1")]
    outbox = annals.rows("SELECT event_ids::text[] FROM annals.outbox WHERE tenant_id = %s", tenant)
    assert outbox == [([body["id"]],)]


@pytest.mark.parametrize("number",
                         ["18446744073709551616", "1e400", "1.10", "12345678901234567890.12", "-0", "1E+2",
                                    "-9223372036854775809",
                          "0.1000000000000000055511151231257827021181583404541015625"])
def test_numbers_come_back_as_written(annals, number):
    sent = annals.post('{"action":"n.n","actor":{"type":"user","id":"n"},"metadata":{"v":' + number + "}}")
    assert sent.status == 201, sent
    got = annals.get("/v1/events/" + sent.json()["id"])
    assert f'"metadata":{{"v":{number}}}'.encode() in got.body


def test_strings_keep_their_spelling(annals):
    text = r'"\u0041\/\n 日本語 \ud834\udd1e"'
    sent = annals.post('{"action":"s.s","actor":{"type":"user","id":"s"},"description":' + text + "}")
    assert sent.status == 201, sent
    assert text.encode() in annals.get("/v1/events/" + sent.json()["id"]).body


@pytest.mark.parametrize("lines", [False, True])
def test_one_bad_item_does_not_spoil_the_others(annals, tenant, send, lines):
    items = [event("a.a"), {"action": "UPPER", "actor": {"type": "user"}}, event("b.b"),
             event("c.c", entitys=[])]
    reply = send(items, lines=lines)
    assert reply.status == 200, reply
    body = reply.json()
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (2, 0, 2)
    assert [r["index"] for r in body["results"]] == [0, 1, 2, 3]
    errors = body["results"][1]["problem"]["errors"]
    assert {e["pointer"] for e in errors} == {"/action", "/actor/id"}
    assert "entities" in body["results"][3]["problem"]["errors"][0]["detail"]
    assert len(stored(annals, tenant)) == 2
    assert len(annals.rows("SELECT FROM annals.outbox WHERE tenant_id = %s", tenant)) == 1


def test_minimal_drops_the_successful_results(send):
    reply = send([event("a.a"), {"action": "x"}], headers={"Prefer": "respond-async, return=minimal"})
    assert [r["index"] for r in reply.json()["results"]] == [1]
    assert reply.headers["Preference-Applied"] == "return=minimal"


def test_atomic_stores_all_or_nothing(annals, tenant, send):
    reply = send([event("a.a"), {"action": "x"}], query="?atomic=true")
    assert reply.status == 422, reply
    body = reply.json()
    assert body["type"] == "/problems/batch-rejected" and [r["index"] for r in body["results"]] == [1]
    assert stored(annals, tenant) == []
    assert send([event("a.a"), event("b.b")], query="?atomic=true").json()["accepted"] == 2
    conflict = [event("k.k", timestamp=at(hours=1), idempotency_key="k")]
    assert send(conflict).status == 200
    conflict[0]["description"] = "another"
    reply = send([event("c.c"), *conflict], query="?atomic=true")
    assert reply.status == 422 and reply.json()["results"][0]["problem"]["status"] == 409, reply
    assert len(stored(annals, tenant)) == 3


@pytest.mark.parametrize("body, lines", [("[]", False), ("", True), ("\n\r\n  \n", True)])
def test_empty_batch_is_zeros(send, body, lines):
    headers = {"Content-Type": "application/x-ndjson" if lines else "application/json"}
    reply = send(body, headers=headers)
    assert reply.status == 200 and reply.json() == {"accepted": 0, "duplicates": 0, "rejected": 0,
                                                    "results": []}


# --- identity -------------------------------------------------------------------------------------
def test_a_repeat_is_known_and_a_conflict_refused(annals, tenant, send):
    first = event(timestamp=at(minutes=5), idempotency_key="order-1", metadata={"n": 1})
    one = send(first)
    again = send(first)
    assert (one.status, again.status) == (201, 200)
    assert again.json() == {**one.json(), "duplicate": True}
    other = send({**first, "metadata": {"n": 2}})
    assert other.status == 409 and other.json()["type"] == "/problems/idempotency-conflict", other
    moved = send({**first, "timestamp": at(minutes=4)})
    assert moved.status == 201 and moved.json()["id"] != one.json()["id"]
    assert len(stored(annals, tenant)) == 2
    assert b"order-1" not in stored(annals, tenant)[0][0].encode()


def test_a_repeat_within_one_batch(annals, tenant, send):
    keyed = event(timestamp=at(minutes=5), idempotency_key="twice")
    body = send([keyed, event("x.y"), keyed]).json()
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (2, 1, 0)
    assert body["results"][0]["id"] == body["results"][2]["id"]
    assert len(stored(annals, tenant)) == 2


def test_the_same_key_of_two_tenants_are_two_events(annals):
    keyed = event(timestamp=at(minutes=5), idempotency_key=uuid.uuid4().hex)
    replies = [annals.post(keyed, token=annals.token(t, "audit:write")) for t in ("left", "right")]
    assert [r.status for r in replies] == [201, 201]
    assert replies[0].json()["id"] != replies[1].json()["id"]


def test_a_key_needs_a_timestamp(send):
    reply = send(event(idempotency_key="k"))
    assert reply.status == 422 and reply.json()["errors"][0]["pointer"] == "/timestamp"


def test_eight_clients_with_the_same_events(annals, tenant):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    events = [event(f"race.n{n}", timestamp=at(minutes=n % 50), idempotency_key=f"k{n}") for n in range(400)]
    token = annals.token(tenant, "audit:write")

    def client(number):
        mine = events[:]
        random.Random(seed + number).shuffle(mine)
        counts = [0, 0, 0]
        for i in range(0, 400, 50):
            body = annals.post(mine[i:i + 50], token=token).json()
            for k, name in enumerate(("accepted", "duplicates", "rejected")):
                counts[k] += body[name]
        return counts

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(client, range(8)))
    assert [sum(c) for c in zip(*counts)] == [400, 2800, 0]
    assert len(stored(annals, tenant)) == 400
    listed = annals.rows("SELECT count(*), count(DISTINCT i) FROM annals.outbox, unnest(event_ids) AS i "
                         "WHERE tenant_id = %s", tenant)
    assert listed == [(400, 400)]


# --- time -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("ago", [{"days": 31}, {"minutes": -6}, {"days": 36500}, {"days": -365000}])
def test_outside_the_window(send, ago):
    reply = send(event(timestamp=at(**ago)))
    assert reply.status == 422 and reply.json()["type"] == "/problems/outside-window", reply
    assert re.search(r"from \d{4}-\d\d-\d\dT.* to ", reply.json()["detail"])


def test_imports_reach_any_partition_and_no_further(annals, tenant):
    token = annals.token(tenant, "audit:import")
    (first,), = annals.rows("SELECT to_char(min(from_at) AT TIME ZONE 'UTC', "
                            "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
                            "FROM annals.partition_bounds('events')")
    assert annals.post(event(timestamp=first), token=token).status == 201
    far = annals.post(event(timestamp="2001-01-01T00:00:00Z"), token=token)
    assert far.status == 422 and far.json()["type"] == "/problems/outside-window", far
    assert "2001" not in far.json()["detail"] and first[:10] in far.json()["detail"]
    body = annals.post([event("a.a"), event(timestamp="2001-01-01T00:00:00Z")], token=token).json()
    assert (body["accepted"], body["rejected"]) == (1, 1)


# --- limits ---------------------------------------------------------------------------------------
def test_event_limit(annals, send):
    big = event(metadata={"x": "y" * 66000})
    reply = send(big)
    assert reply.status == 413 and reply.json()["limit"] == 65536 and reply.json()["actual"] > 66000, reply
    body = send([big, event("a.a"), {"m": [[]] * 40000}]).json()
    assert [r.get("problem", {}).get("status") for r in body["results"]] == [413, None, 413]
    body = send([big, event("a.a")], lines=True).json()
    assert [r.get("problem", {}).get("status") for r in body["results"]] == [413, None]


def test_batch_limit(annals, tenant, send):
    reply = send([event("a.a")] * 10001, lines=True)
    assert reply.status == 413 and reply.json()["limit"] == 10000, reply
    assert stored(annals, tenant) == []
    assert send([event("a.a")] * 10000, lines=True,
                headers={"Prefer": "return=minimal"}).json()["accepted"] == 10000


def test_depth(send):
    def nested(depth):  # metadata is at depth 2
        return '{"action":"d.d","actor":{"type":"u","id":"d"},"metadata":{"d":' + \
               "[" * depth + "1" + "]" * depth + "}}"
    assert send(nested(29)).status == 201
    reply = send(nested(30))
    assert reply.status == 400 and reply.json()["type"] == "/problems/invalid-json", reply


@pytest.mark.parametrize("body", ["[" * 1_000_000, '{"a":' * 200_000, "[" + "1" * 1_000_000 + "]",
                                  "{" + ",".join(f'"k{n}":1' for n in range(300_000)) + "}"])
def test_hostile_json_is_refused_quickly(annals, body):
    reply = annals.post(body, timeout=5)
    assert reply.status in (400, 413, 422) or reply.json().get("rejected") == 1, reply


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer takes memory of its own")
def test_worker_stays_small_with_the_largest_batch(make_annals):
    stack = make_annals({"ingest.workers": 1})
    line = json.dumps(event(metadata={"note": "x" * 1650})).encode() + b"\n"
    reply = stack.post(line * (16 * 1024 * 1024 // len(line)),
                       headers={"Content-Type": "application/x-ndjson",
                                                                          "Prefer": "return=minimal"})
    assert reply.status == 200 and reply.json()["rejected"] == 0, reply
    (worker,) = stack.workers("ingest")
    with open(f"/proc/{worker}/status", encoding="ascii") as f:
        peak = next(int(row.split()[1]) for row in f if row.startswith("VmHWM"))
    assert peak <= 64 * 1024, f"{peak} KiB"


# --- forms ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("media_type",
                         [None, "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_wrong_type(annals, media_type):
    headers = {} if media_type is None else {"Content-Type": media_type}
    reply = annals.request("POST", "/v1/events", body=b"{}", headers=headers)
    assert reply.status == 415 and "application/json" in reply.headers["Accept-Post"], reply


def test_unknown_encoding(annals):
    reply = annals.post(event(), headers={"Content-Encoding": "br"})
    assert reply.status == 415, reply


@pytest.mark.parametrize("tool", ["gzip", "zstd"])
def test_compressed(annals, tenant, tool):
    body = subprocess.run([tool, "-c"], input=json.dumps([event("a.a")] * 100).encode(), capture_output=True,
                          check=True).stdout
    reply = annals.post(body, headers={"Content-Encoding": tool}, token=annals.token(tenant, "audit:write"))
    assert reply.status == 200 and reply.json()["accepted"] == 100, reply
    cut = annals.post(body[:-5], headers={"Content-Encoding": tool},
                      token=annals.token(tenant, "audit:write"))
    assert cut.status == 400, cut
    assert len(stored(annals, tenant)) == 100


def test_bomb(annals):
    body = subprocess.run(["gzip", "-c"], input=b" " * (64 << 20), capture_output=True, check=True).stdout
    assert annals.post(body, headers={"Content-Encoding": "gzip"}).status == 413


@pytest.mark.parametrize("query, parameter",
                         [("?atomic=yes", "atomic"), ("?atomc=true", "atomc"), ("?atomic=", "atomic")])
def test_bad_parameters_are_named(send, query, parameter):
    reply = send([event()], query=query)
    assert reply.status == 400 and reply.json()["errors"][0]["parameter"] == parameter, reply


def test_errors_do_not_echo_values(annals, send):
    secret = "hunter2-" + uuid.uuid4().hex
    reply = send({"action": secret.upper(), "actor": {"type": secret * 20, "id": "x"}, "timestamp": secret})
    assert reply.status == 422 and secret not in reply.body.decode().lower()
    assert secret not in annals.log.read_text(errors="replace").lower()


def test_unknown_tenant_is_refused_where_they_are_not_made(make_annals):
    stack = make_annals({"tenants.auto_create": "off"})
    assert stack.post(event()).status == 403
    stack.ctl("tenant", "add", "t1")
    assert stack.post(event()).status == 201


# --- what fails behind the commit, or beside it ---------------------------------------------------
def test_the_tenant_of_annals_itself_is_nobodys(annals):
    own = annals.post(event(), token=annals.token("annals", "audit:write"))
    assert own.status == 401, own
    platform = annals.post(event(), token=annals.token("*", "audit:write"),
                           headers={"Annals-Tenant": "annals"})
    assert platform.status == 403, platform
    assert annals.ctl("token", "--tenant", "annals", "--scope", "audit:read", check=False).returncode == 2
    assert annals.ctl("tenant", "add", "annals", check=False).returncode == 2


def test_a_repeat_has_a_write_token_too(send):
    first = event(timestamp=at(minutes=5), idempotency_key="token")
    assert send(first).headers["Annals-Write-Token"]
    assert send(first).headers["Annals-Write-Token"]


def test_faults_over_the_limit_are_counted(send):
    reply = send({**event(), **{f"unknown_{n}": 1 for n in range(50)}})
    assert len(reply.json()["errors"]) + reply.json()["errors_omitted"] == 50, reply


def test_a_locked_table_is_503_in_time(make_annals):
    stack = make_annals({"ingest.commit_timeout": "1s", "ingest.workers": 4})
    assert stack.post(event()).status == 201
    lock = stack.db()
    lock.autocommit = False
    lock.cursor().execute("LOCK TABLE annals.events IN ACCESS EXCLUSIVE MODE")
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda n: stack.post(event()), range(4)))
    took = time.monotonic() - start
    lock.rollback()
    lock.close()
    assert [r.status for r in replies] == [503] * 4 and all(r.headers["Retry-After"]
                                                            for r in replies), replies
    assert took < 3.5  # half as much again as the limit, and a moment
    assert stack.post(event()).status == 201


def test_no_partition_of_the_outbox_is_503(make_annals):
    stack = make_annals()
    for (name,) in stack.rows("SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
                              "WHERE inhparent = 'annals.outbox'::regclass"):
        with contextlib.closing(stack.db()) as conn:
            conn.cursor().execute(f'DROP TABLE annals."{name}"')
    reply = stack.post(event())
    assert reply.status == 503 and reply.headers["Retry-After"], reply
    stack.run_job("partition")
    assert stack.post(event()).status == 201


def test_a_right_that_is_missing_is_our_fault(make_annals):
    stack = make_annals()
    with contextlib.closing(stack.db()) as conn:
        conn.cursor().execute("REVOKE INSERT ON annals.events FROM annals_writer")
    reply = stack.post(event())
    assert reply.status == 500 and b"annals_writer" not in reply.body, reply
