# SPDX-License-Identifier: Apache-2.0
"""annalsctl shard, and what it has to do with tenants and migrations."""
import contextlib
import json
import re
import threading
import time

import psycopg2
import pytest
from annals import TOP, wait_until
from conftest import Database
from postgres import PORT


def place_of(database, more=""):
    return f"host={database.cluster.folder} port={PORT} dbname={database.name}{more}"


@pytest.fixture
def ctl(db):
    """annalsctl of the directory; a number as first argument is the exit status to expect."""

    def run(*arguments):
        status = 0
        if isinstance(arguments[0], int):
            status, *arguments = arguments
        done = db.run("annalsctl", *arguments, check=False)
        assert done.returncode == status, (arguments, done.stdout + done.stderr)
        return done.stdout.strip() if status == 0 else done.stderr.strip()

    return run


@pytest.fixture
def other(cluster, template, tmp_path):
    """A second migrated database."""
    name = cluster.create_database(f"shard_{next(Database.numbers)}", template.name)
    yield Database(cluster, tmp_path, name)
    cluster.drop_database(name)


def test_a_shard_comes_and_goes(db, ctl, other):
    [only] = [json.loads(line) for line in ctl("shard", "list", "--json").splitlines()]
    assert (only["shard"], only["state"], only["tenants"], only["primary"], only["replicas"]) == (
        "default", "open", 1, None, [])  # the tenant of our own events
    assert ctl("shard", "add", "big", "--primary", place_of(other)).startswith("big: added")
    ctl("tenant", "add", "acme", "--shard", "big", "--name", "Acme")
    lists = [json.loads(line) for line in ctl("shard", "list", "--json").splitlines()]
    assert [(s["shard"], s["tenants"], s["primary"]) for s in lists] == [
        ("big", 1, place_of(other)), ("default", 1, None)]
    assert re.search(r"^big +open +1 tenants +host=", ctl("shard", "list"), re.M)
    assert json.loads(ctl("tenant", "show", "acme", "--json")) == {
        "tenant": "acme", "name": "Acme",
        "created_at": json.loads(ctl("tenant", "show", "acme", "--json"))["created_at"],
        "suspended": False, "class": "default", "shard": "big", "presence": "open"}
    assert re.search(r"^acme +\S+ +\(on big\) Acme$", ctl("tenant", "list"), re.M)
    assert db.query("SELECT shard, presence FROM annals.tenants WHERE tenant_id = 'acme'") \
        == [("big", "hidden")]
    assert other.query("SELECT presence, name FROM annals.tenants WHERE tenant_id = 'acme'") \
        == [("open", "Acme")]
    assert "tenants live on it" in ctl(1, "shard", "remove", "big")
    db.query("DELETE FROM annals.tenants WHERE tenant_id = 'acme'")
    for sides in ("'big', 'default'", "'default', 'big'"):
        db.query(f"INSERT INTO annals.tenant_moves (tenant_id, source, target, started_by) "
                 f"VALUES ('acme', {sides}, 'x')")
        assert "being moved" in ctl(1, "shard", "remove", "big")
        db.query("UPDATE annals.tenant_moves SET step = 'aborted', finished_at = now()")
    ctl("shard", "remove", "big")
    assert len(ctl("shard", "list").splitlines()) == 1
    assert "there is no shard" in ctl(1, "shard", "remove", "big")
    assert "is there always" in ctl(2, "shard", "remove", "default")


def statement(name):
    """One of sql/queries, with its parameters as psycopg2 takes them."""
    lines = (TOP / "sql/queries" / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("--")).replace("%", "%%")
    return re.sub(r"\$(\d)", r"%(p\1)s", text)


@contextlib.contextmanager
def uncommitted(db, name, *parameters):
    """What the program does with that statement, in a transaction that ends with the block."""
    connected = db.cluster.connect("annals_job", db.name, autocommit=False)
    with contextlib.closing(connected) as conn, conn.cursor() as cursor:
        cursor.execute(statement(name), {f"p{n}": one for n, one in enumerate(parameters, 1)})
        assert len(cursor.fetchall()) == 1
        yield
        conn.commit()


class Command(threading.Thread):
    """One that waits for somebody's transaction."""

    def __init__(self, db, *arguments):
        super().__init__()
        self.db, self.arguments, self.done = db, arguments, None
        self.start()
        wait_until("it waits", lambda: self.done or db.query("SELECT 1 FROM pg_locks WHERE NOT granted"))
        assert self.done is None, self.done

    def run(self):
        self.done = self.db.run("annalsctl", *self.arguments, check=False)

    def refused(self):
        self.join(30)
        assert self.done.returncode == 1, self.done
        return self.done.stderr


@pytest.mark.parametrize("command, source, target", [
    ("drain", "default", "big"), ("remove", "default", "big"), ("remove", "big", "default")])
def test_a_move_begins_first(db, ctl, other, command, source, target):
    """The shard stays, whoever has looked before the move was there to be seen."""
    ctl("shard", "add", "big", "--primary", place_of(other))
    with uncommitted(db, "move_add", "acme", source, target, "x"):
        late = Command(db, "shard", command, "big")
    assert "tenant acme is being moved to" in (why := late.refused()) and "tenant move acme --abort" in why
    assert json.loads(ctl("shard", "list", "--json").splitlines()[0])["state"] == "open"
    db.query("UPDATE annals.tenant_moves SET step = 'aborted', finished_at = now()")
    ctl("shard", command, "big")


def test_the_source_of_a_move_is_drained(db, ctl, other):
    """That is what the move is for."""
    ctl("shard", "add", "big", "--primary", place_of(other))
    db.query("INSERT INTO annals.tenant_moves (tenant_id, source, target, started_by)"
             " VALUES ('acme', 'big', 'default', 'x')")
    ctl("shard", "drain", "big")


@pytest.mark.parametrize("name, parameters", [
    ("shard_remove", ["big"]), ("shard_state", ["big", "draining"])])
def test_a_move_begins_late(db, ctl, other, name, parameters):
    """It has found the shard to be there and open, and is refused when it begins."""
    ctl("shard", "add", "big", "--primary", place_of(other))
    ctl("tenant", "add", "acme")
    with uncommitted(db, name, *parameters):
        late = Command(db, "tenant", "move", "acme", "--to", "big")
    assert "was removed or drained a moment ago" in late.refused()
    assert db.query("SELECT 1 FROM annals.tenant_moves") == []


def test_a_tenant_comes_first(db, ctl, other):
    ctl("shard", "add", "big", "--primary", place_of(other))
    connected = db.cluster.connect("annals_writer", db.name, autocommit=False)
    with contextlib.closing(connected) as conn, conn.cursor() as cursor:
        cursor.execute(statement("tenant_add"), {"p1": "acme", "p2": "", "p3": "big"})
        late = Command(db, "shard", "remove", "big")
        conn.commit()
    assert "tenants live on it" in late.refused()


def test_its_row_holds_no_secret(ctl, other):
    for more in (" user=annals_writer", " password=x", " passfile=/etc/passfile", " sslkey=/etc/key"):
        why = ctl(2, "shard", "add", "big", "--primary", place_of(other, more))
        assert more.split("=")[0].strip() in why and "the configuration says who connects" in why
        assert "password=x" not in why
    assert "://" not in ctl(2, "shard", "add", "big", "--primary", "postgresql://me:secret@host/annals")


@pytest.mark.parametrize("arguments, why", [
    (["shard", "add", "Big", "--primary", "host=x"], "no name of a shard"),
    (["shard", "add", "default", "--primary", "host=x"], "is there always"),
    (["shard", "add", "big"], "--primary is missing"),
    (["shard", "add", "--primary", "host=x"], "takes one NAME"),
    (["shard", "add", "big", "--primary", "dbname=x"], "names no host"),
    (["shard", "drain"], "takes one NAME"), (["shard", "list", "x"], "takes no arguments"),
    (["db", "migrate", "--shard", "a", "--all-shards"], "takes one of"),
    (["tenant", "show", "a b"], "no tenant id")])
def test_usage(ctl, arguments, why):
    assert why in ctl(2, *arguments)


def test_what_cannot_be_a_shard(db, ctl, other, empty, cluster):
    assert "the primary, as database.writer" in ctl(75, "shard", "add", "big", "--primary", "host=/nowhere")
    assert "run annalsctl db migrate --primary first" in ctl(1, "shard", "add", "big", "--primary",
                                                             place_of(empty))
    assert "the database of the shard 'default'" in ctl(1, "shard", "add", "big", "--primary", place_of(db))
    other_one = place_of(other)
    assert "is none of this primary" in ctl(1, "shard", "add", "big", "--primary", other_one, "--replica",
                                            place_of(db))
    ctl("shard", "add", "big", "--primary", other_one, "--replica", other_one)
    assert "there is a shard of this name, or on this database, already" in ctl(
        1, "shard", "add", "more", "--primary", other_one)
    [big, _] = [json.loads(line) for line in ctl("shard", "list", "--json").splitlines()]
    assert big["replicas"] == [other_one]


def test_migrated_at_its_place(db, ctl, empty):
    assert ctl("db", "migrate", "--dry-run", "--primary", place_of(empty)).startswith("would apply 0001")
    ctl("db", "migrate", "--primary", place_of(empty))
    ctl("shard", "add", "big", "--primary", place_of(empty))
    empty.query("DELETE FROM annals.settings WHERE key = 'functions_digest'")
    assert ctl("db", "migrate", "--all-shards") == "shard big\napplied functions"
    assert ctl("db", "migrate", "--shard", "big") == ""
    assert "partitions until  " in ctl("db", "status", "--shard", "big")  # whoever comes there can be written
    assert "there is no shard 'none'" in ctl(1, "db", "migrate", "--shard", "none")


def test_a_draining_shard_gets_no_new_tenants(db, ctl, other):
    ctl("shard", "add", "big", "--primary", place_of(other))
    ctl("tenant", "add", "early", "--shard", "big")
    ctl("shard", "drain", "big")
    assert "takes no new tenants" in ctl(1, "tenant", "add", "late", "--shard", "big")
    assert "was there already" in ctl("tenant", "add", "early", "--shard", "big")
    ctl("shard", "open", "big")
    ctl("tenant", "add", "late", "--shard", "big")
    assert "lives on the shard 'big' already" in ctl(1, "tenant", "add", "late", "--shard", "default")


def test_half_an_addition_is_completed(db, ctl, other):
    ctl("shard", "add", "big", "--primary", place_of(other))
    other.query("ALTER TABLE annals.tenants RENAME TO away")
    assert "shard big; run this again" in ctl(1, "tenant", "add", "half", "--shard", "big")
    other.query("ALTER TABLE annals.away RENAME TO tenants")
    assert json.loads(ctl("tenant", "show", "half", "--json"))["presence"] == "missing"
    ctl("tenant", "add", "half", "--shard", "big")
    assert json.loads(ctl("tenant", "show", "half", "--json"))["presence"] == "open"


def test_changes_are_on_record(db, ctl, other):
    ctl("shard", "add", "big", "--primary", place_of(other))
    ctl("shard", "drain", "big")
    ctl("shard", "open", "big")
    ctl("shard", "remove", "big")
    actions = [action for action, in db.query("SELECT action FROM annals.events WHERE tenant_id = 'annals' "
                                              "AND action LIKE 'annals.shard.%' ORDER BY id")]
    assert actions == [f"annals.shard.{what}" for what in ("add", "drain", "open", "remove")]


def test_whoever_lives_elsewhere_is_not_open_in_the_directory(db):
    db.query("INSERT INTO annals.shards (name, primary_conninfo) VALUES ('big', 'host=x')")
    with pytest.raises(psycopg2.errors.CheckViolation):
        db.query("INSERT INTO annals.tenants (tenant_id, shard) VALUES ('t', 'big')")
    db.query("INSERT INTO annals.tenants (tenant_id, shard, presence) VALUES ('t', 'big', 'hidden')")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        db.query("DELETE FROM annals.shards WHERE name = 'big'")


def version(db):
    [(text,)] = db.query("SELECT value::bigint FROM annals.settings WHERE key = 'directory_version'")
    return text


def test_the_version_grows_with_what_matters(db):
    for sql, grows in (
            ("INSERT INTO annals.shards (name, primary_conninfo) VALUES ('big', 'host=x')", True),
            ("UPDATE annals.shards SET state = 'draining' WHERE name = 'big'", True),
            ("INSERT INTO annals.tenants (tenant_id) VALUES ('here')", False),
            ("INSERT INTO annals.tenants (tenant_id, shard, presence) VALUES ('there', 'big', 'hidden')",
             True),
            ("UPDATE annals.tenants SET kept_days = 1", False),
            ("UPDATE annals.tenants SET presence = 'closed' WHERE tenant_id = 'here'", False),
            ("UPDATE annals.tenants SET shard = 'big' WHERE tenant_id = 'here'", True),
            ("UPDATE annals.tenants SET suspended_at = now() WHERE tenant_id = 'here'", True),
            ("DELETE FROM annals.tenants", False),
            ("DELETE FROM annals.shards WHERE name = 'big'", True)):
        before = version(db)
        db.query(sql)
        assert (version(db) > before) == grows, sql


def test_versions_show_in_order(db):
    """The second change waits for the first, so that nobody has seen it when the first one comes."""
    first = db.connect(autocommit=False)
    first.cursor().execute("INSERT INTO annals.shards (name, primary_conninfo) VALUES ('a', 'host=a')")
    second = threading.Thread(target=db.query, args=(
        "INSERT INTO annals.shards (name, primary_conninfo) VALUES ('b', 'host=b')",))
    second.start()
    time.sleep(0.3)
    assert second.is_alive()
    first.commit()
    second.join(10)
    assert version(db) == 3
    first.close()


@pytest.mark.parametrize("role", ["annals_writer", "annals_reader"])
def test_who_serves_changes_no_shard(db, role):
    for sql in ("INSERT INTO annals.shards (name, primary_conninfo) VALUES ('big', 'host=x')",
                "UPDATE annals.shards SET state = 'draining'", "DELETE FROM annals.shards",
                "UPDATE annals.tenants SET shard = 'big'", "UPDATE annals.tenants SET presence = 'closed'",
                "UPDATE annals.settings SET value = '9'"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            db.query(sql, user=role)
