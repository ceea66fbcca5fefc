# SPDX-License-Identifier: Apache-2.0
"""A second database that tenants of an Annals may live on.

    shard = Shard(annals, "second", cluster).add()
    annals.ctl("tenant", "add", "big", "--shard", "second")
    shard.rows("SELECT count(*) FROM annals.events")

cluster: a postgres.Cluster that runs; that of the Annals itself will do, where it need not fail alone.
"""
import contextlib
import os
import subprocess
import uuid

from annals import BUILD, ROLES
from postgres import PORT, as_service


class Shard:
    def __init__(self, annals, name, cluster):
        self.annals = annals
        self.name = name
        self.cluster = cluster
        self.database = cluster.create_database("shard_" + uuid.uuid4().hex[:12])
        self.place = f"host={cluster.folder} port={PORT} dbname={self.database}"

    def add(self, *options):
        """Migrated, with partitions, and known to the Annals."""
        self.annals.ctl("db", "migrate", "--primary", self.place)
        self.partitions()
        self.annals.ctl("shard", "add", self.name, "--primary", self.place, *options)
        return self

    def partitions(self):
        """One round of annals-partition that knows of this database alone."""
        environment = {f"ANNALS_SET_DATABASE_{role.upper()}": self.cluster.conninfo(user, self.database)
                       for role, user in ROLES.items()}
        subprocess.run(as_service([str(BUILD / "annals-partition"), "--config", str(self.annals.conf),
                                   "--once"]),
                       env={**os.environ, **environment}, cwd="/", check=True, timeout=60,
                       capture_output=True)

    def connect(self, user="postgres", autocommit=True):
        return self.cluster.connect(user, self.database, autocommit)

    def rows(self, sql, *parameters):
        with contextlib.closing(self.connect()) as conn, conn.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else None

    def drop(self):
        self.cluster.drop_database(self.database)
