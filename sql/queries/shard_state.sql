-- name: shard_state
-- on: primary as annals_job
-- params: name text, state text
-- rows: 1 where there is such a shard; 55006 where it is to be drained and a tenant is being moved there
-- tenant: all, it touches no row of theirs
UPDATE annals.shards
SET state = $2
WHERE name = $1
RETURNING name
