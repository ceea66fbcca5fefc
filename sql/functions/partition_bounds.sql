-- The partitions of `parent` (a name in schema annals) that take rows, oldest first. The catalogue keeps
-- bounds as an expression that is only printed; printed and read here under the same settings. One whose
-- detaching has begun takes no rows.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_bounds(parent text)
    RETURNS TABLE (partition_oid oid, name text, from_at timestamptz, to_at timestamptz)
    LANGUAGE sql
    STABLE
    ROWS 30
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $$
    SELECT c.oid,
           c.relname::text,
           b.bound[1]::timestamptz,
           b.bound[2]::timestamptz
    -- PostgreSQL 13 has no such column: there the name means the one of `old`.
    FROM (VALUES (false)) AS old (inhdetachpending)
    CROSS JOIN LATERAL (
        SELECT h.inhrelid, h.inhparent, inhdetachpending AS pending
        FROM pg_inherits AS h
    ) AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    JOIN pg_class AS p ON p.oid = i.inhparent
    JOIN pg_namespace AS n ON n.oid = p.relnamespace
    CROSS JOIN LATERAL (
        SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid),
                            $re$^FOR VALUES FROM \('(.*)'\) TO \('(.*)'\)$re$)
    ) AS b (bound)
    WHERE n.nspname = 'annals'
      AND p.relname = parent
      AND b.bound IS NOT NULL
      AND NOT i.pending
    ORDER BY 3
$$;

REVOKE ALL ON FUNCTION annals.partition_bounds(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_bounds(text) TO annals_writer, annals_reader, annals_job,
    annals_platform;
