-- name: tenant_list
-- on: primary as annals_writer
-- params: none
-- rows: one a tenant: id, name, created_at in microseconds, t when suspended, shard
-- tenant: all, for the operator's list
SELECT tenant_id,
       name,
       (extract(epoch FROM created_at) * 1000000)::bigint,
       suspended_at IS NOT NULL,
       shard
FROM annals.tenants
ORDER BY tenant_id
