# SPDX-License-Identifier: Apache-2.0
"""annalsctl db migrate and db status."""
import json
import re
import subprocess

from conftest import TOP


def names():
    return sorted(path.name for path in (TOP / "sql" / "migrations").glob("*.sql"))


def test_migrates_once_and_repeats(empty):
    first = empty.run("annalsctl", "db", "migrate").stdout.splitlines()
    assert first == [f"applied {name}" for name in names() + ["functions"]]
    assert empty.run("annalsctl", "db", "migrate").stdout == ""
    rows = empty.query("SELECT number, name FROM annals.schema_migrations ORDER BY number")
    assert [name for _, name in rows] == names()
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))


def test_dry_run_changes_nothing(empty):
    out = empty.run("annalsctl", "db", "migrate", "--dry-run").stdout.splitlines()
    assert out == [f"would apply {name}" for name in names() + ["functions"]]
    assert empty.query("SELECT to_regnamespace('annals')") == [(None,)]


def test_started_twice_at_once(empty):
    """Both succeed, and each migration is applied by one of them."""
    command = empty.command("annalsctl", "db", "migrate")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    applied = sorted(line for out, _ in results for line in out.splitlines())
    assert applied == sorted(f"applied {name}" for name in names() + ["functions"])


def test_a_failed_migration_leaves_nothing(empty):
    """It fails in the middle, is undone, and the next run does what is missing."""
    empty.query("CREATE SCHEMA annals")
    assert empty.run("annalsctl", "db", "migrate", check=False).returncode == 1
    assert empty.query("SELECT to_regclass('annals.schema_migrations')") == [(None,)]
    empty.query("DROP SCHEMA annals")
    empty.run("annalsctl", "db", "migrate")
    assert empty.run("annalsctl", "db", "migrate").stdout == ""


def test_status(empty):
    behind = empty.run("annalsctl", "db", "status", check=False)
    assert behind.returncode == 1
    assert all(line.endswith("missing") for line in behind.stdout.splitlines())
    empty.run("annalsctl", "db", "migrate")
    without_partitions = empty.run("annalsctl", "db", "status", check=False)
    assert without_partitions.returncode == 1
    assert "run annals-partition" in without_partitions.stdout
    empty.run("annals-partition", "--once")
    good = empty.run("annalsctl", "db", "status")
    assert re.search(r"^partitions until +\d{4}-\d\d-\d\dT00:00:00\.000000Z$", good.stdout, re.M)
    state = json.loads(empty.run("annalsctl", "db", "status", "--json").stdout)
    assert state["missing"] == 0
    assert all(migration["applied"] for migration in state["migrations"])


def test_changed_functions_are_applied_again(db):
    db.query("UPDATE annals.settings SET value = 'older' WHERE key = 'functions_digest'")
    db.query("DROP FUNCTION annals.partition_name")
    assert db.run("annalsctl", "db", "status", check=False).returncode == 1
    assert db.run("annalsctl", "db", "migrate").stdout == "applied functions\n"
    assert db.run("annalsctl", "db", "status").returncode == 0


def test_signing_key(db):
    [(key,)] = db.query("SELECT value FROM annals.settings WHERE key = 'signing_key'", user="annals_reader")
    assert re.fullmatch("[0-9a-f]{64}", key)


def test_database_down(db):
    """One line and the status for "try again later"."""
    db.conf.write_text(db.conf.read_text().replace("port=5432", "port=1"))
    done = db.run("annalsctl", "db", "status", check=False)
    assert done.returncode == 75
    assert len(done.stderr.splitlines()) == 1


def test_migrates_without_superuser(cluster, empty):
    """A managed PostgreSQL: the role may create roles, and nothing more; it cannot give BYPASSRLS."""
    empty.query(f"""
        CREATE ROLE manager LOGIN CREATEROLE;
        ALTER DATABASE "{empty.name}" OWNER TO manager""")
    try:
        empty.conf.write_text(empty.conf.read_text().replace("user=postgres", "user=manager"))
        empty.run("annalsctl", "db", "migrate")
        empty.run("annals-partition", "--once")
        assert empty.run("annalsctl", "db", "status").returncode == 0
    finally:
        cluster.drop_database(empty.name)
        conn = cluster.connect()
        conn.cursor().execute("DROP OWNED BY manager; DROP ROLE manager")
        conn.close()
