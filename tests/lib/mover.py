# SPDX-License-Identifier: Apache-2.0
"""Two shards and what moves between them."""
import collections
import contextlib
import itertools
import json
import os
import signal
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import postgres
from annals import BUILD, Annals
from shards import Shard

SHARD = "two"
OTHER = {SHARD: "default", "default": SHARD}


def event(key, ago=timedelta(0), **members):
    """A keyed event. Its entity is its key."""
    now = (datetime.now(timezone.utc) - ago).isoformat().replace("+00:00", "Z")
    return {"action": "move.one", "actor": {"type": "user", "id": "u"}, "timestamp": now,
            "idempotency_key": key,
            "entities": [{"type": "doc", "id": key}, {"type": "doc", "id": "ü\u200b☃"}],
            "context": {"ip": "192.0.2.7"}, "metadata": {"number": 1.50, "text": "é\\"}, **members}


class TwoShards(Annals):
    """Annals with a second database, on a server of its own, as the shard `two`."""

    def __init__(self, cluster, settings=None, durable=False, workers=4):
        super().__init__({"ingest.workers": workers, "search.workers": workers, **(settings or {})},
                         cluster=cluster)
        self.second = postgres.Cluster(durable=durable)
        self.shard = None
        self.movers = ThreadPoolExecutor()

    def start(self):
        super().start()
        self.second.start()
        self.shard = Shard(self, SHARD, self.second).add()
        return self

    def stop(self):
        try:
            super().stop()
        finally:
            self.second.close()
            self.movers.shutdown()

    # --- moving -----------------------------------------------------------------------------------
    def move(self, tenant, target, *arguments, check=True, **environment):
        """The finished process, or, where it must succeed, its report."""
        done = subprocess.run([str(BUILD / "annalsctl"), "--config", str(self.conf), "--json", "tenant",
                               "move", tenant,
                               *(["--to", target] if target else []), *arguments], cwd="/", text=True,
                              timeout=120,
                              env={**self._environment(), **environment}, capture_output=True, check=False)
        if not check:
            return done
        assert done.returncode == 0, f"move of {tenant} to {target}: {done.returncode}\n{done.stderr}"
        return json.loads(done.stdout)

    def start_move(self, tenant, target):
        """Beside what the caller does meanwhile: a future, of the finished process."""
        return self.movers.submit(self.move, tenant, target, check=False)

    @contextlib.contextmanager
    def feed_held_up(self, tenant="minnow"):
        """By a transaction of that tenant that has begun to write; it ends with nothing written."""
        with contextlib.closing(self.cluster.connect("annals_writer", self.database,
                                                     autocommit=False)) as conn:
            conn.cursor().execute("INSERT INTO annals.outbox (tenant_id, event_ids) VALUES (%s, %s::uuid[])",
                                  (tenant, [str(uuid.uuid4())]))
            yield

    def killed_move(self, tenant, target, statement, number=1, after=False):
        """Killed where it sends that statement for that time, or just after."""
        environment = {"LD_PRELOAD": str(BUILD / "tests/lib/killmove.so"), "KILLMOVE_STATEMENT": statement,
                       "KILLMOVE_NUMBER": str(number),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        if after:
            environment["KILLMOVE_AFTER"] = "1"
        done = self.move(tenant, target, check=False, **environment)
        assert done.returncode == -signal.SIGKILL, \
            f"{statement} {number}: {done.returncode}\n{done.stdout}{done.stderr}"

    def lives_on(self, tenant):
        return self.rows("SELECT shard FROM annals.tenants WHERE tenant_id = %s", tenant)[0][0]

    def rows_on(self, shard, sql, *parameters):
        return (self.shard if shard == SHARD else self).rows(sql, *parameters)

    def presence(self, tenant):
        """On default, and on two."""
        sql = "SELECT presence FROM annals.tenants WHERE tenant_id = %s"
        return tuple((self.rows_on(shard, sql, tenant) or [(None,)])[0][0] for shard in ("default", SHARD))

    # --- events -----------------------------------------------------------------------------------
    def fill(self, tenant, count, days=25):
        """Events over so many days; returns their keys."""
        keys = [f"f{n}" for n in range(count)]
        for at in range(0, count, 1000):
            batch = [event(key, timedelta(seconds=n * days * 86400 / count)) for n, key in
                     enumerate(keys[at:at + 1000], at)]
            reply = self.post(batch, "", {"Prefer": "return=minimal"}, token=self.token(tenant))
            assert reply.status == 200 and reply.json()["rejected"] == 0, reply
        return keys

    def pages(self, tenant, limit=1000, query=""):
        """All events, page by page: bytes of the pages without their coverage, and the ids."""
        token, cursor, pages, ids = self.token(tenant, "audit:read"), "", [], []
        while cursor is not None:
            reply = self.get(f"/v1/events?limit={limit}{query}" + (f"&cursor={cursor}" if cursor else ""),
                             token=token)
            assert reply.status == 200, reply
            body = reply.json()
            pages.append(reply.body[:reply.body.rindex(b'"next_cursor"')])
            ids += [one["id"] for one in body["events"]]
            cursor = body["next_cursor"]
        return pages, ids

    def make_quarter(self, shard, year):
        """The partitions of the first quarter of a year."""
        self.rows_on(shard, "SELECT annals.partition_create(t, %s, %s) "
                            "FROM unnest(ARRAY['event_entities', 'events']) AS t",
                     f"{year}-01-01", f"{year}-04-01")

    def stored(self, shard, tenant):
        """Every row of the tenant there, as text."""
        return self.rows_on(shard, """
            SELECT 1, e::text FROM annals.events AS e WHERE tenant_id = %s
            UNION ALL SELECT 2, n::text FROM annals.event_entities AS n WHERE tenant_id = %s
            ORDER BY 1, 2""", tenant, tenant)


class Writer(threading.Thread):
    """Posts keyed events, one or a batch at a time, and looks each up by its id as soon as it is
    acknowledged."""

    def __init__(self, stack, tenant, name, batch, ending):
        super().__init__(daemon=True)
        self.stack, self.token, self.name = stack, stack.token(tenant), name
        self.batch, self.ending = batch, ending
        self.keys, self.ids, self.strange, self.slowest = [], [], [], 0.0

    def run(self):
        with contextlib.closing(self.stack.connection()) as connection:
            for number in itertools.count():
                if self.ending.is_set():
                    return
                self.post(connection, [f"{self.name}-{number}-{n}" for n in range(self.batch)])
                time.sleep(0.03)

    def post(self, connection, keys):
        events = [event(key) for key in keys]
        from_s = time.monotonic()
        reply = self.stack.post(events if self.batch > 1 else events[0], token=self.token,
                                connection=connection)
        self.slowest = max(self.slowest, time.monotonic() - from_s)
        if reply.status not in (200, 201) or reply.status == 200 and reply.json()["accepted"] != self.batch:
            self.strange.append(("post", reply))
            return
        ids = [one["id"] for one in reply.json()["results"]] if self.batch > 1 else [reply.json()["id"]]
        self.keys += keys
        for one in ids[-3:]:
            found = self.stack.get(f"/v1/events/{one}", token=self.token, connection=connection)
            if found.status != 200:
                self.strange.append(("get", one, found))
        self.ids += ids


def check_written(stack, tenant, keys, writers):
    """Nothing was strange to the writers; these keys and theirs are there once, where the tenant lives.
    Returns how many."""
    strange = [one for writer in writers for one in writer.strange]
    assert not strange, f"{len(strange)}, first {strange[0]}"
    keys = [*keys, *(key for writer in writers for key in writer.keys)]
    stored = stack.rows_on(stack.lives_on(tenant), """
        SELECT entity_id FROM annals.event_entities
        WHERE tenant_id = %s AND entity_id ~ '^[fw][0-9]'""", tenant)
    assert collections.Counter(key for (key,) in stored) == collections.Counter(keys)
    return len(keys)
