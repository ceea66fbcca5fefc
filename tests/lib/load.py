# SPDX-License-Identifier: Apache-2.0
"""Clients that post keyed events while something goes wrong, and the comparison of what was acknowledged
with what is stored. A client counts as acknowledged only what it read in a complete reply."""
import collections
import http.client
import json
import random
import threading
import time

Answer = collections.namedtuple("Answer", "at seconds status retry_after")


class Client(threading.Thread):
    """Posts batches until it is told to stop. A batch that fails is sent again, unchanged, until it is
    answered."""

    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load = load
        self.number = number
        self.acknowledged = set()                # marks of events that a reply called stored or a duplicate
        self.new = collections.Counter()         # how often a reply called one new
        self.ids = collections.defaultdict(set)  # every id that a reply gave it
        self.answers = []
        self.broken = []   # requests whose outcome is unknown: no reply, or the web server's own error page
        self.strange = []  # replies that no client should get
        self.connection = None

    def run(self):
        count = 0
        while not self.load.stopping.is_set():
            marks = [f"{self.number}-{count + i}" for i in range(self.load.batch)]
            count += self.load.batch
            body = "".join(json.dumps(self.load.event(mark)) + "\n" for mark in marks).encode()
            while not self.post(marks, body) and not self.load.giving_up.is_set():
                time.sleep(0.05)

    def post(self, marks, body):
        """True once every item of the batch has been answered for."""
        from_s = time.monotonic()
        try:
            if self.connection is None:
                self.connection = self.load.annals.connection(timeout=30)
            self.connection.request("POST", "/v1/events", body, self.load.headers)
            got = self.connection.getresponse()
            reply = got.read()
        except (OSError, http.client.HTTPException) as why:
            self.broken.append((time.monotonic(), repr(why)))
            self.drop_connection()
            return False
        self.answers.append(Answer(from_s, time.monotonic() - from_s, got.status, got.headers["Retry-After"]))
        if got.status >= 500 and got.headers["Content-Type"] != "application/problem+json":
            self.broken.append((time.monotonic(), f"the web server's own {got.status}"))
            return False
        if got.status != 200:
            if got.status != 503:
                self.strange.append((got.status, reply[:500]))
            return False
        return self.take(marks, json.loads(reply))

    def take(self, marks, reply):
        done = True
        for result in reply["results"]:
            mark = marks[result["index"]]
            if "problem" in result:
                done = False
                if result["problem"]["status"] != 503:
                    self.strange.append((200, result))
                continue
            self.acknowledged.add(mark)
            self.ids[mark].add(result["id"])
            if not result["duplicate"]:
                self.new[mark] += 1
        if len(reply["results"]) != len(marks):
            self.strange.append((200, f"{len(reply['results'])} results for {len(marks)} events"))
        return done

    def drop_connection(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Load:
    """with Load(annals, clients=4) as load: ...; then load.check()."""

    def __init__(self, annals, clients=4, batch=20, seed=None, tenant="load"):
        self.annals = annals
        self.batch = batch
        self.tenant = tenant
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.random = random.Random(self.seed)
        print(f"load: seed {self.seed}")
        self.stopping = threading.Event()
        self.giving_up = threading.Event()
        self.headers = {"Authorization": "Bearer " + annals.token(tenant=tenant),
                        "Content-Type": "application/x-ndjson"}
        self.clients = [Client(self, number) for number in range(clients)]
        self.start_s = time.time()

    def event(self, mark):
        """The same bytes for the same mark, so that a repeat is one."""
        number = sum(int(part) for part in mark.split("-"))
        moment = self.start_s - number % 3600
        return {"action": "load.put", "actor": {"type": "client", "id": mark.split("-")[0]},
                "entities": [{"type": "mark", "id": mark}], "idempotency_key": mark,
                "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
                "metadata": {"mark": mark}}

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        deadline = time.monotonic() + 20
        for client in self.clients:
            client.join(max(0.0, deadline - time.monotonic()))
        self.giving_up.set()
        for client in self.clients:
            client.join(35)
            client.drop_connection()

    def answers(self):
        return [answer for client in self.clients for answer in client.answers]

    def broken(self):
        return [item for client in self.clients for item in client.broken]

    def acknowledged(self):
        """Marks of all events that a reply confirmed so far."""
        return {mark for client in self.clients for mark in list(client.acknowledged)}

    def compare(self):
        """(lost, doubled): marks that were acknowledged and are not stored; marks that are stored more than
        once."""
        acknowledged = self.acknowledged()  # before the look: what comes later need not be seen
        rows = self.annals.rows("SELECT document -> 'metadata' ->> 'mark', count(*) FROM annals.events"
                                " WHERE tenant_id = %s GROUP BY 1", self.tenant)
        stored = dict(rows)
        lost = sorted(mark for mark in acknowledged if mark not in stored)
        doubled = sorted(mark for mark, count in stored.items() if count > 1)
        return lost, doubled

    def check(self):
        """Nothing acknowledged is lost, nothing stored twice, each event called new at most once and always
        by the same id, nothing but success and 503 was answered, and each event has its entity."""
        strange = [item for client in self.clients for item in client.strange]
        assert not strange, f"seed {self.seed}: {len(strange)} strange replies, first {strange[0]}"
        lost, doubled = self.compare()
        assert not lost, f"seed {self.seed}: {len(lost)} acknowledged events are lost, first {lost[:3]}"
        assert not doubled, f"seed {self.seed}: {len(doubled)} events are stored twice, first {doubled[:3]}"
        for client in self.clients:
            assert not [mark for mark, count in client.new.items() if count > 1]
            assert not [mark for mark, ids in client.ids.items() if len(ids) > 1]
        orphans = self.annals.rows(
            "SELECT count(*) FROM annals.events e WHERE tenant_id = %s AND NOT EXISTS (SELECT "
            "FROM annals.event_entities n"
            " WHERE n.tenant_id = e.tenant_id AND n.event_id = e.id AND n.\"timestamp\" = e.\"timestamp\")",
            self.tenant)
        assert orphans == [(0,)], f"{orphans[0][0]} events lack their entity"
