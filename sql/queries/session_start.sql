-- name: session_start
-- on: primary as annals_writer
-- params: digest of the link's token, digest of the new session's id, csrf token, milliseconds that it lasts
-- rows: 1 where the link was good: subject, tenant, scopes, csrf; 0 where it is unknown, used or too old
-- tenant: all, the link says which tenant the session is for
-- One statement, so that a link is never used up without its session. A second use at the same moment waits
-- for the first and finds used_at set.
WITH link AS (
    UPDATE annals.login_links
    SET used_at = now()
    WHERE token_hash = $1::bytea
      AND used_at IS NULL
      AND expires_at > now()
    RETURNING subject, tenant, scopes
)
INSERT INTO annals.sessions (id_hash, subject, tenant, scopes, csrf, expires_at)
SELECT $2::bytea, subject, tenant, scopes, $3::text, now() + $4::bigint * interval '1 millisecond'
FROM link
RETURNING subject, tenant, scopes, csrf
