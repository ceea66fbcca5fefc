# SPDX-License-Identifier: Apache-2.0
"""Workers killed and stopped at each step of a shared commit; tests/lib/killat.c names the steps."""
import contextlib
import os
import pathlib
import re
import shutil
import signal

import pytest

import postgres
from annals import BUILD, Annals, wait_until
from senders import Burst, Senders, check_all, keyed

CLIENTS = 16
WORKERS = 28  # those who died a moment ago are not missed
ROUNDS = int(os.environ.get("ANNALS_TEST_ROUNDS", "0")) or 30
FURTHER_LANES = 3  # beside the first, see lib/ingest/combine.c
QUIET_ROUNDS = 8
DIED = re.compile(r"leader of lane (\d+) died; what (\d+) workers ")


class Trap(Annals):
    """Its ingest workers fall at a step that is armed."""

    def __init__(self, cluster, settings=None):
        self.armed = pathlib.Path(postgres.make_folder("an-kill-"))
        environment = {"LD_PRELOAD": str(BUILD / "tests/lib/killat.so"), "KILLAT_FOLDER": str(self.armed),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        super().__init__({"ingest.workers": WORKERS, **(settings or {})}, cluster=cluster,
                         environment={"ingest": environment})

    def start(self):
        """With transactions that take some milliseconds, so that workers wait for each other."""
        super().start()
        with contextlib.closing(self.db()) as conn, conn.cursor() as cursor:
            cursor.execute("""
                CREATE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_sleep(0.008); RETURN NULL; END';
                CREATE TRIGGER slowly AFTER INSERT ON annals.outbox EXECUTE FUNCTION public.slowly()""")
        return self

    def stop(self):
        super().stop()
        shutil.rmtree(self.armed, ignore_errors=True)

    def arm(self, step, how="kill"):
        path = self.armed / f"{step}.{how}"
        path.touch()
        return path

    def wait_for_workers(self):
        """As many as there are clients: then no request waits for one to be started again."""
        wait_until("enough workers", lambda: len(self.workers("ingest")) > CLIENTS + 2)

    def wait_for_fall(self, armed):
        wait_until(f"a worker falls at {armed.name}", lambda: not armed.exists())

    def recovered(self):
        """Of each dead leader whose lane was taken over: how many slots it had taken."""
        return [int(found[1]) for found in DIED.findall(self.log.read_text())]

    def stopped(self):
        """Workers that stand still."""
        def stands(pid):
            with contextlib.suppress(OSError):
                return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"
            return False
        return [pid for pid in self.workers("ingest") if stands(pid)]

    def go_on(self):
        for pid in self.stopped():
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def company(self, tenant, bodies, step, how="kill"):
        """Requests of several workers, all sent at about the same time: the first leads itself, and while it
        does the others wait together; the one who leads most of them falls at the step."""
        self.wait_for_workers()
        if step != "copying":  # too few events for it in one request
            self.arm(step, "pass")
        armed = self.arm(step, how)
        with Burst(self, tenant, bodies, 0.0004) as burst:
            try:
                self.wait_for_fall(armed)
                yield burst
            finally:
                self.go_on()


@pytest.fixture(scope="module")
def trap(cluster):
    stack = Trap(cluster).start()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def slow_trap(cluster):
    stack = Trap(cluster, {"ingest.commit_timeout": "1s"}).start()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def hasty_trap(cluster):
    """Whose requests give up before they would withdraw."""
    stack = Trap(cluster, {"ingest.commit_timeout": "300ms"}).start()
    yield stack
    stack.stop()


@pytest.fixture
def durable_trap():
    """With a database of its own, that may be killed."""
    with postgres.Cluster(durable=True) as cluster:
        stack = Trap(cluster).start()
        yield stack
        stack.stop()


def kill_rounds(trap, tenant, step, batch=1, keys=True):
    """Kills one worker a round at the step, under load; afterwards all is there, and nobody waited long."""
    before = len(trap.recovered())
    with Senders(trap, tenant, CLIENTS, batch, keys) as senders:
        for number in range(ROUNDS):
            trap.wait_for_fall(trap.arm(step))
            if number % 3 > 0:  # else whoever puts the same rows again is the next
                enough = len(senders.acknowledged) + CLIENTS * batch
                wait_until("commits without trouble",
                           lambda enough=enough: len(senders.acknowledged) >= enough)
            trap.wait_for_workers()
    check_all(trap, tenant, senders.acknowledged)
    assert len(senders.acknowledged) > ROUNDS
    assert set(senders.statuses) <= {0, 200, 201, 500, 502, 503}, senders.statuses
    # 640 events that are there already are put again request by request; elsewhere 2 s are plenty.
    assert senders.slowest < (2 if batch == 1 else 4), senders.slowest
    return trap.recovered()[before:]


@pytest.mark.parametrize("step, batch, in_lane", [
    ("gathered", 1, True), ("sent", 1, True), ("inserted", 1, True), ("committed", 1, True),
    ("answered", 1, True),
    ("left", 1, False), ("copying", 40, True), ("committed", 40, True)])
def test_leader_killed(trap, step, batch, in_lane):
    taken = kill_rounds(trap, f"leader-{step}-{batch}", step, batch)
    # A few more or less: that the leader of a further lane died is found out by the next to need it.
    assert abs(len(taken) - (ROUNDS if in_lane else 0)) <= FURTHER_LANES
    if step in ("gathered", "sent", "inserted", "committed", "copying"):
        assert sum(count > 0 for count in taken) > len(taken) / 8, taken  # they had company
    else:
        assert sum(taken) == 0


@pytest.mark.parametrize("step", ["sent", "committed"])
def test_leader_killed_without_keys(trap, step):
    """Nothing in the events would forbid a second one: what a dead leader had has its id already, and is
    stored once."""
    kill_rounds(trap, f"nameless-{step}", step, keys=False)


@pytest.mark.parametrize("step", ["waiting", "woken"])
def test_follower_killed(trap, step):
    assert len(kill_rounds(trap, f"follower-{step}", step)) <= FURTHER_LANES  # as above


@pytest.mark.parametrize("step", ["gathered", "sent", "committed"])
def test_followers_of_a_dead_leader_need_nobody_else(trap, step):
    """No further request comes that could find out: they do, and each is told that its event is new."""
    tenant = f"quiet-{step}"
    token = trap.token(tenant, "audit:write")
    before = len(trap.recovered())
    events = [keyed(str(n)) for n in range(CLIENTS * QUIET_ROUNDS)]
    for at in range(0, len(events), CLIENTS):
        with trap.company(tenant, events[at:at + CLIENTS], step) as burst:
            answers = burst.collect(5)
        failed = [answer.status for answer in answers.values() if answer.status != 201]
        assert len(answers) == CLIENTS
        # those that the dead worker had read
        assert 0 < len(failed) < CLIENTS / 2 and min(failed) >= 500, answers
        assert max(answer.seconds for answer in answers.values()) < 2
    for event in events:
        assert trap.post(event, token=token).status in (200, 201)
    check_all(trap, tenant, [event["idempotency_key"] for event in events])
    taken = trap.recovered()[before:]
    assert len(taken) == QUIET_ROUNDS and sum(taken) > QUIET_ROUNDS, taken


def test_a_repeat_in_a_request_put_again(trap):
    """Of an event that is twice in a request, one is new, also where the dead leader had committed both."""
    for number in range(QUIET_ROUNDS):
        events = [keyed(f"{number}-{n}") for n in range(CLIENTS)]
        with trap.company("twice", [[event, event] for event in events], "committed") as burst:
            answers = burst.collect(5)
        good = [answer.body for answer in answers.values() if answer.status == 200]
        assert len(good) > CLIENTS / 2, answers
        assert all(b'"accepted":1,"duplicates":1,"rejected":0' in body for body in good), good


def many(event, count):
    """Events like it, to make the batch so large that it goes by COPY."""
    keys = [f"{event['idempotency_key']}.{n}" for n in range(count)]
    return [{**event, "idempotency_key": key, "entities": [{"type": "doc", "id": key}]} for key in keys]


def stop_leader(trap, tenant, step, requests):
    """One leader stands still at the step. What its followers were answered in time; none where it had
    none."""
    token = trap.token(tenant, "audit:write")
    with trap.company(tenant, requests, step, "stop") as burst:
        answers = dict(burst.collect(2, but=1))  # ingest.commit_timeout, and a second
        statuses = {answer.status for answer in answers.values()}
        # none of those that the worker had read itself
        assert CLIENTS / 2 < len(answers) < CLIENTS and statuses <= {200, 503}, answers
        if step != "copying":  # where a transaction is open that holds the events
            assert [trap.post(sent, token=token).status for sent in requests] == [200] * CLIENTS
        trap.go_on()
        assert len(burst.collect(5)) == CLIENTS
    for sent in requests:
        reply = trap.post(sent, token=token)
        assert reply.status == 200 and reply.json()["rejected"] == 0
    return statuses


@pytest.mark.parametrize("step, batch", [("gathered", 1), ("sent", 1), ("committed", 1), ("copying", 40)])
def test_leader_stopped(slow_trap, step, batch):
    """As if the disk were slow: its followers hear of it in time, and what they send again is stored once,
    whether the leader goes on before or after it."""
    tenant, keys, had_followers = f"stopped-{step}", [], False
    while not had_followers and len(keys) < 5 * CLIENTS * batch:
        requests = [many(keyed(f"{len(keys)}-{n}"), batch) for n in range(CLIENTS)]
        keys += [event["idempotency_key"] for sent in requests for event in sent]
        had_followers = 503 in stop_leader(slow_trap, tenant, step, requests)
    assert had_followers
    check_all(slow_trap, tenant, keys)


@pytest.mark.parametrize("step", ["gathered", "sent", "committed"])
def test_database_killed(durable_trap, step):
    """PostgreSQL dies while a leader stands still with others' requests: before it has them, while it works
    on them, and when they are committed. Whoever hears that its event is stored is right."""
    tenant, trap = "database", durable_trap
    events = [keyed(str(n)) for n in range(CLIENTS)]
    with trap.company(tenant, events, step, "stop") as burst:
        trap.cluster.kill()
        trap.cluster.start()
        trap.go_on()
        answers = burst.collect(10)
    statuses = {answer.status for answer in answers.values()}
    assert len(answers) == CLIENTS and statuses <= {201, 503}, answers
    check_all(trap, tenant, [event["idempotency_key"] for n, event in enumerate(events)
                             if answers[n].status == 201])
    token = trap.token(tenant, "audit:write")
    assert {trap.post(event, token=token).status for event in events} <= {200, 201}
    check_all(trap, tenant, [event["idempotency_key"] for event in events])


def test_nobody_takes_what_was_given_up(hasty_trap):
    """All leaders stand still: who waited in vain is told so, and is not committed by the next leader."""
    tenant, leaders = "hasty", ["first", "second", "third", "fourth"]
    assert len(leaders) == 1 + FURTHER_LANES
    hasty_trap.wait_for_workers()
    with contextlib.ExitStack() as stack:
        stack.callback(hasty_trap.go_on)
        bursts = []
        for leader in leaders:
            armed = hasty_trap.arm("gathered", "stop")
            bursts.append(stack.enter_context(Burst(hasty_trap, tenant, [keyed(leader)])))
            hasty_trap.wait_for_fall(armed)
        with Burst(hasty_trap, tenant, [keyed(f"late-{n}") for n in range(4)]) as late:
            assert [answer.status for answer in late.collect(5).values()] == [503] * 4
        hasty_trap.go_on()
        for burst in bursts:
            burst.collect(5)
    token = hasty_trap.token(tenant, "audit:write")
    assert hasty_trap.post(keyed("next"), token=token).status == 201
    stored = {key for key,
              in hasty_trap.rows("SELECT entity_id FROM annals.event_entities WHERE tenant_id = %s", tenant)}
    assert stored == {*leaders, "next"}
