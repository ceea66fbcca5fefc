# SPDX-License-Identifier: Apache-2.0
"""annals-partition: what it makes, and that nobody waits for it."""
import datetime
import re
import subprocess

import psycopg2
import pytest
from conftest import in_use, load

UTC = datetime.timezone.utc
TABLES = ("events", "event_entities", "outbox")


def bounds(db, table):
    return db.query("SELECT name, from_at, to_at FROM annals.partition_bounds(%s)", (table,))


def month(year, number, step=0):
    """The first of a month, moved by `step` months."""
    number += year * 12 - 1 + step
    return datetime.datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def assert_gapless(rows):
    for (_, _, end), (_, start, _) in zip(rows, rows[1:]):
        assert end == start


@pytest.fixture
def bare(empty):
    empty.run("annalsctl", "db", "migrate")
    return empty


def test_months_and_days(bare):
    bare.run("annals-partition", "--once")
    now = datetime.datetime.now(UTC)
    past = now - datetime.timedelta(days=30)
    for table in TABLES[:2]:
        rows = bounds(bare, table)
        assert_gapless(rows)
        assert rows[0][1] == month(past.year, past.month)
        assert rows[-1][2] == month(now.year, now.month, 4)  # this month and three more
        assert [name for name, _, _ in rows] == [f"{table}_{start:%Y_%m}" for _, start, _ in rows]
    rows = bounds(bare, "outbox")
    assert_gapless(rows)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    assert rows[0][1] <= today
    assert rows[-1][2] == today + datetime.timedelta(days=15)
    assert [name for name, _, _ in rows] == [f"outbox_{start:%Y_%m_%d}" for _, start, _ in rows]


def test_quarters(bare):
    bare.write_conf("[partition]\nperiod = quarter\nahead = 2\n")
    bare.run("annals-partition", "--once")
    now = datetime.datetime.now(UTC)
    rows = bounds(bare, "events")
    assert_gapless(rows)
    assert rows[-1][2] == month(now.year, (now.month - 1) // 3 * 3 + 1, 9)
    for name, start, end in rows:
        assert (start.month - 1) % 3 == 0
        assert end == month(start.year, start.month, 3)
        assert name == f"events_{start.year}_q{(start.month - 1) // 3 + 1}"


def test_repeats_and_dry_run(bare):
    dry = bare.run("annals-partition", "--once", "--dry-run").stdout.splitlines()
    missing = int(re.fullmatch(r"(\d+) to create, 0 to drop, 0 held back", dry[-1])[1])
    now = datetime.datetime.now(UTC)
    assert sum(line.startswith("create annals.") for line in dry) == missing == len(dry) - 1
    end = month(now.year, now.month, 1)
    assert f"create annals.events_{now:%Y_%m}, from {now:%Y-%m}-01 to {end:%Y-%m-%d}: made ahead" in dry
    assert bounds(bare, "events") == []
    bare.run("annals-partition", "--once")
    made = {table: bounds(bare, table) for table in TABLES}
    assert sum(len(rows) for rows in made.values()) == missing
    bare.run("annals-partition", "--once")
    assert {table: bounds(bare, table) for table in TABLES} == made
    dry = bare.run("annals-partition", "--once", "--dry-run").stdout.splitlines()
    assert dry[-1] == "0 to create, 0 to drop, 0 held back"
    assert len(dry) == missing + 1
    pattern = r"keep annals\.\w+ \(about \d+ rows, [\d.]+ MiB\), from \S+ to \S+: "
    assert all(re.match(pattern, line) for line in dry[:-1])


def is_whole(name, start, end):
    """A month or a quarter, and named as one."""
    if end == month(start.year, start.month, 1):
        return name == f"events_{start:%Y_%m}"
    quarter = (start.month - 1) // 3
    whole = start.month % 3 == 1 and end == month(start.year, start.month, 3)
    return whole and name == f"events_{start.year}_q{quarter + 1}"


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_another_period_begins_where_the_longer_one_ends(bare, ahead):
    """From months to quarters, and back: what is there stays, a quarter that months have begun is filled by
    months, and nothing has a gap, an overlap or an odd length."""
    bare.write_conf(f"[partition]\nahead = {ahead}\n")
    bare.run("annals-partition", "--once")
    months = bounds(bare, "events")
    bare.write_conf("[partition]\nperiod = quarter\n")
    bare.run("annals-partition", "--once")
    quarters = bounds(bare, "events")
    bare.write_conf("[partition]\nahead = 24\n")
    bare.run("annals-partition", "--once")
    rows = bounds(bare, "events")
    assert_gapless(rows)
    assert [row for row in quarters if row in months] == months
    assert [row for row in rows if row in quarters] == quarters
    assert all(is_whole(*row) for row in rows)
    assert "_q" in quarters[-1][0]
    assert "_q" not in rows[-1][0]
    assert bounds(bare, "event_entities") == [(name.replace("events", "event_entities"), start, end)
                                              for name, start, end in rows]


def test_started_twice_at_once(bare):
    command = bare.command("annals-partition", "--once")
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    for table in TABLES:
        assert_gapless(bounds(bare, table))


def test_names_of_other_spans(db):
    [(name,)] = db.query("SELECT annals.partition_name('events', '2026-11-05Z', '2026-12-01Z')")
    assert name == "events_20261105_20261201"


def test_functions_take_no_other_table(db):
    with pytest.raises(psycopg2.errors.UndefinedTable):
        db.query("SELECT annals.partition_create('tenants', '2026-01-01Z', '2026-02-01Z')", user="annals_job")
    with pytest.raises(psycopg2.errors.InvalidParameterValue):
        db.query("SELECT annals.partition_create('events', '2026-02-01Z', '2026-01-01Z')", user="annals_job")


def test_waits_for_a_lock_without_holding_up_writers(programs, db):
    """Another session holds the lock that ATTACH needs: the job gives up and tries again, while events
    come in."""
    db.write_conf("[partition]\nahead = 9\nlock_timeout = 300ms\nretries = 4\n")
    holder = db.connect(autocommit=False)
    holder.cursor().execute("LOCK TABLE annals.event_entities IN SHARE UPDATE EXCLUSIVE MODE")
    job = subprocess.Popen(db.command("annals-partition", "--once"), stderr=subprocess.PIPE, text=True)
    took = [us for _, _, us in load(programs, db, "held", batches=150, events=20)]
    _, errors = job.communicate(timeout=60)
    holder.rollback()
    holder.close()
    assert job.returncode == 75, errors
    assert "no lock in 4 tries" in errors
    assert max(took) < 1_000_000
    assert db.query("SELECT count(*) FROM annals.events WHERE tenant_id = 'held'") == [(150 * 20 - 50,)]
    db.run("annals-partition", "--once")
    assert len(bounds(db, "event_entities")) >= 10


def test_attaches_beside_readers_and_writers(programs, db):
    """A reader's open transaction neither stops the job nor, through it, the writers."""
    db.write_conf("[partition]\nahead = 36\n")
    with in_use(programs, db):
        db.run("annals-partition", "--once")
    assert len(bounds(db, "events")) >= 37
