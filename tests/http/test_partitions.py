# SPDX-License-Identifier: Apache-2.0
"""Partitions come and go while the service works; and what happens where nobody has made them."""
import datetime
import json
import os
import threading
import time
import urllib.parse

import fastcgi

UTC = datetime.timezone.utc
EVENT = {"action": "invoice.read", "actor": {"type": "user", "id": "u"},
         "entities": [{"type": "invoice", "id": "i"}]}


def month(step):
    """The first of the month `step` months from now."""
    now = datetime.datetime.now(UTC)
    number = now.year * 12 + now.month - 1 + step
    return datetime.datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def at(time_):
    return {**EVENT, "timestamp": time_.isoformat().replace("+00:00", "Z")}


def make_month(annals, step):
    with annals.db("job") as db, db.cursor() as sql:
        for table in ("event_entities", "events"):
            sql.execute("SELECT annals.partition_create(%s, %s, %s)", (table, month(step), month(step + 1)))


def found(annals, tenant):
    reply = annals.get("/v1/events?limit=1000", token=annals.token(tenant))
    assert reply.status == 200, reply
    return reply.json()["events"]


def counted(annals, tenant, **parameters):
    query = urllib.parse.urlencode({"interval": "month", **parameters})
    reply = annals.get(f"/v1/events/counts?{query}", token=annals.token(tenant))
    assert reply.status == 200, reply
    return sum(bucket["count"] for bucket in reply.json()["buckets"])


class Worker(threading.Thread):
    """Sends a request on each beat, and keeps what was answered and how long after its beat that was."""

    def __init__(self, annals, send, per_second):
        super().__init__(daemon=True)
        self.connection = annals.connection()
        self.send = send
        self.beat = 1 / per_second
        self.stopping = threading.Event()
        self.answers = []
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.stopping.wait(max(0, due - time.monotonic())):
            status = self.send(self.connection).status
            self.answers.append((status, time.monotonic() - due))
            due += self.beat

    def stop(self):
        self.stopping.set()
        self.join(30)
        self.connection.close()
        return self.answers


def check_unharmed(answers, status):
    assert {code for code, _ in answers} == {status}
    seconds = sorted(taken for _, taken in answers)
    assert seconds[int(len(seconds) * 0.99)] < 1


WRITERS, PER_WRITER = 4, 50
READER_S = float(os.environ.get("ANNALS_TEST_READER_S", "12"))


def test_nobody_notices(make_annals):
    """Made ahead, detached and dropped beside 200 requests a second, and beside a reader that stays in its
    transaction on the partitions that go (ANNALS_TEST_READER_S): no request fails, none waits, and what is
    kept is all there."""
    annals = make_annals({"partition.lock_timeout": "200ms", "partition.retries": 5})
    importer = annals.token("t1", "audit:write audit:import audit:read")
    for step in (-4, -3):
        make_month(annals, step)
        reply = annals.post([at(month(step) + datetime.timedelta(days=d)) for d in range(1, 20)],
                            token=importer)
        assert reply.json()["accepted"] == 19, reply
    annals.ctl("retention", "set", "default", "60")
    annals.write_conf(partition__ahead=12)
    reader = annals.db("reader")
    reader.autocommit = False
    reader.cursor().execute("SET idle_in_transaction_session_timeout = 0; SELECT count(*) FROM annals.events")
    token = annals.token()
    began = time.monotonic()
    writers = [Worker(annals, lambda c: annals.post(EVENT, token=token, connection=c), PER_WRITER)
               for _ in range(WRITERS)]
    searcher = Worker(annals, lambda c: annals.get("/v1/events?limit=20", token=token, connection=c), 20)
    while time.monotonic() < began + READER_S:
        blocked = annals.run_job("partition", check=False)
        # the reader does not end, and nobody is made to wait for it
        assert blocked.returncode == 75, blocked.stderr
    reader.rollback()
    annals.run_job("partition")
    time.sleep(0.5)
    written = [answer for writer in writers for answer in writer.stop()]
    assert len(written) >= 0.95 * WRITERS * PER_WRITER * (time.monotonic() - began - 1)
    check_unharmed(written, 201)
    check_unharmed(searcher.stop(), 200)
    reader.close()
    assert annals.rows("SELECT count(*) FROM annals.events WHERE tenant_id = 't1'") == [(len(written),)]
    names = {name for (name,) in annals.rows("SELECT name FROM annals.partition_bounds('events')")}
    assert f"events_{month(12):%Y_%m}" in names and not {f"events_{month(s):%Y_%m}" for s in (-4, -3)} & names
    assert annals.rows("SELECT count(*) FROM annals.partition_removals") == [(0,)]


def test_nobody_has_made_them(make_annals):
    """The job has not run for longer than the horizon: what has no place is refused by name, never taken and
    lost; /readyz has warned; one round mends it."""
    annals = make_annals()
    with annals.db() as db, db.cursor() as sql:
        sql.execute("SELECT name FROM annals.partition_bounds('events') WHERE to_at > now()")
        gone = [name for (name,) in sql.fetchall()]
        for name in gone:
            sql.execute(f"DROP TABLE annals.{name}")
    reply = fastcgi.call(annals.run / "ingest.sock", fastcgi.request_params("GET", "/readyz"))
    assert any("annals-partition" in warning for warning in json.loads(reply.body)["warnings"])
    single = annals.post(EVENT)
    assert single.status in (422, 503), single
    past = at(month(0) - datetime.timedelta(hours=1))
    body = annals.post([EVENT, past, EVENT]).json()
    assert (body["accepted"], body["rejected"]) == (1, 2)
    assert [result.get("status") for result in body["results"]] == [None, "committed", None]
    assert len(found(annals, "t1")) == 1
    annals.run_job("partition")
    assert annals.post(EVENT).status == 201
    assert len(found(annals, "t1")) == 2


def test_what_one_tenant_keeps_is_nothing_to_another(make_annals):
    """A's searches and counts are the same whatever class and hold B has; and A's class hides what is A's."""
    annals = make_annals()
    for tenant in ("a", "b"):
        for step in (-4, -3):
            make_month(annals, step)
            old = at(month(step) + datetime.timedelta(days=3))
            assert annals.post(old, token=annals.token(tenant, "audit:write audit:import")).status == 201
        assert annals.post(EVENT, token=annals.token(tenant)).status == 201
    before = found(annals, "a")
    assert len(before) == 3
    annals.ctl("retention", "set", "brief", "40")
    annals.ctl("tenant", "retention", "b", "brief")
    assert found(annals, "a") == before
    assert (len(found(annals, "b")), counted(annals, "b"),
            counted(annals, "b", by="entity_type")) == (1, 1, 1)
    hidden = before[-1]["id"]
    annals.ctl("hold", "add", "b", "--reason", "case 9")
    assert found(annals, "a") == before and len(found(annals, "b")) == 3
    annals.ctl("tenant", "retention", "a", "brief")
    assert len(found(annals, "a")) == 1
    assert annals.get(f"/v1/events/{hidden}", token=annals.token("a")).status == 404
    assert len(found(annals, "b")) == 3
