# SPDX-License-Identifier: Apache-2.0
"""The mover killed at each of its steps, and run again; moves that are given up, and that find the sides to differ."""
import json
import random
import threading

import pytest

from annals import wait_until
from mover import SHARD, TwoShards, Writer, event

TENANT = "mover"
EVENTS = 1500
OTHER = {SHARD: "default", "default": SHARD}

# Statement, which time, after it: in the order of a move. move_step 1 to 8 begins the steps copy to done, but for hide.
POINTS = [("move_add", 1, True), ("tenant_settle", 1, False), ("move_settle", 1, True), ("move_consumer", 1, True),
          ("move_step", 1, False), ("move_events", 2, False), ("move_step", 2, True), ("feed_horizon", 2, False), ("move_step", 3, True),
          ("move_compare_events", 2, False), ("move_compare_entities", 2, True), ("move_step", 4, True),
          ("move_presence", 1, False), ("move_presence", 1, True), ("move_writers", 1, False), ("move_settle", 2, True),
          ("move_presence", 2, False), ("move_presence", 2, True), ("move_step", 5, False), ("move_step", 5, True),
          ("move_switch", 1, False), ("move_switch", 1, True), ("move_presence", 3, True), ("move_step", 6, False),
          ("move_presence", 4, False), ("move_presence", 4, True), ("move_release", 1, False),
          ("move_consumer_end", 1, True), ("move_step", 8, False), ("move_step", 8, True)]


@pytest.fixture(scope="module")
def two(cluster):
    stack = TwoShards(cluster)
    try:
        stack.start()
        stack.fill(TENANT, EVENTS)
        stack.fill("other", 100)
        yield stack
    finally:
        stack.stop()


@pytest.mark.parametrize("statement, number, after", POINTS)
def test_killed_and_run_again(two, statement, number, after):
    """Whatever is done by then, all events can be read, and the second run ends where the first would have."""
    source = two.lives_on(TENANT)
    target = OTHER[source]
    pages = two.pages(TENANT)
    other = two.pages("other")
    two.killed_move(TENANT, target, statement, number, after)
    assert two.pages(TENANT) == pages
    assert two.pages("other") == other
    if (statement, number, after) == ("move_step", 8, True):
        assert two.lives_on(TENANT) == target  # nothing was left to do
    else:
        assert two.move(TENANT, target)["step"] == "done"
    assert two.lives_on(TENANT) == target
    assert two.presence(TENANT) == (("hidden", "open") if target == SHARD else ("open", "hidden"))
    assert two.pages(TENANT) == pages
    assert two.stored(source, TENANT) == two.stored(target, TENANT)
    assert two.rows_on(source, "SELECT name FROM annals.consumers WHERE name LIKE 'move:%%'") == []
    assert two.rows("SELECT count(*) FROM annals.tenant_moves WHERE finished_at IS NULL") == [(0,)]
    sent = event(f"after-{statement}-{number}-{after}")
    assert two.post(sent, token=two.token(TENANT)).status == 201
    assert two.post(sent, token=two.token(TENANT)).status == 200


def test_killed_beside_writers(two):
    """No request fails, nothing is lost or doubled, and what was acknowledged is found at once, whatever step the mover was
    killed at, as long as it is run again within ingest.commit_timeout."""
    tenant, ending, seed = "unlucky", threading.Event(), random.randrange(1 << 32)
    print(f"seed {seed}")
    two.fill(tenant, 500)
    writers = [Writer(two, tenant, f"w{n}", batch, ending) for n, batch in enumerate((1, 1, 10))]
    for writer in writers:
        writer.start()
    try:
        for point in random.Random(seed).sample(POINTS[4:-2], 10):
            target = OTHER[two.lives_on(tenant)]
            two.killed_move(tenant, target, *point)
            assert two.move(tenant, target)["step"] == "done"
    finally:
        ending.set()
        for writer in writers:
            writer.join(30)
    strange = [one for writer in writers for one in writer.strange]
    assert not strange, f"{len(strange)}, first {strange[0]}"
    keys = {f"f{n}" for n in range(500)} | {key for writer in writers for key in writer.keys}
    stored = two.rows_on(two.lives_on(tenant), """
        SELECT entity_id, count(*) FROM annals.event_entities WHERE tenant_id = %s AND entity_id ~ '^[fw][0-9]'
        GROUP BY 1""", tenant)
    assert {key for key, _ in stored} == keys and all(number == 1 for _, number in stored)


def test_two_at_once(two):
    """One works, the other is told so."""
    two.fill("contended", 3000)
    done = []
    movers = [threading.Thread(target=lambda: done.append(two.move("contended", SHARD, check=False))) for _ in range(3)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join(60)
    assert sorted(one.returncode for one in done) in ([0, 75, 75], [0, 1, 75], [0, 1, 1]), done
    assert all("somebody else" in one.stderr for one in done if one.returncode == 75)
    assert len(two.pages("contended")[1]) == 3000


@pytest.mark.parametrize("statement, number", [("move_events", 1), ("move_compare_events", 1), ("move_writers", 1),
                                               ("move_switch", 1)])
def test_given_up(two, statement, number):
    """Before the switch: writers go on on the source, at once. The next move begins anew."""
    tenant = f"undecided-{statement.replace('_', '-')}"
    token = two.token(tenant)
    two.fill(tenant, 200)
    two.killed_move(tenant, SHARD, statement, number)
    report = two.move(tenant, None, "--abort")
    assert (report["step"], report["finished"]) == ("aborted", True)
    assert two.presence(tenant) == ("open", "hidden") and two.lives_on(tenant) == "default"
    assert two.post(event("after"), token=token).status == 201
    assert len(two.pages(tenant)[1]) == 201
    assert two.rows("SELECT name FROM annals.consumers WHERE name LIKE 'move:%%'") == []
    assert two.move(tenant, SHARD)["step"] == "done"
    assert len(two.pages(tenant)[1]) == 201


def test_not_given_up_behind_the_switch(two):
    two.fill("decided", 50)
    two.killed_move("decided", SHARD, "move_presence", 3)
    done = two.move("decided", None, "--abort", check=False)
    assert done.returncode == 1 and "lives on shard 'two' already" in done.stderr
    assert two.move("decided", SHARD)["step"] == "done"
    assert len(two.pages("decided")[1]) == 50


def test_writers_wait_while_it_is_closed(two):
    """A request that comes then is answered when the tenant is open again, on whatever shard."""
    two.fill("patient", 50)
    token = two.token("patient")
    two.killed_move("patient", SHARD, "move_writers")
    assert two.presence("patient")[0] == "closed"
    answers = []
    writer = threading.Thread(target=lambda: answers.append(two.post(event("waiting"), token=token)))
    writer.start()
    two.move("patient", SHARD)
    writer.join(20)
    assert answers[0].status == 201
    assert len(two.pages("patient")[1]) == 51


@pytest.mark.parametrize("damage", [
    "DELETE FROM annals.events WHERE tenant_id = %s AND id = (SELECT id FROM annals.events WHERE tenant_id = %s LIMIT 1)",
    "UPDATE annals.events SET document = '{}' WHERE tenant_id = %s AND id = (SELECT id FROM annals.events"
    " WHERE tenant_id = %s LIMIT 1)",
    "DELETE FROM annals.event_entities WHERE tenant_id = %s AND entity_id = 'f7' AND tenant_id = %s",
    "INSERT INTO annals.event_entities SELECT \"timestamp\", event_id, tenant_id, 'x', 'y' FROM annals.event_entities"
    " WHERE tenant_id = %s AND entity_id = 'f7' AND tenant_id = %s"])
def test_sides_that_differ(two, damage):
    """It is found out before anybody is led to the target, and writers never wait for it."""
    tenant = f"damaged-{abs(hash(damage)) % 100000}"
    two.fill(tenant, 300)
    two.killed_move(tenant, SHARD, "move_step", 3)
    two.rows_on(SHARD, damage, tenant, tenant)
    done = two.move(tenant, SHARD, check=False)
    assert done.returncode == 1 and "have not the same" in done.stderr, done
    assert two.presence(tenant) == ("open", "hidden")
    assert two.post(event("after"), token=two.token(tenant)).status == 201
    assert len(two.pages(tenant)[1]) == 301
    moves = [json.loads(line) for line in two.ctl("--json", "tenant", "moves").splitlines()]
    assert [one["step"] for one in moves if one["tenant"] == tenant] == ["compare"]
    two.move(tenant, None, "--abort")


def test_what_is_left_keeps_no_partition(two):
    """Hidden rows go with their partition: neither the tenant's class nor its hold stops a drop where it lived."""
    two.rows("SELECT annals.partition_create(t, '2019-01-01', '2019-04-01') "
             "FROM unnest(ARRAY['event_entities', 'events']) AS t")
    two.ctl("retention", "set", "default", "400")
    two.ctl("retention", "set", "long", "forever")
    try:
        sent = {**event("old"), "timestamp": "2019-02-03T04:05:06Z"}
        assert two.post(sent, token=two.token("keeper", "audit:write audit:import")).status == 201
        two.ctl("tenant", "retention", "keeper", "long")
        two.ctl("hold", "add", "keeper", "--reason", "a case")
        names = "SELECT count(*) FROM pg_class WHERE relname = 'events_2019_q1'"
        two.run_job("partition")
        assert two.rows(names) == [(1,)]
        two.move("keeper", SHARD)
        two.run_job("partition")
        wait_until("the source drops it", lambda: two.rows(names) == [(0,)])
        assert two.rows_on(SHARD, names) == [(1,)]
        assert len(two.pages("keeper")[1]) == 1
    finally:
        two.ctl("retention", "set", "default", "forever")
