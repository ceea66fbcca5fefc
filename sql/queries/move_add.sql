-- name: move_add
-- on: primary as annals_job
-- params: tenant_id text, source text, target text, started_by text
-- rows: 1; none where a shard is gone, or the target takes no tenants any more
-- Neither shard changes before the move is there to be seen: see shard_is_free in 0009_moves.
INSERT INTO annals.tenant_moves (tenant_id, source, target, started_by)
SELECT $1, s.name, t.name, $4
FROM annals.shards AS s
CROSS JOIN annals.shards AS t
WHERE s.name = $2 AND t.name = $3 AND t.state = 'open'
FOR SHARE
RETURNING id
