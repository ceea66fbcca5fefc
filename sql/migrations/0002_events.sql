-- Events and what they touched, partitioned by time; see docs/design/data.md for the order of columns
-- and the choice of indexes. Locks: on new tables only.
SET LOCAL ROLE annals_owner;

CREATE TABLE annals.events (
    "timestamp" timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    id uuid NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    actor_type text COLLATE "C" NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    source_ip inet,
    digest bytea NOT NULL,
    payload_ref text COLLATE "C" NOT NULL DEFAULT '',
    document json,
    PRIMARY KEY (tenant_id, "timestamp", id)
) PARTITION BY RANGE ("timestamp");

CREATE INDEX events_actor ON annals.events (tenant_id, actor_id, "timestamp");
CREATE INDEX events_action ON annals.events (tenant_id, action, "timestamp");

CREATE TABLE annals.event_entities (
    "timestamp" timestamptz NOT NULL,
    event_id uuid NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    entity_type text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, entity_type, entity_id, "timestamp", event_id)
) PARTITION BY RANGE ("timestamp");

ALTER TABLE annals.events ENABLE ROW LEVEL SECURITY;
ALTER TABLE annals.events FORCE ROW LEVEL SECURITY;
ALTER TABLE annals.event_entities ENABLE ROW LEVEL SECURITY;
ALTER TABLE annals.event_entities FORCE ROW LEVEL SECURITY;

-- For every role and every command. After SET LOCAL the setting is left as '', which must mean nobody too.
CREATE POLICY tenant ON annals.events
    USING (tenant_id = nullif(current_setting('annals.tenant', true), ''));
CREATE POLICY tenant ON annals.event_entities
    USING (tenant_id = nullif(current_setting('annals.tenant', true), ''));

-- The writer compares digests of what is there already, and can read no more than that.
GRANT INSERT ON annals.events, annals.event_entities TO annals_writer;
GRANT SELECT (tenant_id, "timestamp", id, received_at, digest) ON annals.events TO annals_writer;
GRANT SELECT ON annals.events, annals.event_entities TO annals_reader;
