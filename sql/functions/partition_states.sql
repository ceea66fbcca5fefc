-- All partitions of `parent`, those on their way out too. State: attached; pending, while detaching has
-- begun and is not finished; detached, a table of its own that waits to be dropped, or to be attached
-- again.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_states(parent text)
    RETURNS TABLE (partition_oid oid, name text, from_at timestamptz, to_at timestamptz, state text)
    LANGUAGE sql
    STABLE
    ROWS 30
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.partition_oid, b.name, b.from_at, b.to_at, 'attached'
    FROM annals.partition_bounds(parent) AS b
    UNION ALL
    SELECT c.oid,
           r.name,
           r.from_at,
           r.to_at,
           CASE WHEN c.relispartition THEN 'pending' ELSE 'detached' END
    FROM annals.partition_removals AS r
    JOIN pg_class AS c ON c.relname = r.name AND c.relnamespace = 'annals'::regnamespace
    WHERE r.parent = partition_states.parent
      AND NOT EXISTS (SELECT FROM annals.partition_bounds(partition_states.parent) AS b
                      WHERE b.partition_oid = c.oid)
$$;

REVOKE ALL ON FUNCTION annals.partition_states(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_states(text) TO annals_job;
