# SPDX-License-Identifier: Apache-2.0
"""What /metrics says of annals-partition: read from the shards, so it is there wherever the job ran."""
import shutil
import time

import fastcgi
import pytest

from shards import Shard

# A worker says the same for five seconds: each is to answer once.
FORGETFUL = {f"{app}.{key}": 1 for app in ("search", "admin") for key in ("workers", "max_requests")}


def scrape(annals, app="search"):
    """{metric: {shard: value}} of those that tell of shards."""
    body = fastcgi.call(annals.run / f"{app}.sock", fastcgi.request_params("GET", "/metrics")).body.decode()
    found = {}
    for line in body.splitlines():
        name, brace, rest = line.partition('{shard="')
        if brace:
            shard, _, value = rest.partition('"} ')
            found.setdefault(name, {})[shard] = int(value)
    return found


@pytest.fixture
def fleet(make_annals):
    """Two shards; on `second` there is an old month with one event, and nothing keeps it."""
    annals = make_annals(FORGETFUL)
    second = Shard(annals, "second", annals.cluster).add()
    second.rows("SELECT annals.partition_create('event_entities', '2020-01-01Z', '2020-02-01Z')")
    second.rows("SELECT annals.partition_create('events', '2020-01-01Z', '2020-02-01Z')")
    second.rows("""
        INSERT INTO annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id,
                                   outcome, digest,
                                   document)
        VALUES ('annals', '2020-01-03Z', gen_random_uuid(), now(), 'a.b',
                'user', 'u', 'success', 'x', '{}')""")
    annals.ctl("retention", "set", "default", "90")
    return annals, second


def test_a_round_shows_wherever_it_ran(fleet, tmp_path):
    """The job's host shares nothing with the one that is scraped, as a CronJob's pod does not."""
    annals, second = fleet
    before = scrape(annals)
    assert before["annals_shard_up"] == {"default": 1, "second": 1}
    annals.write_conf(process__run_dir=tmp_path)
    shutil.chown(tmp_path, "postgres")
    tmp_path.chmod(0o755)
    start = int(time.time())
    annals.run_job("partition")
    assert list(tmp_path.iterdir()) == []  # nothing is said twice
    [(size,)] = second.rows("SELECT freed_bytes FROM annals.job_runs")
    for app in ("search", "admin"):
        after = scrape(annals, app)
        for shard in ("default", "second"):
            assert start - 1 <= after["annals_job_last_run_timestamp_seconds"][shard] <= time.time()
            assert (after["annals_job_last_success_timestamp_seconds"][shard]
                    == after["annals_job_last_run_timestamp_seconds"][shard])
        assert after["annals_job_failed"] == {"default": 0, "second": 0}
        assert after["annals_partitions_dropped_total"] == {"default": 0, "second": 2}
        assert after["annals_partition_rows_dropped_total"] == {"default": 0, "second": 1}
        assert after["annals_partition_freed_bytes_total"] == {"default": 0, "second": size} and size > 0
        assert (after["annals_partitions_created_total"] == before["annals_partitions_created_total"]
                and after["annals_partitions_created_total"]["second"] > 10)
    annals.run_job("partition")  # totals stay what they are
    assert scrape(annals)["annals_partition_freed_bytes_total"]["second"] == size


def test_the_horizon_is_that_of_each_shard(fleet):
    annals, second = fleet
    [(last, name)] = second.rows("""
        SELECT extract(epoch FROM max(from_at))::bigint, max(name) FROM annals.partition_bounds('outbox')""")
    second.rows(f"DROP TABLE annals.{name}")
    horizon = scrape(annals)["annals_partition_horizon_timestamp_seconds"]
    assert horizon == {"default": last + 86400, "second": last}


def test_a_round_that_fails_is_seen(fleet):
    """The last success stays what it was; what was held back is counted."""
    annals, second = fleet
    second.rows("INSERT INTO annals.legal_holds (tenant_id, reason, placed_by) "
                "VALUES ('annals', 'case 1', 'tests')")
    annals.run_job("partition")
    good = scrape(annals)
    assert good["annals_partitions_held_back"] == {"default": 0, "second": 2}
    second.rows("UPDATE annals.legal_holds SET released_at = now()")
    second.rows("REVOKE EXECUTE ON FUNCTION annals.partition_detach FROM annals_job")
    time.sleep(1)
    assert annals.run_job("partition", check=False).returncode == 1
    bad = scrape(annals)
    assert bad["annals_job_failed"] == {"default": 0, "second": 1}
    success = "annals_job_last_success_timestamp_seconds"
    assert bad[success]["second"] == good[success]["second"] \
        < bad["annals_job_last_run_timestamp_seconds"]["second"]
    assert bad[success]["default"] > good[success]["default"]


def test_a_shard_that_is_away(make_annals, cluster):
    """It is missed in one line and stops no other."""
    annals = make_annals(FORGETFUL)
    Shard(annals, "second", cluster).add()
    with annals.db() as db, db.cursor() as sql:
        sql.execute("UPDATE annals.shards SET primary_conninfo = 'host=/nowhere dbname=x' "
                    "WHERE name = 'second'")
    found = scrape(annals)
    assert found["annals_shard_up"] == {"default": 1, "second": 0}
    assert set(found["annals_job_failed"]) == {"default"}
