# SPDX-License-Identifier: Apache-2.0
"""The server goes away while events are written: every wait ends, nothing acknowledged is lost, nothing
is there twice."""
import signal
import subprocess
import time

import pytest
from conftest import Database, environment
from postgres import Cluster


@pytest.fixture(scope="module")
def durable(tmp_path_factory):
    """A cluster that may be killed, with a migrated database to copy."""
    with Cluster(durable=True) as pg:
        db = Database(pg, tmp_path_factory.mktemp("durable"), pg.create_database("prepared"))
        db.run("annalsctl", "db", "migrate")
        db.run("annals-partition", "--once")
        yield pg


@pytest.fixture
def own(durable, tmp_path):
    name = durable.create_database(f"own_{next(Database.numbers)}", "prepared")
    yield Database(durable, tmp_path, name)
    durable.drop_database(name)


class Writer:
    """A load that runs beside the test; its lines are read as they come."""

    def __init__(self, programs, db, batches, events):
        self.process = subprocess.Popen([programs / "load", "tenant", str(batches), str(events), "0"],
                                        env=environment(db), stdout=subprocess.PIPE, text=True)

    def read(self, count):
        return [self.process.stdout.readline().split(maxsplit=3) for _ in range(count)]

    def rest(self):
        return [line.split(maxsplit=3) for line in self.process.communicate(timeout=120)[0].splitlines()]


def errors(lines):
    return [line for line in lines if line[0] == "error"]


def assert_complete(db, batches, events):
    """Every event once, with its entities, named by the outbox once; every third batch repeated one event."""
    expected = batches * events - batches // 3
    [counts] = db.query("""
        SELECT (SELECT count(*) FROM annals.events WHERE tenant_id <> 'annals'),
               (SELECT count(DISTINCT id) FROM annals.events WHERE tenant_id <> 'annals'),
               (SELECT count(*) FROM annals.event_entities WHERE tenant_id <> 'annals') / 2,
               (SELECT count(*) FROM annals.outbox, unnest(event_ids) WHERE tenant_id <> 'annals')""")
    assert counts == (expected,) * 4


def test_server_killed(programs, own):
    batches, events = 300, 50
    writer = Writer(programs, own, batches, events)
    lines = []
    for _ in range(3):
        lines += writer.read(40)
        own.cluster.kill()
        time.sleep(0.5)
        own.cluster.start()
    lines += writer.rest()
    assert writer.process.returncode == 0
    failed = errors(lines)
    assert len(failed) >= 3
    assert all(code == "-3" for _, code, _, _ in failed), failed  # AN_EAGAIN: 503
    assert max(int(us) for _, _, us, _ in failed) < 3_000_000
    assert_complete(own, batches, events)


def test_server_stopped(programs, own):
    """Processes that are there and say nothing: an error within about three seconds, and recovery
    without a restart."""
    batches, events = 100, 50
    writer = Writer(programs, own, batches, events)
    lines = writer.read(20)
    own.cluster.signal_all(signal.SIGSTOP)
    lines += writer.read(1)
    while lines[-1][0] == "ok":  # written before the stop
        lines += writer.read(1)
    lines += writer.read(1)
    own.cluster.signal_all(signal.SIGCONT)
    lines += writer.rest()
    assert writer.process.returncode == 0
    failed = errors(lines)
    assert max(int(us) for _, _, us, _ in failed) < 3_600_000
    assert all(code == "-3" for _, code, _, _ in failed), failed
    assert_complete(own, batches, events)


def test_nobody_listens(programs, own):
    """Refused at once, and asked again only after the back-off."""
    own.cluster.stop()
    writer = Writer(programs, own, 1, 1)
    lines = writer.read(5)
    own.cluster.start()
    lines += writer.rest()
    assert writer.process.returncode == 0
    assert len(errors(lines)) >= 5
    assert max(int(us) for _, _, us, *_ in errors(lines)) < 500_000
    assert "cannot connect" in lines[0][3]
    assert lines[-1][0] == "ok"


def test_read_only_server(programs, own):
    """A server that no longer takes writes: the connection that is open hears so, and no other is made to
    it."""
    batches = 2000
    writer = Writer(programs, own, batches, 1)
    assert writer.read(1)[0][0] == "ok"
    own.query("ALTER SYSTEM SET default_transaction_read_only = on")
    own.query("SELECT pg_reload_conf()")
    lines = [["ok"]]
    while lines[-1][0] == "ok":
        lines += writer.read(1)
    lines += writer.read(3)
    own.query("ALTER SYSTEM RESET default_transaction_read_only")
    own.query("SELECT pg_reload_conf()")
    lines += writer.rest()
    assert writer.process.returncode == 0
    texts = [line[3] for line in errors(lines)]
    assert "25006" in texts[0]
    assert all("session is read-only" in text for text in texts[1:]) and len(texts) > 2
    assert_complete(own, batches, 1)


def test_locked_table(programs, own):
    """A lock that is not given back: the statement's own limit ends it, and says so."""
    holder = own.connect(autocommit=False)
    holder.cursor().execute("LOCK TABLE annals.events IN ACCESS EXCLUSIVE MODE")
    env = {**environment(own), "ANNALS_TEST_STATEMENT_TIMEOUT": "700"}
    done = subprocess.Popen([programs / "load", "tenant", "1", "1", "0"], env=env, text=True,
                            stdout=subprocess.PIPE)
    line = done.stdout.readline()
    holder.rollback()
    holder.close()
    rest = done.communicate(timeout=30)[0]
    assert line.startswith("error -8 ")  # AN_ETIMEOUT
    assert "57014" in line
    assert rest.splitlines()[-1].startswith("ok ")
