# SPDX-License-Identifier: Apache-2.0
"""A tenant moves while replicas lag: of the shard that it comes to, or of the directory. What it has is
found all the same."""
import pytest

from annals import wait_until
from replicas import Farm
from shards import Shard

EVENT = {"action": "replica.test", "actor": {"type": "user", "id": "u-1"}}


@pytest.fixture(scope="module")
def farm():
    """`near` is a replica of the directory, and `far` that of the shard `second`, where it is called 1;
    neither is ever too far behind."""
    with Farm(settings={"search.replica_max_lag": "1h", "search.workers": 1}) as made:
        made.annals.write_conf(replica__far__conninfo=None)
        second = Shard(made.annals, "second", made.primary)
        second.add("--replica", second.place.replace(made.primary.folder, made.standbys["far"].folder))
        made.second = second
        made.annals.stop_app("search")
        made.annals.start_app("search")
        yield made


@pytest.fixture(autouse=True)
def all_replay(farm):
    farm.catch_up()
    yield
    for standby in farm.standbys.values():
        standby.resume()


def write(farm, tenant):
    reply = farm.annals.post(EVENT, token=farm.annals.token(tenant))
    assert reply.status == 201, reply
    return reply.json()["id"]


def search(farm, tenant):
    """(ids, who answered)"""
    reply = farm.annals.get("/v1/events?limit=5", token=farm.annals.token(tenant))
    assert reply.status == 200, reply
    tier = reply.json()["coverage"]["tiers"][0]
    return [event["id"] for event in reply.json()["events"]], (tier["shard"], tier.get("replica", "primary"))


@pytest.mark.parametrize("tenant, row", [("new", None), ("back", "hidden")])
def test_the_replica_has_not_heard_that_it_came(farm, tenant, row):
    """Neither its row, or one from before: the primary is asked."""
    event = write(farm, tenant)
    if row is not None:
        farm.second.rows("INSERT INTO annals.tenants (tenant_id, presence) VALUES (%s, %s) RETURNING 1",
                         tenant, row)
    farm.catch_up()
    farm.standbys["far"].pause()
    farm.annals.ctl("tenant", "move", tenant, "--to", "second")
    wait_until("the directory is known", lambda: search(farm, tenant)[1][0] == "second")
    assert search(farm, tenant) == ([event], ("second", "primary"))
    farm.standbys["far"].resume()
    farm.catch_up()
    assert search(farm, tenant) == ([event], ("second", "1"))


def test_across_tenants_it_is_said(farm):
    """Neither shard shows it: its old one hides it, and the new one's replica does not know it yet."""
    event = write(farm, "missing")
    farm.catch_up()
    farm.standbys["far"].pause()
    farm.annals.ctl("tenant", "move", "missing", "--to", "second")
    farm.standbys["near"].catch_up()

    def all_tenants():
        reply = farm.annals.get("/v1/events?limit=50", token=farm.annals.token("*", "audit:read"),
                                headers={"Annals-Tenant": "*"})
        assert reply.status == 200, reply
        return event in [e["id"] for e in reply.json()["events"]], reply.json()["coverage"]["complete"]

    assert all_tenants() == (False, False)
    farm.standbys["far"].resume()
    wait_until("it is there", lambda: all_tenants() == (True, True), 5)


def test_the_directory_has_not_heard_that_it_left(farm):
    """Its replica still names the shard that has just said no."""
    farm.annals.ctl("tenant", "add", "homing", "--shard", "second")
    event = write(farm, "homing")
    farm.catch_up()
    assert search(farm, "homing") == ([event], ("second", "1"))
    farm.standbys["near"].pause()
    farm.annals.ctl("tenant", "move", "homing", "--to", "default")
    farm.standbys["far"].catch_up()
    assert search(farm, "homing") == ([event], ("default", "primary"))
