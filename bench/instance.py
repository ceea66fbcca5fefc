# SPDX-License-Identifier: Apache-2.0
"""A private instance for measuring, and the two kinds of client: bench/load and pgbench."""
import glob
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

import psycopg2

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PG_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "max_connections": "300",
               "checkpoint_timeout": "30min"}
CONFIGURATION = {"INGEST_WORKERS": "4", "SEARCH_WORKERS": "4", "ADMIN_WORKERS": "1", "LOG_LEVEL": "info"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pg_tool(name):
    return sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1]


class Server:
    """A further PostgreSQL in a folder of its own, run by the user who runs the instance's."""

    def __init__(self, owner):
        self.folder = tempfile.mkdtemp(prefix="an-bench-", dir="/tmp")
        os.chown(self.folder, owner.st_uid, owner.st_gid)
        self.who = [] if owner.st_uid == os.geteuid() else ["setpriv", f"--reuid={owner.st_uid}",
                                                           f"--regid={owner.st_gid}", "--clear-groups"]

    def run(self, tool, *arguments):
        subprocess.run([*self.who, pg_tool(tool), "-D", os.path.join(self.folder, "data"), *arguments],
                       check=True, cwd="/",
                       timeout=600, stdout=subprocess.DEVNULL)

    make = run

    def start(self):
        settings = " ".join(f"-c {name}={value}" for name, value in PG_SETTINGS.items())
        self.run("pg_ctl", "-w", "-l", os.path.join(self.folder, "log"), "-o",
                 f"-k {self.folder} -p 5432 -c listen_addresses='' {settings}", "start")

    def stop(self):
        self.run("pg_ctl", "-w", "-m", "fast", "stop")
        shutil.rmtree(self.folder)


class Instance:
    def __init__(self, folder, quick):
        self.dir, self.quick = folder, quick
        self.port = free_port()
        self.env = {}
        self.configuration = dict(CONFIGURATION)

    # --- life -------------------------------------------------------------------------------------
    def quickstart(self, *arguments):
        env = {**os.environ, **{f"ANNALS_SET_{k}": v for k, v in self.configuration.items()}}
        done = subprocess.run([os.path.join(TOP, "quickstart"), "--dir", self.dir, *arguments], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        if done.returncode != 0:
            raise SystemExit(f"quickstart failed:\n{done.stdout}")

    def start(self):
        self.quickstart("--port", str(self.port), "--no-samples", "--reset")
        self.read_env()
        for name, value in PG_SETTINGS.items():
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'")
        self.restart()
        build = os.path.dirname(self.env["ANNALS_BIN"]) if not os.path.exists(
            os.path.join(self.env["ANNALS_BIN"], "Makefile")) else self.env["ANNALS_BIN"]
        subprocess.run(["make", "-s", "-C", build, "bench/load", "bench/empty", "bench/router"], check=True,
                       stdout=subprocess.DEVNULL)
        self.programs = os.path.join(build, "bench")
        self.token_file = os.path.join(self.dir, "write.token")
        self.read_token_file = os.path.join(self.dir, "read.token")
        for path, name in ((self.token_file, "ANNALS_WRITE_TOKEN"),
                           (self.read_token_file, "ANNALS_READ_TOKEN")):
            with open(path, "w", encoding="ascii") as f:
                f.write(self.env[name])

    def read_env(self):
        with open(os.path.join(self.dir, "quickstart.env"), encoding="utf-8") as f:
            for line in f:
                if "=" in line and not line.startswith("#"):
                    name, value = line.strip().split("=", 1)
                    self.env[name] = shlex.split(value)[0]

    def restart(self, **configuration):
        """The same instance with other settings: restart(INGEST_COMBINE="off")."""
        self.configuration.update(configuration)
        self.quickstart("--stop")
        self.quickstart("--port", str(self.port), "--no-samples")

    def stop(self):
        subprocess.run([os.path.join(TOP, "quickstart"), "--dir", self.dir, "--stop"],
                       stdout=subprocess.DEVNULL)

    # --- replica ----------------------------------------------------------------------------------
    def start_replica(self):
        """A standby of the database; searches are answered by it until stop_replica(). Returns its
        connection string."""
        self.replica = Server(os.stat(os.path.join(self.dir, "pg")))
        self.replica.make("pg_basebackup", "-d", self.env["ANNALS_PG"], "-R", "-X", "stream", "-c", "fast")
        self.replica.start()
        self.restart(REPLICA_NEAR_CONNINFO=f"host={self.replica.folder} port=5432")
        deadline = time.monotonic() + 30  # it connects to the primary anew
        while any(self.served() != "replica" for _ in range(20)):
            if time.monotonic() > deadline:
                self.stop_replica()
                raise SystemExit("searches are not answered by the replica")
            time.sleep(0.5)
        return f"host={self.replica.folder} port=5432 dbname=annals"

    def served(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/events?limit=1",
                                         headers={"Authorization": "Bearer " + self.env["ANNALS_READ_TOKEN"]})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)["coverage"]["tiers"][0]["served"]

    def stop_replica(self):
        self.replica.stop()
        del self.configuration["REPLICA_NEAR_CONNINFO"]
        self.restart()

    # --- shard ------------------------------------------------------------------------------------
    def ctl(self, *arguments):
        done = subprocess.run([self.env["ANNALSCTL"], "--config", self.env["ANNALS_CONF"], *arguments],
                              check=True,
                              capture_output=True, text=True, timeout=120)
        return done.stdout.strip()

    def start_shard(self):
        """A second shard, on which the tenant "far" lives from now on. Returns its connection string."""
        user = re.search(r"user=(\S+)", self.env["ANNALS_PG"]).group(1)
        self.shard = Server(os.stat(os.path.join(self.dir, "pg")))
        self.shard.make("initdb", "-A", "trust", "-U", user, "-E", "UTF8", "--locale=C")
        self.shard.start()
        subprocess.run([pg_tool("createdb"), "-h", self.shard.folder, "-U", user, "annals"], check=True)
        place = f"host={self.shard.folder} port=5432 dbname=annals"
        self.ctl("db", "migrate", "--primary", place)
        roles = {f"ANNALS_SET_DATABASE_{role.upper()}": f"{place} user=annals_{role}"
                 for role in ("job", "keeper")}
        subprocess.run([os.path.join(self.env["ANNALS_BIN"], "annals-partition"), "--config",
                        self.env["ANNALS_CONF"],
                        "--once"], check=True, env={**os.environ, **roles}, capture_output=True, timeout=120)
        self.ctl("shard", "add", "far", "--primary", place)
        self.ctl("tenant", "add", "far", "--shard", "far")
        return f"{place} user={user}"

    def token_of(self, tenant):
        """A file with a token that may write."""
        path = os.path.join(self.dir, f"{tenant}.token")
        with open(path, "w", encoding="ascii") as f:
            f.write(self.ctl("token", "--tenant", tenant, "--scope", "audit:write", "--ttl", "1d"))
        return path

    # --- database ---------------------------------------------------------------------------------
    def connect(self, server=None):
        connection = psycopg2.connect(server or self.env["ANNALS_PG"])
        connection.autocommit = True
        return connection

    def sql(self, statement, server=None):
        """First column of the first row, or None. server: a connection string; None: the instance's own."""
        connection = self.connect(server)
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description and cursor.rowcount else None
        finally:
            connection.close()

    def empty(self, server=None):
        self.sql("TRUNCATE annals.events, annals.event_entities, annals.outbox", server)
        self.sql("CHECKPOINT", server)

    def count(self, server=None):
        return self.sql("SELECT count(*) FROM annals.events", server)

    # --- clients ----------------------------------------------------------------------------------
    def load(self, port=None, check=True, token=None, **options):
        """Runs bench/load; the events that it saw acknowledged must be in the database."""
        before = self.count() if check else 0
        command = [os.path.join(self.programs, "load"), "--port", str(port or self.port), "--token-file",
                   token or self.token_file]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise SystemExit(f"load failed: {done.stderr}{done.stdout}")
        result = json.loads(done.stdout)
        if check and self.count() - before != result["events"]:
            raise SystemExit(f"acknowledged {result['events']}, stored {self.count() - before}")
        return result

    def pgbench(self, script, clients, seconds, latencies=False, **values):
        """Transactions per second, or with latencies the median in milliseconds. The values are parameters
        of the statements, :name."""
        path = os.path.join(self.dir, "pgbench.sql")
        with open(path, "w", encoding="utf-8") as f:
            f.write(script)
        prefix = os.path.join(self.dir, "pgbench_log")
        for old in glob.glob(prefix + "*"):
            os.unlink(old)
        command = [pg_tool("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
                   "-T", str(seconds), "-f", path]
        for name, value in values.items():
            command += ["-D", f"{name}={value}"]
        if latencies:
            command += ["-l", "--log-prefix", prefix]
        done = subprocess.run([*command, self.env["ANNALS_PG"]], capture_output=True, text=True,
                              timeout=seconds + 60)
        if done.returncode != 0:
            raise SystemExit(f"pgbench failed: {done.stderr}")
        if not latencies:
            return float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))
        times = []
        for name in glob.glob(prefix + "*"):
            with open(name, encoding="ascii") as f:
                times += [int(line.split()[2]) for line in f]
        times.sort()
        return times[len(times) // 2] / 1000

    def psql_streams(self, files):
        """Runs the files by psql at the same time; seconds."""
        start = time.monotonic()
        streams = [subprocess.Popen([pg_tool("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", "-d",
                                     self.env["ANNALS_PG"],
                                     "-f", name], stdout=subprocess.DEVNULL) for name in files]
        if any(stream.wait() != 0 for stream in streams):
            raise SystemExit("psql failed")
        return time.monotonic() - start
