# SPDX-License-Identifier: Apache-2.0
"""Issuers whose keys a provider publishes: discovery, rotation, providers that fail, and a provider or a
database that is away. Times are short here: a floor of 2 s, a time to live of 4 s."""
import json

import pytest

from annals import wait_until
from provider import DISCOVERY, KEYS, Provider

TIMES = {"keys_refresh_floor": "2s", "keys_ttl": "4s", "keys_max_stale": "1h"}


@pytest.fixture
def idp():
    with Provider() as provider:
        yield provider


def status(annals, token):
    return annals.get("/v1/events", token=token).status


def accepted(annals, token):
    return status(annals, token) == 200


def metric(annals, name, app="search"):
    for line in annals.get("/metrics", token=None).body.decode().splitlines():
        if line.startswith(name) and f'app="{app}"' in line:
            return float(line.rsplit(" ", 1)[1])
    return None


def failures(annals):
    """Of all programs: any of them may be the one that asks."""
    return sum(metric(annals, f'annals_issuer_fetches_total{{app="{app}",result="failed"}}', app)
               for app in ("ingest", "search", "admin"))


def test_discovery(make_annals, idp):
    """Keys by way of the discovery document, roles of the realm as scopes, other issuers beside it."""
    annals = make_annals(idp.settings())
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    reply = annals.post({"action": "a.b", "actor": {"type": "user", "id": "u"}}, token=idp.token(tenant="t9"))
    assert reply.status == 201, reply
    assert len(annals.get("/v1/events", token=idp.token(tenant="t9")).json()["events"]) == 1
    assert annals.get("/v1/events").status == 200  # the local issuer's
    assert status(annals, idp.token(realm_roles=["offline_access"])) == 403
    assert idp.asked[KEYS] == 1 and idp.asked[DISCOVERY] == 1
    [(issuer, source)] = annals.rows("SELECT issuer, source FROM annals.issuer_keys")
    assert (issuer, source) == (idp.issuer, idp.url(DISCOVERY))
    assert metric(annals, "annals_issuer_keys_timestamp_seconds") > 1e9


def test_forged(make_annals, idp):
    annals = make_annals(idp.settings())
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    other = Provider()
    try:
        assert status(annals, idp.token(key=other.keys[0])) == 401  # the right kid, another's key
    finally:
        other.close()
    assert status(annals, idp.token(kid="../../../etc/passwd")) == 401
    assert status(annals, annals.token(iss=idp.issuer)) == 401
    assert status(annals, idp.token(aud="another")) == 401


def test_claims(make_annals, idp):
    """Names of the provider's own for tenant and roles."""
    annals = make_annals(idp.settings(scopes_claim="groups",
                                      scope_map="auditor=audit:read logger=audit:write",
                                      tenant_claim="organization.id"))
    token = idp.token(groups=["auditor"], organization={"id": "acme"})
    wait_until("keys are there", lambda: accepted(annals, token))
    event = {"action": "a.b", "actor": {"type": "user", "id": "u"}}
    assert annals.post(event, token=token).status == 403
    assert annals.post(event, token=idp.token(groups=["logger"], organization={"id": "acme"})).status == 201
    assert len(annals.get("/v1/events", token=token).json()["events"]) == 1
    assert status(annals, idp.token(groups=["auditor"])) == 401


def test_keys_url(make_annals):
    with Provider(discovery=False) as idp:
        annals = make_annals(idp.settings())
        wait_until("keys are there", lambda: accepted(annals, idp.token()))
        assert DISCOVERY not in idp.asked or idp.asked[DISCOVERY] == 0


def test_rotation(make_annals, idp):
    """A new key is taken soon after its first token, the old one holds while it is published, and is refused
    within the time to live after that."""
    annals = make_annals(idp.settings(**TIMES))
    old = idp.keys[0]
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    new = idp.rotate()
    wait_until("the new key is taken", lambda: accepted(annals, idp.token(key=new)), timeout=4)
    assert accepted(annals, idp.token(key=old))
    token = idp.token(key=old)
    idp.keys = [new]
    assert accepted(annals, token)  # now it is in the cache of verified tokens too
    wait_until("the removed key is refused", lambda: not accepted(annals, token), timeout=5)
    assert accepted(annals, idp.token(key=new))


def test_nothing_new_is_cheap(make_annals, idp):
    """An ETag spares the answer, and the cache of verified tokens goes on."""
    annals = make_annals(idp.settings(**TIMES))
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    token = idp.token()
    wait_until("not modified", lambda: accepted(annals, token) and idp.not_modified >= 2, timeout=12)
    log = annals.log.read_text()
    assert log.count("1 keys from " + idp.url(DISCOVERY)) == 1


@pytest.mark.parametrize("mode", ["empty", "error", "huge", "junk", "hang", "redirect"])
def test_bad_provider(make_annals, idp, mode):
    """Whatever it answers, the old keys hold, and no request waits."""
    annals = make_annals(idp.settings(**TIMES))
    token = idp.token()
    wait_until("keys are there", lambda: accepted(annals, token))
    idp.mode = mode
    before = idp.asked[KEYS] + idp.asked[DISCOVERY]
    assert status(annals, idp.token(kid="unknown")) == 401
    wait_until("a failure is counted", lambda: failures(annals) > 0, timeout=8)
    assert idp.asked[KEYS] + idp.asked[DISCOVERY] > before
    for _ in range(20):
        assert accepted(annals, token) and accepted(annals, idp.token())
    assert "the old keys hold" in annals.log.read_text()
    new = idp.rotate()
    idp.mode = "good"
    wait_until("it recovers", lambda: accepted(annals, idp.token(key=new)), timeout=8)


def test_too_old(make_annals, idp):
    """After keys_max_stale without the provider its tokens get 503, not 200 and not 401."""
    annals = make_annals(idp.settings(keys_refresh_floor="1s", keys_ttl="1s", keys_max_stale="3s"))
    token = idp.token()
    wait_until("keys are there", lambda: accepted(annals, token))
    idp.stop()
    wait_until("503", lambda: status(annals, token) == 503, timeout=6)
    reply = annals.get("/v1/events", token=token)
    assert reply.json()["type"] == "/problems/unavailable" and "provider" in reply.json()["detail"]
    assert reply.headers["Retry-After"]
    assert annals.get("/v1/events").status == 200
    idp.start()
    wait_until("the provider is back", lambda: accepted(annals, token), timeout=6)


def test_provider_away_at_start(make_annals, idp):
    idp.stop()
    annals = make_annals(idp.settings(keys_refresh_floor="1s"))
    assert status(annals, idp.token()) == 503
    assert annals.get("/v1/events").status == 200  # the local issuer's
    assert annals.get("/healthz", token=None).status == 200
    assert "no keys, its tokens get 503" in annals.log.read_text()
    idp.start()
    wait_until("the provider is there", lambda: accepted(annals, idp.token()), timeout=6)


@pytest.mark.parametrize("what", ["issuer", "certificate"])
def test_wrong_provider(make_annals, idp, what):
    """Another issuer's discovery document, or a server that nobody vouches for, gives no keys."""
    if what == "issuer":
        settings = idp.settings(issuer=idp.issuer + "/")
        token = idp.token(iss=idp.issuer + "/")
    else:
        settings = idp.settings(ca_file="/etc/ssl/certs/ca-certificates.crt")
        token = idp.token()
    annals = make_annals(settings)
    wait_until("it says why", lambda: "no keys, its tokens get 503" in annals.log.read_text())
    assert status(annals, token) == 503
    assert ("discovery document is that of" if what == "issuer" else "certificate") in annals.log.read_text()


def test_without_database(make_annals, idp):
    """Keys are remembered while PostgreSQL is away, and a rotation is noticed all the same. A token that is
    good is known by what fails then: the search (503), not the token (401)."""
    annals = make_annals(idp.settings(**TIMES), own_cluster=True)
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    annals.cluster.stop()
    new = idp.rotate()

    def detail(token):
        reply = annals.get("/v1/events", token=token)
        return reply.status, reply.json().get("detail", "")

    assert status(annals, idp.token(kid="unknown")) == 401
    wait_until("the new key is taken", lambda: status(annals, idp.token(key=new)) == 503, timeout=10)
    assert "provider" not in detail(idp.token(key=new))[1]
    assert "without the others" in annals.log.read_text()
    annals.cluster.start()
    wait_until("all is well", lambda: accepted(annals, idp.token(key=new)))


def test_restart_without_provider(make_annals, idp):
    """What the database remembers serves a host that starts while the provider is away."""
    annals = make_annals(idp.settings())
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    idp.stop()
    assert annals.stop_app("search")
    annals.start_app("search")
    wait_until("keys from the database", lambda: accepted(annals, idp.token()))


def reload(annals, **changes):
    """Until every worker has the new configuration."""
    def settled():
        return annals.log.read_text().count("all workers have the new configuration")

    before = settled()
    annals.write_conf(**{key.replace(".", "__"): value for key, value in changes.items()})
    annals.reload("search")
    wait_until("all workers are new", lambda: settled() > before)


def test_reload_brings_a_provider(make_annals, idp):
    """The first provider, a second one, and none again, without a restart."""
    annals = make_annals()
    token = idp.token()
    assert status(annals, token) == 401
    reload(annals, **idp.settings())
    wait_until("keys are there", lambda: accepted(annals, token))
    with Provider() as second:
        reload(annals, **second.settings("other"))
        wait_until("keys of the second", lambda: accepted(annals, second.token()))
        for _ in range(10):
            assert accepted(annals, token) and accepted(annals, second.token())
        reload(annals, **dict.fromkeys([*idp.settings(), *second.settings("other")]))
    assert status(annals, token) == 401
    assert len(annals.workers("search")) == 2  # the helper has gone too


def test_dead_helper(make_annals, idp):
    """Killed, it comes back, and what it had left in memory serves meanwhile."""
    annals = make_annals(idp.settings(**TIMES))
    wait_until("keys are there", lambda: accepted(annals, idp.token()))
    fetches = idp.fetches
    for pid in annals.workers("search"):
        annals.kill(pid)
    new = idp.rotate()
    wait_until("all are back", lambda: accepted(annals, idp.token(key=new)), timeout=8)
    assert idp.fetches > fetches


def test_token_check(make_annals, idp):
    annals = make_annals(idp.settings())
    told = json.loads(annals.ctl("--json", "token", "check", input=idp.token(tenant="acme")))
    assert told["tenant"] == "acme" and told["issuer"] == "idp"
    idp.stop()
    done = annals.ctl("token", "check", check=False, input=idp.token())
    assert done.returncode != 0 and "keys" in done.stderr
