# SPDX-License-Identifier: Apache-2.0
"""Reads from replicas that are behind, away or promoted: what is answered, by whom, and how fresh it is
said to be."""
import base64
import concurrent.futures
import contextlib
import datetime
import hmac
import re
import signal
import threading
import time

import pytest

import annals as annals_lib
import postgres
from annals import wait_until
from console import Console, Page
from replicas import Farm, follow

EVENT = {"action": "replica.test", "actor": {"type": "user", "id": "u-1"}}
TOKEN = "Annals-Write-Token"


@pytest.fixture(scope="module")
def shared():
    with Farm(settings={"search.replica_max_lag": "2s", "search.workers": 1}) as farm:
        yield farm


@pytest.fixture
def farm(shared):
    """One that is well, before and after."""
    shared.wait_served(["near", "far"])
    yield shared
    for standby in shared.standbys.values():
        if standby.process is None:
            standby.start()
        standby.resume()
    shared.wait_served(["near", "far"], 20)


def write(farm, **members):
    """The reply and the write token."""
    reply = farm.annals.post({**EVENT, **members})
    assert reply.status == 201, reply
    return reply.json(), {TOKEN: reply.headers[TOKEN]}


def age_s(tier):
    return time.time() - datetime.datetime.fromisoformat(tier["through"].replace("Z", "+00:00")).timestamp()


def hot(reply):
    assert reply.status == 200, reply
    return reply.json()["coverage"]["tiers"][0]


def found(reply, event):
    assert reply.status == 200, reply
    return event["id"] in [e["id"] for e in reply.json()["events"]]


# --- who answers ----------------------------------------------------------------------------------
def test_replicas_share_the_reads(farm):
    before = farm.metric("annals_reads_total", server="primary")
    servers = [farm.served() for _ in range(20)]
    assert servers.count("near") == servers.count("far") == 10
    assert farm.metric("annals_reads_total", server="primary") == before
    tier = hot(farm.annals.get("/v1/events?require=complete"))
    assert tier["served"] == "replica" and tier["shard"] == "default" and tier["complete"] is True
    assert tier["lag_ms"] <= 2000 and age_s(tier) < 3


def test_a_write_is_read_with_its_token(farm):
    for _ in range(20):
        event, token = write(farm)
        assert found(farm.annals.get("/v1/events?limit=5", headers=token), event)
        assert farm.annals.get("/v1/events/" + event["id"], headers=token).status == 200
        counts = farm.annals.get(f"/v1/events/counts?id={event['id']}", headers=token)
        assert counts.json()["buckets"][0]["count"] == 1


def forge(farm, shard, lsn):
    """A write token of tenant t1 as that shard would give it."""
    [[key]] = farm.annals.rows("SELECT value FROM annals.settings WHERE key = 'signing_key'")
    payload = lsn.to_bytes(8, "big") + shard.encode()
    tag = hmac.new(bytes.fromhex(key), b"write-token\0t1\0" + payload, "sha256").digest()[:16]
    return {TOKEN: base64.urlsafe_b64encode(payload + tag).rstrip(b"=").decode()}


def test_positions_of_another_shard_say_nothing(farm):
    """The tenant was moved here: only the primary is sure to have what was written there."""
    assert farm.served(headers=forge(farm, "default", 1)) in ("near", "far")
    assert farm.served(headers=forge(farm, "elsewhere", 1)) == "primary"
    assert farm.annals.get("/v1/events", headers={TOKEN: forge(farm, "default", 1)[TOKEN][:-2]}).status == 400


def test_a_standby_is_no_primary(farm):
    """A name that should lead to the primary leads to a standby, as behind a failover: it need not have
    what was moved."""
    near = farm.standbys["near"].conninfo("annals_reader", farm.annals.database)
    farm.annals.write_conf(database__reader=near)
    farm.annals.reload("search")
    try:
        wait_until("nobody is sure to have it", lambda: farm.annals.get(
            "/v1/events", headers=forge(farm, "elsewhere", 1)).status == 503, 5)
    finally:
        del farm.annals.settings["database.reader"]
        farm.annals.write_conf()
        farm.annals.reload("search")
    wait_until("the primary is found", lambda: farm.annals.get(
        "/v1/events", headers=forge(farm, "elsewhere", 1)).status == 200, 5)


@contextlib.contextmanager
def settings(farm, **changes):
    """A search that was started with these, and then with what was there before."""
    before = dict(farm.annals.settings)

    def restart():
        farm.annals.stop_app("search")
        farm.annals.start_app("search")

    farm.annals.write_conf(**changes)
    restart()
    try:
        yield
    finally:
        farm.annals.settings.clear()
        farm.annals.settings.update(before)
        farm.annals.write_conf()
        restart()


def test_a_standby_in_the_place_of_the_primary_tells_its_lag(farm):
    """Nobody else is near, and what is named as the primary has not replayed for longer than is allowed
    either."""
    near = farm.standbys["near"]
    with settings(farm, database__reader=near.conninfo("annals_reader", farm.annals.database),
                  database__platform=near.conninfo("annals_platform", farm.annals.database),
                  replica__near__conninfo=None, replica__far__conninfo=None):
        event, _ = write(farm)
        near.catch_up()
        tier = hot(farm.annals.get("/v1/events?require=complete"))
        assert (tier["served"], tier["complete"]) == ("replica", True)
        near.pause()
        late, _ = write(farm)
        time.sleep(2.2)
        everybody = {"token": farm.annals.token("*", "audit:read"), "headers": {"Annals-Tenant": "*"}}
        for how in ({}, everybody):
            reply = farm.annals.get("/v1/events?limit=9", **how)
            assert found(reply, event) and not found(reply, late)
            assert hot(reply)["complete"] is False and hot(reply)["lag_ms"] > 2000
            assert farm.annals.get("/v1/events?require=complete", **how).status == 503
        assert farm.annals.get(f"/v1/events/{late['id']}").status == 503, "it is not said that there is none"
        near.resume()


def test_refused_means_that_the_primary_reads_no_events(farm):
    """What only the primary is sure to have is read from a replica that has got there, or not at all."""
    elsewhere = forge(farm, "elsewhere", 1)
    with settings(farm, search__replica_fallback="refuse"):
        event, _ = write(farm)
        farm.catch_up()
        farm.annals.ctl("tenant", "add", "nothing")
        before = farm.metric("annals_reads_total", server="primary", app="search")
        assert farm.served(headers=elsewhere) in ("near", "far")
        assert farm.annals.get("/v1/events/" + event["id"]).status == 200
        assert farm.annals.get("/v1/events/" + event["id"], token=farm.annals.token("nothing")).status == 404
        for standby in farm.standbys.values():
            standby.pause()
        late, _ = write(farm)
        assert farm.annals.get("/v1/events", headers=elsewhere).status == 503
        assert farm.annals.get("/v1/events/" + late["id"]).status == 503, "it is not said that there is none"
        for standby in farm.standbys.values():
            standby.resume()
        wait_until("replicas have it", lambda: farm.served(headers=elsewhere) in ("near", "far"), 5)
        assert farm.annals.get("/v1/events/" + late["id"]).status == 200
        assert farm.metric("annals_reads_total", server="primary", app="search") == before


def test_across_tenants_nothing_is_older_than_allowed(farm):
    """What was known of a replica a moment ago is not taken for what it answers."""
    for standby in farm.standbys.values():
        standby.pause()
    token = farm.annals.token("*", "audit:read")
    deadline = time.monotonic() + 3.5
    answers = 0
    while time.monotonic() < deadline:
        reply = farm.annals.get("/v1/events?limit=1", token=token, headers={"Annals-Tenant": "*"})
        if reply.status == 200:
            answers += 1
            assert hot(reply)["lag_ms"] <= 2000 or not hot(reply)["complete"]
    assert answers > 3


def test_replay_stands_still(farm):
    """What is not there is found elsewhere by whoever has a token; others are told how old their answer
    is."""
    for standby in farm.standbys.values():
        standby.pause()
    event, token = write(farm)
    from_s = time.monotonic()
    reply = farm.annals.get("/v1/events?limit=5", headers=token)
    assert found(reply, event) and hot(reply)["served"] == "primary"
    assert time.monotonic() - from_s < 2
    assert farm.annals.get("/v1/events/" + event["id"], headers=token).status == 200
    assert farm.annals.get("/v1/events/" + event["id"]).status == 200, \
        "an event that is not there is asked of the primary"
    old = farm.annals.get("/v1/events?limit=5")
    assert not found(old, event) and hot(old)["served"] == "replica"
    assert hot(old)["through"] < event["received_at"]
    assert farm.metric("annals_reads_skipped_total", reason="position") > 0


def test_one_replay_stands_still(farm):
    """The other replica has it: the primary is not asked."""
    farm.standbys["near"].pause()
    before = farm.metric("annals_reads_total", server="primary")
    for _ in range(6):
        event, token = write(farm)
        reply = farm.annals.get("/v1/events?limit=5", headers=token)
        assert found(reply, event) and hot(reply)["replica"] == "far"
    assert farm.metric("annals_reads_total", server="primary") == before


def test_too_far_behind(farm):
    """Over replica_max_lag: left alone until it has caught up."""
    for standby in farm.standbys.values():
        standby.pause()
    write(farm)
    wait_until("the primary answers", lambda: farm.served() == "primary", 5)
    farm.wait_served(["primary"])
    assert farm.metric("annals_replica_up", app="search") == 0
    assert farm.metric("annals_replica_lag_seconds", app="search", server="near") >= 2
    assert farm.metric("annals_reads_skipped_total", reason="lag") > 0
    status = farm.annals.ctl("status", check=False)
    assert status.returncode == 1 and "replica near  NOT READ FROM: it is" in status.stdout
    ready = farm.annals.get("/readyz", token=None)
    assert ready.status == 200 and any("replica near of shard default is not read from" in text
                                       for text in ready.json()["warnings"])
    farm.standbys["near"].resume()
    farm.wait_served(["near"])
    farm.standbys["far"].resume()
    farm.wait_served(["near", "far"])
    assert "replica near  has all up to" in farm.annals.ctl("status")


def test_the_console_shows_the_servers(farm):
    farm.standbys["far"].stop()
    farm.wait_served(["near"])
    text = Page(Console(farm.annals).sign_in("*").get("/admin/status").body).text
    assert re.search(r"Servers .* default primary answers default near \d+ ms behind \S+ \S+ default far "
                     r"not read from:", text)


def test_quiet_is_not_behind(farm):
    """Nothing was written for longer than replica_max_lag."""
    time.sleep(2.5)
    assert {farm.served() for _ in range(10)} == {"near", "far"}


# --- servers that go away -------------------------------------------------------------------------
def test_a_replica_dies_and_comes_back(farm):
    stop = threading.Event()
    failed = []

    def read():
        while not stop.is_set():
            reply = farm.annals.get("/v1/events?limit=1")
            if reply.status != 200:
                failed.append(reply)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        time.sleep(0.3)
        farm.standbys["near"].kill()
        time.sleep(1)
        assert {farm.served() for _ in range(6)} == {"far"}
        farm.standbys["near"].start()
        farm.wait_served(["near", "far"], 20)
    finally:
        stop.set()
        reader.join()
    assert not failed


def test_a_replica_stands_still(farm):
    """A process that is there and says nothing: its searches take a few seconds once, and go elsewhere."""
    farm.standbys["near"].signal_all(signal.SIGSTOP)
    try:
        for _ in range(10):
            from_s = time.monotonic()
            assert farm.served() == "far"
            assert time.monotonic() - from_s < 5
    finally:
        farm.standbys["near"].signal_all(signal.SIGCONT)


def in_row(what, condition):
    """Old workers may still answer for a moment after a reload."""
    wait_until(what, lambda: all(condition() for _ in range(8)))


def stop_standbys(farm):
    for standby in farm.standbys.values():
        standby.stop()


def test_all_replicas_down(farm):
    stop_standbys(farm)
    assert {farm.served() for _ in range(4)} == {"primary"}
    farm.annals.write_conf(search__replica_fallback="refuse")
    farm.annals.reload("search")
    try:
        in_row("searches are refused", lambda: farm.annals.get("/v1/events").status == 503)
        reply = farm.annals.get("/v1/events")
        assert reply.status == 503 and "Retry-After" in reply.headers
        event, token = write(farm)
        assert farm.annals.get("/v1/events/" + event["id"], headers=token).status == 503
        assert farm.annals.get("/readyz", token=None).status == 503
    finally:
        farm.annals.write_conf(search__replica_fallback="primary")
        farm.annals.reload("search")


def test_primary_down(farm):
    """Searching goes on, and so does whoever is signed in to the console; writing and signing in wait."""
    event, token = write(farm)
    console = Console(farm.annals).sign_in("t1")
    late = console.link()[1]
    farm.catch_up()
    farm.primary.stop()
    try:
        reply = farm.annals.get("/v1/events?limit=5", headers=token)
        assert found(reply, event) and hot(reply)["served"] == "replica"
        assert farm.annals.get("/v1/events/" + event["id"]).status == 200
        assert console.page("/admin/events?action=replica.test")
        assert console.page(f"/admin/events/{event['id']}")
        assert "annals.console.read by console:" in farm.annals.log.read_text()
        assert console.use(late).status == 503
        assert farm.annals.post(EVENT).status == 503
        assert farm.annals.get("/readyz", token=None).status == 200
        time.sleep(2.5)
        reply = farm.annals.get("/v1/events?limit=5")
        assert found(reply, event), "the nearest is better than none"
        assert hot(reply)["complete"] is False and hot(reply)["lag_ms"] > 2000
        assert farm.annals.get("/v1/events?require=complete").status == 503
    finally:
        farm.primary.start()
    wait_until("events are taken again", lambda: farm.annals.post(EVENT).status == 201, 10)


def test_unrecorded_looks_can_be_refused(farm):
    event, _ = write(farm)
    console = Console(farm.annals).sign_in("t1")
    farm.catch_up()
    farm.annals.write_conf(admin__record_fallback="refuse")
    farm.annals.reload("admin")
    farm.primary.stop()
    try:
        in_row("nothing is shown", lambda: console.get("/admin/events").status == 503)
        assert console.get(f"/admin/events/{event['id']}").status == 503
    finally:
        farm.primary.start()
        farm.annals.write_conf(admin__record_fallback=None)
        farm.annals.reload("admin")
    wait_until("events are taken again", lambda: farm.annals.post(EVENT).status == 201, 10)


# --- what a replica cancels -----------------------------------------------------------------------
@contextlib.contextmanager
def slow_replicas(farm):
    """A search on a replica holds its locks for a second before it reads, and so does who looks at the
    migrations."""
    with contextlib.closing(farm.annals.db()) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('annals.through()'::regprocedure)")
        [[definition]] = cursor.fetchall()
        cursor.execute("""CREATE OR REPLACE FUNCTION annals.through() RETURNS timestamptz
                          LANGUAGE plpgsql AS $$
            BEGIN
                IF pg_is_in_recovery() THEN PERFORM FROM annals.tenants; PERFORM pg_sleep(1); END IF;
                RETURN now();
            END $$""")
        cursor.execute("""
            ALTER TABLE annals.schema_migrations RENAME TO migrations_kept;
            CREATE VIEW annals.schema_migrations AS
                SELECT m.* FROM annals.migrations_kept m, annals.through();
            GRANT SELECT ON annals.schema_migrations TO annals_reader""")
        farm.catch_up()
        try:
            yield cursor
        finally:
            cursor.execute(definition)
            cursor.execute("""
                DROP VIEW annals.schema_migrations;
                ALTER TABLE annals.migrations_kept RENAME TO schema_migrations""")


def with_a_conflict(cursor, ask):
    """What ask() returns, during which the replicas must replay what conflicts with it."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        time.sleep(0.5)
        cursor.execute("BEGIN; LOCK TABLE annals.tenants IN ACCESS EXCLUSIVE MODE; COMMIT")
        return answer.result(20)


def test_a_conflict_is_repeated_once_elsewhere():
    settings = {"search.workers": 1, "admin.workers": 1}
    with Farm(["near", "far"], settings, ["max_standby_streaming_delay=0"]) as farm:
        farm.wait_served(["near", "far"])
        event, _ = write(farm)
        console = Console(farm.annals).sign_in("*")
        assert console.get("/admin/status").status == 200  # it knows how near the replicas are
        everybody = {"token": farm.annals.token("*", "audit:read"), "headers": {"Annals-Tenant": "*"}}
        farm.annals.get("/v1/events?limit=1", **everybody)
        with slow_replicas(farm) as cursor:
            reply = with_a_conflict(cursor, lambda: farm.annals.get("/v1/events?limit=5"))
            assert found(reply, event) and hot(reply)["served"] == "primary"
            assert farm.metric("annals_reads_skipped_total", reason="conflict") == 1
            reply = with_a_conflict(cursor, lambda: farm.annals.get("/v1/events?limit=50", **everybody))
            assert found(reply, event) and reply.json()["coverage"]["complete"]
            assert reply.json()["coverage"]["shards"][0]["served"] == "primary"
            assert farm.metric("annals_reads_skipped_total", reason="conflict") == 2
            reply = with_a_conflict(cursor, lambda: console.get("/admin/status"))
            assert reply.status == 200 and "Reads come from the primary" in Page(reply.body).text
            assert farm.metric("annals_reads_skipped_total", reason="conflict") == 3
        farm.wait_served(["near", "far"])


# --- failover -------------------------------------------------------------------------------------
def test_failover():
    """A replica is promoted, and the old primary comes back as its standby: the writers find the new one."""
    with Farm(["near"], {"ingest.workers": 1, "search.workers": 1}) as farm:
        old, new = farm.primary, farm.standbys["near"]
        both = (f"host={old.folder},{new.folder} port={postgres.PORT},{postgres.PORT} "
                f"dbname={farm.annals.database}")
        farm.annals.write_conf(database__writer=f"{both} user=annals_writer",
                               database__reader=f"{both} user=annals_reader")
        for app in ("ingest", "search", "admin"):
            farm.annals.stop_app(app)
            farm.annals.start_app(app)
        before, _ = write(farm)
        old.stop()
        assert farm.annals.post(EVENT).status == 503
        new.promote()
        wait_until("the new primary takes events", lambda: farm.annals.post(EVENT).status == 201, 10)
        follow(old, new)
        after = [write(farm) for _ in range(10)]
        farm.annals.reload("ingest")  # new connections, and the old primary stands first in the list
        time.sleep(1)
        after += [write(farm) for _ in range(10)]
        for event, token in after:
            assert found(farm.annals.get(f"/v1/events?id={event['id']}", headers=token), event)
        assert found(farm.annals.get(f"/v1/events?id={before['id']}"), before)
        log = open(old.log, encoding="utf-8", errors="replace").read()
        assert "read-only transaction" not in log, "a write went to the old primary"
        # The old primary follows now; nothing was written there, so it can.
        wait_until("the old primary has what was written",
                   lambda: old_has(old, farm.annals.database, after[-1][0]))


def test_failover_of_the_directory_to_one_that_had_less():
    """It counts anew: a change that happens to have the number of one that was lost is a change all the
    same."""
    with Farm(["near"], {"ingest.workers": 1}) as farm:
        old, new = farm.primary, farm.standbys["near"]
        both = (f"host={old.folder},{new.folder} port={postgres.PORT},{postgres.PORT} "
                f"dbname={farm.annals.database}")
        farm.annals.write_conf(database__writer=f"{both} user=annals_writer")
        farm.annals.stop_app("ingest")
        farm.annals.start_app("ingest")
        write(farm)
        farm.annals.ctl("tenant", "add", "other")
        farm.catch_up()
        new.stop()
        suspend(old, farm.annals.database, "other")
        time.sleep(1.2)
        write(farm)  # the worker has seen that number
        old.stop()
        new.start()
        new.promote()
        suspend(new, farm.annals.database, "t1")
        wait_until("the change is seen", lambda: farm.annals.post(EVENT).status == 403, 5)


def suspend(cluster, database, tenant):
    with contextlib.closing(cluster.connect(dbname=database)) as conn, conn.cursor() as cursor:
        cursor.execute("UPDATE annals.tenants SET suspended_at = now() WHERE tenant_id = %s", (tenant,))
        assert cursor.rowcount == 1


def old_has(cluster, database, event):
    with contextlib.closing(cluster.connect(dbname=database)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM annals.events WHERE id = %s", (event["id"],))
        return cursor.fetchone()[0] == 1


# --- a pooler in between --------------------------------------------------------------------------
def test_through_pgbouncer():
    """In transaction mode, in front of the primary and of a replica."""
    with Farm(["near"],
              {"search.statement_timeout": "1s"}) as farm, postgres.PgBouncer(farm.primary, 2) as primary, \
            postgres.PgBouncer(farm.standbys["near"], 2) as near:
        changes = {f"database__{name}": primary.conninfo(annals_lib.ROLES[name], farm.annals.database)
                   for name in ("writer", "reader")}
        farm.annals.write_conf(database__prepared="off", **changes)
        farm.annals.settings["replica.near.conninfo"] = f"host={near.folder} port={postgres.PORT}"
        farm.annals.write_conf()
        for app in ("ingest", "search"):
            farm.annals.stop_app(app)
            farm.annals.start_app(app)
        for _ in range(20):
            event, token = write(farm)
            assert found(farm.annals.get("/v1/events?limit=5", headers=token), event)
        farm.wait_served(["near"])
        farm.standbys["near"].stop()
        event, token = write(farm)
        reply = farm.annals.get("/v1/events?limit=5", headers=token)
        assert found(reply, event) and hot(reply)["served"] == "primary"
