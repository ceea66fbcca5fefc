-- Attaches a detached partition again, because something needs it now.
--
-- Detaching has left a CHECK that says the same as the bounds: with it ATTACH need not read the rows,
-- and takes SHARE UPDATE EXCLUSIVE on the parent, for which no writer waits.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_attach(parent text, part text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $$
DECLARE
    removal annals.partition_removals := annals.partition_detached(parent, part);
    bounds text;
BEGIN
    EXECUTE format('ALTER TABLE annals.%I ATTACH PARTITION annals.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, part, removal.from_at, removal.to_at);
    FOR bounds IN
        SELECT c.conname
        FROM pg_constraint AS c
        WHERE c.conrelid = format('annals.%I', part)::regclass AND c.contype = 'c'
    LOOP
        EXECUTE format('ALTER TABLE annals.%I DROP CONSTRAINT %I', part, bounds);
    END LOOP;
    DELETE FROM annals.partition_removals WHERE name = part;
END
$$;

REVOKE ALL ON FUNCTION annals.partition_attach(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_attach(text, text) TO annals_job;
