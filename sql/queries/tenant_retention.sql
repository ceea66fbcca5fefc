-- name: tenant_retention
-- on: primary as annals_job
-- params: tenant_id text, class text
-- rows: 1: t where there is such a class, and the tenant is of it now; none where the tenant
--       does not live here, or is being moved away (docs/design/moves.md)
UPDATE annals.tenants AS t
SET retention_class = coalesce((SELECT c.name FROM annals.retention_classes AS c WHERE c.name = $2),
                               t.retention_class)
WHERE t.tenant_id = $1 AND t.presence = 'open'
RETURNING t.retention_class = $2
