# SPDX-License-Identifier: Apache-2.0
"""Several hosts of one role, the first of them silent, named in a connection string or in the service file
that it names: the next one is reached within a request's limit, also after a failover, and a place is no
host of the file."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

import postgres
from annals import APPS, BUILD, ROLES, wait_until
from replicas import Farm, follow
from shards import Shard

EVENT = {"action": "service.test", "actor": {"type": "user", "id": "u-1"}}
LIMIT_S = 4  # of a request that has to go past a silent host; below ingest.commit_timeout


class Mute:
    """Accepts connections and never answers, as a server does whose processes stand still."""

    def __init__(self, port):
        self.folder = postgres.make_folder("an-mute-")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"{self.folder}/.s.PGSQL.{port}")
        os.chmod(f"{self.folder}/.s.PGSQL.{port}", 0o777)
        self.socket.listen(64)
        self.host, self.port = self.folder, port

    def close(self):
        self.socket.close()
        shutil.rmtree(self.folder)


class Gone:
    """Drops what is sent to it, as a network does behind which nobody is left: its queue is full, and
    nobody accepts."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.host, self.port = self.socket.getsockname()
        self.fillers = [socket.socket() for _ in range(3)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))

    def close(self):
        for each in (self.socket, *self.fillers):
            each.close()


@pytest.fixture
def silent(request):
    with contextlib.closing(request.param()) as host:
        yield host


class Services:
    """A service file with one service a role."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "services"
        self.environment = {"PGSERVICEFILE": str(self.path)}

    def write(self, hosts, dbname, roles=("writer", "reader"), **options):
        """hosts: [(host, port)]."""
        names, ports = (",".join(str(part) for part in parts) for parts in zip(*hosts))
        lines = [f"{name}={value}\n" for name, value in options.items()]
        self.path.write_text("".join(
            f"[{ROLES[role]}]\nhost={names}\nport={ports}\ndbname={dbname}\n"
            f"user={ROLES[role]}\n{''.join(lines)}"
            for role in roles))

    @staticmethod
    def settings(roles=("writer", "reader")):
        return {f"database.{role}": f"service={ROLES[role]}" for role in roles}


@pytest.fixture
def services():
    folder = postgres.make_folder("an-svc-")
    os.chmod(folder, 0o755)
    yield Services(folder)
    shutil.rmtree(folder)


def restart(stack):
    for app in APPS:
        stack.stop_app(app)
        stack.start_app(app)


def timed(call):
    from_s = time.monotonic()
    reply = call()
    return reply, time.monotonic() - from_s


def tool(stack, services, *command):
    """annalsctl, or another program, with the service file."""
    program, *arguments = command
    return subprocess.run([str(BUILD / program), "--config", str(stack.conf), *arguments], text=True,
                          capture_output=True,
                          env={**os.environ, **services.environment}, timeout=60, check=False)


# --- the first host is silent ---------------------------------------------------------------------
@pytest.mark.parametrize("named", ["in the string", "in the service file"])
@pytest.mark.parametrize("silent", [lambda: Mute(1111), Gone], ids=["mute", "gone"], indirect=True)
def test_the_next_host_is_reached_in_time(make_annals, cluster, services, silent, named):
    """Each worker's first request waits for the share of connect_timeout of the host that is silent; no
    other does."""
    stack = make_annals({"ingest.workers": 1, "search.workers": 1, "admin.workers": 1},
                        environment={app: services.environment for app in APPS})
    hosts = [(silent.host, silent.port), (cluster.folder, postgres.PORT)]
    services.write(hosts, stack.database)
    names, ports = (",".join(str(part) for part in parts) for parts in zip(*hosts))
    strings = {f"database.{role}": f"host={names} port={ports} dbname={stack.database} user={ROLES[role]}"
               for role in ("writer", "reader")}
    stack.settings.update(strings if named == "in the string" else Services.settings())
    stack.write_conf()
    restart(stack)
    reply, took_s = timed(lambda: stack.post(EVENT))
    assert reply.status == 201 and took_s < LIMIT_S
    event = reply.json()
    reply, took_s = timed(lambda: stack.get(f"/v1/events/{event['id']}"))
    assert reply.status == 200 and took_s < LIMIT_S
    for _ in range(5):
        reply, took_s = timed(lambda: stack.post(EVENT))
        assert reply.status == 201 and took_s < 0.5


# --- failover -------------------------------------------------------------------------------------
def test_failover(services):
    """The primary stands still, as a dead node does; another is promoted, and the old one comes back as its
    standby. What stands first in the file is not taken for the primary then, neither to write nor to
    read."""
    with Farm(["near"], {"ingest.workers": 1, "search.workers": 1, "admin.workers": 1}) as farm:
        stack, old, new = farm.annals, farm.primary, farm.standbys["near"]
        services.write([(old.folder, postgres.PORT), (new.folder, postgres.PORT)], stack.database)
        stack.environment = {app: services.environment for app in APPS}
        stack.settings.update(Services.settings())
        stack.write_conf()
        restart(stack)
        farm.wait_served(["near"])
        assert stack.post(EVENT).status == 201
        farm.catch_up()
        old.signal_all(signal.SIGSTOP)
        new.promote()
        wait_until("the new primary takes events", lambda: stack.post(EVENT).status == 201, 15)
        old.kill()
        follow(old, new)
        restart(stack)  # whoever connects begins with the old one again
        event = stack.post(EVENT)
        assert event.status == 201
        with contextlib.closing(old.connect()) as conn, conn.cursor() as cursor:
            cursor.execute("SELECT pg_wal_replay_pause()")
        event = stack.post(EVENT)
        token = {"Annals-Write-Token": event.headers["Annals-Write-Token"]}
        for _ in range(3):
            reply = stack.get("/v1/events?limit=1", headers=token)
            assert [found["id"] for found in reply.json()["events"]] == [event.json()["id"]], reply
            assert farm.server_of(reply) == "primary"


# --- places ---------------------------------------------------------------------------------------
def test_a_place_inherits_no_port(make_annals, cluster, services):
    """A shard and a replica whose places name no port are at PostgreSQL's own one, whatever ports the file
    and the environment have for other servers."""
    roles = tuple(ROLES)
    environment = {**services.environment, "PGPORT": "1112"}
    with contextlib.closing(Mute(1111)) as mute, postgres.Cluster() as second:
        stack = make_annals({"ingest.workers": 1, "search.workers": 1, "admin.workers": 1},
                            environment={app: environment for app in APPS})
        shard = Shard(stack, "second", second)
        shard.place = f"host={second.folder} dbname={shard.database}"
        shard.add()
        stack.ctl("tenant", "add", "there", "--shard", "second")
        services.write([(mute.folder, 1111), (cluster.folder, postgres.PORT)], stack.database, roles)
        stack.settings.update({**Services.settings(roles), "replica.near.conninfo": f"host={cluster.folder}"})
        stack.write_conf()
        restart(stack)
        event = stack.post(EVENT, token=stack.token("there"))
        assert event.status == 201, event
        assert stack.get(f"/v1/events/{event.json()['id']}", token=stack.token("there")).status == 200
        assert shard.rows("SELECT count(*) FROM annals.events WHERE tenant_id = 'there'") == [(1,)]
        status = tool(stack, services, "annalsctl", "status").stdout
        assert "replica near  NOT READ FROM: it follows no primary" in status, "reached, but no replica"
        shard.drop()


# --- what the file says ---------------------------------------------------------------------------
def test_a_password_in_the_file(make_annals, services):
    """It is used, shown nowhere, and where it is changed, the next connection has the new one."""
    stack = make_annals({"ingest.workers": 1}, own_cluster=True,
                        environment={app: services.environment for app in APPS})

    def change_password(word):
        stack.rows(f"ALTER ROLE annals_writer PASSWORD '{word}'; SELECT 1")
        services.write([(stack.cluster.folder, postgres.PORT)], stack.database, password=word)
        stack.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'annals_writer'")

    hba = pathlib.Path(stack.cluster.data) / "pg_hba.conf"
    hba.write_text("local all annals_writer scram-sha-256\n" + hba.read_text())
    stack.rows("SELECT pg_reload_conf()")
    change_password("geheim-1")
    stack.settings.update(Services.settings())
    stack.write_conf(log__level="info", log__trace="db")
    restart(stack)
    assert stack.post(EVENT).status == 201
    change_password("geheim-2")
    wait_until("the new password is used", lambda: stack.post(EVENT).status == 201, 3)
    stack.rows("ALTER ROLE annals_writer PASSWORD 'geheim-3'; SELECT 1")
    stack.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'annals_writer'")
    wait_until("nobody gets in", lambda: stack.post(EVENT).status == 503, 3)
    shown = [stack.log.read_text()]
    for command in ("check", "show", "dump"):
        done = tool(stack, services, "annalsctl", "config", command)
        assert done.returncode == 0, done
        shown += [done.stdout, done.stderr]
    assert "cannot connect" in shown[0] and "geheim" not in "".join(shown)


def test_a_service_that_is_not_there(make_annals, services):
    """It is named at the start of who needs it, and by config check; a reload keeps what was good."""
    stack = make_annals({"ingest.workers": 1}, environment={app: services.environment for app in APPS})
    hosts = [(stack.cluster.folder, postgres.PORT)]
    services.write(hosts, stack.database, roles=("writer",))
    stack.settings.update(Services.settings())
    stack.write_conf()
    missing = 'database.reader: definition of service "annals_reader" not found'
    for command in (["annalsctl", "config", "check"], ["annals-search", "--check-config"], ["annals-search"]):
        done = tool(stack, services, *command)
        assert done.returncode == 78 and missing in done.stderr, done
    assert tool(stack, services, "annals-ingest", "--check-config").returncode == 0
    stack.reload("search")
    wait_until("the old configuration stays", lambda: "the old one stays" in stack.log.read_text(), 5)
    assert "definition of service" in stack.log.read_text()
    assert stack.get("/v1/events").status == 200
    services.write(hosts, stack.database)
    stack.reload("search")
    wait_until("the file is read again",
               lambda: "all workers have the new configuration" in stack.log.read_text(), 10)
    assert stack.get("/v1/events").status == 200
    services.path.unlink()
    done = tool(stack, services, "annalsctl", "config", "check")
    assert done.returncode == 78 \
        and f'database.writer: service file "{services.path}" not found' in done.stderr
