-- name: move_consumer_end
-- on: primary as annals_keeper
-- params: tenant_id text
-- rows: 0
DELETE FROM annals.consumers
WHERE name = 'move:' || $1
