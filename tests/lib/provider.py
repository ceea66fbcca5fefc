# SPDX-License-Identifier: Apache-2.0
"""An identity provider over HTTPS that counts who asks, signs tokens, and can be as bad as providers are.

    with Provider() as idp:
        annals = make_annals(idp.settings())
        annals.get("/v1/events", token=idp.token())
        idp.rotate()
        idp.mode = "hang"
"""
import base64
import datetime
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

DISCOVERY = "/realms/tests/.well-known/openid-configuration"
KEYS = "/realms/tests/keys"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    def __init__(self, kid):
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        numbers = self.private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
                "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}

    def sign(self, text):
        r, s = decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class Provider:
    """mode: what asking for the keys gives: "good", "empty" (a set without keys), "error" (500), "huge" (10
    MB), "junk", "redirect", or "hang" (no answer to anything)."""

    def __init__(self, discovery=True):
        self.discovery = discovery
        self.mode = "good"
        self.keys = [Key("first")]
        self.asked = {DISCOVERY: 0, KEYS: 0}
        self.not_modified = 0
        self.last_asked = 0.0  # time.monotonic()
        self.stopping = threading.Event()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="an-idp-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.ca_file = self.folder / "ca.pem"
        self._make_certificates()
        self.port = self._free_port()
        self.server = None

    # --- life ---
    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.close()

    def start(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.answer(self)

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def finish_request(self, request, client_address):
                request.settimeout(30)
                super().finish_request(context.wrap_socket(request, server_side=True), client_address)

            def handle_error(self, request, client_address):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")
        self.stopping.clear()
        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Nobody answers any more; start() comes back on the same port."""
        self.stopping.set()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what it answers ---
    def answer(self, request):
        self.asked[request.path] = self.asked.get(request.path, 0) + 1
        self.last_asked = time.monotonic()
        if self.mode == "hang":
            self.stopping.wait(30)
            return
        if request.path == DISCOVERY:
            self._send(request, 200, {"issuer": self.issuer, "jwks_uri": self.url(KEYS)})
        elif request.path == KEYS:
            self._send_keys(request)
        else:
            self._send(request, 404, {})

    def _send_keys(self, request):
        body = {"keys": [key.jwk() for key in self.keys]}
        etag = '"' + "-".join(key.kid for key in self.keys) + '"'
        if self.mode == "error":
            self._send(request, 500, {"error": "tests"})
        elif self.mode == "empty":
            self._send(request, 200, {"keys": []})
        elif self.mode == "huge":
            self._send(request, 200, {**body, "padding": "x" * 10_000_000})
        elif self.mode == "junk":
            self._send(request, 200, b"<html>Please log in</html>")
        elif self.mode == "redirect":
            self._send(request, 302, {}, {"Location": self.url(KEYS + "?again")})
        elif request.headers.get("If-None-Match") == etag:
            self.not_modified += 1
            self._send(request, 304, b"", {"ETag": etag})
        else:
            self._send(request, 200, body, {"ETag": etag})

    @staticmethod
    def _send(request, status, body, fields=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        for name, value in dict(fields).items():
            request.send_header(name, value)
        if status != 304:
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if status != 304:
            request.wfile.write(data)

    @property
    def fetches(self):
        """Of the key set."""
        return self.asked[KEYS]

    # --- keys and tokens ---
    def rotate(self, keep=True):
        """A new key signs from now on; keep: the old ones are published still."""
        key = Key(f"key-{time.monotonic_ns()}")
        self.keys = [key, *(self.keys if keep else [])]
        return key

    def token(self, tenant="t1", key=None, kid=None, realm_roles=("audit:write", "audit:read"), **claims):
        key = key or self.keys[0]
        now = int(time.time())
        header = {"alg": "ES256", "typ": "JWT", "kid": kid or key.kid}
        payload = {"iss": self.issuer, "aud": "annals", "sub": "tests", "iat": now, "exp": now + 3600,
                   "tenant_id": tenant, "realm_access": {"roles": list(realm_roles)}, **claims}
        text = ".".join(b64(json.dumps(part).encode()) for part in (header, payload))
        return text + "." + key.sign(text)

    # --- configuration ---
    @property
    def issuer(self):
        return f"https://localhost:{self.port}/realms/tests"

    def url(self, path):
        return f"https://localhost:{self.port}{path}"

    def settings(self, name="idp", **changes):
        source = {"discovery_url": self.url(DISCOVERY)} if self.discovery else {"keys_url": self.url(KEYS)}
        values = {"issuer": self.issuer, **source, "ca_file": self.ca_file, "algorithms": "ES256",
                  "fetch_timeout": "1s", **changes}
        return {f"issuer.{name}.{key}": value for key, value in values.items()}

    # --- certificates ---
    def _make_certificates(self):
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Annals tests")])
        authority = x509.BasicConstraints(ca=True, path_length=0)
        ca = self._certificate(ca_name, ca_name, ca_key, ca_key, authority)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        server = self._certificate(name, ca_name, key, ca_key, names)
        pem = serialization.Encoding.PEM
        self.ca_file.write_bytes(ca.public_bytes(pem))
        self.ca_file.chmod(0o644)
        secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / "server.pem").write_bytes(secret + server.public_bytes(pem))
        os.chmod(self.folder / "server.pem", 0o600)

    @staticmethod
    def _certificate(subject, issuer, key, signer, extension):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.add_extension(extension, critical=False) \
            .not_valid_before(now - datetime.timedelta(days=1))
        return builder.not_valid_after(now + datetime.timedelta(days=2)).sign(signer, hashes.SHA256())

    @staticmethod
    def _free_port():
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]
