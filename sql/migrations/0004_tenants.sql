-- Who may own events. events has no foreign key to it: ingest asks once and remembers. Locks: on a new
-- table only.
SET LOCAL ROLE annals_owner;

CREATE TABLE annals.tenants (
    tenant_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    suspended_at timestamptz
);

ALTER TABLE annals.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE annals.tenants FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant ON annals.tenants
    USING (tenant_id = nullif(current_setting('annals.tenant', true), ''));
-- The writer asks before it takes an event of a tenant, and adds those that are new.
CREATE POLICY every_tenant ON annals.tenants TO annals_writer, annals_job
    USING (true);

GRANT SELECT, INSERT ON annals.tenants TO annals_writer;
GRANT SELECT ON annals.tenants TO annals_reader, annals_job;
