-- name: move_pin
-- on: primary as annals_job
-- params: tenant_id text, move bigint, servers of source and target: text, as move_server
-- rows: 0
UPDATE annals.tenant_moves
SET source_server = $3, target_server = $4
WHERE tenant_id = $1 AND id = $2
