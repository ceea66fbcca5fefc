# SPDX-License-Identifier: Apache-2.0
"""annals-partition and annalsctl where tenants live on several shards: each gets its turn, and what is said
of a tenant is done where it lives."""
import json

import pytest
from conftest import Database
from postgres import PORT
from test_partition_removal import (add_event, add_month, all_tables, ctl, dry_run, month_ago, name_of,
                                     newest_events, seen, told)

GONE = {name_of(4), name_of(4, "event_entities")}


@pytest.fixture
def other(db, cluster, template, tmp_path):
    """A second shard, `big`, with the tenant `whale`; in both an old month with events of one tenant."""
    name = cluster.create_database(f"shard_{next(Database.numbers)}", template.name)
    shard = Database(cluster, tmp_path, name)
    try:
        ctl(db, "shard", "add", "big", "--primary", f"host={cluster.folder} port={PORT} dbname={name}")
        ctl(db, "tenant", "add", "whale", "--shard", "big")
        ctl(db, "tenant", "add", "small")
        add_month(shard, 4, "whale")
        add_month(db, 4, "small")
        yield shard
    finally:
        cluster.drop_database(name)


def break_shard(db, name):
    db.query("INSERT INTO annals.shards (name, primary_conninfo) "
             "VALUES (%s, 'host=/nowhere port=1 dbname=x')", (name,))


def lines_of(db, *arguments, status=0):
    return [json.loads(line) for line in ctl(db, *arguments, "--json", status=status).splitlines()
            if line.startswith("{")]


def test_a_round_goes_over_all_shards(db, other):
    ctl(db, "retention", "set", "default", "60")
    ahead = name_of(-9)
    assert ahead not in all_tables(other)
    own = "SELECT count(*) FROM annals.events WHERE tenant_id = 'annals'"
    before = other.query(own)
    db.write_conf("[partition]\nahead = 9\n")
    lines = db.run("annals-partition", "--once", "--dry-run").stdout.splitlines()
    assert lines.index("shard big") < lines.index("shard default")
    assert sum(line.startswith(f"drop annals.{name_of(4)} ") for line in lines) == 2
    assert sum(line.startswith(f"create annals.{ahead}") for line in lines) == 2
    db.run("annals-partition", "--once")
    for shard in (db, other):
        assert not GONE & all_tables(shard) and ahead in all_tables(shard)
        [(succeeded, rows)] = shard.query("SELECT succeeded, removed_rows FROM annals.job_runs "
                                          "WHERE job = 'partition'")
        assert succeeded and rows == 2
    assert told(db, "drop")[name_of(4)].startswith("annals.events_")
    assert told(db, "drop")[f"big/{name_of(4)}"].startswith("on shard big: annals.events_")
    assert other.query(own) == before


def test_one_that_fails_does_not_stop_the_others(db, other):
    ctl(db, "retention", "set", "default", "60")
    break_shard(db, "aground")
    break_shard(db, "zebra")
    done = db.run("annals-partition", "--once", check=False)
    assert done.returncode == 75
    assert "shard aground: " in done.stderr and "shard zebra: " in done.stderr
    assert not GONE & (all_tables(db) | all_tables(other))


def test_classes_reach_all_shards(db, other):
    ctl(db, "retention", "set", "gold", "400")
    assert other.query("SELECT keep_days FROM annals.retention_classes WHERE name = 'gold'") == [(400,)]
    break_shard(db, "aground")
    ctl(db, "retention", "set", "gold", "500", status=75)
    assert other.query("SELECT keep_days FROM annals.retention_classes WHERE name = 'gold'") == [(500,)]
    db.query("DELETE FROM annals.shards WHERE name = 'aground'")
    listed = lines_of(db, "retention", "list")  # each shard has the tenant of our own events
    assert [(line["shard"], line["class"], line["keep_days"], line["tenants"]) for line in listed] == [
        ("big", "gold", 500, 0), ("big", "default", None, 2), ("default", "gold", 500, 0),
        ("default", "default", None, 2)]
    assert ctl(db, "retention", "list").startswith("shard big\n")


def test_a_round_brings_the_classes_of_the_directory(db, other):
    """A shard that was away, or came later, drops nothing by what it knew before."""
    ctl(db, "retention", "set", "default", "60")
    db.query("UPDATE annals.retention_classes SET keep_days = NULL")
    db.query("INSERT INTO annals.retention_classes VALUES ('late', 7)")
    db.run("annals-partition", "--once")
    assert GONE <= all_tables(db) & all_tables(other)
    assert other.query("SELECT name, keep_days FROM annals.retention_classes ORDER BY 1") \
        == [("default", None), ("late", 7)]


def test_a_tenants_class_is_changed_where_it_lives(db, other):
    # the other shard has not heard of it
    db.query("INSERT INTO annals.retention_classes VALUES ('brief', 30)")
    assert len(seen(other, "whale")) == 1
    ctl(db, "tenant", "retention", "whale", "brief")
    assert seen(other, "whale") == [] and len(seen(db, "small")) == 1
    assert json.loads(ctl(db, "tenant", "show", "whale", "--json"))["class"] == "brief"
    assert json.loads(ctl(db, "tenant", "show", "small", "--json"))["class"] == "default"
    assert "class 'iron' is not known" in ctl(db, "tenant", "retention", "whale", "iron", status=1)
    assert "tenant 'nobody' is not known" in ctl(db, "tenant", "retention", "nobody", "brief", status=1)


def test_holds_are_where_the_tenant_lives(db, other):
    ctl(db, "retention", "set", "default", "60")
    placed = json.loads(ctl(db, "hold", "add", "whale", "--reason", "case 3", "--json"))
    assert placed == {"id": placed["id"], "shard": "big"}
    db.run("annals-partition", "--once")
    assert GONE <= all_tables(other) and not GONE & all_tables(db)
    assert told(db, "keep")[f"big/{name_of(4)}"].endswith("case 3")
    assert len(seen(other, "whale")) == 1
    [hold] = lines_of(db, "hold", "list")
    assert (hold["shard"], hold["tenant"]) == ("big", "whale")
    number = str(placed["id"])
    assert "on shard default" in ctl(db, "hold", "release", number, status=1)
    ctl(db, "hold", "release", number, "--shard", "big")
    ctl(db, "hold", "release", number, "--shard", "B!", status=2)
    db.run("annals-partition", "--once")
    assert not GONE & all_tables(other)


@pytest.mark.parametrize("wanted", ["class", "hold"])
def test_places_for_a_tenant_that_is_being_moved_here(db, other, wanted):
    """It is hidden until all of its events are here; their partitions may be empty until then."""
    ctl(db, "retention", "set", "default", "60")
    ctl(db, "retention", "set", "gold", "4000")
    db.query("UPDATE annals.tenants SET retention_class = %s WHERE tenant_id = 'whale'",
             ("gold" if wanted == "class" else "default",))
    if wanted == "hold":
        db.query("INSERT INTO annals.legal_holds (tenant_id, reason, placed_by) "
                 "VALUES ('whale', 'case', 'tests')")
    db.run("annals-partition", "--once")
    assert GONE <= all_tables(db) and not GONE & all_tables(other)
    db.query("UPDATE annals.tenants SET retention_class = 'default'; UPDATE annals.legal_holds "
             "SET released_at = now()")
    db.run("annals-partition", "--once")  # its move has ended, or was given up
    assert not GONE & all_tables(db)


def test_resume_believes_the_clock_of_each_shard(db, other):
    ctl(db, "retention", "set", "default", "60")
    for shard in (db, other):
        shard.query("UPDATE annals.job_runs SET clock_at = now() - interval '8 days'")
    db.run("annals-partition", "--once")
    assert GONE <= all_tables(db) & all_tables(other)
    assert ctl(db, "retention", "resume").count("believes the clock") == 2
    db.run("annals-partition", "--once")
    assert not GONE & (all_tables(db) | all_tables(other))


def test_a_shard_on_which_nobody_writes(db, other):
    """The last round on it says what time it is, not its newest event."""
    ctl(db, "retention", "set", "default", "60")
    newest_events(other, 12)
    [(past,)] = other.query("SELECT min(name) FROM annals.partition_bounds('outbox')")
    done = db.run("annals-partition", "--once")
    assert "nothing is dropped" not in done.stderr
    assert not GONE & all_tables(other) and past not in all_tables(other)


def test_resume_is_believed_where_nobody_writes(db, other):
    ctl(db, "retention", "set", "default", "60")
    newest_events(other, 12)
    other.query("UPDATE annals.job_runs SET clock_at = NULL")
    done = db.run("annals-partition", "--once")
    assert "on shard big: nothing is dropped: " in done.stderr and "annalsctl retention resume" in done.stderr
    assert GONE <= all_tables(other) and not GONE & all_tables(db)
    ctl(db, "retention", "resume")
    db.run("annals-partition", "--once")
    assert not GONE & all_tables(other)


def turn_clock(db, days):
    """Statements of the job see another time in this database."""
    db.query(f"""
        CREATE SCHEMA turned;
        GRANT USAGE ON SCHEMA turned TO annals_job;
        CREATE FUNCTION turned.now() RETURNS timestamptz LANGUAGE sql STABLE
            AS $$SELECT pg_catalog.now() + interval '{days} days'$$;
        ALTER ROLE annals_job IN DATABASE {db.name} SET search_path = turned, pg_catalog""")


@pytest.mark.parametrize("wrong", ["shard", "directory"])
def test_a_clock_that_no_other_server_has(db, other, wrong):
    """A year ahead; nothing that the operator says makes up for a clock that is wrong now."""
    ctl(db, "retention", "set", "default", "60")
    turn_clock(other if wrong == "shard" else db, 366)
    ctl(db, "retention", "resume")
    done = db.run("annals-partition", "--once")
    assert GONE <= all_tables(other)
    assert "on shard big: nothing is dropped: " in done.stderr
    if wrong == "shard":
        assert not GONE & all_tables(db) and "but this host's clock says" in done.stderr
    else:
        assert GONE <= all_tables(db) and "but the directory's clock says" in done.stderr


def test_a_dry_run_explains_with_the_classes_of_the_directory(db, other):
    """Those that a round would bring first; and it brings nothing."""
    other.query("UPDATE annals.retention_classes SET keep_days = 4000")
    db.query("UPDATE annals.retention_classes SET keep_days = 60")
    db.query("INSERT INTO annals.retention_classes VALUES ('late', 7)")
    lines = dry_run(db)
    assert sum(line.startswith(f"drop annals.{name_of(4)} ") for line in lines) == 2
    assert other.query("SELECT name, keep_days FROM annals.retention_classes") == [("default", 4000)]


def test_status_of_all_shards(db, other):
    db.run("annals-partition", "--once")
    jobs = [line for line in lines_of(db, "status") if "job" in line]
    assert [(line["shard"], line["job"], line["succeeded"]) for line in jobs] == [
        ("default", "partition", True), ("big", "partition", True)]
    break_shard(db, "aground")
    text = ctl(db, "status", status=75)
    assert text.count("annals-partition  ") == 2 and "annalsctl: shard aground: " in text
