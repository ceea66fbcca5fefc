-- name: directory_tenant
-- on: any as annals_reader, annals_writer
-- params: tenant_id text
-- rows: 1: the version of what this says; shard, NULL where the tenant is not known; t when suspended
-- Behind set_tenant. With the version, since a replica may be further behind than the one that was asked
-- before.
SELECT v.value::bigint, t.shard, t.suspended_at IS NOT NULL
FROM annals.settings AS v
LEFT JOIN annals.tenants AS t ON t.tenant_id = $1
WHERE v.key = 'directory_version'
