-- From when on this transaction's tenant sees its events: what search_begin has set, as a time. The policies
-- "kept" say the same, in a form that no index takes; here it is for the bounds of a statement. Without
-- settings of its own, so that the planner puts its text in the place of a call.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.kept_from() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.to_timestamp(nullif(pg_catalog.current_setting('annals.kept_from', true), '')::float8)
$$;

REVOKE ALL ON FUNCTION annals.kept_from() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.kept_from() TO annals_reader, annals_platform;
