-- name: session_find
-- on: primary as annals_writer
-- params: digest of the session's id
-- rows: 1 where it is there and has not ended: subject, tenant, scopes, csrf
-- tenant: all, the session says which tenant it is for
-- last_seen_at is good to a minute: not every page is worth a write.
WITH seen AS (
    UPDATE annals.sessions
    SET last_seen_at = now()
    WHERE id_hash = $1::bytea
      AND expires_at > now()
      AND last_seen_at < now() - interval '1 minute'
)
SELECT subject,
       tenant,
       scopes,
       csrf
FROM annals.sessions
WHERE id_hash = $1::bytea
  AND expires_at > now()
