-- Notes that the partition is on its way out, and says what the owner must run next, outside of a
-- transaction; NULL: nothing, it is detached.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_detach(parent text, part text)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_state text;
BEGIN
    IF parent NOT IN ('events', 'event_entities', 'outbox') THEN
        RAISE EXCEPTION 'no partitioned table %', quote_literal(parent) USING ERRCODE = 'undefined_table';
    END IF;
    INSERT INTO annals.partition_removals (name, parent, from_at, to_at)
    SELECT b.name, partition_detach.parent, b.from_at, b.to_at
    FROM annals.partition_bounds(parent) AS b
    WHERE b.name = part
    ON CONFLICT (name) DO NOTHING;

    SELECT s.state
    INTO found_state
    FROM annals.partition_states(parent) AS s
    WHERE s.name = part;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no partition % of annals.%', quote_literal(part), parent
            USING ERRCODE = 'undefined_table';
    END IF;
    RETURN CASE found_state
        WHEN 'attached'
            THEN format('ALTER TABLE annals.%I DETACH PARTITION annals.%I CONCURRENTLY', parent, part)
        WHEN 'pending'
            THEN format('ALTER TABLE annals.%I DETACH PARTITION annals.%I FINALIZE', parent, part)
    END;
END
$$;

REVOKE ALL ON FUNCTION annals.partition_detach(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_detach(text, text) TO annals_job;
