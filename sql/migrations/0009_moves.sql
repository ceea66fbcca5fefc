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

-- A shard that a move needs stays as it is until the move has ended. move_add keeps the rows of both shards
-- from being changed while it adds the move; here the row has been waited for, and each statement has a
-- snapshot of its own, so one of the two sees the other, in whatever order they come. Not as the owner, who
-- sees no moves.
CREATE FUNCTION annals.shard_is_free()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moving text;
BEGIN
    SELECT m.tenant_id INTO moving
    FROM annals.tenant_moves AS m
    WHERE m.finished_at IS NULL
      AND (m.target = OLD.name OR m.source = OLD.name AND TG_OP = 'DELETE')
    ORDER BY m.id
    LIMIT 1;
    IF moving IS NULL THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'object_in_use',
        MESSAGE = format('tenant %s is being moved %s this shard: finish that, '
                         'or give it up with annalsctl tenant move %1$s --abort',
                         moving, CASE TG_OP WHEN 'DELETE' THEN 'to or from' ELSE 'to' END);
END
$$;

REVOKE ALL ON FUNCTION annals.shard_is_free() FROM PUBLIC;

CREATE TRIGGER shard_is_free
BEFORE DELETE ON annals.shards
FOR EACH ROW EXECUTE FUNCTION annals.shard_is_free();

CREATE TRIGGER shard_is_free_to_drain
BEFORE UPDATE OF state ON annals.shards
FOR EACH ROW WHEN (OLD.state <> NEW.state AND NEW.state = 'draining') EXECUTE FUNCTION annals.shard_is_free();
