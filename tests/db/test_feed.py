# SPDX-License-Identifier: Apache-2.0
"""The order of the feed rests on every writer locking the outbox before it has a transaction id. Then a
consumer that reads up to the oldest id among those who hold that lock never misses a row and never sees
one twice."""
import contextlib
import subprocess
import time

import pytest
from conftest import TOP, environment


def wait_for_blocked_writer(db):
    """The lock on the outbox and the transaction id of the writer that waits for a lock."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = db.query("""
            SELECT a.backend_xid::text::bigint,
                   EXISTS (SELECT FROM pg_locks AS l
                           WHERE l.pid = a.pid AND l.relation = 'annals.outbox'::regclass AND l.granted
                             AND l.mode = 'RowExclusiveLock')
            FROM pg_stat_activity AS a
            WHERE a.usename = 'annals_writer' AND a.wait_event_type = 'Lock'
              AND a.datname = current_database()""")
        if rows:
            return rows[0]
        time.sleep(0.02)
    pytest.fail("no writer came to wait")


@pytest.mark.parametrize("path, events", [("insert", 1), ("copy", 300), ("merge", 300)])
def test_outbox_is_locked_first(programs, db, path, events):
    """A writer stopped at its first event holds the outbox; on the conflict path it has no id yet."""
    if path == "merge":
        db.query("ALTER ROLE annals_writer NOBYPASSRLS")
    try:
        writer = subprocess.Popen([programs / "load", "first", "100000", str(events), "0"],
                                  env=environment(db),
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert writer.stdout.readline().startswith(f"ok {events} ".encode())
        holder = db.connect(autocommit=False)
        holder.cursor().execute("LOCK TABLE annals.events IN ACCESS EXCLUSIVE MODE")
        xid, holds_outbox = wait_for_blocked_writer(db)
        writer.kill()
        writer.communicate(timeout=10)
        holder.rollback()
        holder.close()
        assert holds_outbox
        if path == "merge":
            assert xid is None
    finally:
        db.query("ALTER ROLE annals_writer BYPASSRLS")


class Consumer:
    """Reads the feed as a consumer does; see docs/design/data.md."""

    HORIZON = (TOP / "sql/queries/feed_horizon.sql").read_text() \
        .replace("%", "%%").replace("$1::bigint", "%(x)s")

    def __init__(self, db):
        self.conn = db.connect("annals_job", autocommit=False)
        self.position = (0, 0)
        self.rows = []

    def round(self):
        with self.conn.cursor() as cur:
            cur.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            [(horizon,)] = cur.fetchall()
            cur.execute(self.HORIZON, {"x": horizon})
            [(horizon,)] = cur.fetchall()
            cur.execute("""
                SELECT xid::text::bigint, id FROM annals.outbox
                WHERE (xid, id) > (%s::text::xid8, %s) AND xid < %s::text::xid8
                ORDER BY xid, id""", (*self.position, horizon))
            rows = cur.fetchall()
        self.conn.commit()
        self.rows += rows
        if rows:
            self.position = rows[-1]

    def close(self):
        self.conn.close()


def test_consumer_beside_racing_writers(programs, db):
    """Six writers, on both paths, with repeats; a writer elsewhere stays open all the time and holds
    nothing back."""
    db.query("CREATE TABLE public.elsewhere (n int)")
    other = db.connect(autocommit=False)
    other.cursor().execute("INSERT INTO public.elsewhere VALUES (1)")
    writers = [subprocess.Popen([programs / "load", "race", "120", "4", str(first)], env=environment(db),
                                stdout=subprocess.DEVNULL) for first in (0, 0, 200, 200, 400, 9000)]
    consumer = Consumer(db)
    rounds = 0
    while any(writer.poll() is None for writer in writers):
        consumer.round()
        rounds += 1
    consumer.round()
    consumer.close()
    other.rollback()
    other.close()
    assert [writer.returncode for writer in writers] == [0] * 6
    stored = db.query("SELECT xid::text::bigint, id FROM annals.outbox ORDER BY xid, id")
    assert rounds > 20
    assert len(stored) > 300
    assert consumer.rows == stored
    [(events, named)] = db.query("""
        SELECT (SELECT count(*) FROM annals.events),
               (SELECT count(DISTINCT i) FROM annals.outbox, unnest(event_ids) AS i)""")
    assert events == named


def test_ids_are_widened(db):
    """The catalogue says 32 bits of an id: of all ids that end so, the nearest to the one that nobody had
    yet is meant."""
    holder = db.connect("annals_writer", autocommit=False)
    with holder.cursor() as cur:
        cur.execute("INSERT INTO annals.outbox (tenant_id, event_ids) VALUES ('t', '{}') "
                    "ON CONFLICT DO NOTHING")
    [(xid,)] = db.query("SELECT backend_xid::text::bigint FROM pg_stat_activity "
                        "WHERE backend_xid IS NOT NULL")
    era = 1 << 32
    with contextlib.closing(db.connect("annals_job")) as conn, conn.cursor() as cur:
        for x, horizon in ((xid + 1, xid), (xid + 1000, xid), (era + xid + 5, era + xid), (era + 3, era + 3),
                           (7 * era + xid + 1, 7 * era + xid), (8 * era, 8 * era)):
            cur.execute(Consumer.HORIZON, {"x": x})
            assert cur.fetchall() == [(str(horizon),)]
        holder.rollback()
        cur.execute(Consumer.HORIZON, {"x": 7 * era + xid + 1})
        assert cur.fetchall() == [(str(7 * era + xid + 1),)]
    holder.close()
