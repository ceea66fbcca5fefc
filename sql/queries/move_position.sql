-- name: move_position
-- on: primary as annals_keeper
-- params: tenant_id text, xid8 and bigint: where it stands; xid8 and bigint: where it is to stand
-- rows: 1; none where it stands elsewhere: somebody else follows, or the server was put back to an older
--       state
UPDATE annals.consumers
SET xid = $4::xid8, id = $5::bigint, moved_at = now()
WHERE name = 'move:' || $1 AND xid = $2::xid8 AND id = $3::bigint
RETURNING id
