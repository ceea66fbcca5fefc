# SPDX-License-Identifier: Apache-2.0
"""Events that are valid and that the database refuses all the same, and a writer that it lets do less:
whoever is not to blame is not harmed."""
import concurrent.futures
import contextlib
import json
import signal
import time

import pytest

import annals as annals_lib
from annals import wait_until
from senders import keyed

COUNT = "SELECT count(*) FROM annals.events WHERE tenant_id = 't1'"


def execute(stack, sql):
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture(scope="module")
def poisoned(cluster):
    """A database that refuses the action poison.one (a rule of the operator's), and what is not in
    Latin-1."""
    with contextlib.closing(cluster.connect()) as conn, conn.cursor() as cursor:
        cursor.execute("CREATE DATABASE latin1 TEMPLATE template0 ENCODING 'LATIN1'")
    stack = annals_lib.Annals({"ingest.workers": 1}, cluster=cluster, template="latin1")
    stack.start()
    execute(stack, "ALTER TABLE annals.events ADD CONSTRAINT poison CHECK (action <> 'poison.one') NOT VALID")
    yield stack
    stack.stop()
    cluster.drop_database("latin1")


@pytest.fixture
def stack(poisoned):
    execute(poisoned, "TRUNCATE annals.events, annals.event_entities, annals.outbox")
    return poisoned


def unfit(key):
    return {**keyed(key), "description": "\u4e8b\u4ef6"}


def lines(events):
    """In UTF-8, for an escaped character is ASCII to the database."""
    return [json.dumps(event, ensure_ascii=False) for event in events]


def refused(key):
    return {**keyed(key), "action": "poison.one"}


def assert_whole(stack, events):
    """So many are stored, each with its entity and its place in the feed."""
    assert stack.rows(COUNT) == [(events,)]
    assert stack.rows("SELECT count(*) FROM annals.event_entities WHERE tenant_id = 't1'") == [(events,)]
    assert stack.rows("""SELECT count(*) FROM annals.events AS e
        JOIN (SELECT unnest(event_ids) AS id FROM annals.outbox
              WHERE tenant_id = 't1') AS o USING (id)""") == [(events,)]


@pytest.mark.parametrize("bad", [{500: unfit}, {0: unfit, 333: refused, 999: refused}])
@pytest.mark.parametrize("repeat", [False, True])
def test_among_a_thousand(stack, bad, repeat):
    """Only the guilty items have errors, whose status says whose fault it is. Also where some are there
    already."""
    good = [keyed(f"e-{n}") for n in range(1000)]
    if repeat:
        assert stack.ndjson(good[700:800]).json()["accepted"] == 100
    events = [bad[n](f"bad-{n}") if n in bad else good[n] for n in range(1000)]
    reply = stack.ndjson(lines(events))
    assert reply.status == 200, reply
    body = reply.json()
    wanted = (1000 - len(bad) - 100 * repeat, 100 * repeat, len(bad))
    assert (body["accepted"], body["duplicates"], body["rejected"]) == wanted
    problems = {result["index"]: result["problem"] for result in body["results"] if "problem" in result}
    assert {n: problem["status"] for n, problem in problems.items()} == {n: 422 if make is unfit else 500
                                                                         for n, make in bad.items()}
    for n, make in bad.items():
        assert problems[n]["type"] == ("/problems/invalid-event" if make is unfit else "/problems/internal")
        assert (problems[n].get("errors", [{}])[0].get("code") == "unfit") == (make is unfit)
    assert_whole(stack, 1000 - len(bad))
    assert stack.ndjson(lines(events)).json()["duplicates"] == 1000 - len(bad)
    assert_whole(stack, 1000 - len(bad))


@pytest.mark.parametrize("bad", [{17: refused}, {3: refused, 11: unfit, 16: refused}])
def test_among_combined_requests(stack, bad):
    """Requests that one worker commits together: singles, and batches of two whose other event is good."""
    (worker,) = stack.workers("ingest")
    stack.kill(worker, signal.SIGSTOP)

    def send(n):
        events = [bad[n](f"bad-{n}") if n in bad else keyed(f"first-{n}"), keyed(f"second-{n}")][:1 + n % 2]
        body = json.dumps(events if n % 2 else events[0], ensure_ascii=False)
        return stack.post(body)

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = [pool.submit(send, n) for n in range(24)]
        time.sleep(0.5)
        stack.kill(worker, signal.SIGCONT)
        replies = [answer.result() for answer in answers]
    for n, reply in enumerate(replies):
        status = 422 if bad.get(n) is unfit else 500 if n in bad else 201
        if n % 2 == 0:
            assert reply.status == status, (n, reply)
        else:
            assert reply.status == 200 and reply.json()["accepted"] == 2 - (n in bad), (n, reply)
            results = reply.json()["results"]
            assert [result.get("problem", {}).get("status", 201) for result in results] == [status, 201]
    assert_whole(stack, 36 - len(bad))


def test_atomic(stack):
    """Nothing is stored, and the guilty item is named."""
    events = [keyed(f"e-{n}") for n in range(300)]
    events[123] = refused("bad")
    reply = stack.ndjson(events, "?atomic=true")
    assert reply.status == 422 and reply.json()["type"] == "/problems/batch-rejected", reply
    (result,) = reply.json()["results"]
    assert (result["index"], result["problem"]["status"]) == (123, 500)
    assert_whole(stack, 0)
    del events[123]
    assert stack.ndjson(events, "?atomic=true").json()["accepted"] == 299


@pytest.mark.parametrize("make, status", [(unfit, 422), (refused, 500)])
def test_alone(stack, make, status):
    assert stack.post(json.dumps(make("bad"), ensure_ascii=False)).status == status
    assert_whole(stack, 0)
    assert "SQLSTATE" in stack.log_tail(5)


def test_the_same_twice(stack):
    """A refused event that is twice in a batch is refused twice."""
    bad = refused("twice")
    reply = stack.post([keyed("good"), bad, bad])
    assert reply.status == 200 and reply.json()["rejected"] == 2, reply
    assert_whole(stack, 1)


def test_too_many(stack):
    """Where most are refused, it is not the events: all fail, and nobody is told anything else of any
    of them."""
    reply = stack.ndjson([refused(f"bad-{n}") for n in range(1000)] + [keyed("good")])
    assert reply.status == 500, reply
    assert_whole(stack, 0)


def test_without_bypassrls(make_annals):
    """Requests of many tenants are not gathered where none can share a transaction: each worker commits
    for itself."""
    stack = make_annals({"ingest.workers": 8}, own_cluster=True)
    execute(stack, "ALTER ROLE annals_writer NOBYPASSRLS")
    tokens = [stack.token(f"tenant-{n}", "audit:write") for n in range(8)]
    numbers = iter(range(100000))

    def burst(events):
        def send(token):
            return stack.post([keyed(f"k-{next(numbers)}") for _ in range(events)], token=token)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(send, tokens))
        assert [reply.json()["accepted"] for reply in replies] == [events] * 8

    def all_know():
        burst(300)  # by COPY, whose refusal each worker has to see once
        return stack.log.read_text().count("has no BYPASSRLS") == 8

    wait_until("each worker knows its role", all_know, 20)
    execute(stack, """
        CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
        CREATE TRIGGER slow AFTER INSERT ON annals.events EXECUTE FUNCTION public.slow()""")
    from_s = time.monotonic()
    burst(1)
    assert time.monotonic() - from_s < 1.2
    (count,), = stack.rows("SELECT count(*) FROM annals.events WHERE tenant_id LIKE 'tenant-%%'")
    assert count % 8 == 0 and count > 2400
