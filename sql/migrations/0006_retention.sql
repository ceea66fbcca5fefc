-- How long events are kept, what may stop their removal, and what the jobs did last. See
-- docs/design/partitions.md. Locks: ACCESS EXCLUSIVE on tenants for the time of one ALTER TABLE and one
-- look at its rows, and on events and event_entities for the time of one entry in the catalogue.
SET LOCAL ROLE annals_owner;

-- keep_days NULL: for ever.
CREATE TABLE annals.retention_classes (
    name text COLLATE "C" PRIMARY KEY,
    keep_days integer CHECK (keep_days BETWEEN 1 AND 36500)
);

INSERT INTO annals.retention_classes (name, keep_days)
VALUES ('default', NULL);

-- kept_days and held_from are copies from the class and the holds, for the eyes of searches:
-- retention_refresh.
ALTER TABLE annals.tenants
    ADD COLUMN retention_class text COLLATE "C" NOT NULL DEFAULT 'default'
        REFERENCES annals.retention_classes (name),
    ADD COLUMN kept_days integer,
    ADD COLUMN held_from timestamptz;

-- Events of a tenant in [from_at, to_at) stay, whatever their age; NULL: no bound on that side.
CREATE TABLE annals.legal_holds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL REFERENCES annals.tenants (tenant_id),
    from_at timestamptz,
    to_at timestamptz,
    reason text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    released_by text,
    released_at timestamptz,
    CHECK (from_at < to_at)
);

CREATE INDEX legal_holds_active ON annals.legal_holds (tenant_id)
WHERE released_at IS NULL;

ALTER TABLE annals.legal_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE annals.legal_holds FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant ON annals.legal_holds
    USING (tenant_id = nullif(current_setting('annals.tenant', true), ''));
-- The job asks who stops a drop, and the function that drops asks again.
CREATE POLICY every_tenant ON annals.legal_holds TO annals_job, annals_owner
    USING (true);

-- Who reads the outbox, and how far each has come.
CREATE TABLE annals.consumers (
    name text COLLATE "C" PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT '0',
    id bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT now()
);

-- Partitions of events whose copy in the archive was read back and found equal.
CREATE TABLE annals.partition_archives (
    name text COLLATE "C" PRIMARY KEY,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT now()
);

-- Partitions on their way out: written before one is detached, deleted with it. What a round leaves
-- here, the next one brings to its end.
CREATE TABLE annals.partition_removals (
    name text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
);

-- The last round of each job, and what all rounds did together. clock_at: the last time whose clock was
-- believed; held_back: partitions that stay although no class keeps them.
CREATE TABLE annals.job_runs (
    job text COLLATE "C" PRIMARY KEY,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    succeeded boolean NOT NULL,
    succeeded_at timestamptz,
    message text NOT NULL,
    held_back bigint NOT NULL DEFAULT 0,
    removed_rows bigint NOT NULL DEFAULT 0,
    freed_bytes bigint NOT NULL DEFAULT 0,
    total_created bigint NOT NULL DEFAULT 0,
    total_dropped bigint NOT NULL DEFAULT 0,
    total_rows bigint NOT NULL DEFAULT 0,
    total_bytes bigint NOT NULL DEFAULT 0,
    clock_at timestamptz
);

GRANT SELECT ON annals.job_runs TO annals_reader;
GRANT SELECT ON annals.retention_classes, annals.legal_holds, annals.consumers, annals.partition_archives,
    annals.partition_removals, annals.job_runs TO annals_job;
GRANT INSERT, UPDATE ON annals.job_runs TO annals_job;
GRANT INSERT, UPDATE (keep_days) ON annals.retention_classes TO annals_job;
GRANT INSERT, UPDATE (released_by, released_at) ON annals.legal_holds TO annals_job;
GRANT UPDATE (retention_class, kept_days, held_from) ON annals.tenants TO annals_job;

-- A partition stays as long as one of its tenants needs it. The others see no more than they keep: the
-- setting, seconds since 1970, is made together with annals.tenant, by search_begin; who has not made it sees
-- nothing. Searches have the same bound in their text, where they can choose what is made of it. Here it is
-- in a form that no index takes, and is computed once a statement.
CREATE POLICY kept ON annals.events AS RESTRICTIVE FOR SELECT TO annals_reader
    USING (("timestamp" <
            (SELECT to_timestamp(nullif(current_setting('annals.kept_from', true), '')::float8)))
           IS FALSE);
CREATE POLICY kept ON annals.event_entities AS RESTRICTIVE FOR SELECT TO annals_reader
    USING (("timestamp" <
            (SELECT to_timestamp(nullif(current_setting('annals.kept_from', true), '')::float8)))
           IS FALSE);
