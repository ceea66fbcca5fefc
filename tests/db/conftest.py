# SPDX-License-Identifier: Apache-2.0
"""One cluster for the folder; each test gets a database of its own, copied from one that was
migrated once."""
import contextlib
import itertools
import os
import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "lib"))

import postgres  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ANNALS_BUILD", TOP))
TEMPLATE = "annals_template"


class Database:
    """A database with its configuration file, and the programs that act on it."""

    numbers = itertools.count()

    def __init__(self, cluster, folder, name):
        self.cluster = cluster
        self.name = name
        self.folder = folder
        self.conf = folder / f"{name}.conf"
        self.write_conf()

    def write_conf(self, extra=""):
        lines = ["[process]", f"run_dir = {self.folder}", "[database]"]
        for key, user in (("writer", "annals_writer"), ("reader", "annals_reader"),
                          ("platform", "annals_platform"), ("job", "annals_job"),
                          ("keeper", "annals_keeper"), ("owner", "postgres")):
            lines.append(f"{key} = {self.cluster.conninfo(user, self.name)}")
        self.conf.write_text("\n".join(lines) + "\n" + extra)

    def command(self, program, *arguments):
        return [str(BUILD / program), *arguments, "--config", str(self.conf)]

    def run(self, program, *arguments, check=True, timeout=60):
        done = subprocess.run(self.command(program, *arguments), capture_output=True, text=True,
                              timeout=timeout)
        if check and done.returncode != 0:
            said = done.stdout + done.stderr
            pytest.fail(f"{program} {' '.join(arguments)}: status {done.returncode}\n{said}")
        return done

    def connect(self, user="postgres", autocommit=True):
        return self.cluster.connect(user, self.name, autocommit)

    def query(self, sql, parameters=None, user="postgres"):
        conn = self.connect(user)
        try:
            with conn.cursor() as cur:
                cur.execute(sql, parameters)
                return cur.fetchall() if cur.description else None
        finally:
            conn.close()


@pytest.fixture(scope="session")
def cluster():
    if postgres.find_bin() is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    with postgres.Cluster() as pg:
        yield pg


@pytest.fixture(scope="session")
def template(cluster, tmp_path_factory):
    """A migrated database with its partitions, to copy from. No connection may stay open on it."""
    db = Database(cluster, tmp_path_factory.mktemp("template"), cluster.create_database(TEMPLATE))
    db.run("annalsctl", "db", "migrate")
    db.run("annals-partition", "--once")
    return db


@pytest.fixture
def empty(cluster, tmp_path):
    """A database without anything in it."""
    name = cluster.create_database(f"empty_{next(Database.numbers)}")
    yield Database(cluster, tmp_path, name)
    cluster.drop_database(name)


@pytest.fixture
def db(cluster, template, tmp_path):
    """A migrated database with partitions around today."""
    name = cluster.create_database(f"test_{next(Database.numbers)}", template.name)
    yield Database(cluster, tmp_path, name)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def programs():
    """Folder of the built test programs."""
    subprocess.run(["make", "-s", "-C", str(BUILD), "tests/db/test-router", "tests/db/test-store",
                    "tests/db/load"], check=True,
                   stdout=subprocess.DEVNULL, timeout=300)
    return BUILD / "tests" / "db"


def environment(db, conninfo=None, prepared="on"):
    """For the test programs: where to write, and where to look."""
    return {**os.environ, "ANNALS_TEST_PG": conninfo or db.cluster.conninfo("annals_writer", db.name),
            "ANNALS_TEST_PG_OWNER": db.cluster.conninfo("postgres", db.name),
            "ANNALS_TEST_PREPARED": prepared, "CMOCKA_MESSAGE_OUTPUT": "STDOUT"}


def load(programs, db, tenant, batches, events, first=0):
    """Writes batches one after the other; (new, duplicates, microseconds) of each."""
    command = [programs / "load", tenant, str(batches), str(events), str(first)]
    done = subprocess.run(command, env=environment(db), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert all(line[0] == "ok" for line in lines), done.stdout
    return [tuple(int(n) for n in line[1:]) for line in lines]


@contextlib.contextmanager
def in_use(programs, db):
    """Beside the block work a writer and a reader, whose transaction is open; the reader's connection is
    yielded. At the end no event was refused, and none has waited for a second."""
    reader = db.connect("annals_reader", autocommit=False)
    reader.cursor().execute("SELECT count(*) FROM annals.events")
    command = [programs / "load", "beside", "100000", "20", "0"]
    writer = subprocess.Popen(command, env=environment(db), text=True, stdout=subprocess.PIPE)
    try:
        lines = [writer.stdout.readline()]
        yield reader
        still_writing = writer.poll() is None
    finally:
        writer.terminate()
        rest = writer.communicate(timeout=60)[0]
        reader.close()
    lines += rest.splitlines()
    assert still_writing
    assert len(lines) > 20
    assert all(line.startswith("ok ") for line in lines)
    assert max(int(line.split()[3]) for line in lines) < 1_000_000
