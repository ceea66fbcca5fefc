# SPDX-License-Identifier: Apache-2.0
"""A tenant that is closed in a database gains no row there once those transactions have ended that held a
lock on the outbox when it was closed; see docs/design/shards.md."""
import subprocess
import time

import pytest
from conftest import environment

HOLDERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'annals.outbox'::regclass AND pid <> pg_backend_pid()
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Mover:
    """Closes and opens a tenant as a move does."""

    def __init__(self, db, tenant):
        self.tenant = tenant
        self.conn = db.connect()
        self.cur = self.conn.cursor()

    def set(self, presence):
        self.cur.execute("UPDATE annals.tenants SET presence = %s WHERE tenant_id = %s",
                         (presence, self.tenant))

    def holders(self):
        self.cur.execute(HOLDERS)
        return {row[0] for row in self.cur.fetchall()}

    def close(self):
        """Returns how many transactions had to be waited for."""
        self.set("closed")
        waited_for = self.holders()
        left = waited_for
        deadline = time.monotonic() + 10
        while left and time.monotonic() < deadline:
            left = left & self.holders()
        assert not left
        return len(waited_for)

    def count(self):
        self.cur.execute("""
            SELECT (SELECT count(*) FROM annals.events WHERE tenant_id = %(t)s),
                   (SELECT count(*) FROM annals.outbox WHERE tenant_id = %(t)s)""", {"t": self.tenant})
        return self.cur.fetchone()


@pytest.mark.parametrize("path, events", [("insert", 1), ("copy", 300), ("merge", 20)])
def test_nothing_slips_through(programs, db, path, events):
    if path == "merge":
        db.query("ALTER ROLE annals_writer NOBYPASSRLS")
    writers = [subprocess.Popen([programs / "load", "moving", "100000", str(events), str(first)],
                                env=environment(db), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for first in (0, 100_000_000, 200_000_000, 300_000_000)]
    try:
        mover = Mover(db, "moving")
        waited = 0
        for _ in range(20):
            before = mover.count()
            deadline = time.monotonic() + 10
            while mover.count() == before and time.monotonic() < deadline:
                time.sleep(0.01)
            assert mover.count() > before, "the tenant is open, and gets no events"
            time.sleep(0.12)  # those that were refused are back too
            waited += mover.close()
            closed = mover.count()
            time.sleep(0.05)
            assert mover.count() == closed
            mover.set("open")
        assert waited > 0, "no transaction was ever under way"
        assert all(writer.poll() is None for writer in writers)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait(10)
        db.query("ALTER ROLE annals_writer BYPASSRLS")
    [[events, named]] = db.query("""
        SELECT (SELECT count(*) FROM annals.events WHERE tenant_id = 'moving'),
               (SELECT count(DISTINCT i.id) FROM annals.outbox AS o, unnest(o.event_ids) AS i (id)
                WHERE o.tenant_id = 'moving')""")
    assert events == named


def test_a_writer_that_began_before_is_waited_for(programs, db):
    """It has the lock and has seen the tenant open; its event comes after the tenant was closed, and is its
    last."""
    writer = subprocess.Popen([programs / "load", "moving", "100000", "1", "0"], env=environment(db),
                              stdout=subprocess.PIPE, text=True)
    writer.stdout.readline()
    blocker = db.connect(autocommit=False)
    mover = Mover(db, "moving")
    try:
        blocker.cursor().execute("LOCK TABLE annals.events IN ACCESS EXCLUSIVE MODE")
        deadline = time.monotonic() + 10
        while not mover.holders() and time.monotonic() < deadline:
            time.sleep(0.01)
        before = mover.holders()
        mover.set("closed")
        assert before and mover.holders() & before
        blocker.rollback()
        time.sleep(0.5)
    finally:
        blocker.close()
        writer.kill()
        said = writer.communicate(timeout=10)[0].splitlines()
    refused = next(n for n, line in enumerate(said) if line.startswith("error -10 "))
    assert all(line.startswith("ok ") for line in said[:refused])
    assert all(line.startswith("error -10 ") for line in said[refused:])
    stored = 1 + sum(int(line.split()[1]) for line in said[:refused])
    assert mover.count()[0] == stored
