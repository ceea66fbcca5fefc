# SPDX-License-Identifier: Apache-2.0
"""A tenant moves between shards while it is written and read: nothing is lost, doubled, refused or not to
be found, and nobody else sees any of it."""
import contextlib
import json
import threading
import time

import pytest

from annals import wait_until
from mover import OTHER, SHARD, TwoShards, Writer, check_written, event


@pytest.fixture(scope="module")
def two(cluster):
    stack = TwoShards(cluster)
    try:
        yield stack.start()
    finally:
        stack.stop()


class PageReader(threading.Thread):
    """Reads all pages again and again: what was acknowledged before is among them, each event once."""

    def __init__(self, stack, tenant, writers, ending):
        super().__init__(daemon=True)
        self.stack, self.tenant, self.writers, self.ending = stack, tenant, writers, ending
        self.rounds, self.strange = 0, []

    def run(self):
        while not self.ending.is_set():
            before = {one for writer in self.writers for one in list(writer.ids)}
            try:
                _, ids = self.stack.pages(self.tenant, 200)
            except AssertionError as why:
                self.strange.append(why)
                continue
            if before - set(ids) or len(ids) != len(set(ids)):
                self.strange.append((len(before - set(ids)), len(ids), len(set(ids))))
            self.rounds += 1


class Bystander(threading.Thread):
    """What another tenant sees stays the same, byte for byte."""

    def __init__(self, stack, tenant, ending):
        super().__init__(daemon=True)
        self.stack, self.tenant, self.ending = stack, tenant, ending
        self.first, self.rounds, self.differences = stack.pages(tenant, 100), 0, 0

    def run(self):
        while not self.ending.is_set():
            self.differences += self.stack.pages(self.tenant, 100) != self.first
            self.rounds += 1


def test_beside_writers_and_readers(two):
    tenant, ending = "whale", threading.Event()
    keys = two.fill(tenant, 3000)
    two.fill("minnow", 250)
    writers = [Writer(two, tenant, f"w{n}", batch, ending) for n, batch in enumerate((1, 1, 10, 20))]
    threads = [*writers, PageReader(two, tenant, writers, ending), Bystander(two, "minnow", ending)]
    for thread in threads:
        thread.start()
    try:
        wait_until("all write", lambda: all(len(writer.ids) > writer.batch for writer in writers))
        reports = []
        for target in (SHARD, "default", SHARD):
            reports.append(two.move(tenant, target))
            assert two.lives_on(tenant) == target
            enough = sum(len(writer.ids) for writer in writers) + 200
            wait_until("writing goes on", lambda enough=enough: sum(len(w.ids) for w in writers) > enough)
    finally:
        ending.set()
        for thread in threads:
            thread.join(30)
    assert threads[-2].strange == [] and threads[-2].rounds > 2
    assert threads[-1].differences == 0 and threads[-1].rounds > 2
    written = check_written(two, tenant, keys, writers)
    assert two.rows_on(SHARD, "SELECT count(*) FROM annals.events WHERE tenant_id = %s",
                       tenant) == [(written,)]
    for report in reports:
        assert report["step"] == "done" and report["compared"] >= 3000
        assert report["pause_ms"] < 1000, report
    print("pauses:", [report["pause_ms"] for report in reports], "slowest write:",
          max(w.slowest for w in writers))
    assert max(writer.slowest for writer in writers) < 2.5


def test_pages_and_cursors_stay(two):
    """A cursor that was given before the move goes on behind it; every page has the same bytes."""
    two.fill("reader", 500)
    token = two.token("reader")
    before = two.pages("reader", 70)
    first = two.get("/v1/events?limit=70", token=token).json()
    for target in (SHARD, "default"):
        two.move("reader", target)
        assert two.pages("reader", 70) == before
        rest = two.get(f"/v1/events?limit=1000&cursor={first['next_cursor']}", token=token).json()
        assert [one["id"] for one in rest["events"]] == before[1][70:]
    # What was left behind is not shown by anybody who asks there.
    with contextlib.closing(two.shard.connect("annals_reader")) as conn, conn.cursor() as cursor:
        assert two.rows_on(SHARD, "SELECT count(*) FROM annals.events WHERE tenant_id = 'reader'") == [(500,)]
        cursor.execute("SELECT count(*) FROM annals.events")
        assert cursor.fetchall() == [(0,)]


def test_rows_are_the_same(two):
    """All columns of all rows, also of what came twice, and of what was there from an earlier move."""
    two.fill("exact", 1200)
    two.move("exact", SHARD)
    assert two.stored("default", "exact") == two.stored(SHARD, "exact")
    assert two.presence("exact") == ("hidden", "open")
    assert two.post([event(f"f{n}") for n in range(3)], token=two.token("exact")).json()["accepted"] == 3
    report = two.move("exact", "default")
    assert report["copied"] >= 1203
    assert two.stored("default", "exact") == two.stored(SHARD, "exact")
    assert two.presence("exact") == ("open", "hidden")


def test_a_repeat_after_the_move_is_one(two):
    sent = event("once")
    token = two.token("repeat")
    assert two.post(sent, token=token).status == 201
    two.move("repeat", SHARD)
    assert two.post(sent, token=token).status == 200
    assert two.post({**sent, "action": "another.one"}, token=token).status == 409


def test_nothing_to_move_or_not_there(two):
    """What is refused, and changes nothing."""
    two.fill("still", 10)
    cases = [(("nobody", SHARD), 1, "is not known"), (("still", "three"), 1, "no shard 'three'"),
             (("still", "default"), 1, "lives on shard 'default' already"),
             (("annals", SHARD), 1, "Annals itself"),
             (("a b", SHARD), 1, "no tenant id"), (("still", None), 2, "either --to SHARD"),
             (("still", None, "--abort"), 1, "is not being moved")]
    for arguments, status, text in cases:
        done = two.move(*arguments, check=False)
        assert done.returncode == status and text in done.stderr, (arguments, done.stderr)
    before = two.ctl("tenant", "moves", "--all")
    dry = two.move("still", SHARD, "--dry-run")
    assert dry == {"tenant": "still", "source": "default", "target": SHARD, "events": 10}
    assert two.presence("still") == ("open", None) and two.ctl("tenant", "moves", "--all") == before
    two.ctl("tenant", "add", "silent")
    assert two.move("silent", SHARD)["events"] == 0
    assert two.post(event("a"), token=two.token("silent")).status == 201
    assert two.rows_on(SHARD, "SELECT count(*) FROM annals.events WHERE tenant_id = 'silent'") == [(1,)]


def test_told(two):
    """In the list of moves, and in the log of our own."""
    two.fill("told", 20)
    two.move("told", SHARD)
    listed = [json.loads(line) for line in two.ctl("--json", "tenant", "moves", "--all").splitlines()]
    mine = [one for one in listed if one["tenant"] == "told"]
    assert [(one["source"], one["target"], one["step"], one["copied"])
            for one in mine] == [("default", SHARD, "done", 20)]
    assert "told" not in two.ctl("tenant", "moves")
    found = two.get("/v1/events?entity=tenant:told&action=annals.move.*&order=asc",
                    token=two.token("*", "audit:admin"),
                    headers={"Annals-Tenant": "annals"})
    assert [one["action"] for one in found.json()["events"]] == ["annals.move.begin", "annals.move.end"]
    assert "20 events copied" in found.json()["events"][1]["description"]


def test_class_and_holds_move(two):
    """They count where the tenant lives, and stop nothing where it lived."""
    two.fill("held", 60)
    two.ctl("retention", "set", "short", "20")
    two.ctl("tenant", "retention", "held", "short")
    held = json.loads(two.ctl("--json", "hold", "add", "held", "--reason", "a case", "--from",
                              "2020-01-01T00:00:00Z"))
    other = json.loads(two.ctl("--json", "hold", "add", "held", "--reason", "over"))
    two.ctl("hold", "release", str(other["id"]))
    pages = two.pages("held")
    assert len(pages[1]) == 60
    active = ("SELECT reason FROM annals.legal_holds WHERE tenant_id = 'held' AND released_at IS NULL")
    kept = "SELECT retention_class, kept_days, held_from IS NOT NULL FROM annals.tenants " \
           "WHERE tenant_id = 'held'"
    for target in (SHARD, "default", SHARD):
        two.move("held", target)
        assert two.pages("held") == pages
        assert two.rows_on(target, active) == [("a case",)]
        assert two.rows_on(target, kept) == [("short", 20, True)]
        assert two.rows_on(OTHER[target], active) == []
        assert two.rows_on(OTHER[target], kept) == [("default", None, False)]
        assert two.rows_on(target,
                           "SELECT count(*) FROM annals.legal_holds WHERE tenant_id = 'held'") == [(2,)]
    assert held["id"] > 0


def test_partitions_that_the_target_lacks(two):
    """Old ones are made there."""
    two.make_quarter("default", 2021)
    sent = [{**event(f"old{n}"), "timestamp": f"2021-02-03T04:05:{n:02}Z"} for n in range(5)]
    reply = two.post(sent, token=two.token("old", "audit:write audit:read audit:import"))
    assert reply.json()["accepted"] == 5, reply
    two.move("old", SHARD)
    assert len(two.pages("old")[1]) == 5
    assert two.stored("default", "old") == two.stored(SHARD, "old")


def test_target_dies_in_the_middle(cluster):
    """The source goes on; once the target is back, the move does too."""
    two = TwoShards(cluster, durable=True)
    try:
        two.start()
        two.fill("big", 8000)
        token = two.token("big")
        move = two.start_move("big", SHARD)
        wait_until("some is copied",
                   lambda: two.rows_on(SHARD, "SELECT count(*) FROM annals.events")[0][0] > 0)
        two.second.kill()
        assert move.result(60).returncode == 75, move.result()
        assert two.post(event("meanwhile"), token=token).status == 201
        assert len(two.pages("big")[1]) == 8001
        two.second.start()
        assert two.move("big", SHARD)["step"] == "done"
        assert len(two.pages("big")[1]) == 8001
        assert two.stored("default", "big") == two.stored(SHARD, "big")
    finally:
        two.stop()


def test_a_writer_of_another_tenant_that_takes_long(two):
    """The feed waits for it, and so does the move; the tenant's own writers do not."""
    two.fill("slow", 20)
    with two.feed_held_up():
        move = two.start_move("slow", SHARD)
        time.sleep(0.5)
        assert two.post(event("during"), token=two.token("slow")).status == 201
        assert two.lives_on("slow") == "default"
    assert move.result(30).returncode == 0, move.result()
    assert len(two.pages("slow")[1]) == 21


def test_a_writer_that_does_not_end(two):
    """One without an id yet holds up nothing but the end of the move. The tenant is opened again before its
    requests give up, and the move can be repeated."""
    two.fill("stuck", 20)
    token = two.token("stuck")
    with contextlib.closing(two.cluster.connect("annals_writer", two.database, autocommit=False)) as conn:
        conn.cursor().execute("LOCK TABLE ONLY annals.outbox IN ROW EXCLUSIVE MODE")
        move = two.start_move("stuck", SHARD)
        wait_until("it is closed", lambda: two.presence("stuck")[0] == "closed")
        assert two.post(event("during"), token=token).status == 201
        assert move.result(30).returncode == 75 \
            and "did not end in time" in move.result().stderr, move.result()
        assert two.presence("stuck") == ("open", "hidden")
    assert two.move("stuck", SHARD)["step"] == "done"
    assert len(two.pages("stuck")[1]) == 21


def test_without_bypassrls(two):
    """Where the writer of the target cannot have it, rows are inserted."""
    two.fill("managed", 1500)
    two.shard.rows("ALTER ROLE annals_writer NOBYPASSRLS")
    try:
        two.move("managed", SHARD)
    finally:
        two.shard.rows("ALTER ROLE annals_writer BYPASSRLS")
    assert two.stored("default", "managed") == two.stored(SHARD, "managed")
