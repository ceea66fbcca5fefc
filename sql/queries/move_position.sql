-- name: move_position
-- on: primary as annals_keeper
-- params: tenant_id text, xid8, bigint
-- rows: 0
UPDATE annals.consumers
SET xid = $2::xid8, id = $3::bigint, moved_at = now()
WHERE name = 'move:' || $1
