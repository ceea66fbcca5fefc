# SPDX-License-Identifier: Apache-2.0
"""Two hosts of one installation, eight workers each, and a provider: it is asked once for all of them, and
tokens with random key ids cannot make it more, nor harm anybody else.

ANNALS_FLOOD="SECONDS RATE FLOOR" makes it longer, as in "30 500 60": RATE requests a second on each host."""
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from annals import Annals, wait_until
from provider import DISCOVERY, KEYS, Provider

SECONDS, RATE, FLOOR = (int(word) for word in os.environ.get("ANNALS_FLOOD", "6 150 5").split())

# A process of its own, so that the flood does not slow down the client that is measured: writes how many were
# answered with what.
FLOOD = r"""
import base64, collections, http.client, json, os, sys, time
port, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
payload, signature = sys.argv[4:]
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
answers, start, count = collections.Counter(), time.monotonic(), 0
while time.monotonic() < start + seconds:
    header = json.dumps({"alg": "ES256", "kid": os.urandom(16).hex()}).encode()
    token = base64.urlsafe_b64encode(header).rstrip(b"=").decode() + "." + payload + "." + signature
    connection.request("GET", "/v1/events", headers={"Authorization": "Bearer " + token})
    got = connection.getresponse()
    got.read()
    answers[got.status] += 1
    count += 1
    time.sleep(max(0.0, start + count / rate - time.monotonic()))
print(json.dumps(answers))
"""


class Patience(threading.Thread):
    """Asks with good tokens, known ones and new ones in turn, on both hosts."""

    def __init__(self, hosts, idp):
        super().__init__(daemon=True)
        self.hosts = hosts
        self.idp = idp
        self.stopping = threading.Event()
        self.times = []
        self.failed = []

    def run(self):
        known = self.idp.token()
        connections = [host.connection() for host in self.hosts]
        for i in range(1_000_000):
            if self.stopping.wait(0.02):
                return
            token = known if i % 4 < 2 else self.idp.token(sub=f"new-{i}")
            start = time.monotonic()
            reply = self.hosts[i % 2].get("/v1/events", token=token, connection=connections[i % 2])
            self.times.append(time.monotonic() - start)
            if reply.status != 200:
                self.failed.append(reply)

    def p99(self):
        return sorted(self.times)[len(self.times) * 99 // 100]


def flood(hosts, idp, seconds):
    """Runs it on all hosts at once; returns the one whose requests must not suffer, and what the flood was
    told."""
    _, payload, signature = idp.token().split(".")
    patience = Patience(hosts, idp)
    patience.start()
    command = [sys.executable, "-c", FLOOD]
    arguments = [str(seconds), str(RATE), payload, signature]
    processes = [subprocess.Popen([*command, str(host.web.port), *arguments], stdout=subprocess.PIPE,
                                  text=True)
                 for host in hosts]
    told = [json.loads(process.communicate(timeout=seconds + 60)[0]) for process in processes]
    patience.stopping.set()
    patience.join(30)
    return patience, told


def quiet(idp):
    """Waits until the next one that wants to ask may."""
    wait_until("the floor is over", lambda: time.monotonic() > idp.last_asked + FLOOR + 0.5,
               timeout=3 * FLOOR)


@pytest.fixture(scope="module")
def idp():
    with Provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def hosts(idp):
    settings = {**idp.settings(keys_refresh_floor=f"{FLOOR}s", keys_ttl="10min"), "search.workers": 8}
    first = Annals(settings).start()
    second = None
    try:
        second = Annals(settings, beside=first).start()
        yield [first, second]
    finally:
        if second is not None:
            second.stop()
        first.stop()


def test_one_fetch_for_all(hosts, idp):
    """Six programs on two hosts have started, and asked once."""
    for host in hosts:
        wait_until("keys are there",
                   lambda host=host: host.get("/v1/events", token=idp.token()).status == 200)
        reply = host.post({"action": "a.b", "actor": {"type": "user", "id": "u"}}, token=idp.token())
        assert reply.status == 201, reply
    assert idp.asked == {DISCOVERY: 1, KEYS: 1}


@pytest.mark.parametrize("mode", ["good", "empty", "error", "huge", "hang"])
def test_flood_of_unknown_keys(hosts, idp, mode):
    quiet(idp)
    idp.mode = mode
    before = dict(idp.asked)
    patience, told = flood(hosts, idp, SECONDS)
    fetches = idp.asked[KEYS] - before[KEYS]
    asked = fetches + idp.asked[DISCOVERY] - before[DISCOVERY]
    idp.mode = "good"
    print(f"{mode}: {told}, {fetches} fetches, {len(patience.times)} good, p99 "
          f"{patience.p99() * 1000:.1f} ms")
    assert not patience.failed
    assert all(set(answers) == {"401"} for answers in told), told
    assert all(answers["401"] > 0.8 * RATE * SECONDS for answers in told), told
    assert fetches <= 2 and 1 <= asked <= 4, idp.asked  # each program asks discovery once
    assert patience.p99() < 0.2
    assert len(patience.times) > SECONDS * 10


def test_rotation_reaches_all(hosts, idp):
    """Seen on one host, a new key is known on the other by its first token there, without another fetch."""
    quiet(idp)
    new = idp.rotate()
    before = idp.asked[KEYS]
    for host in hosts:
        def taken(host=host):
            return host.get("/v1/events", token=idp.token(key=new)).status == 200

        wait_until("the new key is taken", taken, timeout=FLOOR + 3)
    assert idp.asked[KEYS] == before + 1
