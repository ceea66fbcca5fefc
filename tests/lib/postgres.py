# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL cluster for tests: a temporary folder, a unix socket only, its own processes.

    with Cluster() as pg:
        conn = pg.connect(user="postgres")

PostgreSQL refuses to run as root: then its processes belong to the user postgres (or nobody).
"""
import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2

PORT = 5432  # names the socket; nothing listens on a network


def find_bin():
    """Folder of the newest server programs, or None."""
    folders = glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin")
    folders = [f for f in folders if os.path.exists(os.path.join(f, "initdb"))]
    if folders:
        return max(folders, key=lambda f: int("".join(c for c in f if c.isdigit()) or 0))
    program = shutil.which("initdb")
    return os.path.dirname(os.path.realpath(program)) if program else None


def service_user():
    """Who servers run as: None for ourselves, another where we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user for PostgreSQL to run as")


def as_service(command):
    user = service_user()
    if user is None:
        return list(command)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]


def is_alive(pid):
    """False for a zombie too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def make_folder(prefix="an-"):
    """A short path (sockets have 107 bytes) that the service user can reach and own."""
    folder = tempfile.mkdtemp(prefix=prefix, dir="/tmp")
    user = service_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


class Cluster:
    """initdb on first start. durable: fsync as in production, for tests that kill the server."""

    def __init__(self, durable=False, settings=()):
        self.bin = find_bin()
        if self.bin is None:
            raise RuntimeError("PostgreSQL's server programs are not installed")
        self.durable = durable
        self.settings = list(settings)
        self.folder = make_folder("an-pg-")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc):
        self.close()

    def _program(self, name, *arguments):
        return as_service([os.path.join(self.bin, name), *arguments])

    def _init(self):
        command = self._program("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                                "--locale=C", "--no-sync")
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       timeout=60)

    def start(self, timeout=30):
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self._init()
        settings = [f"unix_socket_directories={self.folder}", "listen_addresses=", f"port={PORT}",
                    "shared_buffers=64MB", "max_connections=80", "max_wal_size=4GB"]
        if not self.durable:
            settings += ["fsync=off", "full_page_writes=off"]
        options = [part for s in settings + self.settings for part in ("-c", s)]
        with open(self.log, "ab") as log:
            command = self._program("postgres", "-D", self.data, *options)
            self.process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.connect().close()
                return
            except psycopg2.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self.log_tail()}") from None
                time.sleep(0.05)

    def stop(self, how=signal.SIGINT, timeout=30):
        """SIGINT: fast shutdown, SIGQUIT: immediate."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def pids(self):
        """Ids of the postmaster and its children."""
        if self.process is None:
            return []
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return [self.process.pid] + [int(pid) for pid in f.read().split()]

    def signal_all(self, how):
        for pid in self.pids():
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                pass

    def kill(self):
        """kill -9 of all its processes; start() recovers. Returns when the last is gone: PostgreSQL refuses
        to start beside one that lives. The postmaster stands still while its children are listed, so none
        is missed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
        pids = self.pids()
        self.signal_all(signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        deadline = time.monotonic() + 10
        while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.01)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.signal_all(signal.SIGCONT)
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self, lines=20):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def conninfo(self, user="postgres", dbname="postgres"):
        return f"host={self.folder} port={PORT} user={user} dbname={dbname}"

    def connect(self, user="postgres", dbname="postgres", autocommit=True):
        conn = psycopg2.connect(self.conninfo(user, dbname), connect_timeout=5)
        conn.autocommit = autocommit
        return conn

    def run(self, sql):
        with contextlib.closing(self.connect()) as conn, conn.cursor() as cur:
            cur.execute(sql)

    def create_database(self, name, template="template1"):
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name):
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class PgBouncer:
    """A pooler in front of a cluster, in transaction mode."""

    def __init__(self, cluster, pool_size=1):
        self.cluster = cluster
        self.pool_size = pool_size
        self.folder = make_folder("an-pb-")
        self.process = None

    def __enter__(self):
        with open(os.path.join(self.folder, "users"), "w", encoding="ascii") as f:
            for user in ("postgres", "annals_writer", "annals_reader", "annals_platform", "annals_job"):
                f.write(f'"{user}" ""\n')
        with open(os.path.join(self.folder, "ini"), "w", encoding="ascii") as f:
            f.write(f"""[databases]
* = host={self.cluster.folder} port={PORT}
[pgbouncer]
listen_addr =
unix_socket_dir = {self.folder}
listen_port = {PORT}
auth_type = trust
auth_file = {self.folder}/users
pool_mode = transaction
default_pool_size = {self.pool_size}
max_client_conn = 200
logfile = {self.folder}/log
""")
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
        command = as_service([program, "-q", os.path.join(self.folder, "ini")])
        self.process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 10
        while not os.path.exists(os.path.join(self.folder, f".s.PGSQL.{PORT}")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError("PgBouncer did not start")
            time.sleep(0.02)
        return self

    def __exit__(self, *exc):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def conninfo(self, user, dbname):
        return f"host={self.folder} port={PORT} user={user} dbname={dbname}"
