-- What is known of a partition that was detached and is still there; the entry is locked until the end of
-- the transaction. Called by the functions that end such a state.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_detached(parent text, part text)
    RETURNS annals.partition_removals
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removal annals.partition_removals;
BEGIN
    SELECT r.*
    INTO removal
    FROM annals.partition_removals AS r
    JOIN annals.partition_states(partition_detached.parent) AS s USING (name)
    WHERE r.name = part AND s.state = 'detached'
    FOR UPDATE OF r;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no detached partition % of annals.%', quote_literal(part), parent
            USING ERRCODE = 'undefined_table';
    END IF;
    RETURN removal;
END
$$;

REVOKE ALL ON FUNCTION annals.partition_detached(text, text) FROM PUBLIC;
