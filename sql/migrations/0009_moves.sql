-- Moves of tenants from shard to shard, those that are under way and those of the past:
-- docs/design/moves.md. What it says counts in the directory alone. Locks: on a new table only.
SET LOCAL ROLE annals_owner;

-- step: what is being done, or is to be done next. events: how many there were to copy when it began.
-- copied_at and copied_id: the key behind which copying goes on. source_server and target_server: the
-- servers that answered when copying began, with their timelines. Writers waited from closed_at to opened_at.
CREATE TABLE annals.tenant_moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    step text COLLATE "C" NOT NULL DEFAULT 'prepare'
        CHECK (step IN ('prepare', 'copy', 'follow', 'compare', 'close', 'switch', 'hide', 'open', 'release',
                        'done', 'aborted')),
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    saved_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    opened_at timestamptz,
    finished_at timestamptz,
    events bigint NOT NULL DEFAULT 0,
    copied bigint NOT NULL DEFAULT 0,
    followed bigint NOT NULL DEFAULT 0,
    compared bigint NOT NULL DEFAULT 0,
    copied_at timestamptz,
    copied_id uuid,
    source_server text,
    target_server text,
    CHECK (source <> target)
);

CREATE UNIQUE INDEX tenant_moves_unfinished ON annals.tenant_moves (tenant_id)
WHERE finished_at IS NULL;

ALTER TABLE annals.tenant_moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE annals.tenant_moves FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant ON annals.tenant_moves
    USING (tenant_id = nullif(current_setting('annals.tenant', true), ''));
CREATE POLICY every_tenant ON annals.tenant_moves TO annals_job
    USING (true);

GRANT SELECT, INSERT, UPDATE ON annals.tenant_moves TO annals_job;
