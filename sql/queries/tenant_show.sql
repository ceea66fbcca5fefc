-- name: tenant_show
-- on: primary as annals_job
-- params: tenant_id text
-- rows: 1 where it is known: name, created_at in microseconds, t when suspended, class of retention, shard
--       (as the directory says it, which this is or is not), presence in this database
SELECT name,
       (extract(epoch FROM created_at) * 1000000)::bigint,
       suspended_at IS NOT NULL,
       retention_class,
       shard,
       presence
FROM annals.tenants
WHERE tenant_id = $1
