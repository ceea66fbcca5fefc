# SPDX-License-Identifier: Apache-2.0
"""A real Keycloak: what docs/guide/keycloak.md says works, and its keys may change. Skipped by name where
it cannot be had (tests/lib/keycloak.sh); ANNALS_KEYCLOAK names one that is unpacked already."""
import base64
import json

import pytest

import keycloak
from annals import wait_until

EVENT = {"action": "invoice.sent", "actor": {"type": "service", "id": "billing"}}


@pytest.fixture(scope="module")
def realm():
    distribution, why = keycloak.folder()
    if distribution is None:
        pytest.skip(why)
    with keycloak.Keycloak(distribution) as server:
        yield server


def kid(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def status(annals, token):
    return annals.get("/v1/events", token=token).status


def test_keycloak(make_annals, realm):
    annals = make_annals(realm.settings(keys_refresh_floor="2s", keys_ttl="5s"))
    service, person = realm.service_token(), realm.person_token()
    wait_until("keys are there", lambda: annals.post(EVENT, token=service).status == 201)
    wait_until("search has them too", lambda: status(annals, service) != 503)

    # Roles are scopes, attributes and claims are tenants.
    assert status(annals, service) == 403
    assert [event["action"]
            for event in annals.get("/v1/events", token=person).json()["events"]] == ["invoice.sent"]
    assert annals.post(EVENT, token=person).status == 403
    told = json.loads(annals.ctl("--json", "token", "check", input=person))
    assert (told["tenant"], told["issuer"], told["scopes"]) == ("acme", "keycloak", "audit:read")

    # A new key is taken within the floor, and the old one holds while it is published.
    realm.rotate()
    fresh = realm.person_token()
    assert kid(fresh) != kid(person)
    wait_until("the new key is taken", lambda: status(annals, fresh) == 200, timeout=5)
    assert status(annals, person) == 200

    # A key that is gone is refused within the time to live.
    realm.drop_old_keys()
    wait_until("the old key is refused", lambda: status(annals, person) == 401, timeout=6)
    assert status(annals, fresh) == 200
