# SPDX-License-Identifier: Apache-2.0
"""What annals-partition drops, and what it keeps for which reason: retention, holds, consumers, archive,
clock."""
import datetime
import json
import re
import subprocess
import time

import postgres
import psycopg2
import pytest
from conftest import TOP, Database, in_use

UTC = datetime.timezone.utc
TENANTS = ("short", "long", "other")


def month_ago(step):
    """The first of the month that lies `step` months back."""
    now = datetime.datetime.now(UTC)
    number = now.year * 12 + now.month - 1 - step
    return datetime.datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def name_of(step, table="events"):
    return f"{table}_{month_ago(step):%Y_%m}"


def add_event(db, tenant, at):
    db.query("""
        INSERT INTO annals.tenants (tenant_id) VALUES (%(t)s) ON CONFLICT DO NOTHING;
        INSERT INTO annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id,
                                   outcome, digest, document)
        VALUES (%(t)s, %(at)s, gen_random_uuid(), now(), 'a.b', 'user', 'u', 'success', 'x', '{}');
        INSERT INTO annals.event_entities (tenant_id, "timestamp", event_id, entity_type, entity_id)
        SELECT tenant_id, "timestamp", id, 'document', 'd' FROM annals.events
        WHERE tenant_id = %(t)s AND "timestamp" = %(at)s""", {"t": tenant, "at": at})


def add_month(db, step, *tenants):
    """A month with an event of each tenant."""
    for table in ("event_entities", "events"):
        db.query("SELECT annals.partition_create(%s, %s, %s)", (table, month_ago(step), month_ago(step - 1)),
                 user="annals_job")
    for tenant in tenants:
        add_event(db, tenant, month_ago(step) + datetime.timedelta(days=3))


def keep(db, days, name="default", tenant=None):
    db.query("INSERT INTO annals.retention_classes VALUES (%s, %s) "
             "ON CONFLICT (name) DO UPDATE SET keep_days = excluded.keep_days", (name, days))
    if tenant:
        db.query("UPDATE annals.tenants SET retention_class = %s WHERE tenant_id = %s", (name, tenant))
    refresh(db)


def refresh(db):
    db.query((TOP / "sql/queries/retention_refresh.sql").read_text(), user="annals_job")


def names(db, table="events"):
    return {name for (name,) in db.query("SELECT name FROM annals.partition_bounds(%s)", (table,))}


def all_tables(db):
    """Partitions, and what once was one."""
    return {name for (name,) in db.query(r"""
        SELECT relname FROM pg_class WHERE relnamespace = 'annals'::regnamespace AND relkind = 'r'
          AND relname ~ '^(events|event_entities|outbox)_\d'""")}


def dry_run(db):
    return db.run("annals-partition", "--once", "--dry-run").stdout.splitlines()


def told(db, action):
    """Descriptions of our own events, by partition."""
    return dict(db.query("""
        SELECT document -> 'entities' -> 0 ->> 'id', document ->> 'description' FROM annals.events
        WHERE tenant_id = 'annals' AND action = %s ORDER BY "timestamp" """, (f"annals.partition.{action}",)))


@pytest.fixture
def old(db):
    """Three months far behind the window: 3, 4 and 5 months ago, with events of three tenants."""
    for step in (3, 4, 5):
        add_month(db, step, *TENANTS)
    return db


# --- retention -----------------------------------------------------------------------------------------
def test_nothing_is_dropped_until_somebody_says_so(old):
    before = all_tables(old)
    assert not [line for line in dry_run(old) if line.startswith("drop")]
    old.run("annals-partition", "--once")
    assert all_tables(old) == before


def test_drops_what_is_older_than_the_default(old):
    days = (datetime.datetime.now(UTC) - month_ago(3)).days + 1  # the month that ended then is newer
    keep(old, days)
    lines = dry_run(old)
    assert [line.split()[1].rstrip(",") for line in lines if line.startswith("drop")] == [
        f"annals.{name_of(5)}", f"annals.{name_of(5, 'event_entities')}"]
    before = all_tables(old)
    assert before == all_tables(old)
    old.run("annals-partition", "--once")
    assert all_tables(old) == before - {name_of(5), name_of(5, "event_entities")}
    assert old.query("SELECT count(*) FROM annals.partition_removals") == [(0,)]
    assert "no tenant in it keeps events for so long" in told(old, "drop")[name_of(5)]
    assert set(told(old, "detach")) == {name_of(5), name_of(5, "event_entities")}


def keep_two_months(db):
    """The default class keeps what ended less than three months ago: of `old`, nothing is to stay."""
    keep(db, (datetime.datetime.now(UTC) - month_ago(2)).days)


def test_the_longest_class_in_a_partition_decides(old):
    """A tenant that keeps for ever stops the drop of months in which it has events, and of no other."""
    old.query("DELETE FROM annals.events WHERE tenant_id = 'long' AND \"timestamp\" < %s", (month_ago(4),))
    keep_two_months(old)
    keep(old, 45, "brief", "short")
    keep(old, None, "legal", "long")
    lines = "\n".join(dry_run(old))
    assert f"drop annals.{name_of(5)} " in lines
    assert re.search(f"keep annals.{name_of(4)} .*: class legal of tenant long keeps events for ever", lines)
    old.run("annals-partition", "--once")
    assert {name_of(3), name_of(4)} <= names(old)
    assert name_of(5) not in names(old)
    assert names(old, "event_entities") == {name.replace("events", "event_entities") for name in names(old)}


def test_the_window_is_never_dropped(db):
    """However short the retention: what the window can reach stays, even without a row."""
    keep(db, 1)
    before = all_tables(db)
    db.run("annals-partition", "--once")
    assert all_tables(db) == before


def begin_search(cur, tenant):
    """As every search begins."""
    text = re.sub(r"^--.*", "", (TOP / "sql/queries/search_begin.sql").read_text(), flags=re.M).rstrip()
    cur.execute(f"PREPARE begin_search AS {text}")
    cur.execute("EXECUTE begin_search(%s, '1min', false, 'auto')", (tenant,))
    cur.execute("DEALLOCATE begin_search")


def seen(db, tenant, table="events"):
    conn = db.connect("annals_reader", autocommit=False)
    with conn.cursor() as cur:
        begin_search(cur, tenant)
        cur.execute(f'SELECT "timestamp" FROM annals.{table} ORDER BY 1')
        found = [at for (at,) in cur.fetchall()]
    conn.close()
    return found


@pytest.mark.parametrize("table", ["events", "event_entities"])
def test_shorter_classes_are_hidden(old, table):
    now = datetime.datetime.now(UTC)
    add_event(old, "short", now)
    everything = [month_ago(step) + datetime.timedelta(days=3) for step in (5, 4, 3)]
    assert seen(old, "short", table) == everything + [now]
    keep(old, 30, "brief", "short")
    assert seen(old, "short", table) == [now]
    assert seen(old, "long", table) == everything
    keep(old, (now - everything[1]).days + 1, "brief")
    assert seen(old, "short", table) == everything[1:] + [now]
    keep(old, None, "brief")
    assert seen(old, "short", table) == everything + [now]


# --- legal holds ---------------------------------------------------------------------------------------
def place_hold(db, tenant, start=None, end=None):
    [(number,)] = db.query("INSERT INTO annals.legal_holds (tenant_id, from_at, to_at, reason, placed_by) "
                           "VALUES (%s, %s, %s, 'case 7', 'tests') RETURNING id", (tenant, start, end))
    refresh(db)
    return number


def test_a_hold_stops_drops_of_its_range(old):
    keep_two_months(old)
    number = place_hold(old, "other", month_ago(4), month_ago(3))
    old.run("annals-partition", "--once")
    assert name_of(4) in names(old) and name_of(4, "event_entities") in names(old, "event_entities")
    assert not {name_of(3), name_of(5)} & all_tables(old)
    assert f"legal hold {number} on tenant other: case 7" in told(old, "keep")[name_of(4)]
    old.query("UPDATE annals.legal_holds SET released_at = now(), released_by = 'tests'")
    old.run("annals-partition", "--once")
    assert name_of(4) not in all_tables(old)


def test_what_is_held_is_seen(old):
    """From the start of the hold on, by that tenant alone."""
    keep_two_months(old)
    place_hold(old, "other", month_ago(4))
    assert [at.month for at in seen(old, "other")] == [month_ago(4).month, month_ago(3).month]
    assert seen(old, "short") == []
    place_hold(old, "other")
    assert len(seen(old, "other")) == 3


def test_a_hold_of_a_tenant_without_events_there_stops_nothing(old):
    keep_two_months(old)
    add_event(old, "new", datetime.datetime.now(UTC))
    place_hold(old, "new")
    old.run("annals-partition", "--once")
    assert not {name_of(3), name_of(4), name_of(5)} & all_tables(old)


def detach(db, step, table="events"):
    """As an interrupted round leaves it."""
    [(statement,)] = db.query("SELECT annals.partition_detach(%s, %s)", (table, name_of(step, table)),
                              user="annals_job")
    db.query(statement, user="annals_keeper")


def test_a_hold_that_comes_after_the_detach(old):
    """The function that drops looks itself; the next round attaches what must stay, rows and all."""
    keep_two_months(old)
    detach(old, 4)
    place_hold(old, "other")
    assert old.query("SELECT annals.partition_drop('events', %s)", (name_of(4),),
                     user="annals_job") == [(False,)]
    assert f"attach annals.{name_of(4)} " in "\n".join(dry_run(old))
    old.run("annals-partition", "--once")
    assert name_of(4) in names(old)
    assert len(seen(old, "other")) == 3
    assert "legal hold" in told(old, "attach")[name_of(4)]
    assert old.query("SELECT count(*) FROM annals.partition_removals") == [(0,)]
    assert old.query("SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
                     (f"annals.{name_of(4)}",)) == [(0,)]


def test_a_longer_retention_brings_back_what_was_detached(old):
    detach(old, 4)
    detach(old, 4, "event_entities")
    old.run("annals-partition", "--once")
    assert name_of(4) in names(old) and name_of(4, "event_entities") in names(old, "event_entities")


def test_drop_takes_what_was_detached_by_the_job_alone(old):
    for part in (name_of(4), "tenants", "nothing"):
        for function in ("drop", "attach"):
            with pytest.raises(psycopg2.errors.UndefinedTable):
                old.query(f"SELECT annals.partition_{function}('events', %s)", (part,), user="annals_job")


# --- consumers, archive, clock -------------------------------------------------------------------------
def put_outbox(db, tenant, *times):
    """An outbox row that names events of these times."""
    ids = [f"{int(at.timestamp() * 1000):012x}" + "7" + "0" * 19 for at in times]
    db.query("INSERT INTO annals.outbox (tenant_id, event_ids) VALUES (%s, %s::uuid[])", (tenant, ids))


def pass_all(db, consumer):
    db.query("""
        UPDATE annals.consumers
        SET (xid, id) = (SELECT xid, id FROM annals.outbox ORDER BY xid DESC, id DESC LIMIT 1)
        WHERE name = %s""", (consumer,))


def test_a_consumer_keeps_what_it_has_not_passed(old):
    keep_two_months(old)
    old.query("INSERT INTO annals.consumers (name) VALUES ('index')")
    pass_all(old, "index")
    put_outbox(old, "other", datetime.datetime.now(UTC), month_ago(4) + datetime.timedelta(days=3))
    old.run("annals-partition", "--once")
    assert {name_of(3), name_of(4)} <= names(old)
    assert name_of(5) not in all_tables(old)
    assert "consumer index of the outbox has not passed it" in told(old, "keep")[name_of(4)]
    pass_all(old, "index")
    old.run("annals-partition", "--once")
    assert not {name_of(3), name_of(4)} & all_tables(old)


def test_partitions_of_the_outbox(db):
    """They go when they are older than partition.outbox_retention and passed by all."""
    today = datetime.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - datetime.timedelta(days=n) for n in (12, 10, 8, 7)]
    for day in days:
        db.query("SELECT annals.partition_create('outbox', %s, %s)", (day, day + datetime.timedelta(days=1)),
                 user="annals_job")
    for day in days[:2]:
        db.query("INSERT INTO annals.outbox (created_at, tenant_id, event_ids) VALUES (%s, 't', '{}')",
                 (day,))
    put_outbox(db, "t", datetime.datetime.now(UTC))
    db.query("INSERT INTO annals.consumers (name, xid, id) "
             "SELECT 'slow', xid, id FROM annals.outbox WHERE created_at = %s", (days[0],))
    db.run("annals-partition", "--once")
    left = all_tables(db)
    assert [f"outbox_{day:%Y_%m_%d}" in left for day in days] == [False, True, False, True]
    pass_all(db, "slow")
    db.run("annals-partition", "--once")
    left = all_tables(db)
    assert [f"outbox_{day:%Y_%m_%d}" in left for day in days] == [False, False, False, True]


def test_what_is_not_in_the_archive_stays(old):
    keep_two_months(old)
    old.query("INSERT INTO annals.partition_archives VALUES (%s, %s, %s)",
              (name_of(5), month_ago(5), month_ago(4)))
    old.write_conf("[partition]\nrequire_archive = on\n")
    old.run("annals-partition", "--once")
    assert {name_of(3), name_of(4)} <= names(old)
    assert name_of(5) not in all_tables(old)
    assert "not in the archive" in told(old, "keep")[name_of(3)]


def test_a_clock_that_jumped_stops_drops(old):
    """Whichever way, also in the rounds that follow, until somebody says that it is right."""
    keep_two_months(old)
    old.query("UPDATE annals.job_runs SET clock_at = now() - interval '8 days'")
    for _ in range(2):
        done = old.run("annals-partition", "--once")
        assert "nothing is dropped: the database's clock says" in done.stderr
        assert "but the last round ended at" in done.stderr
        assert {name_of(3), name_of(4), name_of(5)} <= names(old)
    assert "annalsctl retention resume" in told(old, "keep")[name_of(3)]
    assert any("the last round ended at" in line for line in dry_run(old))
    old.query("UPDATE annals.job_runs SET clock_at = now() + interval '8 days'")
    old.run("annals-partition", "--once")
    assert name_of(3) in names(old)
    old.run("annalsctl", "retention", "resume")
    old.run("annals-partition", "--once")
    assert not {name_of(3), name_of(4), name_of(5)} & all_tables(old)


def newest_events(db, days_ago):
    """The newest events of this database were stored so long ago."""
    today = datetime.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = today - datetime.timedelta(days=days_ago)
    db.query("DELETE FROM annals.outbox")
    db.query("SELECT annals.partition_create('outbox', %s, %s)", (day, day + datetime.timedelta(days=1)),
             user="annals_job")
    db.query("INSERT INTO annals.outbox (created_at, tenant_id, event_ids) VALUES (%s, 't', '{}')", (day,))


def test_events_far_from_the_clock_stop_drops(old):
    """Where no round has looked at the clock yet."""
    keep_two_months(old)
    old.query("UPDATE annals.job_runs SET clock_at = NULL")
    newest_events(old, 9)
    assert any("the newest events were stored at" in line for line in dry_run(old))
    assert "drop annals.events" not in "\n".join(dry_run(old))


# --- interrupted ---------------------------------------------------------------------------------------
def wait_until(condition, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pending(db):
    return {name for (name,) in db.query("SELECT inhrelid::regclass::text FROM pg_inherits "
                                         "WHERE inhdetachpending")}


def final_state(db):
    return all_tables(db), names(db), names(db, "event_entities"), pending(db), db.query(
        "SELECT name FROM annals.partition_removals")


@pytest.fixture
def own(tmp_path):
    """The same as `old`, on a server of its own."""
    with postgres.Cluster() as cluster:
        db = Database(cluster, tmp_path, cluster.create_database("own"))
        db.run("annalsctl", "db", "migrate")
        db.run("annals-partition", "--once")
        for step in (3, 4, 5):
            add_month(db, step, *TENANTS)
        yield db


KEPT = """SELECT tenant_id, "timestamp", id FROM annals.events
          WHERE tenant_id <> 'annals' AND "timestamp" >= %s AND "timestamp" < %s ORDER BY 1, 2, 3"""


def begin_round(db, table):
    """A round in the midst of DETACH CONCURRENTLY of the oldest partition, which waits for a reader of its
    table; of the month after it, all is to stay. (job, reader, what stays)"""
    keep_two_months(db)
    place_hold(db, "other", month_ago(4), month_ago(3))
    db.write_conf("[partition]\nlock_timeout = 60s\nretries = 2\n")
    kept = db.query(KEPT, (month_ago(4), month_ago(3)))
    assert len(kept) == len(TENANTS)
    reader = db.connect("annals_reader", autocommit=False)
    reader.cursor().execute(f"SELECT count(*) FROM annals.{table}")
    job = subprocess.Popen(db.command("annals-partition", "--once"), stderr=subprocess.DEVNULL)
    wait_until(lambda: pending(db) == {f"annals.{name_of(5, table)}"})
    return job, reader, kept


def assert_finished(db, kept):
    """The next round ends as if nothing had been."""
    db.run("annals-partition", "--once")
    tables, events, entities, left, removals = final_state(db)
    assert not {name_of(step, table) for step in (3, 5) for table in ("events", "event_entities")} & tables
    assert {name_of(4), name_of(4, "event_entities")} <= events | entities
    assert {name.replace("events", "event_entities") for name in events} == entities
    assert (left, removals) == (set(), [])
    assert db.query(KEPT, (month_ago(4), month_ago(3))) == kept
    assert db.query("""SELECT count(*) FROM annals.event_entities
                       WHERE tenant_id <> 'annals' AND "timestamp" < %s""", (month_ago(3),)) == [(len(kept),)]
    assert {name_of(3), name_of(5)} <= set(told(db, "drop"))


@pytest.mark.parametrize("table", ["events", "event_entities"])
def test_a_round_that_was_killed_is_finished(old, table):
    """kill -9 of the job while the server waits. Its backend lives on; until it ends, others keep away."""
    job, reader, kept = begin_round(old, table)
    job.kill()
    job.wait(10)
    assert pending(old) == {f"annals.{name_of(5, table)}"}
    assert name_of(5, table) not in names(old, table)
    assert any(name_of(5, table) in line and "its detaching was interrupted" in line for line in dry_run(old))
    again = old.run("annals-partition", "--once", check=False)
    assert again.returncode == 75 and "another annals-partition is at work" in again.stderr
    reader.close()
    assert_finished(old, kept)


@pytest.mark.parametrize("table", ["events", "event_entities"])
def test_a_round_whose_server_was_killed_is_finished(own, table):
    """kill -9 of PostgreSQL in that moment: the partition is neither in nor out when it comes back."""
    job, _, kept = begin_round(own, table)
    own.cluster.kill()
    assert job.wait(60) != 0
    own.cluster.start()
    assert pending(own) == {f"annals.{name_of(5, table)}"}
    assert name_of(5, table) not in names(own, table)
    assert any(name_of(5, table) in line and "its detaching was interrupted" in line for line in dry_run(own))
    assert_finished(own, kept)


# --- beside others -------------------------------------------------------------------------------------
def test_two_rounds_at_once(old):
    keep_two_months(old)
    command = old.command("annals-partition", "--once")
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert not {name_of(3), name_of(4), name_of(5)} & all_tables(old)


def test_one_that_is_read_stops_no_other(old):
    """A long reader of the events holds up events and their entities; the outbox gets its turn."""
    keep_two_months(old)
    old.write_conf("[partition]\nlock_timeout = 100ms\nretries = 2\n")
    newest_events(old, 12)
    [(past,)] = old.query("SELECT min(name) FROM annals.partition_bounds('outbox')")
    reader = old.connect("annals_reader", autocommit=False)
    reader.cursor().execute("SELECT count(*) FROM annals.events")
    job = old.run("annals-partition", "--once", check=False)
    assert job.returncode == 75, job.stderr
    assert past not in all_tables(old)
    name = f"annals.{name_of(5)}"
    assert f"{name} stays for now: detaching {name}: no lock in 2 tries" in job.stderr
    assert job.stderr.count("stays for now") == 1
    left = all_tables(old)
    for step in (3, 4, 5):  # entities never go before their events, which may come back
        assert {name_of(step), name_of(step, "event_entities")} <= left
    [(succeeded, message)] = old.query("SELECT succeeded, message FROM annals.job_runs")
    assert not succeeded and f"detaching {name}" in message and "1 dropped" in message
    reader.close()
    old.run("annals-partition", "--once")
    tables, _, _, left, removals = final_state(old)
    assert not {name_of(step, t) for step in (3, 4, 5) for t in ("events", "event_entities")} & tables
    assert (left, removals) == (set(), [])


def test_nobody_waits_for_a_removal(programs, old):
    """Beside a writer and a reader whose transaction stays open for seconds: the job gives up its lock and
    tries again, no event is refused, and none waits."""
    keep_two_months(old)
    old.write_conf("[partition]\nlock_timeout = 200ms\nretries = 3\nahead = 9\n")
    with in_use(programs, old) as reader:
        job = old.run("annals-partition", "--once", check=False)
        assert job.returncode == 75, job.stderr
        assert "no lock in 3 tries" in job.stderr
        assert pending(old)
        reader.rollback()
        wait_until(lambda: old.run("annals-partition", "--once", check=False).returncode == 0)
    assert not {name_of(3), name_of(4), name_of(5)} & all_tables(old)
    assert len(names(old)) >= 10


# --- what is told --------------------------------------------------------------------------------------
def test_each_round_is_told(old):
    keep_two_months(old)
    old.run("annals-partition", "--once")
    [(succeeded, message, rows, freed, clock)] = old.query("""
        SELECT succeeded, message, removed_rows, freed_bytes, clock_at = finished_at
        FROM annals.job_runs WHERE job = 'partition'""")
    assert (succeeded, rows, clock) == (True, 18, True)  # three months with three events and their entities
    assert freed > 6 * 8192
    assert "6 dropped with about 18 rows" in message
    runs = old.query("""
        SELECT document ->> 'description' FROM annals.events
        WHERE action = 'annals.partition.run' ORDER BY "timestamp" """)
    assert runs[-1] == (message,)


def test_each_partition_that_is_made_is_told(db):
    """The first ones too, which had no place for an event while they were made; none twice."""
    count = "SELECT count(*) FROM annals.events WHERE action = 'annals.partition.create'"
    assert set(told(db, "create")) == all_tables(db)
    assert all(words.endswith(": made ahead") for words in told(db, "create").values())
    before = all_tables(db)
    db.write_conf("[partition]\nahead = 5\n")
    db.run("annals-partition", "--once")
    assert set(told(db, "create")) - before == all_tables(db) - before
    assert {name_of(-5), name_of(-5, "event_entities")} <= all_tables(db) - before
    assert db.query(count) == [(len(all_tables(db)),)]


def test_nothing_is_dropped_that_cannot_be_told(old):
    """Where the writer is away, the decision cannot be recorded, and so is not carried out."""
    keep_two_months(old)
    old.query("REVOKE INSERT ON annals.outbox FROM annals_writer")
    done = old.run("annals-partition", "--once", check=False)
    assert done.returncode != 0
    assert "cannot record annals.partition.detach" in done.stderr
    assert {name_of(3), name_of(4), name_of(5)} <= names(old)
    [(succeeded, message)] = old.query("SELECT succeeded, message FROM annals.job_runs "
                                       "WHERE job = 'partition'")
    assert not succeeded and "cannot record" in message


# --- annalsctl -----------------------------------------------------------------------------------------
def ctl(db, *arguments, status=0):
    done = db.run("annalsctl", *arguments, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def logged(db, action):
    return db.query("""
        SELECT document -> 'actor' ->> 'type', document ->> 'description' FROM annals.events
        WHERE tenant_id = 'annals' AND action = %s ORDER BY "timestamp" """, (action,))


def test_retention_by_hand(old):
    assert ctl(old, "retention", "set", "default", "400") == "class default keeps events 400 days\n"
    ctl(old, "retention", "set", "gold", "forever")
    assert ctl(old, "tenant", "retention", "long", "gold") == "tenant long is of class gold\n"
    listed = [json.loads(line) for line in ctl(old, "--json", "retention", "list").splitlines()]
    assert listed == [{"shard": "default", "class": "default", "keep_days": 400, "tenants": 3},
                      {"shard": "default", "class": "gold", "keep_days": None, "tenants": 1}]
    assert re.search(r"^gold +forever +1 tenants$", ctl(old, "retention", "list"), re.M)
    assert logged(old, "annals.retention.set") == [("operator", "class default keeps events 400 days"),
                                                   ("operator", "class gold keeps events for ever")]
    assert logged(old, "annals.retention.assign") == [("operator", "tenant long is to be of class gold")]
    assert "tenant 'nobody' is not known" in ctl(old, "tenant", "retention", "nobody", "gold", status=1)
    assert "class 'iron' is not known" in ctl(old, "tenant", "retention", "long", "iron", status=1)
    for bad in (("0",), ("36501",), ("ever",), ()):
        ctl(old, "retention", "set", "default", *bad, status=2)
    ctl(old, "retention", "set", "Gold!", "3", status=2)


def test_holds_by_hand(old):
    keep_two_months(old)
    number = json.loads(ctl(old, "hold", "add", "other", "--reason", "case 12 / Müller", "--from",
                            f"{month_ago(4):%Y-%m-%d}T00:00:00+00:00", "--to",
                            f"{month_ago(3):%Y-%m-%d}T00:00:00Z",
                            "--json"))["id"]
    old.run("annals-partition", "--once")
    assert name_of(4) in names(old) and not {name_of(3), name_of(5)} & all_tables(old)
    assert f"{number}: tenant other, from {month_ago(4):%Y-%m-%d}" in ctl(old, "hold", "list")
    [hold] = [json.loads(line) for line in ctl(old, "hold", "list", "--json").splitlines()]
    assert (hold["reason"], hold["released_at"]) == ("case 12 / Müller", None)
    ctl(old, "hold", "release", str(number))
    assert ctl(old, "hold", "list") == ""
    assert "released by" in ctl(old, "hold", "list", "--all")
    assert "no hold" in ctl(old, "hold", "release", str(number), status=1)
    old.run("annals-partition", "--once")
    assert name_of(4) not in all_tables(old)
    assert len(logged(old, "annals.hold.add")) == 1
    assert logged(old, "annals.hold.release")[0] == ("operator", f"legal hold {number} is released")


def test_holds_that_are_refused(old):
    assert "tenant 'nobody' is not known" in ctl(old, "hold", "add", "nobody", "--reason", "x", status=1)
    for arguments in (("other",), ("--reason", "x"), ("other", "--reason", ""),
                      ("other", "--reason", "two\nlines"),
                      ("other", "--reason", "a \u009b terminal"),
                      ("other", "--reason", "x", "--from", "yesterday"),
                      ("other", "another", "--reason", "x"),
                      ("other", "--reason", "x", "--from", "2026-02-01T00:00:00Z", "--to",
                       "2026-02-01T00:00:00Z")):
        ctl(old, "hold", "add", *arguments, status=2)
    ctl(old, "hold", "release", "x", status=2)
    assert old.query("SELECT count(*) FROM annals.legal_holds") == [(0,)]


def test_status(old):
    assert re.match(r"server primary  answers\npartitions  ready until \S+\n"
                    r"outbox  \d+ rows, the oldest \d+ s old\n"
                    r"annals-partition  \S+  done: ", ctl(old, "status"))
    old.query("REVOKE INSERT ON annals.outbox FROM annals_writer")
    keep_two_months(old)
    old.run("annals-partition", "--once", check=False)
    assert "FAILED" in ctl(old, "status", status=1)
    [server, partitions, outbox, line] = ctl(old, "status", "--json", status=1).splitlines()
    assert json.loads(partitions)["partitions_end_soon"] is False and json.loads(outbox)["outbox_rows"] >= 0
    assert json.loads(server) == {"shard": "default", "server": "primary", "reached": True, "message": ""}
    assert (json.loads(line)["job"], json.loads(line)["succeeded"]) == ("partition", False)
