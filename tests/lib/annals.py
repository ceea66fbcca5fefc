# SPDX-License-Identifier: Apache-2.0
"""A private Annals for tests: database, programs, web server, all in a temporary folder and on a free port.

    annals = Annals(settings={"limits.event_bytes": "1KiB"})
    annals.start()
    reply = annals.post({"action": "a.b", "actor": {"type": "user", "id": "u"}})
    assert reply.status == 201, reply
    annals.stop()

Programs come from $ANNALS_BUILD (tests/run sets it), else from the last build of tests/run.
"""
import base64
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

import postgres
import webserver

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ANNALS_BUILD") or TOP / "var/tests/build-plain")
APPS = ("ingest", "search", "admin")
ROLES = {"writer": "annals_writer", "reader": "annals_reader", "platform": "annals_platform",
         "job": "annals_job", "keeper": "annals_keeper",
         "owner": "postgres"}
ISSUER = "urn:annals:tests"
AUDIENCE = "annals"


def wait_until(what, condition, timeout=10.0):
    """Waits for a true value and returns it; fails after timeout seconds, saying what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)


def children_of(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


class Reply:
    """status, headers (names in any case), body; json() parses it."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<Reply {self.status} {self.body[:600]!r}>"


class Signer:
    """Mints what the local issuer would sign, and what it never would."""

    def __init__(self, key_file, keys_file):
        self.key = serialization.load_pem_private_key(pathlib.Path(key_file).read_bytes(), None)
        self.kid = json.loads(pathlib.Path(keys_file).read_text())["keys"][0]["kid"]

    def token(self, claims):
        header = {"alg": "ES256", "typ": "JWT", "kid": self.kid}
        text = ".".join(self._encode(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + self._encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    @staticmethod
    def _encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Annals:
    """settings: {"section.key": value} on top of the defaults. cluster: a postgres.Cluster that runs (a
    database of its own is made there), or None for one of its own. server: "lighttpd" or "apache". inherit:
    programs get their listening sockets from us as descriptor 0, as from systemd. beside: another Annals
    that runs; this is a second host of its installation, with the same database and local issuer.
    environment: {app: {name: value}} besides ours. template: what its database is a
    copy of."""

    def __init__(self, settings=None, cluster=None, server="lighttpd", durable=False, inherit=False,
                 beside=None, environment=None, template="template1"):
        self.settings = dict(settings or {})
        self.beside = beside
        self.own_cluster = cluster is None and beside is None
        self.cluster = beside.cluster if beside else cluster or postgres.Cluster(durable=durable)
        self.server = server
        self.inherit = inherit
        self.environment = environment or {}
        self.template = template
        self.sockets = {}
        self.folder = pathlib.Path(postgres.make_folder("an-"))
        self.folder.chmod(0o711)  # the web server's user goes through it to the sockets
        self.run = self.folder / "run"
        self.conf = self.folder / "annals.conf"
        self.log = self.folder / "log"
        self.key_file = beside.key_file if beside else self.folder / "issuer.pem"
        self.keys_file = beside.keys_file if beside else self.folder / "issuer.jwks"
        self.database = beside.database if beside else "annals_" + uuid.uuid4().hex[:12]
        self.processes = {}
        self.web = None
        self.signer = None
        self.url = None

    # --- life -------------------------------------------------------------------------------------
    def start(self):
        try:
            if self.own_cluster:
                self.cluster.start()
            if self.beside is None:
                self.cluster.create_database(self.database, self.template)
            self._make_folder(self.run)
            self.log.touch()
            self.write_conf()
            self.ctl("db", "migrate")
            if self.beside is None:
                self.ctl("issuer", "init")
            self.signer = Signer(self.key_file, self.keys_file)
            self.run_job("partition")
            self.start_apps()
            self.web = webserver.WebServer(self.server, self.folder / "web", self.run).start()
            self.url = self.web.url
            wait_until("the web server answers", self._answers)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Everything, in order; what does not leave in time is killed, and that is a failure."""
        late = []
        if self.web is not None:
            self.web.stop()
            self.web = None
        for app in list(self.processes):
            if not self.stop_app(app):
                late.append(app)
        for listening in self.sockets.values():
            listening.close()
        if self.own_cluster:
            self.cluster.close()
        elif self.beside is None:
            self.cluster.drop_database(self.database)
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not late, f"did not stop within its limit: {late}"

    def start_apps(self):
        for app in APPS:
            self.start_app(app)

    def crash(self):
        """The host is gone: kill -9 of everything that is not the database."""
        masters = [process.pid for process in self.processes.values()]
        for pid in masters:
            self.kill(pid, signal.SIGSTOP)  # it shall start no more workers meanwhile
        for pid in [*(child for master in masters for child in children_of(master)), *masters]:
            self.kill(pid)
        for process in self.processes.values():
            process.wait(5)
        self.processes.clear()
        self.web.stop(signal.SIGKILL)

    def start_app(self, app, timeout=10):
        command = postgres.as_service([str(BUILD / f"annals-{app}"), "--config", str(self.conf)])
        with open(self.log, "ab") as log:
            process = subprocess.Popen(command, cwd="/", stdin=self._listening_socket(app), stdout=log,
                                       stderr=log,
                                       env={**self._environment(), **self.environment.get(app, {})},
                                       start_new_session=True)
        self.processes[app] = process

        def ready():
            assert process.poll() is None, \
                f"annals-{app} ended with status {process.returncode}\n{self.log_tail()}"
            return (self.run / f"{app}.sock").exists() and self.workers(app)

        wait_until(f"annals-{app} serves", ready, timeout)

    def _listening_socket(self, app):
        if not self.inherit:
            return subprocess.DEVNULL
        if app not in self.sockets:
            self.sockets[app] = socket.socket(socket.AF_UNIX)
            self.sockets[app].bind(str(self.run / f"{app}.sock"))
            (self.run / f"{app}.sock").chmod(0o666)
            self.sockets[app].listen(512)
        return self.sockets[app]

    def stop_app(self, app, how=signal.SIGTERM, timeout=20):
        """True where it left by itself."""
        process = self.processes.pop(app)
        if process.poll() is None:
            workers = children_of(process.pid)
            process.send_signal(how)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                for pid in [process.pid, *workers]:
                    self.kill(pid)
                process.wait(5)
                return False
        return True

    def _answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/healthz", token=None).status == 200
        return False

    @staticmethod
    def _make_folder(path):
        path.mkdir()
        user = postgres.service_user()
        if user is not None:
            os.chown(path, user.pw_uid, user.pw_gid)

    @staticmethod
    def _environment():
        """Ours, without what would change the programs' configuration or where libpq connects to."""
        return {name: value for name, value in os.environ.items() if not name.startswith(("ANNALS_", "PG"))}

    # --- configuration and tools ------------------------------------------------------------------
    def write_conf(self, **changes):
        """Writes the file anew; changes: section__key=value, None takes a setting back. Programs read it at
        their start and on HUP."""
        for name, value in changes.items():
            self.settings[name.replace("__", ".")] = value
        values = {"process.run_dir": self.run, "auth.issuer_key_file": self.key_file,
                  "issuer.local.issuer": ISSUER, "issuer.local.audience": AUDIENCE,
                  "issuer.local.algorithms": "ES256", "issuer.local.keys_file": self.keys_file}
        values.update({f"{app}.workers": 2 for app in APPS})
        values.update({f"{app}.socket_mode": "0666" for app in APPS})  # that user is in no group of ours
        values.update({f"database.{name}": self.conninfo(name) for name in ROLES})
        values.update(self.settings)
        sections = {}
        for name, value in values.items():
            if value is not None:
                section, key = name.rsplit(".", 1)
                sections.setdefault(section, []).append(f"{key} = {value}\n")
        self.conf.write_text("".join(f"[{section}]\n{''.join(lines)}\n" for section,
                                     lines in sections.items()))

    def ctl(self, *arguments, check=True, **kwargs):
        """annalsctl; returns what it printed, or where check is false the finished process."""
        done = subprocess.run([str(BUILD / "annalsctl"), "--config", str(self.conf), *arguments], cwd="/",
                              text=True,
                              env=self._environment(), timeout=60, capture_output=True, **kwargs)
        if not check:
            return done
        assert done.returncode == 0, f"annalsctl {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done.stdout.strip()

    def run_job(self, job, *arguments, check=True):
        """One round; returns what it printed, or where check is false the finished process."""
        command = [str(BUILD / f"annals-{job}"), "--config", str(self.conf), "--once", *arguments]
        done = subprocess.run(postgres.as_service(command), cwd="/", text=True, env=self._environment(),
                              timeout=120,
                              capture_output=True, check=False)
        if not check:
            return done
        assert done.returncode == 0, f"annals-{job}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def conninfo(self, name="owner"):
        """Of a role: writer, reader, job, keeper, owner."""
        return self.cluster.conninfo(ROLES[name], self.database)

    def db(self, name="owner"):
        """A connection in autocommit."""
        return self.cluster.connect(ROLES[name], self.database)

    def rows(self, sql, *parameters):
        """What the owner of all sees."""
        with contextlib.closing(self.db()) as conn, conn.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def log_tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # --- processes --------------------------------------------------------------------------------
    def master(self, app):
        return self.processes[app].pid

    def workers(self, app):
        return children_of(self.master(app))

    def reload(self, app):
        os.kill(self.master(app), signal.SIGHUP)

    @staticmethod
    def kill(pid, how=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)

    # --- requests ---------------------------------------------------------------------------------
    def token(self, tenant="t1", scopes="audit:write audit:read", **claims):
        """A token; further claims by name, None leaves one out."""
        now = int(time.time())
        all_claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "tests", "iat": now, "exp": now + 3600,
                      "tenant_id": tenant, "scope": scopes, **claims}
        return self.signer.token({name: value for name, value in all_claims.items() if value is not None})

    def connection(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=timeout)

    def request(self, method, path, body=None, token="", headers=None, timeout=30, connection=None):
        """token: "" mints the usual one, None sends none."""
        fields = dict(headers or {})
        if token is not None:
            fields.setdefault("Authorization", "Bearer " + (token or self.token()))
        conn = connection or self.connection(timeout)
        try:
            conn.request(method, path, body=body, headers=fields)
            got = conn.getresponse()
            return Reply(got.status, got.headers, got.read())
        finally:
            if connection is None:
                conn.close()

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def post(self, events, query="", headers=None, **kwargs):
        """events: bytes or text as they are, else an object or a list that becomes JSON."""
        body = events if isinstance(events, bytes) else events.encode() if isinstance(events, str) else \
            json.dumps(events).encode()
        fields = {"Content-Type": "application/json", **(headers or {})}
        return self.request("POST", "/v1/events" + query, body=body, headers=fields, **kwargs)

    def ndjson(self, events, query="", headers=None, compress=False, **kwargs):
        """events: objects, or lines of text."""
        lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        body = ("\n".join(lines) + "\n").encode()
        fields = {"Content-Type": "application/x-ndjson", **(headers or {})}
        if compress:
            body = gzip.compress(body)
            fields["Content-Encoding"] = "gzip"
        return self.request("POST", "/v1/events" + query, body=body, headers=fields, **kwargs)
