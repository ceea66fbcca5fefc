# SPDX-License-Identifier: Apache-2.0
"""Servers that are there and say nothing: who has nothing to do with them does not notice, and the
others are told so at once (docs/design/shards.md, docs/design/replicas.md)."""
import concurrent.futures
import contextlib
import signal
import threading
import time

import fastcgi
import pytest

import postgres
from annals import wait_until
from replicas import Farm
from senders import keyed
from shards import Shard


@pytest.fixture
def alone():
    """The PostgreSQL of a shard that may stand still."""
    with postgres.Cluster() as cluster:
        yield cluster


@contextlib.contextmanager
def standing_still(cluster):
    cluster.signal_all(signal.SIGSTOP)
    try:
        yield
    finally:
        cluster.signal_all(signal.SIGCONT)


class Reader:
    """Searches of one tenant, so many a second, however long each takes: (when it was sent, how long,
    reply)."""

    def __init__(self, stack, tenant, rate, threads):
        self.stack, self.token, self.pause = stack, stack.token(tenant), 1 / rate
        self.replies, self.ended = [], threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)
        self.thread = threading.Thread(target=self.run)

    def search(self):
        from_s = time.monotonic()
        reply = self.stack.get("/v1/events?limit=1", token=self.token)
        self.replies.append((from_s, time.monotonic() - from_s, reply))

    def run(self):
        while not self.ended.wait(self.pause):
            self.pool.submit(self.search)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.pool.shutdown()


def test_searches_of_a_hung_shard_hold_up_nobody_else(make_annals, alone):
    """The workers tell each other; one at a time tries again, and all others answer 503 at once."""
    stack = make_annals({"search.workers": 8})
    shard = Shard(stack, "second", alone).add()
    stack.ctl("tenant", "add", "here")
    stack.ctl("tenant", "add", "there", "--shard", "second")
    for tenant in ("here", "there"):
        assert stack.post(keyed(tenant), token=stack.token(tenant)).status == 201
        for _ in range(40):  # each worker has met it
            assert stack.get("/v1/events?limit=1", token=stack.token(tenant)).status == 200
    with standing_still(shard.cluster):
        began = time.monotonic()
        with Reader(stack, "there", 10, 40) as there, Reader(stack, "here", 30, 8) as here:
            time.sleep(8)
    slow = sorted(took for _, took, _ in here.replies)
    held = sorted(took for sent, took, _ in there.replies if sent > began + 2)
    assert {reply.status for _, _, reply in here.replies} == {200} and len(slow) > 150
    assert slow[len(slow) * 99 // 100] < 0.7
    assert {reply.status for _, _, reply in there.replies} == {503}
    assert all("Retry-After" in reply.headers for _, _, reply in there.replies)
    assert held[len(held) * 9 // 10] < 0.3, "all but the one who tries are told at once"
    wait_until("its tenant is served again",
               lambda: stack.get("/v1/events", token=stack.token("there")).status == 200, timeout=10)


def looks(farm, count=8):
    """(status, how long) of so many looks at the readiness of search."""
    replies = []
    for _ in range(count):
        from_s = time.monotonic()
        reply = fastcgi.call(farm.annals.run / "search.sock", fastcgi.request_params("GET", "/readyz"))
        replies.append((reply.status, time.monotonic() - from_s))
    return replies


def test_a_dead_zone_is_looked_at_in_time():
    """A probe waits for a few seconds: one that meets workers which know nothing yet gets its answer in
    time, and as long as one replica answers, they are ready."""
    with Farm(["near", "far"], {"search.workers": 4}) as farm, standing_still(farm.primary):
        with standing_still(farm.standbys["near"]):
            replies = looks(farm)
            assert {status for status, _ in replies} == {200}, replies
            assert max(took for _, took in replies) < 3, replies
            with standing_still(farm.standbys["far"]):
                replies = looks(farm)
                assert max(took for _, took in replies) < 4, replies
                assert replies[-1][0] == 503
        wait_until("it is ready again", lambda: looks(farm, 1)[0][0] == 200)
