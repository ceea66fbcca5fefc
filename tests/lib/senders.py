# SPDX-License-Identifier: Apache-2.0
"""Clients of the combiner's tests: many that send without end, or one request each at the same moment; and
the comparison of what was answered with what is stored."""
import collections
import contextlib
import http.client
import json
import select
import threading
import time
from datetime import datetime, timezone

Answer = collections.namedtuple("Answer", "status seconds body")


def named(name):
    """An event whose entity tells it from others, sent again or not."""
    return {"action": "combine.one", "actor": {"type": "user", "id": "u"},
            "entities": [{"type": "doc", "id": name}]}


def keyed(key):
    now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    return {**named(key), "timestamp": now, "idempotency_key": key}


class Senders:
    """Clients that each send events one request after the other, and send each again until it is
    acknowledged. batch: events in a request. keys: with idempotency keys, so that it is stored once however
    often it is sent; without them each try is an event of its own."""

    def __init__(self, stack, tenant, clients, batch=1, keys=True):
        self.stack, self.token, self.batch, self.keys = stack, stack.token(tenant, "audit:write"), batch, keys
        self.acknowledged, self.statuses = [], collections.Counter()
        self.slowest = 0.0  # seconds that one request took, whatever its answer
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)

    def _run(self, number):
        count = 0
        while not self.ending.is_set():
            names = [f"{number}-{count + i}" for i in range(self.batch)]
            count += self.batch
            events = [keyed(name) for name in names]
            for attempt in range(200):
                if not self.keys:
                    names = [f"{name.split('.')[0]}.{attempt}" for name in names]
                    events = [named(name) for name in names]
                if self._send(events):
                    self.acknowledged += names
                    break
                time.sleep(0.02)

    def _send(self, events):
        from_s, status = time.monotonic(), 0
        with contextlib.suppress(OSError, ValueError):
            reply = self.stack.post(events if self.batch > 1 else events[0], token=self.token, timeout=15)
            status = reply.status
            if status == 200 and self.batch > 1:
                assert reply.json()["rejected"] == 0
        self.slowest = max(self.slowest, time.monotonic() - from_s)
        self.statuses[status] += 1
        return status in (200, 201)


class Burst:
    """One request a connection, all sent before the first answer is read. bodies: objects or lists of them.
    gap_s: between two requests; a worker takes all that are there when it looks."""

    def __init__(self, stack, tenant, bodies, gap_s=0.0):
        headers = {"Authorization": "Bearer " + stack.token(tenant, "audit:write"),
                   "Content-Type": "application/json"}
        self.connections = [stack.connection(timeout=30) for _ in bodies]
        self.answers = {}  # number of the request: Answer
        for connection in self.connections:
            connection.connect()
        self.start_s = time.monotonic()
        for connection, body in zip(self.connections, bodies):
            connection.request("POST", "/v1/events", json.dumps(body), headers)
            if gap_s > 0:
                time.sleep(gap_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()

    def collect(self, seconds, but=0):
        """Reads what comes within that time, until all but so many have answered. Who got no answer has
        status 0 from the moment at which the connection closed."""
        until_s = time.monotonic() + seconds
        while len(self.answers) < len(self.connections) - but and time.monotonic() < until_s:
            waiting = {c.sock: n for n, c in enumerate(self.connections) if n not in self.answers}
            readable, _, _ = select.select(list(waiting), [], [], max(0.0, until_s - time.monotonic()))
            for sock in readable:
                self.answers[waiting[sock]] = self._read(self.connections[waiting[sock]])
        return self.answers

    def _read(self, connection):
        status, body = 0, b""
        with contextlib.suppress(OSError, http.client.HTTPException):
            got = connection.getresponse()
            status, body = got.status, got.read()
        return Answer(status, time.monotonic() - self.start_s, body)


def check_all(stack, tenant, acknowledged):
    """Every acknowledged event is there once, with its entity and its place in the feed."""
    rows = stack.rows("SELECT entity_id, count(*) FROM annals.event_entities "
                      "WHERE tenant_id = %s GROUP BY 1", tenant)
    assert all(count == 1 for _, count in rows)
    missing = set(acknowledged) - {key for key, _ in rows}
    assert not missing, f"acknowledged and lost: {sorted(missing)[:5]}"
    (events,), = stack.rows("SELECT count(*) FROM annals.events WHERE tenant_id = %s", tenant)
    (fed, ids), = stack.rows("SELECT count(*), count(DISTINCT i) FROM annals.outbox, unnest(event_ids) AS i "
                             "WHERE tenant_id = %s", tenant)
    assert events == len(rows) == fed == ids


def commits(stack):
    """Write transactions that were committed so far."""
    text = stack.get("/metrics", token=None).body.decode()
    return sum(float(line.split()[1]) for line in text.splitlines()
               if line.startswith("annals_ingest_commits_total{"))
