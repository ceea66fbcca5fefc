-- name: session_end
-- on: primary as annals_writer
-- params: digest of the session's id
-- rows: 0
-- tenant: all, the id is known to its owner alone
DELETE FROM annals.sessions
WHERE id_hash = $1::bytea
