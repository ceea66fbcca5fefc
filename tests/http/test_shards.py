# SPDX-License-Identifier: Apache-2.0
"""Tenants on several databases (docs/design/shards.md): each is written and read where it lives, wherever
that is by now, and nobody notices the trouble of another's shard."""
import collections
import contextlib
import os
import random
import signal
import threading
import time

import pytest

import postgres
from annals import wait_until
from senders import Senders, check_all, keyed
from shards import Shard


@pytest.fixture(scope="module")
def second():
    """A PostgreSQL of its own, for all shards that need not fail."""
    with postgres.Cluster() as cluster:
        yield cluster


@pytest.fixture
def sharded(make_annals, second):
    """sharded(...) -> (Annals, Shard "second" with the tenant "there"); "here" is on the default shard."""
    shards = []

    def make(settings=None, cluster=None, **kwargs):
        stack = make_annals({"ingest.workers": 4, **(settings or {})}, **kwargs)
        shard = Shard(stack, "second", cluster or second)
        shards.append(shard)
        shard.add()
        stack.ctl("tenant", "add", "here")
        stack.ctl("tenant", "add", "there", "--shard", "second")
        return stack, shard

    yield make
    for shard in shards:
        if shard.cluster is second:
            shard.drop()


def post(stack, tenant, key, **kwargs):
    return stack.post(keyed(key), token=stack.token(tenant), **kwargs)


def found(stack, tenant, **kwargs):
    reply = stack.get("/v1/events?limit=1000", token=stack.token(tenant), **kwargs)
    return reply.status, [event["entities"][0]["id"] for event in reply.json().get("events", [])]


def metric(stack, name, app=""):
    lines = stack.get("/metrics", token=None).body.decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name + "{")
               and f'app="{app}' in line)


def count(where, tenant):
    (number,), = where.rows("SELECT count(*) FROM annals.events WHERE tenant_id = %s", tenant)
    return number


def test_each_on_its_own(sharded):
    """Single events, batches, counts, one by its id, what was just written, and the next page."""
    stack, shard = sharded()
    for tenant in ("here", "there"):
        reply = post(stack, tenant, f"{tenant}-1")
        assert reply.status == 201
        token = stack.token(tenant)
        assert stack.ndjson([keyed(f"{tenant}-{n}") for n in range(2, 400)],
                            token=token).json()["accepted"] == 398
        assert post(stack, tenant, f"{tenant}-400").status == 201
        written = reply.headers["Annals-Write-Token"]
        status, ids = found(stack, tenant, headers={"Annals-Write-Token": written})
        assert status == 200 and sorted(ids) == sorted(f"{tenant}-{n}" for n in range(1, 401))
        event = stack.get("/v1/events/" + reply.json()["id"], token=token)
        assert event.status == 200 and event.json()["tenant_id"] == tenant
        [bucket] = stack.get("/v1/events/counts", token=token).json()["buckets"]
        assert bucket["count"] == 400
        page = stack.get("/v1/events?limit=3", token=token).json()
        rest = stack.get(f"/v1/events?limit=1000&cursor={page['next_cursor']}", token=token).json()
        assert len(page["events"]) == 3 and len(rest["events"]) == 397
    assert (count(stack, "here"), count(stack, "there")) == (400, 0)
    assert (count(shard, "here"), count(shard, "there")) == (0, 400)


def test_a_repeat_is_found_on_its_shard(sharded):
    stack, _ = sharded()
    event = keyed("twice")
    first, again = (stack.post(event, token=stack.token("there")) for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


def test_a_change_is_seen_within_two_seconds(sharded):
    """A shard that is added, a tenant on it, one that is suspended, and one that has moved."""
    stack, shard = sharded({"tenants.auto_create": "off"})
    assert post(stack, "late", "late-1").status == 403
    status, ids = found(stack, "late")
    assert (status, ids) == (200, [])
    for n in range(20):  # every worker knows the others
        assert post(stack, "here", f"here-{n}").status == 201
    third = Shard(stack, "third", shard.cluster).add()
    try:
        stack.ctl("tenant", "add", "late", "--shard", "third")
        for n in range(10):
            assert post(stack, "late", f"late-{n}").status == 201
        assert count(third, "late") == 10
        time.sleep(2)
        for _ in range(5):
            assert len(found(stack, "late")[1]) == 10
        stack.rows("UPDATE annals.tenants SET suspended_at = now() WHERE tenant_id = 'here' RETURNING 1")
        time.sleep(2)
        assert {post(stack, "here", f"no-{n}").status for n in range(10)} == {403}
    finally:
        third.drop()


class Switch:
    """Moves a tenant by hand between the databases of an Annals and a shard; what is there stays there."""

    def __init__(self, stack, shard, tenant):
        self.tenant = tenant
        self.sides = [("default", stack), ("second", shard)]
        self.stack = stack
        for _, side in self.sides:
            side.rows("INSERT INTO annals.tenants (tenant_id, presence) VALUES (%s, 'hidden')"
                      " ON CONFLICT DO NOTHING RETURNING 1", tenant)

    def presence(self, number, presence):
        self.sides[number][1].rows("UPDATE annals.tenants SET presence = %s "
                                   "WHERE tenant_id = %s RETURNING 1", presence,
                                   self.tenant)

    def to(self, number, pause_s=0.0, hide_s=0.0):
        self.presence(1 - number, "closed")
        time.sleep(pause_s)
        if number == 1:  # the directory must never say that whoever lives elsewhere is open in it
            self.stack.rows("UPDATE annals.tenants SET shard = %s WHERE tenant_id = %s RETURNING 1",
                            "second", self.tenant)
            self.presence(1, "open")
        else:
            self.stack.rows("UPDATE annals.tenants SET shard = %s, presence = 'open' "
                            "WHERE tenant_id = %s RETURNING 1",
                            "default", self.tenant)
        time.sleep(hide_s)
        self.presence(1 - number, "hidden")


def test_nothing_is_lost_or_doubled_while_it_moves(sharded):
    """Eight clients write while the tenant is switched to and fro; another on each shard notices nothing."""
    stack, shard = sharded()
    stack.ctl("tenant", "add", "moving")
    switch = Switch(stack, shard, "moving")
    with Senders(stack, "moving", 8) as senders, Senders(stack, "here", 1) as here, \
        Senders(stack, "there", 1) as there:
        for n in range(20):
            time.sleep(0.15)
            switch.to(1 - n % 2, pause_s=random.uniform(0, 0.1))
        time.sleep(0.3)
    assert set(senders.statuses) == {201}, senders.statuses
    assert metric(stack, "annals_ingest_followed_total") > 0
    assert set(here.statuses) == set(there.statuses) == {201}
    check_all(stack, "here", here.acknowledged)
    check_all(shard, "there", there.acknowledged)
    keys = collections.Counter()
    for side in (stack, shard):
        rows = side.rows("SELECT entity_id FROM annals.event_entities WHERE tenant_id = 'moving'")
        keys.update(key for key, in rows)
        assert len(rows) == count(side, "moving") > 100
    assert set(keys.values()) == {1}
    assert set(senders.acknowledged) <= set(keys)


def test_a_search_goes_where_the_tenant_is(sharded):
    """Nothing that was acknowledged is missing from a search that begins later, although the search's
    worker has asked the directory a moment ago; what the shard that it left still has is not shown."""
    stack, shard = sharded()
    stack.ctl("tenant", "add", "moving")
    switch = Switch(stack, shard, "moving")
    assert post(stack, "moving", "old").status == 201
    side = 0
    for n in range(6):
        for _ in range(8):
            found(stack, "moving")  # all workers have it fresh
        side = 1 - side
        switch.presence(1 - side, "closed")
        status, ids = found(stack, "moving")
        assert status == 200 and ids, "a tenant that is closed is read"
        switch.to(side)
        assert post(stack, "moving", f"new-{n}").status == 201
        for _ in range(8):
            status, ids = found(stack, "moving")
            assert status == 200 and f"new-{n}" in ids
            assert ("old" in ids) == (side == 0)


def test_a_closed_tenant_is_unavailable_after_a_while(sharded):
    """It gives up with 503 after ingest.commit_timeout; nothing was stored."""
    stack, shard = sharded({"ingest.commit_timeout": "1s"})
    assert post(stack, "there", "first").status == 201
    shard.rows("UPDATE annals.tenants SET presence = 'closed' RETURNING 1")
    from_s = time.monotonic()
    reply = post(stack, "there", "second")
    assert reply.status == 503 and reply.headers["Retry-After"]
    assert 0.9 < time.monotonic() - from_s < 2.5
    assert count(shard, "there") == 1
    assert post(stack, "here", "second").status == 201


def test_directory_down(sharded):
    """Who is known goes on, on another shard; the others are told to come again. Known to a worker: so
    there is one."""
    stack, shard = sharded(own_cluster=True, settings={"ingest.workers": 1, "search.workers": 1})
    for n in range(30):
        assert post(stack, "there", f"there-{n}").status == 201
        assert found(stack, "there")[0] == 200
    stack.cluster.stop(signal.SIGQUIT)
    for n in range(20):
        assert post(stack, "there", f"down-{n}", timeout=3).status == 201
        status, ids = found(stack, "there", timeout=3)
        assert status == 200 and f"down-{n}" in ids
    assert post(stack, "here", "down").status == 503
    assert post(stack, "stranger", "down").status == 503
    assert metric(stack, "annals_directory_errors_total") > 0
    stack.cluster.start()
    wait_until("the directory is back", lambda: post(stack, "stranger", "up").status == 201, timeout=15)
    assert count(shard, "there") == 50


def test_directory_down_for_longer_than_workers_live(sharded):
    """What a worker knew its successors know, whether it has served its share, was killed, or left at a
    reload: where the tenant lives, and the key of cursors and write tokens. Who was never met stays
    unknown, and a change in the directory is seen as soon as ever."""
    stack, shard = sharded(own_cluster=True, settings={f"{app}.{key}": value for app in ("ingest", "search")
                                                       for key,
                                                       value in (("workers", 2), ("max_requests", 40))})
    for n in range(8):
        assert post(stack, "there", f"there-{n}").status == 201
        assert found(stack, "there")[0] == 200
    cursor = stack.get("/v1/events?limit=2", token=stack.token("there")).json()["next_cursor"]
    stack.cluster.stop(signal.SIGQUIT)
    before = {app: metric(stack, "annals_workers_started_total", app) for app in ("ingest", "search")}

    def serve(first, count):
        for n in range(first, first + count):
            reply = post(stack, "there", f"down-{n}", timeout=5)
            assert reply.status == 201, n
            written = {"Annals-Write-Token": reply.headers["Annals-Write-Token"]}
            status, ids = found(stack, "there", timeout=5, headers=written)
            assert status == 200 and f"down-{n}" in ids
            page = stack.get(f"/v1/events?limit=2&cursor={cursor}", token=stack.token("there"), timeout=5)
            assert page.status == 200 and len(page.json()["events"]) == 2

    serve(0, 120)
    for app in ("ingest", "search"):
        for worker in stack.workers(app):
            stack.kill(worker)
    serve(120, 20)
    for app in ("ingest", "search"):
        workers = stack.workers(app)
        stack.reload(app)
        wait_until(f"{app} has new workers", lambda: not set(workers) & set(stack.workers(app)))
    serve(140, 100)
    for app in ("ingest", "search"):
        assert metric(stack, "annals_workers_started_total", app) - before[app] > 6
    assert {post(stack, "stranger", f"down-{n}").status for n in range(4)} == {503}
    assert {post(stack, "here", f"down-{n}").status for n in range(4)} == {503}
    stack.cluster.start()
    wait_until("the directory is back", lambda: post(stack, "stranger", "up").status == 201, timeout=15)
    stack.rows("UPDATE annals.tenants SET suspended_at = now() WHERE tenant_id = 'there' RETURNING 1")
    time.sleep(2)
    assert {post(stack, "there", f"no-{n}").status for n in range(10)} == {403}
    assert count(shard, "there") == 248


@pytest.fixture
def alone():
    with postgres.Cluster() as cluster:
        yield cluster


class Latencies:
    """Writes and searches of one tenant, one after the other, and how long each took."""

    def __init__(self, stack, tenant):
        self.stack, self.tenant, self.slow, self.statuses, self.ended = stack, tenant, [], [], False
        self.threads = [threading.Thread(target=self.run, args=(what,)) for what in (self.write, self.search)]

    def write(self, n):
        return post(self.stack, self.tenant, f"{self.tenant}-{time.monotonic()}-{n}").status

    def search(self, _):
        return self.stack.get("/v1/events?limit=1", token=self.stack.token(self.tenant)).status

    def run(self, what):
        n = 0
        while not self.ended:
            from_s = time.monotonic()
            self.statuses.append(what(n))
            self.slow.append(time.monotonic() - from_s)
            n += 1
            time.sleep(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        for thread in self.threads:
            thread.join(30)


@pytest.mark.parametrize("how", ["gone", "hung"])
def test_a_shard_down_disturbs_only_its_tenants(sharded, alone, how):
    stack, shard = sharded({"ingest.workers": 4, "search.workers": 4}, cluster=alone)
    for tenant in ("here", "there"):
        assert {post(stack, tenant, f"{tenant}-{n}").status for n in range(8)} == {201}
    if how == "gone":
        alone.stop(signal.SIGQUIT)
    else:
        alone.signal_all(signal.SIGSTOP)
    with Latencies(stack, "here") as here, Senders(stack, "there", 2) as there:
        time.sleep(6)
    if how == "gone":
        alone.start()
    else:
        alone.signal_all(signal.SIGCONT)
    assert set(here.statuses) <= {200, 201}
    slow = sorted(here.slow)
    assert len(slow) > 100
    assert slow[len(slow) * 95 // 100] < 0.5, slow[-20:]
    assert set(there.statuses) == {503}, there.statuses
    wait_until("its tenants are served again", lambda: post(stack, "there", "again").status == 201,
               timeout=20)


def test_workers_killed_with_two_shards(sharded):
    """Leaders of either shard's lanes die; what goes to one database never comes to the other."""
    stack, shard = sharded({"ingest.workers": 8})
    chance = random.Random(os.urandom(4))
    with Senders(stack, "here", 8) as here, Senders(stack, "there", 8) as there:
        for _ in range(20):
            time.sleep(chance.uniform(0.02, 0.2))
            workers = stack.workers("ingest")
            if workers:
                stack.kill(chance.choice(workers))
    assert min(len(here.acknowledged), len(there.acknowledged)) > 100
    check_all(stack, "here", here.acknowledged)
    check_all(shard, "there", there.acknowledged)
    assert (count(stack, "there"), count(shard, "here")) == (0, 0)


def test_requests_share_commits_on_each_shard(sharded):
    stack, shard = sharded({"ingest.workers": 8})
    with Senders(stack, "here", 8) as here, Senders(stack, "there", 8) as there:
        time.sleep(2)
    for side, tenant, senders in ((stack, "here", here), (shard, "there", there)):
        check_all(side, tenant, senders.acknowledged)
        (rows,), = side.rows("SELECT count(*) FROM annals.outbox WHERE tenant_id = %s", tenant)
        assert rows < 0.95 * len(senders.acknowledged)


def test_the_tenant_of_another_shard_changes_nothing(sharded):
    """Whatever is done to B and to its shard, A's answers stay byte for byte the same."""
    stack, shard = sharded()
    post(stack, "here", "one")

    def seen():
        reply = stack.get("/v1/events", token=stack.token("here")).json()
        return reply["events"], reply["next_cursor"], reply["coverage"]["complete"]

    before = seen()
    for sql in ("UPDATE annals.tenants SET presence = 'closed'",
                "UPDATE annals.tenants SET presence = 'hidden'",
                "INSERT INTO annals.tenants (tenant_id, presence) VALUES ('here', 'hidden')"):
        shard.rows(sql + " RETURNING 1")
        assert seen() == before
    with contextlib.suppress(AssertionError):
        stack.ctl("shard", "drain", "second")
    assert seen() == before
    assert post(stack, "here", "two").status == 201
