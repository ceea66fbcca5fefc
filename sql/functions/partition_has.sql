-- Has the tenant rows in this partition of events? One descent of the primary key. The owner is under
-- row-level security as well, so it looks as that tenant, and sets back who the transaction was.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.partition_has(part text, tenant text)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before text := coalesce(current_setting('annals.tenant', true), '');
    found_any boolean;
BEGIN
    PERFORM 1
    FROM annals.partition_states('events') AS s
    WHERE s.name = part;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no partition % of annals.events', quote_literal(part)
            USING ERRCODE = 'undefined_table';
    END IF;
    PERFORM set_config('annals.tenant', tenant, true);
    EXECUTE format('SELECT EXISTS (SELECT FROM annals.%I WHERE tenant_id = $1)', part)
        INTO found_any
        USING tenant;
    PERFORM set_config('annals.tenant', before, true);
    RETURN found_any;
END
$$;

REVOKE ALL ON FUNCTION annals.partition_has(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.partition_has(text, text) TO annals_job;
