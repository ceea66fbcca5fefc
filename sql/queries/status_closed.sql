-- name: status_closed
-- on: any as annals_job
-- params: none
-- rows: one a tenant that takes no writes on this shard, and is shown: its id; the first hundred
-- tenant: all, for the operator
SELECT tenant_id
FROM annals.tenants
WHERE presence = 'closed'
ORDER BY tenant_id
LIMIT 100
