-- name: shard_add
-- on: primary as annals_job
-- params: name text, primary text, replicas text[], identity text
-- rows: 1 where neither the name nor the database was there
-- tenant: all, it touches no row of theirs
INSERT INTO annals.shards (name, primary_conninfo, replicas, identity)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING name
