# SPDX-License-Identifier: Apache-2.0
"""/readyz of each application, /metrics, and /v1/limits, with a database behind them."""

import json
import signal

import fastcgi
import pytest

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
    status, body = ready(annals, "search")
    assert (status, body["status"]) == (200, "ready")
    assert len(body["warnings"]) == 1 and "annals-partition" in body["warnings"][0]


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
