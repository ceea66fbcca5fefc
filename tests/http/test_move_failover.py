# SPDX-License-Identifier: Apache-2.0
"""A standby takes the place of a shard's primary in the middle of a move: nothing that was acknowledged
is lost or doubled, the same command ends the move, and the server that was demoted is never written to.
Commits wait for the standby, so that nothing may be lost with the primary."""
import contextlib
import json
import subprocess
import time
import uuid

import pytest

from annals import BUILD, wait_until
from mover import SHARD, TwoShards
from postgres import PORT
from replicas import Standby, follow
from senders import Senders
from shards import Shard

EVENTS = 4000


class Farm(TwoShards):
    """The shard `two` has a standby, and its place names both servers."""

    def start(self):
        super(TwoShards, self).start()
        self.second.start()
        self.standby = Standby(self.second)
        self.shard = Shard(self, SHARD, self.second)
        self.standby.start()
        with contextlib.closing(self.second.connect()) as conn, conn.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            cursor.execute("SELECT pg_reload_conf()")
        self.shard.place = (f"host={self.second.folder},{self.standby.folder} port={PORT},{PORT} "
                            f"dbname={self.shard.database}")
        self.shard.add()
        return self

    def stop(self):
        try:
            super().stop()
        finally:
            self.standby.close()

    def fail_over(self, how):
        if how == "killed":
            self.second.kill()
        else:
            self.second.stop()
        self.standby.promote()
        self.shard.cluster = self.standby
        if how == "stopped":
            follow(self.second, self.standby)

    def start_move(self, tenant, target):
        command = [str(BUILD / "annalsctl"), "--config", str(self.conf), "--json", "tenant", "move", tenant,
                   "--to", target]
        return subprocess.Popen(command, cwd="/", text=True, env=self._environment(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def step(self, tenant):
        found = self.rows("SELECT step FROM annals.tenant_moves WHERE tenant_id = %s "
                          "ORDER BY id DESC LIMIT 1", tenant)
        return found[0][0] if found else None


@contextlib.contextmanager
def held(database, hold):
    """A transaction of another tenant, behind whose end the feed stands still."""
    if not hold:
        yield
        return
    conn = database.connect("annals_writer", autocommit=False) if isinstance(database, Shard) else \
        database.cluster.connect("annals_writer", database.database, autocommit=False)
    with contextlib.closing(conn):
        conn.cursor().execute("INSERT INTO annals.outbox (tenant_id, event_ids)"
                              " VALUES ('annals', %s::uuid[])", ([str(uuid.uuid4())],))
        yield


@pytest.mark.parametrize("side, step, how", [("source", "copy", "killed"), ("source", "follow", "stopped"),
                                             ("target", "copy", "stopped"), ("target", "follow", "killed")])
def test_failover(cluster, side, step, how):
    tenant = "whale"
    two = Farm(cluster, {"ingest.commit_timeout": "5s"})
    with contextlib.ExitStack() as stack:
        stack.callback(two.stop)
        two.start()
        source, target = (SHARD, "default") if side == "source" else ("default", SHARD)
        two.ctl("tenant", "add", tenant, "--shard", source)
        two.fill(tenant, EVENTS)
        with Senders(two, tenant, 2) as senders:
            wait_until("all write", lambda: len(senders.acknowledged) > 20)
            with held(two.shard if source == SHARD else two, step == "follow"):
                mover = two.start_move(tenant, target)
                wait_until(f"the move is at {step}", lambda: two.step(tenant) == step, 30)
                from_s = time.monotonic()
                two.fail_over(how)
                before = len(senders.acknowledged)
            wait_until("writing goes on", lambda: len(senders.acknowledged) > before + 20, 30)
            outage_s = time.monotonic() - from_s
            out, why = mover.communicate(timeout=60)
            print(f"first run {mover.returncode}: {why.splitlines()[-1]}; writing after {outage_s:.1f} s")
            assert mover.returncode in (0, 75), why
            if mover.returncode != 0:
                assert two.lives_on(tenant) == source
                out = json.dumps(two.move(tenant, target))
            assert json.loads(out)["step"] == "done"
            more = len(senders.acknowledged) + 20
            wait_until("writing goes on", lambda: len(senders.acknowledged) > more)
        assert set(senders.statuses) <= {200, 201, 503}, senders.statuses
        assert two.lives_on(tenant) == target
        assert two.presence(tenant) == (("hidden", "open") if target == SHARD else ("open", "hidden"))
        stored = dict(two.rows_on(target, """
            SELECT entity_id, count(*) FROM annals.event_entities
            WHERE tenant_id = %s AND entity_id ~ '^[f0-9][0-9]*(-[0-9]+)?$' GROUP BY 1""", tenant))
        wanted = set(senders.acknowledged) | {f"f{n}" for n in range(EVENTS)}
        assert wanted <= set(stored) and set(stored.values()) == {1}
        events = two.rows_on(target, "SELECT count(*) FROM annals.events WHERE tenant_id = %s", tenant)
        assert events == [(len(stored),)]
        if how == "stopped":
            never_written(two)


def never_written(two):
    """The old primary follows, has what the new one has, and was not asked to write."""
    with contextlib.closing(two.standby.connect()) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn()")
        [lsn] = cursor.fetchone()

    def has_all():
        with contextlib.closing(two.second.connect()) as conn, conn.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn", (lsn,))
            return cursor.fetchone()[0]

    wait_until("the old primary has all", has_all)
    with open(two.second.log, encoding="utf-8", errors="replace") as f:
        assert "read-only transaction" not in f.read()
