# SPDX-License-Identifier: Apache-2.0
"""/readyz of each application, /metrics, and /v1/limits, with a database behind them."""

import json
import signal
import time

import fastcgi
import pytest

import postgres
from annals import wait_until
from shards import Shard

NEEDS = {
    "ingest": {"database_writer", "schema"},
    "search": {"database_reader", "schema"},
    "admin": {"database_writer", "database_reader", "schema"},
}


def ready(annals, app):
    reply = fastcgi.call(annals.run / f"{app}.sock", fastcgi.request_params("GET", "/readyz"))
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize("app", NEEDS)
def test_ready(annals, app):
    status, body = ready(annals, app)
    assert (status, body["status"], body["warnings"]) == (200, "ready", [])
    assert body["checks"] == dict.fromkeys(NEEDS[app], "ok")


def test_schema_that_is_older(make_annals):
    annals = make_annals()
    Shard(annals, "second", annals.cluster).add()  # which is no excuse for it
    with annals.db() as db, db.cursor() as sql:
        sql.execute("DELETE FROM annals.schema_migrations WHERE number = (SELECT max(number) "
                    "FROM annals.schema_migrations)")
    for app in NEEDS:
        wait_until("it is noticed", lambda app=app: ready(annals, app)[0] == 503)
        status, body = ready(annals, app)
        assert (status, body["status"]) == (503, "not ready")
        assert "annalsctl db migrate" in body["checks"]["schema"]


def test_partitions_that_end_soon_are_a_warning(make_annals):
    """Three days before: of the outbox, which has a partition a day from yesterday on."""
    annals = make_annals({"partition.outbox_days_ahead": 3})
    assert ready(annals, "search")[1]["warnings"] == []
    with annals.db() as db, db.cursor() as sql:
        sql.execute("SELECT max(inhrelid::regclass::text) FROM pg_inherits "
                    "WHERE inhparent = 'annals.outbox'::regclass")
        sql.execute(f"DROP TABLE {sql.fetchone()[0]}")
    wait_until("it is noticed", lambda: ready(annals, "search")[1]["warnings"])
    status, body = ready(annals, "search")
    assert (status, body["status"]) == (200, "ready")
    assert len(body["warnings"]) == 1 and "shard default: annals-partition" in body["warnings"][0]


# --- several shards -----------------------------------------------------------------------------------------
ONE_WORKER = {f"{app}.workers": 1 for app in NEEDS}


@pytest.fixture
def farm(make_annals):
    """An Annals, and a shard on a server of its own."""
    with postgres.Cluster() as cluster:
        annals = make_annals({**ONE_WORKER, "partition.outbox_days_ahead": 3})
        yield annals, Shard(annals, "second", cluster).add()


def warnings(annals, app):
    return " / ".join(ready(annals, app)[1]["warnings"])


def wait_known(annals, seconds=10):
    def known(app):
        return ready(annals, app)[1]["checks"].get("shard.second") == "ok"

    for app in NEEDS:
        wait_until("the shard is known, and well", lambda app=app: known(app), seconds)


def test_partitions_of_another_shard_end_soon(farm):
    annals, shard = farm
    wait_known(annals)
    [[last]] = shard.rows("SELECT max(inhrelid::regclass::text) FROM pg_inherits"
                          " WHERE inhparent = 'annals.outbox'::regclass")
    shard.rows(f"DROP TABLE {last}")
    for app in NEEDS:
        wait_until("it is noticed", lambda app=app: "shard second: annals-partition" in warnings(annals, app))
        assert ready(annals, app)[0] == 200 and "shard default" not in warnings(annals, app)
    status = annals.ctl("status", check=False)
    assert status.returncode == 1
    assert status.stdout.count("annals-partition does not run") == 1


def test_schema_of_another_shard_is_older(farm):
    """Its tenants are not served well; the others are."""
    annals, shard = farm
    shard.rows("DELETE FROM annals.schema_migrations"
               " WHERE number = (SELECT max(number) FROM annals.schema_migrations)")
    for app in NEEDS:
        wait_until("it is noticed",
                   lambda app=app: "shard second: its schema is older" in warnings(annals, app))
        status, body = ready(annals, app)
        assert status == 200 and "annalsctl db migrate" in body["checks"]["shard.second"]


@pytest.mark.parametrize("how", ["gone", "hung"])
def test_another_shard_is_away(farm, how):
    """Ready all the same, and quick to say so, each time."""
    annals, shard = farm
    wait_known(annals)
    if how == "gone":
        shard.cluster.stop(signal.SIGQUIT)
    else:
        shard.cluster.signal_all(signal.SIGSTOP)
    slow = []
    try:
        until_s = time.monotonic() + 9
        while time.monotonic() < until_s:
            for app in NEEDS:
                from_s = time.monotonic()
                status, _ = ready(annals, app)
                slow.append(time.monotonic() - from_s)
                assert status == 200
            time.sleep(0.3)
        for app in NEEDS:
            assert "shard second: its tenants are not served: " in warnings(annals, app)
    finally:
        if how == "gone":
            shard.cluster.start()
        else:
            shard.cluster.signal_all(signal.SIGCONT)
    slow.sort()
    print(how, len(slow), "looks, slowest", slow[-8:])
    assert slow[-1] < 1 and slow[len(slow) * 3 // 4] < 0.1
    wait_known(annals, 20)


def test_all_shards_are_away(make_annals):
    with postgres.Cluster() as cluster:
        annals = make_annals(ONE_WORKER, own_cluster=True)
        Shard(annals, "second", cluster).add()
        wait_known(annals)
        annals.cluster.stop(signal.SIGQUIT)
        for app in NEEDS:
            wait_until("the other serves",
                       lambda app=app: "only tenants of other shards" in warnings(annals, app))
            assert ready(annals, app)[0] == 200
        cluster.stop(signal.SIGQUIT)
        try:
            for app in NEEDS:
                wait_until("nobody serves", lambda app=app: ready(annals, app)[0] == 503)
        finally:
            cluster.start()
            annals.cluster.start()


def test_database_that_is_away(make_annals):
    annals = make_annals(own_cluster=True)
    annals.cluster.stop()
    try:
        for app, needs in NEEDS.items():
            status, body = ready(annals, app)
            assert status == 503
            assert set(body["checks"]) == needs - {"schema"}
            assert "ok" not in body["checks"].values()
        assert annals.get("/healthz", token=None).status == 200
    finally:
        annals.cluster.start()


def test_told_to_stop(make_annals):
    """Not ready any more, and serving until process.drain_delay is over, or until it is told again."""
    annals = make_annals(environment={"search": {"ANNALS_SET_PROCESS_DRAIN_DELAY": "1min"}})
    Shard(annals, "second", annals.cluster).add()  # whose tenants are no reason to stay
    annals.processes["search"].send_signal(signal.SIGTERM)
    wait_until("it is not ready", lambda: ready(annals, "search")[0] == 503)
    assert ready(annals, "search")[1]["checks"]["process"] == "stopping"
    assert ready(annals, "ingest")[0] == 200
    assert annals.get("/v1/events").status == 200
    assert annals.stop_app("search", timeout=5)


def test_metrics_show_all_programs(annals):
    text = annals.get("/metrics", token=None).body.decode()
    for app in NEEDS:
        assert f'app="{app}"' in text


def test_limits_are_the_configured_ones(make_annals):
    annals = make_annals({"limits.event_bytes": "2KiB", "limits.batch_events": 7, "search.page_max": 9,
                          "search.page_default": 3})
    limits = annals.get("/v1/limits", token=None).json()
    assert limits["event"]["bytes"] == 2048
    assert limits["batch"]["events"] == 7
    assert (limits["search"]["limit_default"], limits["search"]["limit_max"]) == (3, 9)
