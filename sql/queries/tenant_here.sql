-- name: tenant_here
-- on: primary as annals_writer
-- params: tenant_id text
-- rows: 1 where the tenant lives here
-- What outbox_put asks in passing; after outbox_lock, never before it (docs/design/shards.md).
SELECT
FROM annals.tenants
WHERE tenant_id = $1 AND presence = 'open'
