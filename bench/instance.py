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
PG_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "max_connections": "300", "checkpoint_timeout": "30min"}
CONFIGURATION = {"INGEST_WORKERS": "4", "SEARCH_WORKERS": "4", "ADMIN_WORKERS": "1", "LOG_LEVEL": "info"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pg_tool(name):
    return sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1]


class Instance:
    def __init__(self, folder, quick):
        self.dir, self.quick = folder, quick
        self.port = free_port()
        self.env = {}
        self.configuration = dict(CONFIGURATION)

    # --- life -------------------------------------------------------------------------------------------------
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
        subprocess.run(["make", "-s", "-C", build, "bench/load", "bench/empty"], check=True,
                       stdout=subprocess.DEVNULL)
        self.programs = os.path.join(build, "bench")
        self.token_file = os.path.join(self.dir, "write.token")
        self.read_token_file = os.path.join(self.dir, "read.token")
        for path, name in ((self.token_file, "ANNALS_WRITE_TOKEN"), (self.read_token_file, "ANNALS_READ_TOKEN")):
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
        subprocess.run([os.path.join(TOP, "quickstart"), "--dir", self.dir, "--stop"], stdout=subprocess.DEVNULL)

    # --- replica ----------------------------------------------------------------------------------------------
    def start_replica(self):
        """A standby of the database; searches are answered by it until stop_replica(). Returns its connection string."""
        owner = os.stat(os.path.join(self.dir, "pg"))
        self.replica = tempfile.mkdtemp(prefix="an-bench-", dir="/tmp")
        os.chown(self.replica, owner.st_uid, owner.st_gid)
        data = os.path.join(self.replica, "data")
        who = [] if owner.st_uid == os.geteuid() else ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}",
                                                      "--clear-groups"]
        self.replica_ctl = [*who, pg_tool("pg_ctl"), "-w", "-D", data]
        subprocess.run([*who, pg_tool("pg_basebackup"), "-D", data, "-d", self.env["ANNALS_PG"], "-R", "-X", "stream",
                        "-c", "fast"], check=True, cwd="/", timeout=600)
        subprocess.run([*self.replica_ctl, "-l", os.path.join(self.replica, "log"), "-o",
                        f"-k {self.replica} -p 5432 -c listen_addresses=''", "start"], check=True, cwd="/", timeout=120,
                       stdout=subprocess.DEVNULL)
        self.restart(REPLICA_NEAR_CONNINFO=f"host={self.replica} port=5432")
        deadline = time.monotonic() + 30  # it connects to the primary anew
        while any(self.served() != "replica" for _ in range(20)):
            if time.monotonic() > deadline:
                raise SystemExit("searches are not answered by the replica")
            time.sleep(0.5)
        return f"host={self.replica} port=5432 dbname=annals"

    def served(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/events?limit=1",
                                         headers={"Authorization": "Bearer " + self.env["ANNALS_READ_TOKEN"]})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)["coverage"]["tiers"][0]["served"]

    def stop_replica(self):
        subprocess.run([*self.replica_ctl, "-m", "fast", "stop"], check=True, cwd="/", timeout=120,
                       stdout=subprocess.DEVNULL)
        shutil.rmtree(self.replica)
        del self.configuration["REPLICA_NEAR_CONNINFO"]
        self.restart()

    # --- database ---------------------------------------------------------------------------------------------
    def connect(self):
        connection = psycopg2.connect(self.env["ANNALS_PG"])
        connection.autocommit = True
        return connection

    def sql(self, statement):
        """First column of the first row, or None."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description and cursor.rowcount else None
        finally:
            connection.close()

    def empty(self):
        self.sql("TRUNCATE annals.events, annals.event_entities, annals.outbox")
        self.sql("CHECKPOINT")

    def count(self):
        return self.sql("SELECT count(*) FROM annals.events")

    # --- clients ----------------------------------------------------------------------------------------------
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
        """Transactions per second, or with latencies the median in milliseconds. The values are parameters of the
        statements, :name."""
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
        streams = [subprocess.Popen([pg_tool("psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", self.env["ANNALS_PG"],
                                     "-f", name], stdout=subprocess.DEVNULL) for name in files]
        if any(stream.wait() != 0 for stream in streams):
            raise SystemExit("psql failed")
        return time.monotonic() - start
