-- Name of the partition of `parent` (a name in schema annals) for [from_at, to_at): events_2026_11,
-- events_2026_q4, outbox_2026_11_23, and for anything that is not a whole month, quarter or day in UTC
-- events_20261101_20261115.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_name(parent text, from_at timestamptz, to_at timestamptz)
    RETURNS text
    LANGUAGE sql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT parent || '_' || CASE
        WHEN u.from_at = date_trunc('quarter', u.from_at) AND u.to_at = u.from_at + interval '3 months'
            THEN to_char(u.from_at, 'YYYY"_q"Q')
        WHEN u.from_at = date_trunc('month', u.from_at) AND u.to_at = u.from_at + interval '1 month'
            THEN to_char(u.from_at, 'YYYY_MM')
        WHEN u.from_at = date_trunc('day', u.from_at) AND u.to_at = u.from_at + interval '1 day'
            THEN to_char(u.from_at, 'YYYY_MM_DD')
        ELSE to_char(u.from_at, 'YYYYMMDD') || '_' || to_char(u.to_at, 'YYYYMMDD')
    END
    FROM (SELECT partition_name.from_at AT TIME ZONE 'UTC' AS from_at,
                 partition_name.to_at AT TIME ZONE 'UTC' AS to_at) AS u
$$;

REVOKE ALL ON FUNCTION annals.partition_name(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_name(text, timestamptz, timestamptz) TO annals_job;
