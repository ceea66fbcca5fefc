# SPDX-License-Identifier: Apache-2.0
"""Runs echo-app in place of the three applications."""

import base64
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

BUILD = Path(os.environ.get("ANNALS_BUILD", Path(__file__).resolve().parents[2]))
PROGRAM = BUILD / "tests/http/echo-app"
NAMES = ("ingest", "search", "admin")
WORKERS = 3
IO_TIMEOUT = 2


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens with a key of its own."""

    def __init__(self, keys_file):
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test"}
        jwk["x"], jwk["y"] = (base64url(n.to_bytes(32, "big")) for n in (public.x, public.y))
        keys_file.write_text(json.dumps({"keys": [jwk]}))

    def token(self, tenant, scope):
        now = int(time.time())
        header = {"alg": "ES256", "typ": "JWT", "kid": "test"}
        claims = {"iss": "https://issuer.test", "aud": "annals", "sub": "tester", "iat": now,
                  "exp": now + 600}
        claims.update(tenant_id=tenant, scope=scope)
        text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class Echo:
    """The three applications, with sockets and logs in `folder`."""

    def __init__(self, folder, names=NAMES, workers=WORKERS, max_requests=0):
        self.folder = Path(folder)
        self.names = names
        self.processes = {}
        self.folder.chmod(0o755)
        self.run_dir = self.folder / "run"
        self.run_dir.mkdir(mode=0o755)
        self.issuer = Issuer(self.folder / "keys.json")
        lines = [
            "[process]",
            f"run_dir = {self.run_dir}",
            f"io_timeout = {IO_TIMEOUT}s",
            "drain_timeout = 10s",
            "[log]",
            "format = json",
            "[http]",
            "trusted_proxies = 10.0.0.0/8",
            "[issuer.test]",
            "issuer = https://issuer.test",
            "audience = annals",
            "algorithms = ES256",
            f"keys_file = {self.folder}/keys.json",
            "[database]",
            "writer = host=127.0.0.1 port=1 user=nobody",
            "reader = host=127.0.0.1 port=1 user=nobody",
        ]
        for name in NAMES:
            # 0666: the web servers of these tests may run as somebody else
            lines += [f"[{name}]", f"listen = {self.socket(name)}", "socket_mode = 0666",
                      f"workers = {workers}",
                      f"max_requests = {max_requests}"]
        self.conf = self.folder / "annals.conf"
        self.conf.write_text("\n".join(lines) + "\n")

    def socket(self, name):
        return self.run_dir / f"{name}.sock"

    def start(self):
        for name in self.names:
            with open(self.folder / f"{name}.log", "ab") as log:
                self.processes[name] = subprocess.Popen(
                    [PROGRAM, name, "--config", self.conf], stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        until = time.monotonic() + 15
        while not all(self.socket(name).exists() for name in self.names):
            dead = [name for name in self.names if self.processes[name].poll() is not None]
            if dead or time.monotonic() > until:
                raise RuntimeError(f"{dead or self.names} did not start:\n{self.logs()}")
            time.sleep(0.02)
        return self

    def logs(self):
        return "\n".join((self.folder / f"{name}.log").read_text() for name in self.names)

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def lines(self, request_id):
        """What was logged about a request."""
        found = []
        for line in self.logs().splitlines():
            if f'"{request_id}"' in line:
                found.append(json.loads(line[line.index("{") :]))
        return found

    def line(self, request_id, wait=10):
        until = time.monotonic() + wait
        while True:
            found = self.lines(request_id)
            if found or time.monotonic() > until:
                assert len(found) == 1, f"{len(found)} lines about {request_id}:\n{self.logs()[-3000:]}"
                return found[0]
            time.sleep(0.05)
