# SPDX-License-Identifier: Apache-2.0
"""an_store_put() and the router: the cases are in test-store.c and test-router.c; here are the set-ups they
run in."""
import subprocess

import pytest
from conftest import environment
from postgres import PgBouncer


def run_store(programs, env, name="test-store"):
    done = subprocess.run([programs / name], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("prepared", ["on", "off"])
def test_direct(programs, db, prepared):
    done = run_store(programs, environment(db, prepared=prepared))
    assert "BYPASSRLS" not in done.stderr


@pytest.mark.parametrize("prepared", ["on", "off"])
def test_router(programs, db, prepared):
    run_store(programs, environment(db, prepared=prepared), "test-router")


@pytest.fixture
def without_bypass(db):
    db.query("ALTER ROLE annals_writer NOBYPASSRLS")
    yield db
    db.query("ALTER ROLE annals_writer BYPASSRLS")


def test_without_bypassrls(programs, without_bypass):
    """COPY is refused: the same outcomes by INSERT, and the log says so once a connection."""
    done = run_store(programs, environment(without_bypass))
    assert "has no BYPASSRLS" in done.stderr


@pytest.mark.parametrize("table", ["events", "event_entities", "outbox"])
def test_a_missing_right_is_not_row_level_security(programs, db, table):
    """The server says both with one SQLSTATE."""
    db.query(f"REVOKE INSERT ON annals.{table} FROM annals_writer")
    done = subprocess.run([programs / "load", "t", "1", "1", "0"], env=environment(db), capture_output=True,
                          text=True,
                          timeout=60)
    assert f"permission denied for table {table}" in done.stdout and "BYPASSRLS" not in done.stderr


def test_through_pgbouncer(programs, db):
    with PgBouncer(db.cluster, pool_size=1) as pooler:
        run_store(programs, environment(db, pooler.conninfo("annals_writer", db.name), prepared="off"))
