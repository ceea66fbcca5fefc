# SPDX-License-Identifier: Apache-2.0
"""Forged and malformed tokens through the whole stack: 401, nothing stored, and the correct twin gets in.

The unit tests have the full table (tests/unit/test-auth.c); here stands what shows that every route asks."""
import base64
import hashlib
import hmac
import json
import socket
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from annals import AUDIENCE, ISSUER, wait_until

ROUTES = ("/v1/events", "/v1/events/counts?by=action", "/v1/events/0190a5f0-0000-7000-8000-000000000000")


def b64(data):
    data = data if isinstance(data, bytes) else data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def joined(der, size=32):
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


class Forge:
    """Tokens for a running instance, with one thing changed."""

    def __init__(self, annals):
        self.annals = annals
        self.key = annals.signer.key
        self.kid = annals.signer.kid
        self.pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.jwk = json.dumps(json.loads(annals.keys_file.read_text())["keys"][0])

    def header(self, **changes):
        fields = {"alg": "ES256", "typ": "JWT", "kid": self.kid, **changes}
        return json.dumps({name: value for name, value in fields.items() if value is not None})

    def claims(self, **changes):
        now = int(time.time())
        fields = {"iss": ISSUER, "aud": AUDIENCE, "sub": "tests", "iat": now, "exp": now + 600,
                  "tenant_id": "forged",
                  "scope": "audit:write audit:read audit:admin", **changes}
        return json.dumps({name: value for name, value in fields.items() if value is not None})

    def token(self, header=None, claims=None, sign=None, key=None):
        text = b64(header or self.header()) + "." + b64(claims or self.claims())
        if sign is None:
            signature = joined((key or self.key).sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        else:
            signature = sign(text.encode())
        return text + "." + b64(signature)

    def hs256(self, secret):
        return self.token(self.header(alg="HS256"),
                          sign=lambda text: hmac.digest(secret, text, hashlib.sha256))

    def der(self, text):
        return self.key.sign(text, ec.ECDSA(hashes.SHA256()))


FOREIGN = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())

FORGED = {
    "no token": lambda f: "",
    "three words": lambda f: "a.b.c",
    "alg none": lambda f: f.token(f.header(alg="none"), sign=lambda text: b""),
    "alg nOnE": lambda f: f.token(f.header(alg="nOnE")),
    "no alg": lambda f: f.token(f.header(alg=None)),
    "no signature": lambda f: f.token(sign=lambda text: b""),
    "HS256 with the public PEM": lambda f: f.hs256(f.pem),
    "HS256 with the public PEM, no newline": lambda f: f.hs256(f.pem.rstrip(b"\n")),
    "HS256 with the JWK": lambda f: f.hs256(f.jwk.encode()),
    "HS256 with nothing": lambda f: f.hs256(b""),
    "zeros": lambda f: f.token(sign=lambda text: bytes(64)),
    "DER": lambda f: f.token(sign=f.der),
    "another's key": lambda f: f.token(key=FOREIGN),
    "ES384": lambda f: f.token(
        f.header(alg="ES384"), sign=lambda text: joined(P384.sign(text, ec.ECDSA(hashes.SHA384())), 48)
    ),
    "unknown kid": lambda f: f.token(f.header(kid="../../../../etc/passwd")),
    "kid with a quote": lambda f: f.token(f.header(kid=f.kid + "'--")),
    "no kid": lambda f: f.token(f.header(kid=None)),
    "unknown crit": lambda f: f.token(f.header(crit=["exp"])),
    "b64 false": lambda f: f.token(f.header(b64=False)),
    "a logout token": lambda f: f.token(f.header(typ="logout+jwt")),
    "alg twice": lambda f: f.token(f.header()[:-1] + ', "alg": "ES256"}'),
    "tenant twice": lambda f: f.token(claims=f.claims()[:-1] + ', "tenant_id": "forged"}'),
    "padding": lambda f: f.token() + "=",
    "four segments": lambda f: f.token() + ".e30",
    "expired": lambda f: f.token(claims=f.claims(exp=int(time.time()) - 61)),
    "no exp": lambda f: f.token(claims=f.claims(exp=None)),
    "exp is a text": lambda f: f.token(claims=f.claims(exp=str(int(time.time()) + 600))),
    "exp is a float": lambda f: f.token(claims=f.claims(exp=time.time() + 600.5)),
    "exp is 2^70": lambda f: f.token(claims=f.claims(exp=2**70)),
    "not yet": lambda f: f.token(claims=f.claims(nbf=int(time.time()) + 120)),
    "another issuer": lambda f: f.token(claims=f.claims(iss=ISSUER + "/")),
    "no issuer": lambda f: f.token(claims=f.claims(iss=None)),
    "another audience": lambda f: f.token(claims=f.claims(aud=["other"])),
    "no tenant": lambda f: f.token(claims=f.claims(tenant_id=None)),
    "a list of tenants": lambda f: f.token(claims=f.claims(tenant_id=["forged"])),
}


@pytest.fixture(scope="module")
def forge(annals):
    return Forge(annals)


def event():
    return {"action": "forged." + uuid.uuid4().hex, "actor": {"type": "user", "id": "mallory"}}


def stored(annals, action):
    return annals.rows("SELECT count(*) FROM annals.events WHERE action = %s", action)[0][0]


def check_refused(reply):
    assert reply.status == 401, reply
    assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert problem["type"] == "/problems/unauthenticated"
    assert set(problem) <= {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize("name", FORGED)
def test_forged(annals, forge, name):
    forged = {"Authorization": "Bearer " + FORGED[name](forge)}
    mine = event()
    check_refused(annals.post(mine, token=None, headers=forged))
    for route in ROUTES:
        check_refused(annals.get(route, token=None, headers=forged))
    assert stored(annals, mine["action"]) == 0


def test_correct_twin(annals, forge):
    """Made by the same hands, all right: it writes and reads."""
    mine, token = event(), forge.token()
    reply = annals.post(mine, token=token)
    assert reply.status == 201, reply
    assert stored(annals, mine["action"]) == 1
    assert annals.get(f"/v1/events/{reply.json()['id']}", token=token).status == 200
    assert annals.post(event(), token=forge.token(claims=forge.claims(aud=["x", AUDIENCE]))).status == 201
    assert annals.post(event(),
                       token=forge.token(claims=forge.claims(exp=int(time.time()) - 30))).status == 201
    assert annals.post(event(), token=forge.token(forge.header(typ="at+jwt"))).status == 201


def test_reason_is_for_the_log(annals, forge):
    request_id = "t-" + uuid.uuid4().hex
    token = FORGED["DER"](forge)
    reply = annals.post(event(), token=token, headers={"X-Request-Id": request_id})
    check_refused(reply)
    assert b"signature" not in reply.body
    line = wait_until("the line of the request", lambda: [
        line for line in annals.log.read_text(errors="replace").splitlines() if request_id in line
    ])[0]
    assert "where ES256 has 64" in line
    assert token not in line and token.split(".")[2] not in line


@pytest.mark.parametrize(
    "value", ["Basic dGVzdDp0ZXN0", "Bearer", "Token {}", "{}", "Bearer {} x", "Bearer {}, Bearer {}"]
)
def test_other_fields(annals, forge, value):
    mine = event()
    reply = annals.post(mine, token=None, headers={"Authorization": value.replace("{}", forge.token())})
    assert reply.status == 401, reply
    assert stored(annals, mine["action"]) == 0


def test_a_token_elsewhere_is_none(annals, forge):
    for reply in (
        annals.get("/v1/events", token=None),
        annals.get("/v1/events", token=None, headers={"Cookie": "access_token=" + forge.token()}),
        annals.get("/v1/events?access_token=" + forge.token(), token=None),
    ):
        assert reply.status == 401, reply
        assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_nobody_brings_his_own_key(annals, forge):
    public = FOREIGN.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "kid": forge.kid, "x": b64(public.x.to_bytes(32, "big")),
           "y": b64(public.y.to_bytes(32, "big"))}
    with socket.create_server(("127.0.0.1", 0)) as canary:
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/keys"
        header = forge.header(jku=url, x5u=url, jwk=jwk, x5c=["MIIB"])
        check_refused(annals.post(event(), token=forge.token(header, key=FOREIGN)))
        check_refused(annals.post(event(), token=forge.token(header.replace(forge.kid, "mine"), key=FOREIGN)))
        assert annals.post(event(), token=forge.token(header)).status == 201  # read over
        canary.settimeout(0.2)
        with pytest.raises(TimeoutError):
            canary.accept()


@pytest.mark.parametrize("scope,may_write,may_read", [
    ("audit:write", True, False),
    ("audit:read", False, True),
    ("audit:admin", False, True),
    ("audit:import", True, False),
    ("openid profile", False, False),
    (None, False, False),
])
def test_scopes(annals, forge, scope, may_write, may_read):
    token = forge.token(claims=forge.claims(scope=scope))
    mine = event()
    write, read = annals.post(mine, token=token), annals.get("/v1/events", token=token)
    assert write.status == (201 if may_write else 403), write
    assert read.status == (200 if may_read else 403), read
    assert stored(annals, mine["action"]) == may_write
    for reply in (write, read):
        if reply.status == 403:
            assert reply.json()["type"] == "/problems/forbidden"
            assert reply.headers["WWW-Authenticate"].startswith('Bearer error="insufficient_scope", '
                                                                'scope="audit:')


def test_roles_are_scopes(annals, forge):
    for claims in ({"roles": ["audit:write"]}, {"realm_access": {"roles": ["x", "audit:write"]}}):
        assert annals.post(event(),
                           token=forge.token(claims=forge.claims(scope=None, **claims))).status == 201


def test_keys_change_while_it_runs(make_annals):
    """Rotation keeps the old tokens good; a set without the old key refuses them; a broken one changes
    nothing."""
    # idle ones are woken in one order: others would not look in time
    annals = make_annals({"ingest.workers": 1})
    old = annals.token()
    assert annals.post(event(), token=old).status == 201
    annals.ctl("issuer", "init", "--rotate")
    new = annals.ctl("token", "--tenant", "t1", "--scope", "audit:write")
    wait_until("the new key is known", lambda: annals.post(event(), token=new).status == 201, 5)
    assert annals.post(event(), token=old).status == 201

    good = json.loads(annals.keys_file.read_text())
    annals.keys_file.write_text('{"keys":[')
    time.sleep(1.5)
    assert annals.post(event(), token=new).status == 201
    annals.keys_file.write_text(json.dumps({"keys": good["keys"][:1]}))
    wait_until("the removed key is gone", lambda: annals.post(event(), token=old).status == 401, 5)
    assert annals.post(event(), token=new).status == 201


def test_check_says_why(annals, forge):
    good = annals.ctl("token", "check", input=forge.token() + "\n")
    assert "forged" in good and "audit:admin" in good
    bad = annals.ctl("token", "check", check=False, input=forge.token(key=FOREIGN))
    assert bad.returncode == 1 and bad.stdout == ""
    assert "the signature is not that of the key" in bad.stderr
