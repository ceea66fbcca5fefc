# SPDX-License-Identifier: Apache-2.0
"""The mover killed at each of its steps, and run again; moves that are given up, and that find the sides to
differ."""
import contextlib
import json
import random
import re
import threading

import pytest

from annals import TOP, wait_until
from mover import OTHER, SHARD, TwoShards, Writer, check_written, event

TENANT = "mover"
EVENTS = 1500

# Statement, which time, after it: in the order of a move. move_step 1 to 8 begins the steps copy to done,
# but for hide.
POINTS = [("move_add", 1, True), ("tenant_settle", 1, False), ("move_settle", 1, True),
          ("move_consumer", 1, True),
          ("move_step", 1, False), ("move_events", 2, False), ("move_step", 2, True),
          ("feed_horizon", 2, False), ("move_step", 3, True),
          ("move_compare_events", 2, False), ("move_compare_entities", 2, True), ("move_step", 4, True),
          ("move_presence", 1, False), ("move_presence", 1, True), ("move_writers", 1, False),
          ("move_settle", 2, True),
          ("move_presence", 2, False), ("move_presence", 2, True), ("move_step", 5, False),
          ("move_step", 5, True),
          ("move_switch", 1, False), ("move_switch", 1, True), ("move_presence", 3, True),
          ("move_step", 6, False),
          ("move_presence", 4, False), ("move_presence", 4, True), ("move_release", 1, False),
          ("move_consumer_end", 1, True), ("move_step", 8, False), ("move_step", 8, True)]


@pytest.fixture(scope="module")
def two(cluster):
    stack = TwoShards(cluster)
    try:
        stack.start()
        stack.fill(TENANT, EVENTS)
        stack.fill("other", 100)
        yield stack
    finally:
        stack.stop()


@pytest.mark.parametrize("statement, number, after", POINTS)
def test_killed_and_run_again(two, statement, number, after):
    """Whatever is done by then, all events can be read, and the second run ends where the first would
    have."""
    source = two.lives_on(TENANT)
    target = OTHER[source]
    pages = two.pages(TENANT)
    other = two.pages("other")
    two.killed_move(TENANT, target, statement, number, after)
    assert two.pages(TENANT) == pages
    assert two.pages("other") == other
    if (statement, number, after) == ("move_step", 8, True):
        assert two.lives_on(TENANT) == target  # nothing was left to do
    else:
        assert two.move(TENANT, target)["step"] == "done"
    assert two.lives_on(TENANT) == target
    assert two.presence(TENANT) == (("hidden", "open") if target == SHARD else ("open", "hidden"))
    assert two.pages(TENANT) == pages
    assert two.stored(source, TENANT) == two.stored(target, TENANT)
    assert two.rows_on(source, "SELECT name FROM annals.consumers WHERE name LIKE 'move:%%'") == []
    assert two.rows("SELECT count(*) FROM annals.tenant_moves WHERE finished_at IS NULL") == [(0,)]
    sent = event(f"after-{statement}-{number}-{after}")
    assert two.post(sent, token=two.token(TENANT)).status == 201
    assert two.post(sent, token=two.token(TENANT)).status == 200


def test_killed_beside_writers(two):
    """No request fails, nothing is lost or doubled, and what was acknowledged is found at once, whatever
    step the mover was killed at, as long as it is run again within ingest.commit_timeout."""
    tenant, ending, seed = "unlucky", threading.Event(), random.randrange(1 << 32)
    print(f"seed {seed}")
    keys = two.fill(tenant, 500)
    writers = [Writer(two, tenant, f"w{n}", batch, ending) for n, batch in enumerate((1, 1, 10))]
    for writer in writers:
        writer.start()
    try:
        for point in random.Random(seed).sample(POINTS[4:-2], 10):
            target = OTHER[two.lives_on(tenant)]
            two.killed_move(tenant, target, *point)
            assert two.move(tenant, target)["step"] == "done"
    finally:
        ending.set()
        for writer in writers:
            writer.join(30)
    check_written(two, tenant, keys, writers)


def test_two_at_once(two):
    """One works, the other is told so."""
    two.fill("contended", 3000)
    moves = [two.start_move("contended", SHARD) for _ in range(3)]
    done = [move.result(60) for move in moves]
    assert sorted(one.returncode for one in done) in ([0, 75, 75], [0, 1, 75], [0, 1, 1]), done
    assert all("somebody else" in one.stderr for one in done if one.returncode == 75)
    assert len(two.pages("contended")[1]) == 3000


@pytest.mark.parametrize("statement, number",
                         [("move_events", 1), ("move_compare_events", 1), ("move_writers", 1),
                                               ("move_switch", 1)])
def test_given_up(two, statement, number):
    """Before the switch: writers go on on the source, at once. The next move begins anew."""
    tenant = f"undecided-{statement.replace('_', '-')}"
    token = two.token(tenant)
    two.fill(tenant, 200)
    two.killed_move(tenant, SHARD, statement, number)
    report = two.move(tenant, None, "--abort")
    assert (report["step"], report["finished"]) == ("aborted", True)
    assert two.presence(tenant) == ("open", "hidden") and two.lives_on(tenant) == "default"
    assert two.post(event("after"), token=token).status == 201
    assert len(two.pages(tenant)[1]) == 201
    assert two.rows("SELECT name FROM annals.consumers WHERE name LIKE 'move:%%'") == []
    assert two.move(tenant, SHARD)["step"] == "done"
    assert len(two.pages(tenant)[1]) == 201


def test_not_given_up_behind_the_switch(two):
    two.fill("decided", 50)
    two.killed_move("decided", SHARD, "move_presence", 3)
    done = two.move("decided", None, "--abort", check=False)
    assert done.returncode == 1 and "lives on shard 'two' already" in done.stderr
    assert two.move("decided", SHARD)["step"] == "done"
    assert len(two.pages("decided")[1]) == 50


def test_writers_wait_while_it_is_closed(two):
    """A request that comes then is answered when the tenant is open again, on whatever shard."""
    two.fill("patient", 50)
    token = two.token("patient")
    two.killed_move("patient", SHARD, "move_writers")
    assert two.presence("patient")[0] == "closed"
    answers = []
    writer = threading.Thread(target=lambda: answers.append(two.post(event("waiting"), token=token)))
    writer.start()
    two.move("patient", SHARD)
    writer.join(20)
    assert answers[0].status == 201
    assert len(two.pages("patient")[1]) == 51


@pytest.mark.parametrize("statement, number, after, step", [
    ("move_writers", 1, False, "close"), ("move_switch", 1, False, "switch"),
    ("move_switch", 1, True, "hide"), ("move_presence", 3, True, "open")])
def test_closed_and_left_alone(two, statement, number, after, step):
    """Whoever looks is told which command opens it again, and that command does."""
    tenant = f"left-{step}"
    two.fill(tenant, 20)
    two.killed_move(tenant, SHARD, statement, number, after)
    command = f"annalsctl tenant move {tenant} --to {SHARD}"
    advice = json.loads(two.ctl("--json", "tenant", "show", tenant))["advice"]
    for told in (advice, two.ctl("tenant", "show", tenant), two.ctl("tenant", "moves")):
        assert command in told and ("--abort" in told) == (step in ("close", "switch")), told
    status = two.ctl("status", check=False)
    assert status.returncode == 1 and f"tenant {tenant}  CLOSED: " in status.stdout
    if step == "close":
        assert two.post(event("refused"), token=two.token(tenant), timeout=20).status == 503
        refused = f"tenant {tenant} takes no events on the shard default: annalsctl tenant show"
        assert refused in two.log.read_text()
    assert two.move(tenant, SHARD)["step"] == "done"
    assert "annalsctl" not in two.ctl("tenant", "show", tenant)
    assert "CLOSED" not in two.ctl("status", check=False).stdout
    assert two.post(event("taken"), token=two.token(tenant)).status == 201


def test_closed_by_hand(two):
    two.fill("by-hand", 20)
    two.rows("UPDATE annals.tenants SET presence = 'closed' WHERE tenant_id = 'by-hand' RETURNING 1")
    assert "no move is under way" in two.ctl("tenant", "show", "by-hand")
    two.move("by-hand", SHARD)
    assert "presence   open" in two.ctl("tenant", "show", "by-hand")


@pytest.mark.parametrize("damage", [
    "DELETE FROM annals.events WHERE tenant_id = %s AND id = (SELECT id FROM annals.events "
    "WHERE tenant_id = %s LIMIT 1)",
    "UPDATE annals.events SET document = '{}' WHERE tenant_id = %s AND id = (SELECT id FROM annals.events"
    " WHERE tenant_id = %s LIMIT 1)",
    "DELETE FROM annals.event_entities WHERE tenant_id = %s AND entity_id = 'f7' AND tenant_id = %s",
    "INSERT INTO annals.event_entities SELECT \"timestamp\", event_id, tenant_id, 'x', 'y' "
    "FROM annals.event_entities"
    " WHERE tenant_id = %s AND entity_id = 'f7' AND tenant_id = %s"])
def test_sides_that_differ(two, damage):
    """It is found out before anybody is led to the target, and writers never wait for it."""
    tenant = f"damaged-{abs(hash(damage)) % 100000}"
    two.fill(tenant, 300)
    two.killed_move(tenant, SHARD, "move_step", 3)
    two.rows_on(SHARD, damage, tenant, tenant)
    done = two.move(tenant, SHARD, check=False)
    assert done.returncode == 1 and "have not the same" in done.stderr, done
    assert two.presence(tenant) == ("open", "hidden")
    assert two.post(event("after"), token=two.token(tenant)).status == 201
    assert len(two.pages(tenant)[1]) == 301
    moves = [json.loads(line) for line in two.ctl("--json", "tenant", "moves").splitlines()]
    assert [one["step"] for one in moves if one["tenant"] == tenant] == ["compare"]
    two.move(tenant, None, "--abort")


def test_what_is_left_keeps_no_partition(two):
    """Hidden rows go with their partition: neither the tenant's class nor its hold stops a drop where it
    lived."""
    two.make_quarter("default", 2019)
    two.ctl("retention", "set", "default", "400")
    two.ctl("retention", "set", "long", "forever")
    try:
        sent = {**event("old"), "timestamp": "2019-02-03T04:05:06Z"}
        assert two.post(sent, token=two.token("keeper", "audit:write audit:import")).status == 201
        two.ctl("tenant", "retention", "keeper", "long")
        two.ctl("hold", "add", "keeper", "--reason", "a case")
        names = "SELECT count(*) FROM pg_class WHERE relname = 'events_2019_q1'"
        two.run_job("partition")
        assert two.rows(names) == [(1,)]
        two.move("keeper", SHARD)
        two.run_job("partition")
        wait_until("the source drops it", lambda: two.rows(names) == [(0,)])
        assert two.rows_on(SHARD, names) == [(1,)]
        assert len(two.pages("keeper")[1]) == 1
    finally:
        two.ctl("retention", "set", "default", "forever")


# --- what a move that is late, or fails, must not do ----------------------------------------------
def statement(name):
    """Its text, for parameters by the names p1, p2, ..."""
    text = re.sub(r"^--.*", "", (TOP / f"sql/queries/{name}.sql").read_text(), flags=re.M)
    return re.sub(r"\$(\d)", r"%(p\1)s", text)


def test_a_switch_that_comes_late(two):
    """Where the move has been given up, the tenant stays where it lives."""
    two.fill("late", 20)
    two.killed_move("late", SHARD, "move_switch")
    [(move,)] = two.rows("SELECT id FROM annals.tenant_moves WHERE tenant_id = 'late'")
    two.move("late", None, "--abort")
    with contextlib.closing(two.cluster.connect("annals_job", two.database)) as conn, conn.cursor() as cursor:
        cursor.execute(statement("move_switch"), {"p1": "late", "p2": move, "p3": "default", "p4": SHARD})
        assert cursor.fetchall() == []
    assert two.lives_on("late") == "default" and two.presence("late") == ("open", "hidden")
    assert two.post(event("after"), token=two.token("late")).status == 201


@contextlib.contextmanager
def refusing(two, shard, table, condition, times=1000000):
    """So many changes of rows there, for which the condition holds, fail."""
    two.rows_on(shard, f"""
        CREATE SEQUENCE annals.refusals;
        CREATE FUNCTION annals.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            IF {condition} AND nextval('annals.refusals') <= {times} THEN
                RAISE 'not now';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON annals.{table} FOR EACH ROW EXECUTE FUNCTION annals.refuse();
        SELECT""")
    try:
        yield
    finally:
        two.rows_on(shard, f"DROP TRIGGER refuse ON annals.{table}; DROP FUNCTION annals.refuse; "
                           "DROP SEQUENCE annals.refusals; SELECT")


def test_the_directory_fails_for_a_moment(two):
    """Behind the closing: the move goes on."""
    two.fill("blink", 20)
    with refusing(two, "default", "tenant_moves", "NEW.step IN ('switch', 'hide', 'open')", 3):
        assert two.move("blink", SHARD)["step"] == "done"
    assert two.presence("blink") == ("hidden", "open")


@pytest.mark.parametrize("steps, presence",
                         [("'switch'", ("open", "hidden")), ("'switch', 'follow'", ("closed", "closed"))])
def test_the_directory_fails(two, steps, presence):
    """Behind the closing: the tenant is opened again, but never before the step has gone back."""
    tenant = f"failing-{presence[0]}"
    two.fill(tenant, 20)
    with refusing(two, "default", "tenant_moves", f"NEW.step IN ({steps}) AND OLD.step = 'close'"):
        assert two.move(tenant, SHARD, check=False).returncode != 0
        assert two.presence(tenant) == presence
    assert two.move(tenant, SHARD)["step"] == "done"
    assert two.presence(tenant) == ("hidden", "open")


def test_given_up_only_once_the_target_is_hidden(two):
    """Else a search across tenants would find the tenant on both sides."""
    two.fill("shown", 20)
    two.killed_move("shown", SHARD, "move_switch")
    with refusing(two, SHARD, "tenants", "NEW.presence = 'hidden' AND NEW.tenant_id = 'shown'"):
        assert two.move("shown", None, "--abort", check=False).returncode != 0
        assert two.presence("shown") == ("open", "closed")
    assert two.move("shown", None, "--abort")["step"] == "aborted"
    assert two.presence("shown") == ("open", "hidden")


# --- partitions that come and go meanwhile --------------------------------------------------------
def drop_quarter(shard, two, year):
    two.rows_on(shard, f"DROP TABLE annals.events_{year}_q1, annals.event_entities_{year}_q1; SELECT")


def old_event(two, tenant, year):
    sent = {**event(f"old{year}"), "timestamp": f"{year}-02-03T04:05:06Z"}
    reply = two.post(sent, token=two.token(tenant, "audit:write audit:import"))
    assert reply.status == 201, reply


def test_the_target_keeps_what_was_brought(two):
    """A hold that comes in the middle of the move counts on the target from the beginning: nothing that it
    is for is dropped there before it is brought."""
    two.make_quarter("default", 2016)
    old_event(two, "precious", 2016)
    two.killed_move("precious", SHARD, "move_step", 4, True)
    two.ctl("hold", "add", "precious", "--reason", "a case")
    two.ctl("retention", "set", "default", "400")
    try:
        two.run_job("partition")
    finally:
        two.ctl("retention", "set", "default", "forever")
    assert two.rows_on(SHARD, "SELECT count(*) FROM annals.events WHERE tenant_id = 'precious'") == [(1,)]
    two.move("precious", SHARD)
    assert len(two.pages("precious")[1]) == 1
    assert two.rows_on(SHARD,
                       "SELECT reason FROM annals.legal_holds WHERE tenant_id = 'precious'") == [("a case",)]


@pytest.mark.parametrize("statement_, number, year", [("move_step", 4, 2015), ("move_writers", 1, 2014)])
def test_a_partition_of_the_target_is_lost(two, statement_, number, year):
    """Behind the comparison: all is copied again, and compared."""
    tenant = f"lost-{year}"
    two.make_quarter("default", year)
    old_event(two, tenant, year)
    two.killed_move(tenant, SHARD, statement_, number, True)
    drop_quarter(SHARD, two, year)
    assert two.move(tenant, SHARD)["compared"] == 1
    assert len(two.pages(tenant)[1]) == 1
    assert two.stored("default", tenant) == two.stored(SHARD, tenant)


def test_a_partition_that_comes_meanwhile_is_compared(two):
    two.fill("growing", 20)
    with two.feed_held_up():
        move = two.start_move("growing", SHARD)
        wait_until("it follows", lambda: two.rows(
            "SELECT step FROM annals.tenant_moves WHERE tenant_id = 'growing'") == [("follow",)])
        for shard in (SHARD, "default"):
            two.make_quarter(shard, 2013)
        old_event(two, "growing", 2013)
    assert move.result(30).returncode == 0, move.result()
    assert json.loads(move.result().stdout)["compared"] == 21


def test_what_retention_took_does_not_come_back(two):
    """A tenant comes back to where rows of it are left that are gone where it lived since."""
    two.make_quarter("default", 2012)
    old_event(two, "returning", 2012)
    two.move("returning", SHARD)
    drop_quarter(SHARD, two, 2012)
    done = two.move("returning", "default", check=False)
    assert done.returncode == 1 and "shard 'two' keeps no longer" in done.stderr, done
    assert two.presence("returning") == ("hidden", "open")
    drop_quarter("default", two, 2012)
    two.move("returning", "default")
    assert two.pages("returning")[1] == []


@pytest.mark.parametrize("statement_, number", [("move_step", 4), ("move_writers", 1)])
def test_another_server_answers(two, statement_, number):
    """A replica that took the place of the target may lack what was brought and compared: it is brought
    again."""
    tenant = f"promoted-{number}"
    two.fill(tenant, 50)
    two.killed_move(tenant, SHARD, statement_, number, True)
    [(source, target)] = two.rows("SELECT source_server, target_server FROM annals.tenant_moves "
                                  "WHERE tenant_id = %s",
                                  tenant)
    assert source != target and target.endswith("/00000001")
    two.rows("UPDATE annals.tenant_moves SET target_server = '1/00000001' WHERE tenant_id = %s RETURNING id",
             tenant)
    for table in ("events", "event_entities"):
        two.rows_on(SHARD, f"DELETE FROM annals.{table} WHERE tenant_id = %s RETURNING tenant_id", tenant)
    assert two.move(tenant, SHARD)["copied"] == 50
    assert len(two.pages(tenant)[1]) == 50
    assert two.stored("default", tenant) == two.stored(SHARD, tenant)
