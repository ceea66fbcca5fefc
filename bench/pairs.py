# SPDX-License-Identifier: Apache-2.0
"""What is measured: each pair has Annals on one side and on the other what the machine can do without it."""
import json
import os
import random
import socket
import subprocess
import threading
import time
from concurrent import futures
from dataclasses import dataclass
from typing import Callable, Optional

from instance import TOP, free_port

DIGEST = "'\\x" + "5a" * 32 + "'"
COLUMNS = {
    "events": '"timestamp", received_at, id, tenant_id, action, actor_type, actor_id, outcome, source_ip, '
              'digest, '
              "payload_ref, document",
    "event_entities": '"timestamp", event_id, tenant_id, entity_type, entity_id',
    "outbox": "id, created_at, tenant_id, event_ids",
}


@dataclass
class Pair:
    name: str
    unit: str
    bar: Optional[float]
    more: bool                   # the bar is a floor, not a ceiling
    run: Callable                # (instance, rounds) -> [(annals, reference or None), ...]
    repeats: bool = True
    quick: bool = True           # measured by --quick too


def alternate(ours, reference):
    """A measurement that takes both sides in turn."""
    return lambda instance, rounds: [(ours(instance), reference(instance)) for _ in range(rounds)]


def seconds(instance):
    return 2 if instance.quick else 12


# --- writing --------------------------------------------------------------------------------------
def bulk_events(instance):
    return 40_000 if instance.quick else 200_000


def bulk_load(instance, **options):
    return instance.load(connections=2, batch=1000, requests=bulk_events(instance) // 1000, seconds=120,
                         **options)


def bulk_annals(instance):
    instance.empty()
    return bulk_load(instance)["events_per_s"]


def table_lines(instance, table):
    connection = instance.connect()
    path = os.path.join(instance.dir, f"{table}.copy")
    with open(path, "w", encoding="utf-8") as f:
        connection.cursor().copy_expert(f"COPY (SELECT {COLUMNS[table]} FROM annals.{table}) TO STDOUT", f)
    connection.close()
    with open(path, encoding="utf-8") as f:
        return f.readlines()


def copy_files(instance, streams=2, per_transaction=1000):
    """The rows that are in the tables now, as psql scripts: the same rows, in transactions of the same
    size."""
    lines = {table: table_lines(instance, table) for table in COLUMNS}
    chunks = -(-len(lines["events"]) // per_transaction)
    names = [os.path.join(instance.dir, f"copy.{i}.sql") for i in range(streams)]
    files = [open(name, "w", encoding="utf-8") for name in names]
    for chunk in range(chunks):
        f = files[chunk % streams]
        f.write("BEGIN;\n")
        for table in ("outbox", "events", "event_entities"):
            size = -(-len(lines[table]) // chunks)
            f.write(f"COPY annals.{table} ({COLUMNS[table]}) FROM STDIN;\n")
            f.writelines(lines[table][chunk * size:(chunk + 1) * size])
            f.write("\\.\n")
        f.write("COMMIT;\n")
    for f in files:
        f.close()
    return names


def bulk_copy(instance):
    names = copy_files(instance)  # of what the Annals side just stored
    instance.empty()
    took = instance.psql_streams(names)
    return instance.count() / took


def single_annals(connections, **settings):
    def run(instance):
        if settings:
            instance.restart(**settings)
        instance.empty()
        return instance.load(connections=connections, seconds=seconds(instance))["events_per_s"]
    return run


SINGLE = f"""\\set a random(1, 20000)
\\set d random(1, 300000)
\\set two random(0, 1)
BEGIN;
INSERT INTO annals.outbox (tenant_id, event_ids) VALUES ('demo', ARRAY[gen_random_uuid()]);
INSERT INTO annals.events ({COLUMNS["events"]}) VALUES (now(), now(), gen_random_uuid(),
 'demo', 'document.read', 'user', 'u' || :a, 'success', '10.1.2.3', {DIGEST}, '',
 '{{"action":"document.read","actor":{{"type":"user","id":"u000001","name":"Person 1"}},'
 '"entities":[{{"type":"document","id":"d0000001"}}],"outcome":"success","context":{{"ip":"10.1.2.3",'
 '"user_agent":"Mozilla/5.0 (X11; Linux x86_64)","request_id":"0123456789abcdef"}},'
 '"metadata":{{"region":"eu-west-1","size":12345,'
 '"note":"lorem ipsum dolor sit amet"}}}}');
INSERT INTO annals.event_entities ({COLUMNS["event_entities"]}) 
 VALUES (now(), gen_random_uuid(), 'demo', 'document', 'd' || :d);
\\if :two
INSERT INTO annals.event_entities ({COLUMNS["event_entities"]}) 
 VALUES (now(), gen_random_uuid(), 'demo', 'folder', 'f' || :d);
\\endif
COMMIT;
"""


def single_pgbench(clients):
    def run(instance):
        instance.empty()
        return instance.pgbench(SINGLE, clients, seconds(instance))
    return run


def latency_annals(instance):
    instance.empty()
    return instance.load(connections=1, seconds=seconds(instance))["p50_ms"]


def open_loop(instance):
    """Requests are due at fixed times, whether or not earlier ones are answered: p99 from when they were
    due."""
    instance.empty()
    return instance.load(connections=128, rate=5000, seconds=seconds(instance))["p99_ms"]


def latency_pgbench(instance):
    instance.empty()
    return instance.pgbench(SINGLE, 1, seconds(instance), latencies=True)


def empty_reply(connections):
    """The same web server configuration with bench/empty behind it."""
    def run(instance):
        folder = os.path.join(instance.dir, "empty")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "ingest.sock")
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen(512)
        port = free_port()
        configuration = os.path.join(folder, "lighttpd.conf")
        with open(configuration, "w", encoding="utf-8") as f:
            f.write(f'server.document-root = "{folder}"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
                    f'server.errorlog = "{folder}/error.log"\nvar.annals_run = "{folder}"\n'
                    f'include "{TOP}/packaging/lighttpd/annals.conf"\n')
        application = subprocess.Popen([os.path.join(instance.programs, "empty"), "16"], stdin=listener)
        server = subprocess.Popen(["/usr/sbin/lighttpd", "-D", "-f", configuration])
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            return instance.load(port=port, check=False, connections=connections,
                                 seconds=seconds(instance))["requests_per_s"]
        finally:
            server.terminate()
            application.terminate()
            server.wait()
            application.wait()
            listener.close()
    return run


# --- reading --------------------------------------------------------------------------------------
FILL = """
INSERT INTO annals.events ("timestamp", received_at, id, tenant_id, action, actor_type, actor_id, outcome,
                           source_ip, digest, document)
SELECT at, at, id, 'demo', action, 'user', actor, 'success', '10.1.2.3', sha256(id::text::bytea),
       format('{{"action":"%s","actor":{{"type":"user","id":"%s","name":"Person"}},'
              '"entities":[{{"type":"document","id":"d%s"}}],"outcome":"success",'
              '"context":{{"ip":"10.1.2.3","user_agent":"Mozilla/5.0 (X11; Linux x86_64)",'
              '"request_id":"0123456789abcdef"}},"metadata":{{"region":"eu-west-1",'
              '"size":12345,"note":"lorem ipsum dolor sit amet"}}}}', action, actor, entity)::json
FROM (SELECT at, entity, 'u' || lpad((n * 7919 % 20000)::text, 6, '0') AS actor,
             (ARRAY['document.read', 'document.update', 'user.login', 'invoice.pay'])[1 + n % 4] AS action,
             (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
              || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS id
      FROM (SELECT n, {span} AS at, n * 104729 % 300000 AS entity
            FROM generate_series({first}::bigint, {last}) AS n) AS r) AS e;
INSERT INTO annals.event_entities ("timestamp", event_id, tenant_id, entity_type, entity_id)
SELECT "timestamp", id, 'demo', 'document', document #>> '{{entities,0,id}}'
FROM annals.events WHERE "timestamp" >= {start} {limit};
"""


def partitions_back(instance, months):
    """Partitions for so many months before this one, where there are none yet."""
    for table in ("events", "event_entities"):
        instance.sql(f"""SELECT count(annals.partition_create('{table}', m, m + interval '1 month'))
            FROM generate_series(date_trunc('month', now(), 'UTC') - interval '{months} months',
                                 date_trunc('month', now(), 'UTC') - interval '1 month',
                                 interval '1 month') AS m
            WHERE NOT EXISTS (SELECT FROM annals.partition_bounds('{table}') AS b
                              WHERE b.from_at <= m AND m < b.to_at)""")


def fill(instance, rows, months):
    """Rows spread evenly over the last months, or all into the current one where months is 0."""
    start = "now() - interval '1 hour'"
    if months:
        start = f"date_trunc('month', now(), 'UTC') - interval '{months} months'"
    span = f"{start} + (now() - ({start})) * (n::float8 / {rows})"
    step = 500_000
    for first in range(0, rows, step):
        last = min(first + step, rows) - 1
        limit = f"AND \"timestamp\" >= {span.replace('n::float8', f'{first}::float8')} " \
                f"AND \"timestamp\" < {span.replace('n::float8', f'{last + 1}::float8')}"
        instance.sql(FILL.format(span=span, first=first, last=last, start=start, limit=limit))
    instance.sql("VACUUM ANALYZE annals.events")
    instance.sql("VACUUM ANALYZE annals.event_entities")


def big_table(instance):
    rows = 300_000 if instance.quick else 5_000_000
    if getattr(instance, "filled", None) != rows:
        instance.empty()
        partitions_back(instance, 5)
        fill(instance, rows, 5)
        instance.filled = rows
    return rows


# What a client sends that prepares its statements once and binds all values, the tenant among them.
READ = """BEGIN READ ONLY;
SELECT set_config('annals.tenant', :tenant, true), set_config('annals.kept_from', '-Infinity', true),
    set_config('statement_timeout', '5000', true);
{statement};
COMMIT;
"""
# The same in one round trip, as a client does that knows libpq's pipeline mode.
PIPELINE = "\\startpipeline\n" + READ + "\\endpipeline\n"
PAGE = "SELECT e.document, e.received_at, e.\"timestamp\", e.id FROM annals.events AS e {join} " \
       "WHERE e.tenant_id = :tenant {where} ORDER BY e.\"timestamp\" DESC, e.id DESC LIMIT 51"


def read_urls(instance, lines):
    path = os.path.join(instance.dir, "urls")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    result = instance.load(token=instance.read_token_file, check=False, method="GET", urls=path,
                           connections=1,
                           seconds=seconds(instance))
    return result["p50_ms"]


def read_sql(instance, statement, variables="", server=None, script=READ, **values):
    url = instance.env["ANNALS_PG"]
    instance.env["ANNALS_PG"] = (server or url) + " user=annals_reader"
    try:
        return instance.pgbench(variables + script.format(statement=statement), 1, seconds(instance),
                                latencies=True, tenant="demo", **values)
    finally:
        instance.env["ANNALS_PG"] = url


def page_pair(parameters, join, where, variables, script=READ):
    """parameters: of the URL, for a random number; the SQL takes its own random numbers from pgbench."""
    def ours(instance):
        big_table(instance)
        chance = random.Random(1)
        return read_urls(instance, [f"/v1/events?limit=50{parameters(chance)}" for _ in range(2000)])

    def reference(instance):
        return read_sql(instance, PAGE.format(join=join, where=where), variables, script=script)
    return alternate(ours, reference)


def replica_page(instance, rounds):
    """The page of a tenant from a replica, on both sides."""
    big_table(instance)
    server = instance.start_replica()
    try:
        return [(read_urls(instance, ["/v1/events?limit=50"]),
                 read_sql(instance, PAGE.format(join="", where=""), server=server)) for _ in range(rounds)]
    finally:
        instance.stop_replica()


def ids(instance):
    """Some events, each with the millisecond that its id names."""
    connection = instance.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT id, ms, ms + interval '1 millisecond' FROM (SELECT id, date_trunc('milliseconds', "
                   "\"timestamp\") AS ms FROM annals.events TABLESAMPLE SYSTEM (1) LIMIT 2000) AS e")
    rows = cursor.fetchall()
    connection.close()
    return rows


def id_annals(instance):
    big_table(instance)
    return read_urls(instance, [f"/v1/events/{row[0]}" for row in ids(instance)])


EVENT = "SELECT document, received_at, digest FROM annals.events WHERE tenant_id = :tenant " \
        "AND \"timestamp\" >= :low::timestamptz AND \"timestamp\" < :high::timestamptz AND id = :id::uuid"


def id_sql(script):
    def run(instance):
        event, low, high = ids(instance)[0]
        return read_sql(instance, EVENT, script=script, id=event, low=low, high=high)
    return run


# --- growth ---------------------------------------------------------------------------------------
SIDE_BY_SIDE = ("events", "event_entities")


def past(instance):
    """Partitions up to the current one: (table, name, from, to); the current ones come last."""
    connection = instance.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT t.name, b.name, b.from_at::text, b.to_at::text FROM unnest(%s) AS t (name), "
                   "annals.partition_bounds(t.name) AS b WHERE b.from_at <= now() ORDER BY b.from_at",
                   (list(SIDE_BY_SIDE),))
    rows = cursor.fetchall()
    connection.close()
    return rows


def set_aside(instance):
    """Takes them out of their tables, with empty ones in the place of the current ones."""
    partitions = past(instance)
    instance.sql("CREATE SCHEMA IF NOT EXISTS bench_aside")
    for table, name, _, _ in partitions:
        instance.sql(f"ALTER TABLE annals.{table} DETACH PARTITION annals.{name}")
        instance.sql(f"ALTER TABLE annals.{name} SET SCHEMA bench_aside")
    for table, _, start, end in partitions[-len(SIDE_BY_SIDE):]:
        instance.sql(f"SELECT annals.partition_create('{table}', '{start}', '{end}')")
    return partitions


def put_back(instance, partitions):
    for _, name, _, _ in past(instance):
        instance.sql(f"DROP TABLE annals.{name}")
    for table, name, start, end in partitions:
        instance.sql(f"ALTER TABLE bench_aside.{name} SET SCHEMA annals")
        instance.sql(f"ALTER TABLE annals.{table} ATTACH PARTITION annals.{name} "
                     f"FOR VALUES FROM ('{start}') TO ('{end}')")


def bulk_beside(instance):
    """Bulk into an empty partition, while what is there is set aside."""
    partitions = set_aside(instance)
    result = bulk_load(instance)["events_per_s"]
    put_back(instance, partitions)
    return result


def grown(prepare):
    """Bulk into prepared tables and into empty ones in turn."""
    def run(instance, rounds):
        instance.filled = None
        instance.empty()
        prepare(instance)
        return [(bulk_load(instance)["events_per_s"], bulk_beside(instance)) for _ in range(rounds)]
    return run


def into_24th(instance):
    partitions_back(instance, 23)
    fill(instance, 24_000, 23)


def into_full(instance):
    fill(instance, 300_000 if instance.quick else 5_000_000, 0)


# --- dropping -------------------------------------------------------------------------------------
class LongestLock(threading.Thread):
    """Looks every few milliseconds which locks the partition job holds that are stronger than a writer's."""

    HELD = """SELECT l.pid, l.virtualtransaction, l.relation, l.mode
        FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE l.granted AND a.usename IN ('annals_job', 'annals_keeper') AND l.locktype = 'relation'
          AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')"""

    def __init__(self, instance):
        super().__init__(daemon=True)
        self.connection = instance.connect()
        self.longest_ms = 0.0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        """From the look before a lock was first seen to the look that missed it."""
        since, before = {}, time.monotonic()
        cursor = self.connection.cursor()
        while not self.stopping.wait(0.002):
            cursor.execute(self.HELD)
            held, now = set(cursor.fetchall()), time.monotonic()
            ended = [now - at for lock, at in since.items() if lock not in held]
            since = {lock: since.get(lock, before) for lock in held}
            self.longest_ms = max([self.longest_ms, *(s * 1000 for s in ended)])
            before = now

    def stop(self):
        self.stopping.set()
        self.join(10)
        self.connection.close()
        return self.longest_ms


def old_month(instance):
    """One partition of a million events, older than anybody keeps."""
    rows = 100_000 if instance.quick else 1_000_000
    start = "(date_trunc('month', now(), 'UTC') - interval '5 months')"
    instance.filled = None
    instance.empty()
    partitions_back(instance, 5)
    instance.sql(FILL.format(span=f"{start} + interval '27 days' * (n::float8 / {rows})", first=0,
                             last=rows - 1,
                             start=start, limit=f"AND \"timestamp\" < {start} + interval '1 month'"))
    instance.sql("VACUUM ANALYZE annals.events")
    instance.sql("VACUUM ANALYZE annals.event_entities")


def while_dropping(instance):
    """Result of the load, and the longest lock of the round that drops beside it."""
    old_month(instance)
    lock = LongestLock(instance)
    instance.sql("UPDATE annals.retention_classes SET keep_days = 60 WHERE name = 'default'")
    with futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(instance.load, check=False, connections=8, seconds=4)
        time.sleep(1)
        subprocess.run([os.path.join(instance.env["ANNALS_BIN"], "annals-partition"), "--once"], check=True,
                       timeout=120,
                       env={**os.environ, **instance.env}, stderr=subprocess.DEVNULL)
        result = load.result()
    longest_ms = lock.stop()
    instance.sql("UPDATE annals.retention_classes SET keep_days = NULL WHERE name = 'default'")
    if instance.sql("SELECT count(*) FROM annals.events "
                    "WHERE \"timestamp\" < now() - interval '3 months'") != 0:
        raise SystemExit("the old month is still there")
    return result, longest_ms


def drop_p99(instance):
    return while_dropping(instance)[0]["p99_ms"]


def quiet_p99(instance):
    return instance.load(check=False, connections=8, seconds=4)["p99_ms"]


def drop_lock(instance, rounds):
    return [(while_dropping(instance)[1], None) for _ in range(rounds)]


# --- shards ---------------------------------------------------------------------------------------
def router_cost(instance, _rounds):
    """What a request pays to learn where its tenant lives, when its worker has met that tenant."""
    done = subprocess.run([os.path.join(instance.programs, "router"), instance.env["ANNALS_CONF"], "demo",
                           "acme"],
                          check=True, capture_output=True, text=True, timeout=120)
    return [(json.loads(done.stdout)["us"], None)]


def two_tenants(instance, far, tokens):
    """Batches of two tenants at the same time; events a second of both together."""
    instance.empty()
    instance.empty(far)
    options = {"check": False, "connections": 1, "batch": 1000, "requests": bulk_events(instance) // 2000,
               "seconds": 120}
    with futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda token: instance.load(token=token, **options), tokens))
    stored = instance.count() + instance.count(far)
    if stored < sum(result["events"] for result in results):
        raise SystemExit(f"acknowledged {results}, stored {stored}")
    return sum(result["events_per_s"] for result in results)


def two_shards(instance, rounds):
    """Two tenants on a shard each, against both on one. It leaves the instance with a shard that does not
    run: the last."""
    instance.filled = None
    far = instance.start_shard()
    try:
        apart, together = ([instance.token_of(tenant) for tenant in pair]
                           for pair in (("near", "far"), ("near", "other")))
        return [(two_tenants(instance, far, apart), two_tenants(instance, far, together))
                for _ in range(rounds)]
    finally:
        instance.shard.stop()


def copy_into_full(instance, _rounds):
    """The reference of bulk-ndjson, into the same partition as bulk-full-partition: what PostgreSQL alone
    loses."""
    instance.filled = None
    bulk_annals(instance)
    rows, names = instance.count(), copy_files(instance)
    instance.empty()
    empty = rows / instance.psql_streams(names)
    instance.empty()
    into_full(instance)
    return [(rows / instance.psql_streams(names), empty)]


# --- size -----------------------------------------------------------------------------------------
PLAIN = """
DROP SCHEMA IF EXISTS bench_plain CASCADE;
CREATE SCHEMA bench_plain;
CREATE TABLE bench_plain.events (tenant_id text, "timestamp" timestamptz, id uuid, received_at timestamptz,
    action text, actor_type text, actor_id text, outcome text, source_ip inet, document json,
    PRIMARY KEY (tenant_id, "timestamp", id));
CREATE INDEX ON bench_plain.events (tenant_id, actor_id, "timestamp");
CREATE INDEX ON bench_plain.events (tenant_id, action, "timestamp");
CREATE TABLE bench_plain.event_entities (tenant_id text, "timestamp" timestamptz, event_id uuid,
    entity_type text, entity_id text, PRIMARY KEY (tenant_id, entity_type, entity_id, "timestamp", event_id));
INSERT INTO bench_plain.events SELECT tenant_id, "timestamp", id, received_at, action, actor_type, actor_id,
    outcome, source_ip, annals.event_document(e)::json FROM annals.events AS e ORDER BY received_at;
INSERT INTO bench_plain.event_entities SELECT tenant_id, "timestamp", event_id, entity_type, entity_id
    FROM annals.event_entities;
"""
SIZE = """SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '{schema}' AND c.relkind = 'r' AND c.relname ~ '^event'"""


def disk(instance, _rounds):
    instance.filled = None
    instance.empty()
    bulk_load(instance)
    instance.sql(PLAIN)
    events = instance.count()
    return [(float(instance.sql(SIZE.format(schema="annals"))) / events,
             float(instance.sql(SIZE.format(schema="bench_plain"))) / events)]


def worker_pids(instance):
    with open(os.path.join(instance.dir, "run", "ingest.pid"), encoding="ascii") as f:
        master = f.read().strip()
    with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as f:
        return f.read().split()


def memory_mib(instance, field):
    """The largest worker's."""
    largest = 0
    for pid in worker_pids(instance):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            largest = max(largest, *(int(line.split()[1]) for line in f if line.startswith(field)))
    return largest / 1024


def memory_idle(instance, _rounds):
    instance.restart()
    time.sleep(1)
    return [(memory_mib(instance, "VmRSS"), None)]


def memory_batch(instance, _rounds):
    instance.restart(INGEST_WORKERS="2")
    # 10,000 events of about 1.6 KB are 16 MiB less a little.
    body = os.path.join(instance.dir, "large.ndjson")
    line = '{"action":"report.export","actor":{"type":"user","id":"u1"},"metadata":{"note":"' \
           + "x" * 1650 + '"}}\n'
    with open(body, "w", encoding="ascii") as f:
        f.write(line * (16_777_216 // len(line)))
    for _ in range(4):
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "-m", "60", "-o", "/dev/null", "-w",
                               "%{http_code}",
                               "-H", f"Authorization: Bearer {instance.env['ANNALS_WRITE_TOKEN']}", "-H",
                               "Content-Type: application/x-ndjson", "--data-binary", f"@{body}",
                               f"http://127.0.0.1:{instance.port}/v1/events"], capture_output=True, text=True)
        if done.stdout != "200":
            raise SystemExit(f"a batch of 16 MiB was answered {done.stdout}{done.stderr}")
    result = memory_mib(instance, "VmHWM")
    instance.restart(INGEST_WORKERS="4")
    return [(result, None)]


def memory_after(instance, _rounds):
    """After 100,000 requests a worker, against what it was after 10,000."""
    instance.restart(INGEST_WORKERS="2", INGEST_MAX_REQUESTS="0")
    instance.load(connections=2, requests=20_000, seconds=60)
    early = memory_mib(instance, "VmRSS")
    instance.load(connections=2, requests=20_000 if instance.quick else 200_000, seconds=300)
    late = memory_mib(instance, "VmRSS")
    del instance.configuration["INGEST_MAX_REQUESTS"]
    instance.restart(INGEST_WORKERS="4")
    return [(late, early)]


ALL = [
    Pair("bulk-ndjson", "events/s", 0.85, True, alternate(bulk_annals, bulk_copy)),
    Pair("single-32", "events/s", 2.5, True, alternate(single_annals(32), single_pgbench(32))),
    Pair("single-128", "events/s", 3.0, True, alternate(single_annals(128), single_pgbench(128))),
    Pair("single-32-web", "requests/s", 0.5, True, alternate(single_annals(32), empty_reply(32))),
    Pair("single-1-p50", "ms", 1.5, False, alternate(latency_annals, latency_pgbench)),
    Pair("open-loop-5000-p99", "ms", None, False, lambda instance,
         rounds: [(open_loop(instance), None) for _ in range(rounds)]),
    Pair("combiner-off", "events/s", None, True,
         alternate(single_annals(32, INGEST_COMBINE="off", INGEST_WORKERS="32"),
                   single_annals(32, INGEST_COMBINE="on", INGEST_WORKERS="4"))),
    Pair("page-tenant", "ms p50", 1.3, False, page_pair(lambda c: "", "", "", "")),
    Pair("page-actor", "ms p50", 1.3, False,
         page_pair(lambda c: f"&actor_id=u{c.randrange(20000):06}", "",
                   "AND e.actor_id = 'u' || lpad(:a::text, 6, '0')",
                   "\\set a random(0, 19999)\n")),
    Pair("page-entity", "ms p50", 1.3, False,
         page_pair(lambda c: f"&entity=document:d{c.randrange(300000)}",
                   "JOIN annals.event_entities AS n ON n.tenant_id = e.tenant_id "
                   "AND n.\"timestamp\" = e.\"timestamp\" "
                   "AND n.event_id = e.id",
                   "AND n.entity_type = 'document' AND n.entity_id = 'd' || :a",
                   "\\set a random(0, 299999)\n")),
    Pair("event-by-id", "ms p50", 1.3, False, alternate(id_annals, id_sql(READ))),
    Pair("page-tenant-pipeline", "ms p50", None, False, page_pair(lambda c: "", "", "", "", PIPELINE),
         quick=False),
    Pair("event-by-id-pipeline", "ms p50", None, False, alternate(id_annals, id_sql(PIPELINE)), quick=False),
    Pair("page-tenant-replica", "ms p50", 1.3, False, replica_page, quick=False),
    Pair("bulk-24th-partition", "events/s", 0.9, True, grown(into_24th)),
    Pair("bulk-full-partition", "events/s", 0.9, True, grown(into_full)),
    Pair("copy-full-partition", "events/s", None, True, copy_into_full, repeats=False, quick=False),
    Pair("drop-million-p99", "ms p99", None, False, alternate(drop_p99, quiet_p99), quick=False),
    Pair("drop-million-lock", "ms", 1000, False, drop_lock, quick=False),
    Pair("disk", "bytes/event", 0.95, False, disk, repeats=False),
    Pair("memory-idle", "MiB", 12, False, memory_idle, repeats=False),
    Pair("memory-16MiB-batch", "MiB", 64, False, memory_batch, repeats=False),
    Pair("memory-after-requests", "MiB", 1.1, False, memory_after, repeats=False),
    Pair("router", "us", 5, False, router_cost, repeats=False),
    Pair("two-shards", "events/s", None, True, two_shards, quick=False),
]
