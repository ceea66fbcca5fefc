# SPDX-License-Identifier: Apache-2.0
"""What is acknowledged is on the disk, and with a synchronous standby on two: also what was found to be
there already."""
import contextlib

import pytest

from annals import wait_until
from replicas import Farm
from senders import keyed

COUNT = "SELECT count(*) FROM annals.events WHERE tenant_id = 't1'"


@pytest.fixture
def farm():
    """A standby that every commit waits for."""
    with Farm(["near"], {"ingest.workers": 1, "ingest.commit_timeout": "1s"}) as made:
        with contextlib.closing(made.primary.connect()) as conn, conn.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            cursor.execute("SELECT pg_reload_conf()")
        wait_until("it is synchronous", lambda: made.annals.rows(
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == [(1,)])
        yield made


@pytest.mark.parametrize("batch", [False, True])
def test_a_repeat_waits_for_the_standby(farm, batch):
    """An event that a restart made visible on the primary alone is not acknowledged before the standby has
    it."""
    event = keyed("seen-by-one")
    body = [event] if batch else event
    assert farm.annals.post(keyed("before")).status == 201
    farm.standbys["near"].stop()
    assert farm.annals.post(body).status == 503
    farm.primary.kill()
    farm.primary.start()
    assert farm.annals.rows(COUNT) == [(2,)]
    assert farm.annals.post(body).status == 503
    farm.standbys["near"].start()
    reply = farm.annals.post(body)
    assert reply.status == 200 and (batch or reply.json()["duplicate"]), reply
    farm.primary.kill()
    farm.standbys["near"].promote()
    with contextlib.closing(farm.standbys["near"].connect(dbname=farm.annals.database)) as conn, \
         conn.cursor() as cursor:
        cursor.execute(COUNT)
        assert cursor.fetchone() == (2,)


@pytest.mark.parametrize("default, used",
                         [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_no_commit_is_asynchronous(make_annals, default, used):
    """Whatever the default, acknowledged events are on the disk: new ones in a small and in a large batch,
    and repeats."""
    annals = make_annals({"ingest.workers": 1})
    with contextlib.closing(annals.db()) as conn, conn.cursor() as cursor:
        cursor.execute(f"""
            ALTER DATABASE "{annals.database}" SET synchronous_commit = {default};
            CREATE TABLE public.seen (value text);
            GRANT INSERT ON public.seen TO annals_writer;
            CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
            CREATE TRIGGER see AFTER INSERT ON annals.events EXECUTE FUNCTION public.see()""")
    for events in ([keyed("one")], [keyed(str(n)) for n in range(300)]):
        for _ in range(2):
            assert annals.post(events).status == 200
    assert set(annals.rows("SELECT value FROM public.seen")) == {(used,)}
