-- name: tenant_find
-- on: primary as annals_writer
-- params: tenant_id text
-- rows: 1 where it is known: t when suspended
SELECT suspended_at IS NOT NULL
FROM annals.tenants
WHERE tenant_id = $1
