# SPDX-License-Identifier: Apache-2.0
"""A private Keycloak with one realm, as docs/guide/keycloak.md describes it: realm roles named like our
scopes, the audience "annals", the tenant as an attribute of people and as a fixed claim of services."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
ADMIN = "admin"
SECRET = "only-for-tests"


def folder():
    """Of an unpacked and built Keycloak, or None and why there is none."""
    named = os.environ.get("ANNALS_KEYCLOAK")
    if named:
        return pathlib.Path(named), None
    done = subprocess.run([str(TOP / "tests/lib/keycloak.sh")], capture_output=True, text=True, timeout=600,
                          check=False)
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["keycloak.sh failed"])[-1]
    return pathlib.Path(done.stdout.strip()), None


def mapper(name, kind, **config):
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind,
            "config": {"access.token.claim": "true", "jsonType.label": "String",
                       **{key.replace("__", "."): value for key, value in config.items()}}}


def realm():
    audience = mapper("annals audience", "oidc-audience-mapper", included__custom__audience="annals")
    only_admins = {"permissions": {"view": ["admin"], "edit": ["admin"]}}
    profile = {"attributes": [{"name": "username"}, {"name": "email"}, {"name": "firstName"},
                              {"name": "lastName"},
                              {"name": "tenant_id", **only_admins}]}
    of_service = mapper("tenant", "oidc-hardcoded-claim-mapper", claim__name="tenant_id", claim__value="acme")
    of_person = mapper("tenant", "oidc-usermodel-attribute-mapper", claim__name="tenant_id",
                       user__attribute="tenant_id")
    return {
        "realm": "annals", "enabled": True, "accessTokenLifespan": 300,
        "roles": {"realm": [{"name": name} for name in ("audit:write", "audit:read", "audit:admin")]},
        "components": {"org.keycloak.userprofile.UserProfileProvider": [
            {"providerId": "declarative-user-profile",
             "config": {"kc.user.profile.config": [json.dumps(profile)]}}]},
        "clients": [
            {"clientId": "billing", "secret": SECRET, "publicClient": False, "serviceAccountsEnabled": True,
             "standardFlowEnabled": False, "protocolMappers": [audience, of_service]},
            {"clientId": "auditors", "secret": SECRET, "publicClient": False,
             "directAccessGrantsEnabled": True,
             "standardFlowEnabled": False, "protocolMappers": [audience, of_person]}],
        "users": [
            {"username": "service-account-billing", "enabled": True, "serviceAccountClientId": "billing",
             "realmRoles": ["audit:write"]},
            {"username": "alice", "enabled": True, "email": "alice@example.com", "firstName": "Alice",
             "lastName": "Example", "emailVerified": True, "realmRoles": ["audit:read"],
             "attributes": {"tenant_id": ["acme"]}, "credentials": [{"type": "password", "value": SECRET}]}]}


class Keycloak:
    def __init__(self, distribution):
        self.distribution = distribution
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="an-kc-", dir="/tmp"))
        self.port, self.management = self._free_port(), self._free_port()
        self.process = None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc):
        self.close()

    def start(self, timeout=240):
        # kc.sh takes the folder above its own for its home: what a start writes to must not be the cache.
        for name in ("bin", "conf"):
            shutil.copytree(self.distribution / name, self.home / name)
        for name in ("lib", "providers", "themes"):
            (self.home / name).symlink_to(self.distribution / name)
        (self.home / "data/import").mkdir(parents=True)
        (self.home / "data/import/annals-realm.json").write_text(json.dumps(realm()))
        command = [str(self.home / "bin/kc.sh"), "start", "--optimized", "--http-enabled=true",
                   f"--hostname=http://127.0.0.1:{self.port}", "--http-host=127.0.0.1",
                   f"--http-port={self.port}",
                   f"--http-management-port={self.management}", "--cache=local", "--import-realm",
                   f"--db-url=jdbc:h2:file:{self.home}/data/kc;NON_KEYWORDS=VALUE"]
        environment = {**os.environ, "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
                       "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
                       "KC_BOOTSTRAP_ADMIN_PASSWORD": SECRET}
        with open(self.home / "log", "wb") as log:
            self.process = subprocess.Popen(command, cwd="/", env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log,
                                            stderr=log, start_new_session=True)
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = (self.home / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Keycloak did not start:\n{tail}")
            time.sleep(0.3)
        return self

    def close(self):
        """kc.sh starts Java as its child or in its place: the whole session ends."""
        if self.process is not None and self.process.poll() is None:
            for how in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(20)
                    break
        shutil.rmtree(self.home, ignore_errors=True)

    def _answers(self):
        with contextlib.suppress(OSError):
            return self.get("/realms/annals/.well-known/openid-configuration")["issuer"] == self.issuer
        return False

    @staticmethod
    def _free_port():
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    # --- what it is asked ---
    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self):
        return f"{self.url}/realms/annals"

    def settings(self, **changes):
        values = {"issuer": self.issuer, "discovery_url": f"{self.issuer}/.well-known/openid-configuration",
                  "algorithms": "RS256", **changes}
        return {f"issuer.keycloak.{key}": value for key, value in values.items()}

    def _send(self, method, path, body=None, fields=None):
        request = urllib.request.Request(self.url + path, data=body, headers=fields or {}, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            text = reply.read()
            return json.loads(text) if text else None

    def get(self, path):
        return self._send("GET", path)

    def _token(self, name, **form):
        return self._send("POST", f"/realms/{name}/protocol/openid-connect/token",
                          urllib.parse.urlencode(form).encode())["access_token"]

    def service_token(self):
        return self._token("annals", grant_type="client_credentials", client_id="billing",
                           client_secret=SECRET)

    def person_token(self):
        return self._token("annals", grant_type="password", client_id="auditors", client_secret=SECRET,
                           username="alice", password=SECRET)

    def admin(self, method, path, body=None):
        token = self._token("master", grant_type="password", client_id="admin-cli", username=ADMIN,
                            password=SECRET)
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, f"/admin/realms/annals{path}", data,
                          {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})

    def key_providers(self):
        parent = self.admin("GET", "")["id"]
        return self.admin("GET", f"/components?parent={parent}&type=org.keycloak.keys.KeyProvider")

    def rotate(self):
        """A new RSA key signs from now on; the old one is published still."""
        config = {"priority": ["1000"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"],
                  "keySize": ["2048"]}
        self.admin("POST", "/components", {
            "name": "rotated", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": self.admin("GET", "")["id"], "config": config})

    def drop_old_keys(self):
        for provider in self.key_providers():
            if provider["providerId"] == "rsa-generated" and provider["name"] != "rotated":
                self.admin("DELETE", f"/components/{provider['id']}")
