-- The feed: one row a writing transaction and tenant; see docs/design/data.md. Locks: on new tables only.
SET LOCAL ROLE annals_owner;

CREATE SEQUENCE annals.outbox_id;

CREATE TABLE annals.outbox (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint NOT NULL DEFAULT nextval('annals.outbox_id'),
    created_at timestamptz NOT NULL DEFAULT now(),
    tenant_id text COLLATE "C" NOT NULL,
    event_ids uuid[] NOT NULL,
    PRIMARY KEY (xid, id, created_at)
) PARTITION BY RANGE (created_at);

-- Ids do not get smaller by compression, and the attempt costs more than the rest of the row.
ALTER TABLE annals.outbox ALTER COLUMN event_ids SET STORAGE EXTERNAL;

ALTER SEQUENCE annals.outbox_id OWNED BY annals.outbox.id;

ALTER TABLE annals.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE annals.outbox FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant ON annals.outbox
    USING (tenant_id = nullif(current_setting('annals.tenant', true), ''));
-- A consumer follows all tenants.
CREATE POLICY feed ON annals.outbox FOR SELECT TO annals_job
    USING (true);

-- The right to INSERT is on the whole table because LOCK TABLE asks for that.
GRANT INSERT ON annals.outbox TO annals_writer;
GRANT USAGE ON SEQUENCE annals.outbox_id TO annals_writer;
GRANT SELECT ON annals.outbox TO annals_job;
