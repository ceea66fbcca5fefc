# SPDX-License-Identifier: Apache-2.0
"""Commits that workers share (docs/design/combiner.md): nothing acknowledged is lost, nothing stored twice,
and one request's trouble stays its own."""
import collections
import concurrent.futures
import contextlib
import json
import os
import random
import re
import signal
import time
import uuid

import fastcgi
import pytest

import annals
import postgres
from annals import wait_until
from senders import Burst, Senders, check_all, commits, keyed

CLIENTS = 16


@pytest.fixture
def stack(make_annals):
    return make_annals({"ingest.workers": CLIENTS})


def test_requests_share_commits(stack):
    before = commits(stack)
    with Senders(stack, "share", CLIENTS) as senders:
        time.sleep(3)
    check_all(stack, "share", senders.acknowledged)
    assert commits(stack) - before < 0.9 * len(senders.acknowledged)


def together(stack, send, count):
    """`count` calls of send(n) that find the workers stopped, and so are there at once when these go on."""
    workers = stack.workers("ingest")
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        answers = [pool.submit(send, n) for n in range(count)]
        time.sleep(0.5)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        return [answer.result() for answer in answers]


def test_one_worker_commits_what_came_at_the_same_time(make_annals):
    """Good and bad, single events and batches of several tenants: one commit, and to each its own answer."""
    stack = make_annals({"ingest.workers": 1})
    tokens = [stack.token(f"tenant{n}", "audit:write") for n in range(3)]
    for token in tokens:
        stack.post(keyed("first"), token=token)
    before = commits(stack)

    def send(n):
        event = keyed(f"at-once-{n}")
        if n % 6 == 5:
            del event["action"]
        events = [event, keyed(f"second-{n}")] if n % 4 == 3 else event
        return stack.post(events, token=tokens[n % 3])

    replies = together(stack, send, 24)
    for n, reply in enumerate(replies):
        bad = n % 6 == 5
        if n % 4 == 3:
            assert reply.status == 200 and reply.json()["accepted"] == 2 - bad, (n, reply)
        else:
            assert reply.status == (422 if bad else 201), (n, reply)
    stored = sum(reply.json().get("accepted", 1) for reply in replies if reply.status < 300)
    (count,), = stack.rows("SELECT count(*) FROM annals.events WHERE tenant_id LIKE 'tenant_'")
    assert count == stored + 3
    assert commits(stack) - before <= 3


def test_the_same_event_twice_at_the_same_time(make_annals):
    stack = make_annals({"ingest.workers": 1})
    token = stack.token("twins", "audit:write")
    event = keyed("twin")
    replies = together(stack, lambda n: stack.post(event, token=token), 8)
    assert sorted(reply.status for reply in replies) == [200] * 7 + [201]
    (count,), = stack.rows("SELECT count(*) FROM annals.events WHERE tenant_id = 'twins'")
    assert count == 1


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="AddressSanitizer takes memory of its own")
def test_large_batches_are_not_held_together(make_annals):
    """Small as they come, 4 MiB each when they are unpacked: one after the other they fit in 64 MiB."""
    stack = make_annals({"ingest.workers": 1})
    token = stack.token("packed", "audit:write")
    large = [{"action": "pack", "actor": {"type": "user", "id": "u"},
              "metadata": {"note": "x" * 4000}}] * 1000
    stack.ndjson(large, token=token, compress=True)
    (worker,) = stack.workers("ingest")
    replies = together(stack, lambda n: stack.ndjson(large, token=token, compress=True), 24)
    assert [reply.status for reply in replies] == [200] * 24
    with open(f"/proc/{worker}/status", encoding="ascii") as status:
        peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak_kib < 64 << 10


def in_this_order(stack, requests):
    """Answers to requests (headers, body) that wait in this order when the one worker comes to them."""
    (worker,) = stack.workers("ingest")
    os.kill(worker, signal.SIGSTOP)
    with contextlib.ExitStack() as stacked:
        peers = []
        for headers, body in requests:
            peer = stacked.enter_context(fastcgi.connect(stack.run / "ingest.sock"))
            more = [("CONTENT_TYPE", "application/json"), *headers]
            peer.sendall(fastcgi.begin() + fastcgi.params(fastcgi.request_params(
                "POST", "/v1/events" + ("?atomic=true" if isinstance(body, list) else ""), *more,
                content_length=len(json.dumps(body)))) + fastcgi.body(json.dumps(body).encode())
                + fastcgi.record(fastcgi.STDIN))
            peers.append(peer)
        os.kill(worker, signal.SIGCONT)
        return [fastcgi.receive(peer) for peer in peers]


def bearer(stack, tenant):
    return ("HTTP_AUTHORIZATION", "Bearer " + stack.token(tenant, "audit:write"))


def test_a_write_does_not_wait_for_a_queue_of_refusals(make_annals):
    """However many requests follow that are answered at once, what is held is committed after 32."""
    stack = make_annals({"ingest.workers": 1})
    stack.post(keyed("first"), token=stack.token("held", "audit:write"))
    mine = uuid.uuid4().hex
    replies = in_this_order(stack, [([bearer(stack, "held"), ("HTTP_X_REQUEST_ID", mine)], keyed("held"))]
                            + [([("HTTP_X_REQUEST_ID", mine)], keyed(str(n))) for n in range(100)])
    assert [reply.status for reply in replies] == [201] + [401] * 100
    lines = [line for line in stack.log_tail(1000).splitlines() if mine in line]
    answered = [re.search(r"status=(\d+)", line)[1] for line in lines]
    assert len(answered) == 101 and answered.index("201") <= 32, answered


def test_small_ones_do_not_wait_for_an_atomic_batch(make_annals):
    """What is committed by itself comes after those that are committed together."""
    stack = make_annals({"ingest.workers": 1})
    small, atomic = bearer(stack, "small"), bearer(stack, "atomic")
    for token in ("small", "atomic"):
        stack.post(keyed("first"), token=stack.token(token, "audit:write"))
    replies = in_this_order(stack, [([small], keyed(f"small-{n}")) for n in range(3)]
                            + [([atomic], [keyed("atomic-1"), keyed("atomic-2")])])
    assert [reply.status for reply in replies] == [201, 201, 201, 200]
    fed = stack.rows("SELECT tenant_id, cardinality(event_ids) FROM annals.outbox "
                     "WHERE tenant_id IN ('small', 'atomic') "
                     "ORDER BY id")
    assert fed[2:] == [("small", 3), ("atomic", 2)]


def test_a_stalled_peer_does_not_delay_those_before_it(make_annals):
    """What is held is answered before anything is read that is not there yet."""
    stack = make_annals({"ingest.workers": 1, "process.io_timeout": "5s"})
    token = stack.token("stalled", "audit:write")
    stack.post(keyed("first"), token=token)
    (worker,) = stack.workers("ingest")
    os.kill(worker, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        answer = pool.submit(stack.post, keyed("second"), token=token)
        time.sleep(0.3)
        with fastcgi.connect(stack.run / "ingest.sock") as peer:
            peer.sendall(fastcgi.begin() + fastcgi.params(
                fastcgi.request_params("POST", "/v1/events", content_length=10))
                         + fastcgi.body(b"12345")[:-8])
            os.kill(worker, signal.SIGCONT)
            assert answer.result().status == 201
            assert time.monotonic() - started < 3


def test_off_means_one_commit_each(make_annals):
    stack = make_annals({"ingest.workers": 4, "ingest.combine": "off"})
    with Senders(stack, "alone", 4) as senders:
        time.sleep(1)
    check_all(stack, "alone", senders.acknowledged)
    assert commits(stack) >= len(senders.acknowledged)


def test_workers_killed_at_any_moment(stack):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    with Senders(stack, "kill", CLIENTS) as senders:
        for _ in range(30):
            time.sleep(chance.uniform(0.02, 0.2))
            workers = stack.workers("ingest")
            if workers:
                stack.kill(chance.choice(workers))
    assert len(senders.acknowledged) > 100, senders.statuses
    check_all(stack, "kill", senders.acknowledged)


def test_a_stopped_worker_does_not_stop_the_others(make_annals):
    stack = make_annals({"ingest.workers": CLIENTS, "ingest.commit_timeout": "1s"})
    with Senders(stack, "stop", CLIENTS) as senders:
        time.sleep(0.5)
        for _ in range(5):
            victim = random.choice(stack.workers("ingest"))
            os.kill(victim, signal.SIGSTOP)
            before = len(senders.acknowledged)
            time.sleep(1.5)
            after = len(senders.acknowledged)
            os.kill(victim, signal.SIGCONT)
            assert after > before
    check_all(stack, "stop", senders.acknowledged)


def test_database_killed_in_a_shared_commit(make_annals):
    stack = make_annals({"ingest.workers": CLIENTS}, own_cluster=True, durable=True)
    with Senders(stack, "crash", CLIENTS) as senders:
        for _ in range(3):
            time.sleep(1)
            stack.cluster.kill()
            time.sleep(0.5)
            stack.cluster.start()
        time.sleep(2)
    assert senders.statuses[503] > 0
    check_all(stack, "crash", senders.acknowledged)


def test_one_poisonous_event_among_64(stack):
    """What PostgreSQL refuses for a reason that validation cannot know fails alone."""
    poison = uuid.uuid4().hex
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cursor:
        cursor.execute("ALTER TABLE annals.events ADD CONSTRAINT poison CHECK (action <> 'poison.one') "
                       "NOT VALID")
    token = stack.token("mixed", "audit:write")
    before = commits(stack)

    def send(n):
        event = keyed(f"{poison}-{n}")
        if n == 31:
            event["action"] = "poison.one"
        return stack.post(event, token=token).status

    statuses = together(stack, send, 64)
    assert commits(stack) - before < 40  # the 63 others had company, the poison among it
    assert [n for n, status in enumerate(statuses) if status != 201] == [31], statuses
    assert statuses[31] >= 400
    (count,), = stack.rows("SELECT count(*) FROM annals.events WHERE tenant_id = 'mixed'")
    assert count == 63


def deadlocks(stack):
    """That PostgreSQL has broken so far. Its log knows at once, its statistics some time later."""
    with open(stack.cluster.log, encoding="utf-8", errors="replace") as log:
        logged = log.read().count("deadlock detected")
    (counted,), = stack.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return logged + counted


def batches(chance, events):
    """The events in another order, in requests of all kinds: (events, query). Alone, few in one INSERT,
    more than fit a slot, many by COPY, and atomic ones."""
    mine = chance.sample(events, len(events))
    while mine:
        size = chance.choice((1, 3, 20, 60, 300))
        yield mine[:size], chance.choice(("", "", "?atomic=true"))
        mine = mine[size:]


def test_the_same_400_events_in_batches_of_all_sizes(stack):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    before = deadlocks(stack)
    events = [keyed(f"same-{n}") for n in range(400)]
    token = stack.token("same", "audit:write")

    def client(number):
        new = 0
        for batch, query in batches(random.Random(seed + number), events):
            reply = stack.ndjson(batch, query, token=token)
            assert reply.status == 200 and reply.json()["rejected"] == 0, reply
            new += reply.json()["accepted"]
        return new

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        new = list(pool.map(client, range(8)))
    assert sum(new) == 400, new
    check_all(stack, "same", [event["idempotency_key"] for event in events])
    assert stack.rows("SELECT count(*) FROM annals.events WHERE tenant_id = 'same'") == [(400,)]
    assert deadlocks(stack) == before


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_master_replaced_under_load(stack, how):
    """Workers of the old and the new generation share lanes; those of another master share nothing with
    them."""
    with Senders(stack, "master", CLIENTS) as senders:
        for _ in range(3):
            time.sleep(0.4)
            if how == signal.SIGHUP:
                stack.reload("ingest")
                continue
            workers = stack.workers("ingest")
            assert stack.stop_app("ingest", how)
            wait_until("its workers leave too", lambda gone=workers: not any(map(postgres.is_alive, gone)))
            stack.start_app("ingest")
        time.sleep(0.4)
    check_all(stack, "master", senders.acknowledged)
    assert len(senders.acknowledged) > 100
    if how == signal.SIGHUP:
        assert set(senders.statuses) == {201}, senders.statuses


def test_256_workers():
    """The most that may be configured: requests of all at once are answered, and share commits."""
    with postgres.Cluster(settings=["max_connections=300"]) as cluster:
        stack = annals.Annals({"ingest.workers": 256}, cluster=cluster)
        try:
            stack.start()
            wait_until("all workers", lambda: len(stack.workers("ingest")) == 256, timeout=30)
            before, keys = commits(stack), [str(n) for n in range(4 * 256)]
            for at in range(0, len(keys), 256):
                with Burst(stack, "crowd", [keyed(key) for key in keys[at:at + 256]]) as burst:
                    answers = burst.collect(20)
                assert collections.Counter(answer.status for answer in answers.values()) == {201: 256}
            check_all(stack, "crowd", keys)
            assert commits(stack) - before < len(keys) / 2
        finally:
            stack.stop()
