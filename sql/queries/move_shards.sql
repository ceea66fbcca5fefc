-- name: move_shards
-- on: primary as annals_job
-- params: tenant_id text
-- rows: one a shard: name, where its primary is, t where it takes new tenants, t where the tenant lives
--       there; none where the tenant is not known
SELECT s.name,
       s.primary_conninfo,
       s.state = 'open',
       s.name = t.shard
FROM annals.tenants AS t
CROSS JOIN annals.shards AS s
WHERE t.tenant_id = $1
