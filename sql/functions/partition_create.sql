-- Adds the partition [from_at, to_at) to events, event_entities or outbox. False: it is there already.
--
-- The table is made apart, with a CHECK that says the same as its bounds, and attached then: ATTACH
-- takes SHARE UPDATE EXCLUSIVE on the parent, for which no writer waits, and skips the scan because the
-- CHECK implies the bounds. (CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE.) The caller sets
-- lock_timeout and tries again.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_create(parent text, from_at timestamptz, to_at timestamptz)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $$
DECLARE
    part text;
    key text;
BEGIN
    key := CASE parent
        WHEN 'events' THEN 'timestamp'
        WHEN 'event_entities' THEN 'timestamp'
        WHEN 'outbox' THEN 'created_at'
    END;
    IF key IS NULL THEN
        RAISE EXCEPTION 'no partitioned table %', quote_literal(parent) USING ERRCODE = 'undefined_table';
    END IF;
    IF from_at IS NULL OR to_at IS NULL OR from_at >= to_at THEN
        RAISE EXCEPTION 'the bounds of a partition must be two instants in order'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- One at a time; the wait counts against lock_timeout.
    PERFORM pg_advisory_xact_lock(hashtext('annals.partition_create'), hashtext(parent));
    PERFORM 1
    FROM annals.partition_bounds(parent) AS b
    WHERE b.from_at = partition_create.from_at AND b.to_at = partition_create.to_at;
    IF FOUND THEN
        RETURN false;
    END IF;

    part := annals.partition_name(parent, from_at, to_at);
    EXECUTE format('CREATE TABLE annals.%I (LIKE annals.%I INCLUDING ALL)', part, parent);
    EXECUTE format('ALTER TABLE annals.%I ADD CONSTRAINT bounds CHECK (%I >= %L AND %I < %L)',
                   part, key, from_at, key, to_at);
    EXECUTE format('ALTER TABLE annals.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE POLICY tenant ON annals.%I '
                   'USING (tenant_id = nullif(current_setting(''annals.tenant'', true), ''''))', part);
    EXECUTE format('ALTER TABLE annals.%I ATTACH PARTITION annals.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, part, from_at, to_at);
    -- Its work is done; kept, it would be evaluated for every row.
    EXECUTE format('ALTER TABLE annals.%I DROP CONSTRAINT bounds', part);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION annals.partition_create(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_create(text, timestamptz, timestamptz) TO annals_job;
