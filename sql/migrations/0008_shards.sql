-- Where tenants live: docs/design/shards.md. A shard is one PostgreSQL with its replicas. Every shard has all
-- tables; what shards and tenants.shard say counts in the database of the shard `default` alone, the
-- directory. Locks: ACCESS EXCLUSIVE on tenants for the time of one ALTER TABLE and one look at its rows.
SET LOCAL ROLE annals_owner;

-- Where a shard is. Who we are there, and by which secret, says the configuration of each instance: the
-- strings name neither user nor password. The one of `default` is empty: it is where database.* points.
CREATE TABLE annals.shards (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    primary_conninfo text NOT NULL,
    replicas text[] NOT NULL DEFAULT '{}',
    state text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'draining')),
    identity text UNIQUE, -- of its database, so that no database is two shards; NULL for `default`
    added_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO annals.shards (name, primary_conninfo)
VALUES ('default', '');

-- shard: of the directory. presence: in this very database, and what its own transactions go by. open: it
-- lives here; closed: it is being moved away, reads go on; hidden: it lives elsewhere, and nothing of it is
-- shown here. Whoever lives here is the directory's `default`, or this is no directory.
ALTER TABLE annals.tenants
    ADD COLUMN shard text COLLATE "C" NOT NULL DEFAULT 'default' REFERENCES annals.shards (name),
    ADD COLUMN presence text COLLATE "C" NOT NULL DEFAULT 'open'
        CHECK (presence IN ('open', 'closed', 'hidden')),
    ADD CHECK (presence <> 'open' OR shard = 'default');

-- Grows with every change that a router must see. The row is locked until the change is committed, so that a
-- higher version never shows before a lower one.
INSERT INTO annals.settings (key, value)
VALUES ('directory_version', '1'),
       ('directory_changed_at', '0'); -- in microseconds since 1970

CREATE FUNCTION annals.directory_changed()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE annals.settings
    SET value = (value::bigint + 1)::text
    WHERE key = 'directory_version';
    UPDATE annals.settings
    SET value = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text
    WHERE key = 'directory_changed_at';
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION annals.directory_changed() FROM PUBLIC;

CREATE TRIGGER directory_changed
AFTER INSERT OR UPDATE OR DELETE ON annals.shards
FOR EACH STATEMENT EXECUTE FUNCTION annals.directory_changed();

-- Nobody remembers that a tenant is not known, but for reading, where that means `default`.
CREATE TRIGGER directory_grown
AFTER INSERT ON annals.tenants
FOR EACH ROW WHEN (NEW.shard <> 'default') EXECUTE FUNCTION annals.directory_changed();

CREATE TRIGGER directory_changed
AFTER UPDATE OF shard, suspended_at ON annals.tenants
FOR EACH STATEMENT EXECUTE FUNCTION annals.directory_changed();

GRANT SELECT ON annals.shards TO annals_writer, annals_reader, annals_job;
GRANT INSERT, DELETE, UPDATE (primary_conninfo, replicas, state) ON annals.shards TO annals_job;
GRANT UPDATE (shard, presence) ON annals.tenants TO annals_job;
