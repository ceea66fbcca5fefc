-- name: session_clear
-- on: primary as annals_writer
-- params: none
-- rows: 0
-- tenant: all, it removes what has ended
-- A bounded bite at each login; rows that another login is removing are left to it.
WITH sessions AS (
    DELETE FROM annals.sessions
    WHERE id_hash IN (SELECT id_hash
                      FROM annals.sessions
                      WHERE expires_at < now()
                      ORDER BY expires_at
                      LIMIT 1000
                      FOR UPDATE SKIP LOCKED)
)
DELETE FROM annals.login_links
WHERE token_hash IN (SELECT token_hash
                     FROM annals.login_links
                     WHERE expires_at < now()
                     ORDER BY expires_at
                     LIMIT 1000
                     FOR UPDATE SKIP LOCKED)
