-- name: shard_remove
-- on: primary as annals_job
-- params: name text
-- rows: 1 where there was such a shard, and no tenant lived on it; 55006 where one is being
--       moved there or from there
-- tenant: all, a shard has tenants or it has none
DELETE FROM annals.shards AS s
WHERE s.name = $1
  AND s.name <> 'default'
  AND NOT EXISTS (SELECT FROM annals.tenants AS t WHERE t.shard = s.name)
RETURNING s.name
