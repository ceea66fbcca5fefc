# SPDX-License-Identifier: Apache-2.0
"""Two instances of one installation, each with run folder, workers and web server of its own, behind a
balancer: what one gives the other takes, one may die or be restarted under load, and nothing on its disk is
missed.

    pair      Apache, FastCGI to the sockets of both (packaging/apache/pair.conf)
    balancer  Apache, HTTP to the web servers of both, with health checks (packaging/apache/balancer.conf)
    lighttpd  lighttpd, HTTP to the web servers of both, without (packaging/lighttpd/balancer.conf)
"""
import copy
import signal
import threading
import time

import pytest

from annals import APPS, Annals, wait_until
from console import Console
from load import Load
from webserver import WebServer, program

EVENT = {"action": "a.b", "actor": {"type": "user", "id": "u"}}
SETTINGS = {"ingest.workers": 3, "search.workers": 3, "http.trusted_proxies": "127.0.0.0/8",
            "http.monitor_from": "127.0.0.0/8"}
KINDS = {"pair": "apache-pair", "balancer": "apache-balancer", "lighttpd": "lighttpd-balancer"}
DRAIN = {"balancer": "3s"}  # where somebody asks whether an instance is ready


def make_pair(settings):
    first = Annals(settings).start()
    try:
        return first, Annals(settings, beside=first).start()
    except BaseException:
        first.stop()
        raise


@pytest.fixture(scope="module")
def pair():
    """Two that no test stops."""
    first, second = make_pair(SETTINGS)
    try:
        yield first, second
    finally:
        second.stop()
        first.stop()


class Front:
    """A balancer before two instances. `annals` is what its clients see."""

    def __init__(self, kind):
        self.kind = kind
        self.instances = make_pair({**SETTINGS, "process.drain_delay": DRAIN.get(kind, "0s")})
        first = self.instances[0]
        behind = [each.run if kind == "pair" else each.web.port for each in self.instances]
        self.web = WebServer(KINDS[kind], first.folder / "front", behind)
        self.annals = copy.copy(first)
        self.annals.web = self.web

    def start(self):
        self.web.start()
        wait_until("the balancer answers", lambda: self.annals.get("/v1/events").status == 200)

    def stop(self):
        self.web.stop()
        for each in reversed(self.instances):
            self.tell(each)  # and again by stop(): nobody waits for the delay
            each.stop()

    @staticmethod
    def tell(instance):
        for process in instance.processes.values():
            process.send_signal(signal.SIGTERM)

    def restart(self, instance):
        """As docs/guide/operating.md says for this kind of balancer."""
        if self.kind == "lighttpd":
            instance.web.stop(signal.SIGINT)
        self.tell(instance)
        for app in APPS:
            instance.processes[app].wait(15)
            instance.stop_app(app)
        time.sleep(0.3)  # an instance alone
        instance.start_apps()
        if self.kind == "lighttpd":
            instance.web.start_again()
        if self.kind != "pair":
            time.sleep(3)  # until the balancer has looked at it again


@pytest.fixture(params=KINDS)
def front(request):
    if program(KINDS[request.param]) is None:
        pytest.skip(f"{KINDS[request.param]} is not installed")
    balanced = Front(request.param)
    try:
        balanced.start()
        yield balanced
    finally:
        balanced.stop()


class Reader(threading.Thread):
    """Pages through the load's events without end, each page with the cursor of the one before."""

    def __init__(self, annals, tenant="load"):
        super().__init__(daemon=True)
        self.annals, self.token = annals, annals.token(tenant)
        self.stopping = threading.Event()
        self.pages, self.failed = 0, []

    def run(self):
        cursor = None
        while not self.stopping.is_set():
            try:
                reply = self.annals.get("/v1/events?limit=20" + (f"&cursor={cursor}" if cursor else ""),
                                        token=self.token)
            except OSError as why:
                self.failed.append(repr(why))
                continue
            if reply.status == 200:
                cursor = reply.json()["next_cursor"]
                self.pages += 1
            else:
                self.failed.append(reply)
            time.sleep(0.01)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(30)


# --- what one gives, the other takes --------------------------------------------------------------
def test_cursors_of_one_go_on_at_the_other(pair):
    token = pair[0].token("cursors")
    sent = [pair[number % 2].post(EVENT, token=token).json()["id"] for number in range(7)]
    seen, cursor = [], None
    for number in range(4):
        page = pair[number % 2].get("/v1/events?limit=2" + (f"&cursor={cursor}" if cursor else ""),
                                    token=token).json()
        seen += [event["id"] for event in page["events"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == list(reversed(sent))


def test_write_tokens_of_one_are_read_at_the_other(pair):
    token = pair[0].token("reads-own")
    for writer, reader in (pair, reversed(pair)):
        sent = writer.post(EVENT, token=token)
        reply = reader.get("/v1/events", token=token,
                           headers={"Annals-Write-Token": sent.headers["Annals-Write-Token"]})
        assert reply.json()["events"][0]["id"] == sent.json()["id"]
    assert reader.get("/v1/events", token=token, headers={"Annals-Write-Token": "x.y"}).status == 400


def test_a_retry_at_the_other_is_a_duplicate(pair):
    event = {**EVENT, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
             "idempotency_key": "once"}
    first, again = (instance.post(event).json() for instance in pair)
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["id"] == again["id"]


def test_console_sessions_hold_on_either(pair):
    """A link made on one signs in at the other; the session and its forms work on both, and end on both."""
    here, there = (Console(instance, headers={"Host": "audit.example"}) for instance in pair)
    token = here.link("--tenant", "t1", "--subject", "ada")[1]
    there.keep(there.use(token))
    here.cookie = there.cookie
    assert here.use(token).status != 303  # used up
    here.cookie = there.cookie
    for console in (here, there):
        assert console.get("/admin/events").status == 200
    assert here.csrf() == there.csrf()
    assert here.post("/admin/logout", {"csrf": "x" * 43}).status == 403
    assert there.get("/admin/events").status == 200
    assert here.post("/admin/logout", {"csrf": there.csrf()}).status == 303
    for console in (here, there):
        assert console.get("/admin/events").status == 401


def test_keys_and_retention_are_changed_for_both(pair):
    first, second = pair
    token = first.token("short")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3 * 86400))
    assert first.post({**EVENT, "timestamp": moment}, token=token).status == 201
    for instance in pair:
        assert len(instance.get("/v1/events", token=token).json()["events"]) == 1
    first.ctl("retention", "set", "day", "1")
    first.ctl("tenant", "retention", "short", "day")
    for instance in pair:
        wait_until("it is hidden",
                   lambda instance=instance: not instance.get("/v1/events", token=token).json()["events"])
    first.ctl("issuer", "init", "--rotate")
    new = second.ctl("token", "--tenant", "short", "--scope", "audit:read")
    for instance in pair:
        wait_until("the new key counts",
                   lambda instance=instance: instance.get("/v1/events", token=new).status == 200)
        assert instance.get("/v1/events", token=token).status == 200  # the old one too, until it is taken out


# --- one goes away under load ---------------------------------------------------------------------
def settle(front, load, reader):
    """Waits until requests are answered again for a while, and returns how many fail from then on."""
    wait_until("the balancer has noticed", lambda: front.annals.get("/v1/events").status == 200
               and front.annals.post(EVENT).status == 201, timeout=5)
    time.sleep(1.2)
    failed = len(load.broken()) + len(reader.failed)
    pages, acknowledged = reader.pages, len(load.acknowledged())
    time.sleep(1.5)
    assert reader.pages > pages and len(load.acknowledged()) > acknowledged
    return len(load.broken()) + len(reader.failed) - failed


def test_one_is_killed(front):
    """kill -9 of masters, workers and web server: what was under way may fail once, what was acknowledged
    stays."""
    victim = front.instances[1]
    with Load(front.annals) as load, Reader(front.annals) as reader:
        time.sleep(1)
        victim.crash()
        assert settle(front, load, reader) == 0
        victim.start_apps()
        victim.web.start_again()
        time.sleep(2.5)
    load.check()
    assert len(load.acknowledged()) > 500
    print(f"{front.kind}: {len(load.acknowledged())} events, {load.broken()[:8]}, {reader.failed[:8]}")
    # those that it held, and those sent before it was left out
    assert len(load.broken()) + len(reader.failed) <= 12


def test_rolling_restart(front):
    """One after the other is told to stop, stops, and starts again: no request fails, whoever sends it."""
    with Load(front.annals) as load, Reader(front.annals) as reader:
        for instance in front.instances:
            time.sleep(0.7)
            front.restart(instance)
        time.sleep(0.5)
    load.check()
    assert len(load.acknowledged()) > 500 and reader.pages > 50
    assert [answer for answer in load.answers() if answer.status != 200] == []
    assert load.broken() == []
    assert reader.failed == []
