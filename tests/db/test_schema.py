# SPDX-License-Identifier: Apache-2.0
"""What the catalogue must say, what each role can see, and that every statement fits the schema."""
import io
import re

import psycopg2
import pytest
from conftest import TOP, Database

TENANT_TABLES = ("events", "event_entities", "legal_holds", "outbox", "tenant_moves", "tenants")
PARTITIONED = ("events", "event_entities", "outbox")
ROLES = ("annals_writer", "annals_reader", "annals_platform", "annals_job")
QUERIES = sorted((TOP / "sql" / "queries").glob("*.sql"))


@pytest.fixture(scope="module")
def shared(cluster, template, tmp_path_factory):
    """One database for tests that only look."""
    name = cluster.create_database("schema", template.name)
    db = Database(cluster, tmp_path_factory.mktemp("schema"), name)
    for tenant in ("one", "two"):
        add_event(db, tenant)
    yield db
    cluster.drop_database(name)


def add_event(db, tenant):
    db.query("""
        INSERT INTO annals.tenants (tenant_id) VALUES (%(t)s);
        INSERT INTO annals.outbox (tenant_id, event_ids)
        VALUES (%(t)s, '{00000000-0000-7000-8000-000000000000}');
        INSERT INTO annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id,
                                   outcome, digest, document)
        VALUES (%(t)s, now(), '00000000-0000-7000-8000-000000000000', now(), 'a.b', 'user', 'u', 'success',
                sha256('x'), '{}');
        INSERT INTO annals.event_entities (tenant_id, "timestamp", event_id, entity_type, entity_id)
        VALUES (%(t)s, now(), '00000000-0000-7000-8000-000000000000', 'document', 'd')""", {"t": tenant})


# --- the catalogue -----------------------------------------------------------------------------------
def test_roles(shared):
    rows = shared.query("""
        SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin
        FROM pg_roles WHERE rolname LIKE 'annals%' ORDER BY rolname""")
    nothing = (False,) * 4
    assert rows == [("annals_job", *nothing, False, True), ("annals_keeper", *nothing, False, True),
                    ("annals_owner", *nothing, False, False), ("annals_platform", *nothing, False, True),
                    ("annals_reader", *nothing, False, True),
                    ("annals_writer", *nothing, True, True)]  # COPY needs it; it can read no document


def test_roles_have_backstops(shared):
    """A program that stands still with a transaction open does not hold the feed up for ever."""
    rows = shared.query("SELECT rolname, rolconfig FROM pg_roles WHERE rolname = ANY (%s)",
                        ([*ROLES, "annals_keeper"],))
    limits = ["idle_in_transaction_session_timeout=1min", "statement_timeout=10min"]
    assert dict(rows) == {"annals_writer": limits, "annals_reader": limits,
                          "annals_platform": [*limits, "jit=off"], "annals_job": [*limits, "jit=off"],
                          "annals_keeper": [*limits, "lock_timeout=2s"]}


def test_no_role_that_serves_owns_anything(shared):
    assert shared.query("""
        SELECT c.oid::regclass FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
        WHERE c.relnamespace = 'annals'::regnamespace AND r.rolname <> 'annals_owner'""") == []
    assert shared.query("""
        SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner
        WHERE p.pronamespace = 'annals'::regnamespace AND r.rolname <> 'annals_owner'""") == []
    assert shared.query("""
        SELECT m.rolname FROM pg_auth_members AS a JOIN pg_roles AS m ON m.oid = a.member
        JOIN pg_roles AS o ON o.oid = a.roleid
        WHERE o.rolname = 'annals_owner' AND m.rolname LIKE 'annals%'""") == [("annals_keeper",)]


def test_row_level_security_is_forced_everywhere(shared):
    rows = shared.query("""
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, c.relispartition
        FROM pg_class AS c
        WHERE c.relnamespace = 'annals'::regnamespace AND c.relkind IN ('r', 'p')
          AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')""")
    assert {name for name, _, partition in rows if not partition} == set(TENANT_TABLES)
    assert sum(partition for _, _, partition in rows) > 20
    assert [name for name, forced, _ in rows if not forced] == []


def test_policies(shared):
    """On every table and partition the tenant's; wider ones are these and no others."""
    rows = shared.query("""
        SELECT tablename, policyname, cmd, roles::text[], qual, with_check
        FROM pg_policies WHERE schemaname = 'annals' AND permissive = 'PERMISSIVE'""")
    tenant = "(tenant_id = NULLIF(current_setting('annals.tenant'::text, true), ''::text))"
    assert {(name, cmd, qual, check) for _, name, cmd, _, qual, check in rows if name == "tenant"} == {
        ("tenant", "ALL", tenant, None)}
    others = [(table, name, cmd, *roles) for table, name, cmd, roles, _, _ in rows if name != "tenant"]
    assert sorted(others) == [("event_entities", "across", "SELECT", "annals_platform"),
                              ("events", "across", "SELECT", "annals_platform"),
                              ("legal_holds", "every_tenant", "ALL", "annals_job", "annals_owner"),
                              ("outbox", "feed", "SELECT", "annals_job"),
                              ("tenant_moves", "every_tenant", "ALL", "annals_job"),
                              ("tenants", "across", "SELECT", "annals_platform"),
                              ("tenants", "every_tenant", "ALL", "annals_job", "annals_writer")]
    tables = {table for table, name, *_ in rows if name == "tenant"}
    assert tables == {name for (name,) in shared.query("""
        SELECT relname FROM pg_class WHERE relnamespace = 'annals'::regnamespace AND relrowsecurity""")}
    assert shared.query("""
        SELECT tablename, policyname, cmd, roles::text[] FROM pg_policies
        WHERE schemaname = 'annals' AND permissive = 'RESTRICTIVE' ORDER BY tablename, policyname""") == [
            ("event_entities", "kept", "SELECT", ["annals_reader"]),
            ("event_entities", "kept_across", "SELECT", ["annals_platform"]),
            ("events", "kept", "SELECT", ["annals_reader"]),
            ("events", "kept_across", "SELECT", ["annals_platform"]),
            ("tenants", "here", "SELECT", ["annals_platform"])]


def test_no_rights_on_partitions(shared):
    assert shared.query("""
        SELECT c.oid::regclass, r.rolname
        FROM pg_class AS c CROSS JOIN pg_roles AS r
        WHERE c.relnamespace = 'annals'::regnamespace AND c.relispartition AND c.relkind = 'r'
          AND r.rolname IN ('annals_writer', 'annals_reader', 'annals_platform', 'annals_job')
          AND (has_table_privilege(r.oid, c.oid,
                                   'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))""") == []


def test_rights(shared):
    """Everything that a role may do to a table; more than this is a fault."""
    rows = shared.query("""
        SELECT r.rolname, c.relname, string_agg(p.privilege, ' ' ORDER BY p.privilege)
        FROM pg_class AS c CROSS JOIN pg_roles AS r
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
            AS p (privilege)
        WHERE c.relnamespace = 'annals'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND r.rolname = ANY (%s) AND has_table_privilege(r.oid, c.oid, p.privilege)
        GROUP BY r.rolname, c.relname""", (list(ROLES),))
    every = "DELETE INSERT SELECT UPDATE"
    assert sorted(rows) == [
        ("annals_job", "consumers", "SELECT"), ("annals_job", "job_runs", "INSERT SELECT UPDATE"),
        ("annals_job", "legal_holds", "INSERT SELECT"), ("annals_job", "outbox", "SELECT"),
        ("annals_job", "partition_archives", "SELECT"), ("annals_job", "partition_removals", "SELECT"),
        ("annals_job", "retention_classes", "INSERT SELECT"), ("annals_job", "schema_migrations", "SELECT"),
        ("annals_job", "shards", "DELETE INSERT SELECT"),
        ("annals_job", "tenant_moves", "INSERT SELECT UPDATE"), ("annals_job", "tenants", "SELECT"),
        ("annals_platform", "event_entities", "SELECT"), ("annals_platform", "events", "SELECT"),
        ("annals_reader", "event_entities", "SELECT"), ("annals_reader", "events", "SELECT"),
        ("annals_reader", "job_runs", "SELECT"),
        ("annals_reader", "schema_migrations", "SELECT"), ("annals_reader", "settings", "SELECT"),
        ("annals_reader", "shards", "SELECT"),
        ("annals_reader", "tenants", "SELECT"),
        ("annals_writer", "event_entities", "INSERT"), ("annals_writer", "events", "INSERT"),
        ("annals_writer", "issuer_keys", "INSERT SELECT UPDATE"),
        ("annals_writer", "login_links", every), ("annals_writer", "outbox", "INSERT"),
        ("annals_writer", "schema_migrations", "SELECT"), ("annals_writer", "sessions", every),
        ("annals_writer", "settings", "SELECT"), ("annals_writer", "shards", "SELECT"),
        ("annals_writer", "tenants", "INSERT SELECT")]
    columns = shared.query("""
        SELECT attname FROM pg_attribute
        WHERE attrelid = 'annals.events'::regclass AND attnum > 0
          AND has_column_privilege('annals_writer', attrelid, attnum, 'SELECT')""")
    assert {name for (name,) in columns} == {"tenant_id", "timestamp", "id", "received_at", "digest"}
    columns = shared.query("""
        SELECT attname FROM pg_attribute
        WHERE attrelid = 'annals.tenants'::regclass AND attnum > 0
          AND has_column_privilege('annals_platform', attrelid, attnum, 'SELECT')""")
    assert {name for (name,) in columns} == {"tenant_id", "kept_days", "held_from", "presence"}


def test_ids_are_not_compressed(shared):
    """In any partition: trying costs more than the rest of the row."""
    rows = shared.query("""
        SELECT DISTINCT a.attstorage FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'annals'::regnamespace AND c.relkind IN ('r', 'p')
          AND a.attname = 'event_ids'""")
    assert rows == [("e",)]


def test_nothing_for_public(shared):
    assert shared.query("""
        SELECT c.oid::regclass FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.relnamespace = 'annals'::regnamespace AND a.grantee = 0""") == []
    assert shared.query("""
        SELECT p.oid::regprocedure
        FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE p.pronamespace = 'annals'::regnamespace AND a.grantee = 0""") == []


def test_functions_pin_their_search_path(shared):
    """But for those that the planner puts into a statement as they are, which it would not do then."""
    rows = shared.query("""
        SELECT proname, prosecdef, proconfig FROM pg_proc
        WHERE pronamespace = 'annals'::regnamespace AND proname NOT IN ('kept_from', 'through')""")
    assert any(definer for _, definer, _ in rows)
    for name, _, settings in rows:
        assert "search_path=pg_catalog, pg_temp" in settings, name


# --- who sees what -----------------------------------------------------------------------------------
@pytest.mark.parametrize("table", ["events", "event_entities", "tenants"])
def test_reader_sees_one_tenant(shared, table):
    conn = shared.connect("annals_reader", autocommit=False)
    count = f"SELECT count(*), min(tenant_id) FROM annals.{table}"
    with conn.cursor() as cur:
        cur.execute(count)
        assert cur.fetchone() == (0, None)  # never set
        cur.execute("SELECT set_config('annals.tenant', 'one', true)")
        if table != "tenants":
            cur.execute(count)
            assert cur.fetchone() == (0, None)  # from when on it sees its events is not said yet
        cur.execute("SELECT set_config('annals.kept_from', '-Infinity', true)")
        cur.execute(count)
        assert cur.fetchone() == (1, "one")
        conn.commit()
        cur.execute("SELECT current_setting('annals.tenant', true)")
        assert cur.fetchone() == ("",)  # what SET LOCAL leaves behind
        cur.execute(count)
        assert cur.fetchone() == (0, None)
        cur.execute("SELECT set_config('annals.tenant', 'nobody', true), "
                    "set_config('annals.kept_from', '-Infinity', true)")
        cur.execute(count)
        assert cur.fetchone() == (0, None)
    conn.close()


@pytest.mark.parametrize("table", ["events", "event_entities"])
def test_platform_sees_what_each_tenant_keeps(db, table):
    """Without any setting; nothing of a tenant that has no row here."""
    for tenant in ("one", "two", "gone"):
        add_event(db, tenant)
    db.query("DELETE FROM annals.tenants WHERE tenant_id = 'gone'")
    seen = f"SELECT array_agg(tenant_id ORDER BY tenant_id) FROM annals.{table} WHERE tenant_id <> 'annals'"
    assert db.query(seen, user="annals_platform") == [(["one", "two"],)]
    db.query("UPDATE annals.tenants SET kept_days = 1 WHERE tenant_id = 'two'")
    assert db.query(seen, user="annals_platform") == [(["one", "two"],)]
    db.query(f"UPDATE annals.{table} SET \"timestamp\" = \"timestamp\" - interval '25 hours'")
    assert db.query(seen, user="annals_platform") == [(["one"],)]
    db.query("UPDATE annals.tenants SET held_from = now() - interval '2 days' WHERE tenant_id = 'two'")
    assert db.query(seen, user="annals_platform") == [(["one", "two"],)]
    db.query("UPDATE annals.tenants SET presence = 'hidden' WHERE tenant_id = 'two'")
    assert db.query(seen, user="annals_platform") == [(["one"],)]
    assert db.query(f"SELECT set_config('annals.tenant', 'two', false); {seen}",
                    user="annals_platform") == [(["one"],)]
    refused(db, "annals_platform", "SELECT * FROM annals.tenants")
    refused(db, "annals_platform", "SELECT * FROM annals.settings")


def refused(db, role, sql):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        db.query(f"SELECT set_config('annals.tenant', 'one', false); {sql}", user=role)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("parent", PARTITIONED)
def test_partitions_by_name_are_refused(shared, role, parent):
    [(name,)] = shared.query("SELECT name FROM annals.partition_bounds(%s) LIMIT 1", (parent,))
    refused(shared, role, f"SELECT * FROM annals.{name}")
    refused(shared, role, f"TRUNCATE annals.{name}")


def test_writer_cannot_read_documents(shared):
    refused(shared, "annals_writer", "SELECT document FROM annals.events")
    refused(shared, "annals_writer", "SELECT actor_id FROM annals.events")
    refused(shared, "annals_writer", "SELECT * FROM annals.event_entities")
    refused(shared, "annals_writer", "SELECT * FROM annals.outbox")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_changes_events(shared, role):
    refused(shared, role, "UPDATE annals.events SET action = 'x'")
    refused(shared, role, "DELETE FROM annals.events")
    refused(shared, role, "DROP TABLE annals.events")
    refused(shared, role, "ALTER TABLE annals.events DISABLE ROW LEVEL SECURITY")
    refused(shared, role, "CREATE TABLE annals.mine ()")


def test_partitions_are_made_by_the_job_alone(shared):
    call = "SELECT annals.partition_create('events', '2001-01-01Z', '2001-02-01Z')"
    refused(shared, "annals_writer", call)
    refused(shared, "annals_reader", call)


def test_writer_inserts_for_its_tenant_alone_under_rls(db):
    """Where BYPASSRLS is missing, the policy also holds for what is written."""
    db.query("ALTER ROLE annals_writer NOBYPASSRLS")
    try:
        insert = "INSERT INTO annals.outbox (tenant_id, event_ids) VALUES ('two', '{}')"
        refused(db, "annals_writer", insert)
        db.query(f"SELECT set_config('annals.tenant', 'two', false); {insert}", user="annals_writer")
    finally:
        db.query("ALTER ROLE annals_writer BYPASSRLS")


# --- the statements ----------------------------------------------------------------------------------
def header(text):
    """{"name": ..., "on": ...} of the comment lines on top."""
    return dict(re.findall(r"^-- (\w+): (.*)$", text, re.M))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_statement_fits_the_schema(shared, path):
    """It prepares and plans as its role: names, types and rights are right."""
    text = path.read_text()
    roles = "annals_writer|annals_reader|annals_platform|annals_job|annals_keeper|migrating role"
    named = re.fullmatch(rf"(?:primary|any) as ((?:{roles})(?:, (?:{roles}))*)", header(text)["on"])
    assert named, "its line 'on' names no role"
    for role in named[1].split(", "):
        check_statement(shared, text, "postgres" if role == "migrating role" else role)


def check_statement(shared, text, role):
    conn = shared.connect(role, autocommit=False)
    try:
        with conn.cursor() as cur:
            if re.search(r"^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|LOCK|DISCARD|COPY)", text, re.M):
                if re.search("^RO.* TO|^RELEASE", text, re.M):
                    cur.execute("SAVEPOINT item")
                # Not a plan to be made: run it as it is. COPY wants data, and none is data too.
                if re.search("^COPY", text, re.M):
                    cur.copy_expert(text, io.BytesIO(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"))
                else:
                    cur.execute(text)
                return
            cur.execute(f"PREPARE statement AS {text}")
            cur.execute("SELECT cardinality(parameter_types) FROM pg_prepared_statements")
            nulls = ", ".join(["NULL"] * cur.fetchone()[0])
            cur.execute(f"EXPLAIN EXECUTE statement{'(' + nulls + ')' if nulls else ''}")
    finally:
        conn.rollback()
        conn.close()


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_statement_names_its_tenant(path):
    """tenant_id is $1 where a table of tenants is touched, or the file says why not."""
    text = path.read_text()
    head = header(text)
    assert head["name"] == path.stem
    if "tenant" in head:
        assert head["tenant"].startswith("all, "), "the reason is missing"
        return
    if re.search(r"^COPY", text, re.M) or head["params"].startswith("one array a column of copy_"):
        return  # each row carries it
    assert head["params"].startswith("tenant_id text"), "the tenant is not the first parameter"
    assert "$1" in text


def test_search_reads_the_indexes(db):
    """Equality and ranges reach an index although row-level security is on, in the partitions of the
    time asked for."""
    db.query("""
        INSERT INTO annals.events (tenant_id, "timestamp", id, received_at, action, actor_type, actor_id,
                                   outcome, digest, document)
        SELECT 'tenant' || n % 3, date_trunc('day', now()) + n * interval '1 s', gen_random_uuid(), now(),
               'action' || n % 500, 'user', 'user' || n % 700, 'success', 'x', '{}'
        FROM generate_series(1, 20000) AS n;
        ANALYZE annals.events""")
    conn = db.connect("annals_reader", autocommit=False)
    with conn.cursor() as cur:
        cur.execute("SELECT set_config('annals.tenant', 'tenant1', true)")
        for condition, index in (("actor_id = 'user7'", "tenant_id_actor_id_timestamp"),
                                 ("action >= 'action7' AND action < 'action8'", "tenant_id_action_timestamp"),
                                 ("id = '00000000-0000-7000-8000-000000000000'", "pkey")):
            cur.execute(f"""EXPLAIN SELECT document FROM annals.events
                WHERE tenant_id = 'tenant1' AND {condition}
                  AND "timestamp" >= date_trunc('day', now())
                  AND "timestamp" < date_trunc('day', now()) + interval '1 day'""")
            plan = "\n".join(row for (row,) in cur.fetchall())
            used = re.findall(r"Index (?:Only )?Scan (?:Backward )?(?:using|on) (\S+)", plan)
            assert used and all(index in name for name in used), plan
            assert condition.split()[0] in "\n".join(re.findall("Index Cond:.*", plan)), plan
            assert "Seq Scan" not in plan
    conn.close()
