-- The whole document of an event, as it is served and hashed (without received_at): its digest is that of
-- these bytes. The table keeps it without the head that its columns hold already.
--   SELECT annals.event_document(e) FROM annals.events AS e WHERE ...
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.event_document(event annals.events)
    RETURNS text
    LANGUAGE sql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '{"id":"' || event.id
        || '","tenant_id":"' || event.tenant_id
        || '","timestamp":"' || to_char(event."timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '",' || substr(event.document::text, 2)
$$;

REVOKE ALL ON FUNCTION annals.event_document(annals.events) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.event_document(annals.events) TO annals_reader, annals_job;
