# SPDX-License-Identifier: Apache-2.0
"""A primary and servers that follow it by streaming replication: private, over Unix sockets.

    with Farm(["near", "far"]) as farm:
        farm.standbys["near"].pause()
"""
import contextlib
import os
import pathlib
import subprocess
import time

import annals as annals_lib
import postgres


class Standby(postgres.Cluster):
    """Follows `primary`, which runs, from its first start on."""

    def __init__(self, primary, settings=()):
        super().__init__(durable=primary.durable, settings=settings)
        self.primary = primary

    def _init(self):
        command = self._program("pg_basebackup", "-D", self.data, "-h", self.primary.folder, "-p",
                                str(postgres.PORT),
                                "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync")
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       timeout=60)

    def ask(self, sql):
        with contextlib.closing(self.connect()) as conn, conn.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def pause(self):
        """Goes on receiving, and replays nothing."""
        self.ask("SELECT pg_wal_replay_pause()")
        annals_lib.wait_until("the replay stands still",
                              lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self):
        self.ask("SELECT pg_wal_replay_resume()")

    def catch_up(self):
        """Returns when all that the primary has is here."""
        with contextlib.closing(self.primary.connect()) as conn, conn.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_lsn()")
            lsn = cursor.fetchone()[0]
        annals_lib.wait_until("the standby has all", lambda: self.ask(
            f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"))

    def promote(self):
        assert self.ask("SELECT pg_promote()")


def follow(cluster, primary):
    """Starts a server that was stopped as a standby of `primary`."""
    pathlib.Path(cluster.data, "standby.signal").touch()
    with open(os.path.join(cluster.data, "postgresql.auto.conf"), "a", encoding="ascii") as f:
        f.write(f"primary_conninfo = 'host={primary.folder} port={postgres.PORT} user=postgres'\n")
    cluster.start()


class Farm:
    """A primary, a standby for each name, and an Annals that reads from them."""

    def __init__(self, names=("near", "far"), settings=None, standby_settings=()):
        self.primary = postgres.Cluster()
        self.standbys = {name: Standby(self.primary, standby_settings) for name in names}
        self.settings = dict(settings or {})
        self.annals = None

    def __enter__(self):
        try:
            self.primary.start()
            for standby in self.standbys.values():
                standby.start()
            self.annals = annals_lib.Annals(self.settings, cluster=self.primary)
            for name, standby in self.standbys.items():
                self.annals.settings[f"replica.{name}.conninfo"] = \
                    f"host={standby.folder} port={postgres.PORT}"
            self.annals.start()
            self.annals.own_cluster = True  # it goes as a whole
            self.catch_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        if self.annals is not None:
            self.annals.stop()
        for cluster in (*self.standbys.values(), self.primary):
            cluster.close()

    def catch_up(self):
        for standby in self.standbys.values():
            standby.catch_up()

    def served(self, path="/v1/events?limit=1", **kwargs):
        """Who answers a search: "primary", or the name of a replica."""
        reply = self.annals.get(path, **kwargs)
        assert reply.status == 200, reply
        return self.server_of(reply)

    @staticmethod
    def server_of(reply):
        if reply.status != 200:
            return f"nobody ({reply.status})"
        return reply.json()["coverage"]["tiers"][0].get("replica", "primary")

    def metric(self, name, **labels):
        """Sum of what all programs count under that name and those labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.annals.get("/metrics", token=None).body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines
                   if line.startswith(name + "{") and all(label in line for label in wanted))

    def wait_served(self, names, seconds=5, count=8):
        """Until so many searches in a row are answered by these alone, and by each of them."""
        deadline = time.monotonic() + seconds
        while True:
            got = {self.server_of(self.annals.get("/v1/events?limit=1")) for _ in range(count)}
            if got == set(names):
                return
            assert time.monotonic() < deadline, f"{got} answer, not {names}"
