-- name: move_tenant
-- on: primary as annals_job
-- params: tenant_id text
-- rows: 1 or none: presence, name, created in microseconds, class, its days or NULL
SELECT t.presence,
       t.name,
       (extract(epoch FROM t.created_at) * 1000000)::bigint,
       t.retention_class,
       c.keep_days
FROM annals.tenants AS t
JOIN annals.retention_classes AS c ON c.name = t.retention_class
WHERE t.tenant_id = $1
