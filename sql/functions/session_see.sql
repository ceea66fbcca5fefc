-- A session of the console that has not ended, for a reader while the primary is away: by its digest alone,
-- so that nobody can list who is signed in. Nothing is written, so it looks at last_seen_at neither.
SET LOCAL ROLE annals_owner;

CREATE OR REPLACE FUNCTION annals.session_see(digest bytea)
    RETURNS TABLE (subject text, tenant text, scopes integer, csrf text)
    LANGUAGE sql
    STABLE
    SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.subject,
           s.tenant,
           s.scopes,
           s.csrf
    FROM annals.sessions AS s
    WHERE s.id_hash = session_see.digest
      AND s.expires_at > now()
$$;

REVOKE ALL ON FUNCTION annals.session_see(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION annals.session_see(bytea) TO annals_reader;
