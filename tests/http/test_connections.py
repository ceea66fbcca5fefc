# SPDX-License-Identifier: Apache-2.0
"""How many connections the servers really get, against what `annalsctl config check` says."""
import concurrent.futures
import contextlib
import json
import threading

import pytest

from annals import wait_until
from console import Console
from replicas import Farm
from shards import Shard

WORKERS = {"ingest.workers": 2, "search.workers": 2, "admin.workers": 1}
LED = ("writer",)  # on a shard: the worker that commits for all connects, and another may never have led
AT_ONCE = 6  # requests, so that every worker gets some of each kind


def promised(annals):
    return json.loads(annals.ctl("config", "check", "--json"))["connections"]


def held(cluster, database):
    """{role: connections} of the programs to a database."""
    with contextlib.closing(cluster.connect()) as conn, conn.cursor() as cursor:
        cursor.execute("""
            SELECT substr(usename, 8), count(*) FROM pg_stat_activity
            WHERE datname = %s AND usename ~ '^annals_(writer|reader|platform|job)$'
            GROUP BY 1""", (database,))
        return dict(cursor.fetchall())


def event(n):
    return {"action": "a.b", "actor": {"type": "user", "id": f"u{n}"}}


@contextlib.contextmanager
def load(annals, tenants):
    """Requests of all kinds, for tenants of all shards, until the block is left."""
    console = Console(annals).sign_in("*")
    everybody = annals.token("*", "audit:read")
    tokens = [annals.token(tenant) for tenant in tenants]
    over = threading.Event()

    def work(n):
        while not over.is_set():
            for token in tokens:
                reply = annals.post(event(n), token=token)
                headers = {"Annals-Write-Token": reply.headers["Annals-Write-Token"]} if n % 2 else {}
                annals.get("/v1/events?limit=1", token=token, headers=headers)
            annals.get("/v1/events?limit=1", token=everybody, headers={"Annals-Tenant": "*"})
            console.get("/admin/events?tenant=*")
            console.get("/admin/events?tenant=t1")
            console.get("/admin/status")

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        threads = [pool.submit(work, n) for n in range(AT_ONCE)]
        try:
            yield
        finally:
            over.set()
    for thread in threads:
        thread.result()


def wait_full(cluster, database, most, but=("job",)):
    """Until all that was promised is held, but for some roles, and never more."""
    got = {}

    def full():
        got.clear()
        got.update(held(cluster, database))
        assert all(got.get(role, 0) <= most[role] for role in most), (got, most)
        return all(got.get(role, 0) == most[role] for role in most if role not in but)

    try:
        wait_until("all connections are made", full, timeout=40)
    except AssertionError as late:
        raise AssertionError(f"{got} connections to {database}, not {most}") from late


@pytest.fixture
def second(cluster):
    """second(annals): a shard of its own server, with the tenant t2; t1 lives on the other one."""
    made = []

    def make(annals):
        made.append(Shard(annals, "second", cluster).add())
        annals.ctl("tenant", "add", "t1")
        annals.ctl("tenant", "add", "t2", "--shard", "second")
        return made[0]

    yield make
    for shard in made:
        shard.drop()


def test_all_workers_need_all_they_may_have(make_annals, second, cluster):
    annals = make_annals(WORKERS)
    shard, most = second(annals), promised(annals)
    with load(annals, ("t1", "t2")):
        wait_full(annals.cluster, annals.database, most["primary"])
        wait_full(cluster, shard.database, most["shard_primary"], but=LED)
        wait_full(annals.cluster, annals.database, most["primary"])


def test_servers_that_follow(second, cluster):
    """With replicas; ingest reads from one while the directory's primary is away."""
    with Farm(["near"], WORKERS) as farm:
        annals = farm.annals
        shard, most = second(annals), promised(annals)
        with load(annals, ("t1", "t2")):
            wait_full(farm.standbys["near"], annals.database, most["replica"], but=("reader",))
            wait_full(farm.primary, annals.database, most["primary"], but=("job", "reader", "platform"))
            wait_full(cluster, shard.database, most["shard_primary"], but=LED)
        farm.primary.stop()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            def ingest_reads_too():
                list(pool.map(lambda n: annals.post(event(n), token=annals.token("t2")), range(AT_ONCE)))
                got = held(farm.standbys["near"], annals.database)
                assert got["reader"] <= most["replica"]["reader"], (got, most)
                return got["reader"] == most["replica"]["reader"]

            wait_until("every worker has asked the replica", ingest_reads_too, timeout=30)
