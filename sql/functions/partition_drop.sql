-- Drops a partition that was detached. False: a legal hold came in the meantime, and nothing is dropped.
--
-- Nobody can place a hold between the look at them and the drop: an INSERT waits for the lock taken
-- here, which is held for a moment only. ACCESS EXCLUSIVE is taken on a table that no statement leads
-- to any more.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_drop(parent text, part text)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removal annals.partition_removals := annals.partition_detached(parent, part);
BEGIN
    LOCK TABLE annals.legal_holds IN SHARE MODE;
    IF parent = 'events' THEN
        PERFORM 1
        FROM annals.legal_holds AS h
        WHERE h.released_at IS NULL
          AND (h.from_at IS NULL OR h.from_at < removal.to_at)
          AND (h.to_at IS NULL OR h.to_at > removal.from_at)
          AND annals.partition_has(part, h.tenant_id);
        IF FOUND THEN
            RETURN false;
        END IF;
    END IF;

    EXECUTE format('DROP TABLE annals.%I', part);
    DELETE FROM annals.partition_removals WHERE name = part;
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION annals.partition_drop(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_drop(text, text) TO annals_job;
